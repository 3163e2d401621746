/* On the host physical memory is an array, and address 0 its first byte. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "kernel/address.h"

enum { ARENA_SIZE = 4 * 1024 * 1024 };

extern unsigned char arena[ARENA_SIZE];

static inline void *physical_pointer(paddr_t address)
{
    return arena + address.value;
}

static inline paddr_t pointer_physical(const void *pointer)
{
    return physical((uint64_t)((const unsigned char *)pointer - arena));
}

extern unsigned tlb_flushes; /* how often the processor was told */

void tlb_flush(void);

/* Says at each look whether an interrupt waits; NULL: never. */
extern bool (*interrupt_script)(void);
extern unsigned looks; /* how often the core has looked */

bool interrupt_waits(void);
