/* Counting instructions: what the programs that measure share. */
#pragma once

#include <stdint.h>

#include <rux/error.h>

/* An instruction that does nothing; tests/bench/hidden.c knows it: from the
   first to the second it counts what the time stamp counter does not tell,
   and the third says that a row of the table is done. */
#define MARK(number) "nopl 0x52757800 + " #number "(%%rax);"
#define MARK_BEGIN MARK(0)
#define MARK_END MARK(1)
#define MARK_ROW MARK(2)

static inline uint64_t begin_count(void)
{
    uint32_t low, high;

    __asm__ volatile(MARK_BEGIN "rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

/* The time stamp counter; in the machine of `make bench` it counts
   instructions. */
static inline uint64_t now(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc;" MARK_END : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

/* Between two calls of now() that follow each other: shl, or, rdtsc. */
enum { PAIR = 3 };

/* Ends the program, and says where, if there was an error. */
void must(enum error error, const char *what);

/* A figure, as a line for the host to read. */
void report(const char *row, uint64_t value);
