/* The parts of bench.c. */
#pragma once

#include <rux/rinit.h>

#include "userland/capabilities.h"

enum { SAMPLES = 101 };

/* Slots: one for all memory, some objects, and SAMPLES that are empty
   between two measurements. */
enum {
    AT_BENCH = 30,
    AT_CHANNEL,
    AT_BACK,
    AT_TABLE,
    AT_DIRECTORY,
    AT_OTHER,
    AT_OTHER_SPACE,
    AT_POOLS, /* four */
    AT_BUFFER = AT_POOLS + 4,
    AT_PAGE,
    AT_MANY = 100,
};

void sample(uint64_t start, uint64_t end);
void report_median(const char *row);

/* Makes an object of the memory in AT_BENCH. */
void make(uint8_t slot, enum object_type type, uint64_t bytes);

/* A task in an address space of its own; the second starts it, too. */
void prepare_other(void (*function)(void));
void begin_other(void (*function)(void));

/* A table in AT_TABLE for what begins at WINDOW, where nothing is. */
void make_window(void);
#define WINDOW (UINT64_C(100) << 30)

void bench_calls(void), bench_capabilities(void), bench_memory(void);
void bench_process(void), bench_tasks(void), bench_exchange(void);
void bench_interrupt(void);
