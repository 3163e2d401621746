/* Calls after which another task runs, in another address space. */
#include "userland/bench/bench.h"
#include "userland/bench/count.h"

enum { LOWER = 8 }; /* priority than rinit is given */

static volatile uint64_t arrived;
static _Alignas(16) uint8_t stack[4096];

static _Noreturn void yield_for_ever(void)
{
    for (;;) {
        arrived = now();
        system_yield();
    }
}

static _Noreturn void take_for_ever(void)
{
    for (;;) {
        system_channel_take(caddr(AT_CHANNEL));
        arrived = now();
        system_channel_put(caddr(AT_BACK), 0);
    }
}

/* The tables of our own space, under a top of its own. */
static void make_space(void)
{
    struct identity identity = { .type = OBJECT_NONE };
    uint8_t slot = SLOT_LOADED;

    make(AT_OTHER_SPACE, OBJECT_PML4, 0);
    while (!system_identify(caddr(slot), &identity) &&
           identity.type != OBJECT_PDPT)
        slot++;
    must(system_map(caddr(AT_OTHER_SPACE), caddr(slot), 0,
             RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE),
        "map our tables once more");
}

static void set_priority(uint8_t task, unsigned priority)
{
    must(system_task_set_priority(caddr(task), priority), "priority");
}

void begin_other(void (*function)(void))
{
    const caddr_t task = caddr(AT_OTHER);
    uint64_t top = (uint64_t)(stack + sizeof(stack)) - 8;

    make_space();
    make(AT_OTHER, OBJECT_TASK, 0);
    must(system_task_set(task, caddr(SLOT_POOL), TASK_CPOOL), "pool");
    must(system_task_set(task, caddr(AT_OTHER_SPACE), TASK_TABLE),
        "space");
    must(system_task_set_register(task, TASK_INSTRUCTION,
             (uint64_t)function),
        "instruction");
    must(system_task_set_register(task, TASK_STACK, top), "stack");
    must(system_task_start(task), "start");
}

static void yield_to_other(void)
{
    begin_other(yield_for_ever);
    system_yield();
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = now();
        system_yield();
        sample(start, arrived);
    }
    report_median("yield");
    must(system_reset(caddr(AT_BENCH)), "reset");
}

/* To a task that waits. If it has the higher priority it runs before
   the call is over, and then what counts is when. */
static void put(uint8_t lower, const char *row)
{
    make(AT_CHANNEL, OBJECT_CHANNEL, 0);
    make(AT_BACK, OBJECT_CHANNEL, 0);
    begin_other(take_for_ever);
    set_priority(lower, LOWER);
    must(system_channel_put(caddr(AT_CHANNEL), 0), "put");
    must(system_channel_take(caddr(AT_BACK)).error, "take");
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = now();
        enum error error = system_channel_put(caddr(AT_CHANNEL), 0);
        uint64_t end = now();
        sample(start, lower == SLOT_TASK ? arrived : end);
        must(error, "put");
        must(system_channel_take(caddr(AT_BACK)).error, "take");
    }
    report_median(row);
    must(system_reset(caddr(AT_BENCH)), "reset");
}

/* Nobody can raise his own priority, so that comes last. */
void bench_tasks(void)
{
    yield_to_other();
    put(AT_OTHER, "put-stay");
    put(SLOT_TASK, "put-preempt");
}
