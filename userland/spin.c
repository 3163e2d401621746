/*
 * A program that never ends by itself and asks nobody for anything:
 *
 *     run spin &
 *     kill 1
 */
#include "userland/start.h"

_Noreturn void rinit_main(void)
{
    for (volatile unsigned turns = 0;; turns++)
        continue;
}
