/* On the host physical memory is an array, and address 0 its first byte. */
#pragma once
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
