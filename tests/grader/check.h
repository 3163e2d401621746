/* check.h - the guest's side of grading: an exercise's check.c includes it.
 *
 * The host sends steps, each an operation and its arguments, as words of 64
 * bits. check_step() does the step with the kernel under test and tells what
 * it observed. It never judges: only the host knows what is right, since the
 * steps are made afresh for each run.
 */
#pragma once

#include <stdint.h>

/* The next word that the host has sent. */
uint64_t take(void);

/* Adds a word to the record of this step. */
void tell(uint64_t word);

/* What check.c defines: does one step; `operation` was its first word. */
void check_step(uint64_t operation);
