/*
 * A program that takes all the memory that it has, and tells how much it was:
 *
 *     run exhaust
 */
#include <rux/memory.h>
#include <rux/rinit.h>

#include "userland/capabilities.h"
#include "userland/print.h"
#include "userland/start.h"

enum { AT_FIRST = 60, AT_LAST = 200 };

_Noreturn void rinit_main(void)
{
    enum error error = ERROR_NO_MEMORY;
    uint64_t taken = 0;
    uint8_t slot = AT_FIRST;

    /* Ever smaller pieces, until not even a page is left. */
    for (uint64_t piece = 1 << 30; piece >= PAGE_SIZE; piece /= 2)
        while (slot <= AT_LAST &&
               !(error = system_retype(caddr(SLOT_MEMORY),
                     caddr(SLOT_POOL), slot, OBJECT_UNTYPED, piece))) {
            taken += piece;
            slot++;
        }
    print("%lu KiB taken, then: %s\n",
        taken / 1024, error_message(error));
    system_exit();
}
