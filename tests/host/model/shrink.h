/* shrink.h - the fewest operations of a run that still fail. */
#pragma once
#include "tests/host/model/run.h"

/* From now on the process has some seconds of processor time for a run, and
   no more: a core that does not come back counts as failing. */
void run_limit(const struct run *run);

/* Whether a run fails, tried in a process of its own. */
bool run_fails(const struct run *run);

/* Marks those of a failing run that are needed. */
void run_shrink(const struct run *run, bool *needed);
