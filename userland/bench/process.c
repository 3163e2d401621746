/* A whole process: a task, a pool, an address space with two pages. */
#include "userland/bench/bench.h"
#include "userland/bench/count.h"

/* In the order in which they are made; a table is mapped into the one
   before it, both pages into the last. */
enum {
    AT_PML4 = AT_MANY,
    AT_PDPT,
    AT_PD,
    AT_PT,
    AT_TEXT,
    AT_DATA,
    AT_CPOOL,
    AT_CHILD_TASK,
    PARTS = AT_CHILD_TASK - AT_PML4 + 1,
};

static const enum object_type types[PARTS] = { OBJECT_PML4, OBJECT_PDPT,
    OBJECT_PD, OBJECT_PT, OBJECT_PAGE, OBJECT_PAGE, OBJECT_CPOOL,
    OBJECT_TASK };

static enum error map(uint8_t table, uint8_t child, unsigned index,
    unsigned rights)
{
    return system_map(caddr(table), caddr(child), index,
        RIGHT_READ | rights);
}

static enum error map_all(void)
{
    const unsigned all = RIGHT_WRITE | RIGHT_EXECUTE;
    enum error error = map(AT_PML4, AT_PDPT, 0, all);

    if (!error)
        error = map(AT_PDPT, AT_PD, 0, all);
    if (!error)
        error = map(AT_PD, AT_PT, 2, all);
    if (!error)
        error = map(AT_PT, AT_TEXT, 0, RIGHT_EXECUTE);
    return error ? error : map(AT_PT, AT_DATA, 1, RIGHT_WRITE);
}

static enum error start(void)
{
    const caddr_t task = caddr(AT_CHILD_TASK);
    enum error error =
        system_task_set(task, caddr(AT_CPOOL), TASK_CPOOL);

    if (!error)
        error = system_task_set(task, caddr(AT_PML4), TASK_TABLE);
    if (!error)
        error = system_task_set_register(task, TASK_INSTRUCTION, 0x400000);
    if (!error)
        error = system_task_set_register(task, TASK_STACK, 0x402000);
    if (!error)
        error = system_task_set_priority(task, 1);
    return error ? error : system_task_start(task);
}

static enum error create(void)
{
    enum error error = NO_ERROR;

    for (unsigned i = 0; i < PARTS && !error; i++)
        error = system_retype(caddr(AT_BENCH), caddr(SLOT_POOL),
            (uint8_t)(AT_MANY + i), types[i], 0);
    if (!error)
        error = map_all();
    return error ? error : start();
}

static void reset(void)
{
    must(system_reset(caddr(AT_BENCH)), "destroy a process");
}

void bench_process(void)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        enum error error = create();
        sample(start, now());
        must(error, "create a process");
        reset();
    }
    report_median("process-create");
    for (unsigned i = 0; i < SAMPLES; i++) {
        must(create(), "create a process");
        uint64_t start = begin_count();
        reset();
        sample(start, now());
    }
    report_median("process-destroy");
}
