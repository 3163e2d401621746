/* run.c - sequences of operations, on the model and on the core. */
#include "tests/host/model/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/check.h"
#include "tests/host/model/sequence.h"
#include "tests/host/model/world.h"

/* All invariants are checked at each step in a small world, and now and then
   in a larger one; the comparison is made at each step. */
enum { SMALL_WORLD = 40, CHECK_PERIOD = 32 };

static struct model model;
static struct progress progress;

struct run run_of(uint64_t seed, size_t steps)
{
    struct sequence sequence = sequence_begin(seed);
    struct run run = { seed, sequence.pages, steps,
        calloc(steps, sizeof *run.operation) };

    world_begin(&model, run.pages);
    for (size_t n = 0; n < steps; n++) {
        struct operation operation = sequence_next(&sequence);
        struct outcome outcome = model_call(&model, &operation, NULL);

        sequence_hear(&sequence, &operation, &outcome);
        run.operation[n] = operation;
    }
    return run;
}

static bool outcomes_differ(const struct outcome *core,
    const struct outcome *wanted, bool stopped, struct tally *tally)
{
    if (stopped && wanted->error) {
        snprintf(tally->different, sizeof tally->different,
            "the core has stopped, and should answer %s",
            error_name((unsigned)wanted->error));
        return true;
    }
    if (stopped || (core->error == wanted->error &&
                       core->value == wanted->value &&
                       core->badge == wanted->badge))
        return false;
    snprintf(tally->different, sizeof tally->different,
        "the core answers %s, 0x%" PRIx64 ", %" PRIu64
        ", and should answer %s, 0x%" PRIx64 ", %" PRIu64,
        error_name((unsigned)core->error), core->value, core->badge,
        error_name((unsigned)wanted->error), wanted->value, wanted->badge);
    return true;
}

static void count(const struct operation *operation,
    const struct outcome *outcome, bool stopped, struct tally *tally)
{
    uint64_t number = operation->word & 0xff;

    if (number >= CALLS || operation->word >> 20)
        number = CALLS;
    if (stopped)
        tally->stopped[number]++;
    else
        tally->answers[number][outcome->error]++;
    if (tally->most_objects < (uint64_t)model.objects)
        tally->most_objects = (uint64_t)model.objects;
    if (tally->most_slots < (uint64_t)model.slots)
        tally->most_slots = (uint64_t)model.slots;
}

/* One operation on both. */
static bool step(const struct operation *operation, struct tally *tally)
{
    struct outcome core;
    bool stopped = world_call(operation, &core);

    if (stopped)
        world_progress(&model, &progress);

    struct outcome wanted =
        model_call(&model, operation, stopped ? &progress : NULL);

    count(operation, &wanted, stopped, tally);
    if (outcomes_differ(&core, &wanted, stopped, tally))
        return false;

    const char *difference = world_compare(&model);

    if (difference)
        snprintf(tally->different, sizeof tally->different, "%s", difference);
    return !difference;
}

bool run_compare(const struct run *run, struct tally *tally)
{
    tally->seed = run->seed;
    world_begin(&model, run->pages);
    for (size_t n = 0; n < run->count; n++) {
        tally->step = n;
        if (!step(&run->operation[n], tally))
            return false;
        if (run->pages <= SMALL_WORLD || n % CHECK_PERIOD == 0)
            check_all();
    }
    check_all();
    return true;
}

void run_digest(const struct run *run, size_t interval)
{
    uint64_t sum = DIGEST_START;

    world_begin(&model, run->pages);
    for (size_t n = 0; n < run->count; n++) {
        struct outcome outcome = model_call(&model, &run->operation[n], NULL);

        sum = digest(sum, &outcome);
        if ((n + 1) % interval == 0)
            printf("seed %" PRIu64 " to %zu: %016" PRIx64 "\n", run->seed,
                n + 1, sum);
    }
}
