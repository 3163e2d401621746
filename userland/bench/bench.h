/* The parts of bench.c. */
#pragma once

#include <rux/rinit.h>

#include "userland/capabilities.h"

enum { SAMPLES = 101 };

/* Slots: one for all memory, some objects, and SAMPLES that are empty
   between two measurements. */
enum {
    SLOT_BENCH = 30,
    SLOT_CHANNEL,
    SLOT_BACK,
    SLOT_TABLE,
    SLOT_DIRECTORY,
    SLOT_OTHER,
    SLOT_OTHER_SPACE,
    SLOT_POOLS, /* four */
    SLOT_MANY = 100,
};

void sample(uint64_t start, uint64_t end);
void report_median(const char *row);

/* Makes an object of the memory in SLOT_BENCH. */
void make(uint8_t slot, enum object_type type, uint64_t bytes);

/* Starts a task in an address space of its own. */
void begin_other(void (*function)(void));

void bench_calls(void), bench_capabilities(void), bench_memory(void);
void bench_process(void), bench_tasks(void), bench_interrupt(void);
