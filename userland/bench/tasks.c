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

static _Noreturn void take_only(void)
{
    for (;;)
        system_channel_take(caddr(AT_CHANNEL));
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

void prepare_other(void (*function)(void))
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
}

void begin_other(void (*function)(void))
{
    prepare_other(function);
    must(system_task_start(caddr(AT_OTHER)), "start");
}

static void yield_to_other(void)
{
    begin_other(yield_for_ever);
    system_yield();
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        system_yield();
        sample(start, arrived);
    }
    report_median("yield");
    must(system_reset(caddr(AT_BENCH)), "reset");
}

/* To a task that waits and has the same priority: it waits on until we
   yield. */
static void put_and_stay(void)
{
    make(AT_CHANNEL, OBJECT_CHANNEL, 0);
    begin_other(take_only);
    system_yield();
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        enum error error = system_channel_put(caddr(AT_CHANNEL), 0);
        sample(start, now());
        must(error, "put");
        system_yield();
    }
    report_median("put-stay");
    must(system_reset(caddr(AT_BENCH)), "reset");
}

/* To one of higher priority: it runs before the call is over, and what
   counts is when. */
static void put_and_give_way(void)
{
    make(AT_CHANNEL, OBJECT_CHANNEL, 0);
    make(AT_BACK, OBJECT_CHANNEL, 0);
    begin_other(take_for_ever);
    must(system_task_set_priority(caddr(SLOT_TASK), LOWER), "priority");
    must(system_channel_put(caddr(AT_CHANNEL), 0), "put");
    must(system_channel_take(caddr(AT_BACK)).error, "take");
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        enum error error = system_channel_put(caddr(AT_CHANNEL), 0);
        sample(start, arrived);
        must(error, "put");
        must(system_channel_take(caddr(AT_BACK)).error, "take");
    }
    report_median("put-preempt");
    must(system_reset(caddr(AT_BENCH)), "reset");
}

/* Nobody can raise his own priority, so that comes last. */
void bench_tasks(void)
{
    yield_to_other();
    put_and_stay();
    put_and_give_way();
}
