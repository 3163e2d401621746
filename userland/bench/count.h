/* Counting instructions: what the programs that measure share. */
#pragma once

#include <stdint.h>

#include <rux/error.h>

/* The time stamp counter; in the machine of `make bench` it counts
   instructions. */
static inline uint64_t now(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

/* Between two calls of now() that follow each other: shl, or, rdtsc. */
enum { PAIR = 3 };

/* Ends the program, and says where, if there was an error. */
void must(enum error error, const char *what);

/* A figure, as a line for the host to read. */
void report(const char *row, uint64_t value);
