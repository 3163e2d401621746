/*
 * The longest stretches with interrupts off that a program can cause. Runs on
 * the kernel with tests/bench/measure.nw (`make bench` builds it), while
 * ticks come so fast that one waits nearly always.
 */
#include <rux/rinit.h>

#include "userland/bench/count.h"
#include "userland/bench/measure.h"
#include "userland/capabilities.h"
#include "userland/log.h"
#include "userland/start.h"
#include "userland/stretch/stretch.h"

enum { TICK = 1000000, FAST_TICK = 1009 };

static uint64_t edges;

static struct answer measure(enum measure what, uint64_t value)
{
    return system_call(MEASURE_CALL, what, value, 0, 0, 0, 0);
}

void must(enum error error, const char *what)
{
    if (!error)
        return;
    log_print((void *)RINIT_BUFFER, "%s: %s", what, error_name(error));
    system_exit();
}

void report(const char *row, uint64_t value)
{
    log_print((void *)RINIT_BUFFER, "bench: %s %lu", row, value);
}

void make(uint8_t slot, enum object_type type)
{
    must(system_retype(caddr(AT_BENCH), caddr(SLOT_POOL), slot, type,
             0),
        "retype");
}

void begin(void)
{
    must(measure(MEASURE_TIMER, FAST_TICK).error, "a faster clock");
    measure(MEASURE_LONGEST, 0);
}

void end(enum error error, const char *what)
{
    struct answer longest = measure(MEASURE_LONGEST, 0);

    measure(MEASURE_TIMER, TICK);
    must(error, what);
    log_print((void *)RINIT_BUFFER, "stretch: %lu in %lu: %s",
        longest.value + edges, longest.badge, what);
}

/* What lies outside of the kernel's own count, the function that makes
   the call included: the instructions of the way in and out. */
static void find_edges(void)
{
    measure(MEASURE_LONGEST, 0);
    uint64_t start = now();
    system_call(0xff, 0, 0, 0, 0, 0, 0);
    uint64_t end = now();
    edges = end - start - PAIR - measure(MEASURE_LONGEST, 0).value;
}

extern uintptr_t __stack_chk_guard; /* start.asm: the clock, times 256 */

_Noreturn void rinit_main(void)
{
    struct answer entry = measure(MEASURE_BOOT, 0);

    must(entry.error, "this kernel does not measure; make bench");
    report("boot", (__stack_chk_guard >> 8) - entry.value);
    find_edges();
    must(system_retype(caddr(SLOT_MEMORY), caddr(SLOT_POOL), AT_BENCH,
             OBJECT_UNTYPED, 64 << 20),
        "memory to play with");
    stretch_trees();
    stretch_memory();
    stretch_ends();
    stretch_tasks();
    stretch_log();
    system_exit();
}
