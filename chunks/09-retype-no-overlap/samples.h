/* The types of objects that only the checks of this exercise make. */
#pragma once
#include <stddef.h>

#include "kernel/address.h"

struct object;

enum {
    SMALL_SIZE = 120,
    LARGE_SIZE = 3000,
    LARGE_UNZEROED = 1000,
    FRAME_SIZE = 136,
    TABLE_SIZE = 200,
};

/* Notes how clean its memory is. */
void sample_construct(struct object *object, paddr_t memory,
                      size_t bytes);
