/* shrink.h - the fewest operations of a run that still fail. */
#pragma once
#include "tests/host/model/run.h"

/* Whether a run fails, tried in a process of its own. */
bool run_fails(const struct run *run);

/* Marks those of a failing run that are needed. */
void run_shrink(const struct run *run, bool *needed);
