/* host.h - what the tests on the host share: cmocka and random numbers.
 *
 * Each NN-*.c is a program of its own, linked with what chapters up to
 * NN (or the whole book) put into kernel/cap/ and lib/, and kernel/check.c.
 * Headers in fake/ stand for the machine's.
 *
 * SEED=n in the environment repeats a run with other random numbers; every
 * test that uses them starts from the seed, so that it can be run alone.
 */
#pragma once

/* The C library has a type of this name, too, from another century. */
#define caddr_t host_caddr_t
#include <sys/types.h>
#undef caddr_t

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t random_state;

/* Marsaglia's xorshift64*. */
static inline uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)(random_state * 0x2545f4914f6cdd1dULL >> 32) % limit;
}

/* As a cmocka set-up function: random numbers begin anew, from SEED or 1. */
static inline int seed_random(void **state)
{
    const char *seed = getenv("SEED");

    (void)state;
    random_state = seed ? strtoull(seed, NULL, 0) : 1;
    random_state = random_state * 0x9e3779b97f4a7c15ULL | 1;
    if (seed)
        print_message("SEED=%s\n", seed);
    return 0;
}
