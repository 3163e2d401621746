/* world.h - the kernel's core in a world of its own, and the comparison of
 * what is in it with the model. */
#pragma once
#include "kernel/cap/weak.h"
#include "tests/host/model/model.h"

/* Builds it anew, with so many pages of memory, and the model with it. */
void world_begin(struct model *model, uint32_t pages);

/* Lets the core carry an operation out; true: it has stopped. */
bool world_call(const struct operation *operation, struct outcome *outcome);

/* The kernel's own slot for an object of the world; NULL: it has none. */
const struct weak *world_kept(int object);

/* What a call that has stopped has taken away of what the model has. */
void world_progress(const struct model *model, struct progress *progress);

/* NULL, or what the first difference is. */
const char *world_compare(const struct model *model);
