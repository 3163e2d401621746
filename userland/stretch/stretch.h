/* The parts of stretch.c. */
#pragma once

#include "userland/capabilities.h"

/* Slots that rinit leaves empty, for all of them. */
enum { AT_BENCH = 30, AT_FIRST = 31, AT_LAST = 220 };

/* Makes an object of the memory in AT_BENCH. */
void make(uint8_t slot, enum object_type type);

/* What stands between the two is measured. */
void begin(void);
void end(enum error error, const char *what);

void stretch_trees(void), stretch_memory(void), stretch_ends(void);
void stretch_tasks(void), stretch_log(void);
