/* run.h - sequences of operations, on the model and on the core. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include <rux/calls.h>

#include "tests/host/model/operation.h"

struct run {
    uint64_t seed;
    uint32_t pages;
    size_t count;
    struct operation *operation;
};

/* What has come of the runs so far; step: the one that is being made. */
struct tally {
    uint64_t seed, step;
    uint64_t answers[CALLS + 1][ERRORS]; /* by call; behind the last: none */
    uint64_t stopped[CALLS + 1];
    uint64_t most_objects, most_slots;
    char different[240]; /* what the first difference is */
};

/* The sequence of a seed; the caller frees run.operation. */
struct run run_of(uint64_t seed, size_t steps);

/* False: model and core differ. A failed assertion or a bad access of the
   core ends the process. */
bool run_compare(const struct run *run, struct tally *tally);

/* The digest of the outcomes of operations first to last, by the model. */
void run_digest(const struct run *run, size_t interval);
