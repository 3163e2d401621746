/* On the host physical memory is an arena, and address 0 its first byte;
   a test defines its bytes. */
#pragma once
#include <stdint.h>

#include "kernel/address.h"

extern unsigned char arena[];

static inline void *physical_pointer(paddr_t address)
{
    return arena + address.value;
}

static inline paddr_t pointer_physical(const void *pointer)
{
    return physical((uint64_t)((const unsigned char *)pointer - arena));
}
