/*
 * How many instructions a system call takes, as a program sees it: with the
 * function that makes it, to the next instruction that counts. `make bench`
 * runs this in a machine that counts instructions, and draws the table.
 */
#include <stdbool.h>

#include <rux/rinit.h>

#include "userland/bench/bench.h"
#include "userland/bench/count.h"
#include "userland/print.h"
#include "userland/start.h"

static uint64_t values[SAMPLES];
static unsigned count;

void sample(uint64_t start, uint64_t end)
{
    values[count++ % SAMPLES] = end - start - PAIR;
}

/* Sorts the samples and begins anew. */
void report_median(const char *row)
{
    unsigned used = count < SAMPLES ? count : SAMPLES;

    for (unsigned i = 1; i < used; i++)
        for (unsigned j = i; j > 0 && values[j - 1] > values[j]; j--) {
            uint64_t value = values[j];
            values[j] = values[j - 1];
            values[j - 1] = value;
        }
    report(row, values[used / 2]);
    count = 0;
}

void must(enum error error, const char *what)
{
    if (!error)
        return;
    print("%s: %s\n", what, error_name(error));
    system_exit();
}

void report(const char *row, uint64_t value)
{
    __asm__ volatile(MARK_ROW ::: "memory");
    print("bench: %s %lu\n", row, value);
}

void make(uint8_t slot, enum object_type type, uint64_t bytes)
{
    must(system_retype(caddr(AT_BENCH), caddr(SLOT_POOL), slot, type,
             bytes),
        "retype");
}

/* In rinit's place there are devices; in the shell's hands there are none. */
static bool holds(uint8_t slot)
{
    struct identity identity;

    return !system_identify(caddr(slot), &identity) &&
           identity.type != OBJECT_NONE;
}

_Noreturn void rinit_main(void)
{
    must(system_retype(caddr(SLOT_MEMORY), caddr(SLOT_POOL), AT_BENCH,
             OBJECT_UNTYPED, 4 << 20),
        "memory to measure with");
    bench_calls();
    bench_capabilities();
    bench_memory();
    bench_process();
    bench_exchange();
    bench_tasks();
    if (holds(SLOT_SERIAL_LINE))
        bench_interrupt();
    system_exit();
}
