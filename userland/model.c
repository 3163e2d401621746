/*
 * The sequences that the host tries on the kernel's core and on a model of it,
 * as system calls:
 *
 *     make run PROGRAM=model CHECK=1
 *
 * A task whose pool is a world of its own makes the calls, and sums up what it
 * is answered. The model has to come to the same sums, which
 * tests/boot/test_model.py compares; only timer interrupts, which stop calls
 * and have them made again, are the machine's own here.
 */
#include <rux/rinit.h>

#include "tests/host/model/sequence.h"
#include "userland/capabilities.h"
#include "userland/log.h"
#include "userland/start.h"

/* Slots that nothing of what rinit is given lies in. The ground is made below
   a large page, so that it ends at a multiple of one, as on the host. */
enum { ALIGNED = 199, GROUND, MEMORY, WORLD, CALLER };

enum { LARGE = 2 << 20, GROUND_SIZE = 2 * LARGE };

/* Between the two tasks. */
static volatile struct {
    uint64_t seed, step, sum;
    uint32_t told; /* the caller has news, and waits */
} news;

static void need(enum error error, const char *what)
{
    if (!error)
        return;
    log_print((void *)RINIT_BUFFER, "%s: %s", what, error_name(error));
    system_exit();
}

/* --- The task that calls ----------------------------------------------------- */

static struct outcome make_call(const struct operation *o)
{
    struct answer answer = system_call(o->word, o->argument[0],
        o->argument[1], o->argument[2], o->argument[3], o->argument[4],
        o->argument[5]);

    return (struct outcome){ answer.error, answer.value, answer.badge };
}

_Noreturn void child_main(void)
{
    static struct sequence sequence;

    sequence = sequence_begin(news.seed);
    news.sum = DIGEST_START;
    for (uint64_t step = 1; step <= KERNEL_STEPS; step++) {
        struct operation operation = sequence_next(&sequence);
        struct outcome outcome = make_call(&operation);

        sequence_hear(&sequence, &operation, &outcome);
        news.sum = digest(news.sum, &outcome);
        news.step = step;
        news.told = step % KERNEL_INTERVAL == 0;
        while (news.told)
            system_yield();
    }
    system_exit();
}

/* --- The task that sets it up -------------------------------------------------- */

static void give(uint8_t slot, caddr_t what)
{
    need(system_copy(what, caddr(WORLD), slot, RIGHT_ALL), "give");
}

static void make(uint8_t slot, enum object_type type, uint64_t bytes)
{
    need(system_retype(caddr(GROUND), caddr(SLOT_POOL), slot, type, bytes),
        "make");
}

/* As the host does in tests/host/model/world.c. */
static void make_world(uint32_t pages)
{
    need(system_reset(caddr(GROUND)), "reset");
    need(system_reset(caddr(SLOT_VIDEO_MEMORY)), "reset the screen");
    make(MEMORY, OBJECT_UNTYPED, (uint64_t)pages * 4096);
    make(WORLD, OBJECT_CPOOL, 0);
    make(CALLER, OBJECT_TASK, 0);
    give(0, caddr(WORLD));
    give(1, caddr(MEMORY));
    give(2, caddr(SLOT_VIDEO_MEMORY));
}

static void start_caller(void)
{
    const uint64_t stack = RINIT_CHILD_STACK + RINIT_STACK_SIZE - 4;
    caddr_t task = caddr(CALLER);

    need(system_task_set(task, caddr(WORLD), TASK_CPOOL), "pool");
    need(system_task_set(task, caddr(SLOT_SPACE), TASK_TABLE), "space");
    need(system_task_set_register(task, TASK_INSTRUCTION,
             (uint64_t)child_entry), "entry");
    need(system_task_set_register(task, TASK_STACK, stack), "stack");
    need(system_task_start(task), "start");
}

static void run(uint64_t seed)
{
    news.seed = seed;
    make_world(sequence_begin(seed).pages);
    start_caller();
    do {
        while (!news.told)
            system_yield();
        log_print((void *)RINIT_BUFFER, "seed %lu to %lu: %016lx", seed,
            news.step, news.sum);
        news.told = 0;
    } while (news.step < KERNEL_STEPS);
}

_Noreturn void rinit_main(void)
{
    need(system_retype(caddr(SLOT_MEMORY), caddr(SLOT_POOL), ALIGNED,
             OBJECT_PAGE, LARGE), "a large page");
    need(system_retype(caddr(SLOT_MEMORY), caddr(SLOT_POOL), GROUND,
             OBJECT_UNTYPED, GROUND_SIZE), "ground");
    for (uint64_t seed = 1; seed <= KERNEL_SEEDS; seed++)
        run(seed);
    log_print((void *)RINIT_BUFFER, "%u operations",
        KERNEL_SEEDS * KERNEL_STEPS);
    system_exit();
}
