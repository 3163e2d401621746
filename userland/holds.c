/*
 * A program that says what it holds, slot by slot, and what its arguments are:
 *
 *     run holds these are its arguments
 *
 * Then it tries what it has not been given: each answer should be an error.
 */
#include <rux/buffer.h>
#include <rux/rinit.h>

#include "lib/rights.h"
#include "userland/capabilities.h"
#include "userland/print.h"
#include "userland/start.h"
#include "userland/types.h"

enum { AT_FREE = 200 };

static void list(void)
{
    for (unsigned slot = 0; slot < 256; slot++) {
        struct identity what;
        char letters[RIGHTS_LETTERS];

        system_identify(caddr((uint8_t)slot), &what);
        if (what.type == OBJECT_NONE)
            continue;
        rights_letters(what.rights, letters);
        print("%4u %-7s %s\n", slot, type_name(what.type), letters);
    }
}

static void try(const char *what, enum error error)
{
    print("%s: %s\n", what, error_name(error));
}

_Noreturn void rinit_main(void)
{
    print("arguments: \"%s\"\n", (const char *)(RINIT_BUFFER + BUFFER_BYTES));
    list();
    try("take from the console",
        system_channel_take(caddr(SLOT_CONSOLE)).error);
    try("mint the console anew", system_mint(caddr(SLOT_CONSOLE),
        caddr(SLOT_POOL), AT_FREE, RIGHT_ALL, 1));
    try("more urgent than the shell",
        system_task_set_priority(caddr(SLOT_TASK), 17));
    system_exit();
}
