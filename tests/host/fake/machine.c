/* Physical memory, as the host plays it. */
#include "kernel/machine.h"

_Alignas(PAGE_SIZE) unsigned char arena[ARENA_SIZE];
