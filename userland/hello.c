/*
 * A program that starts in rinit's place:
 *
 *     make run PROGRAM=hello
 *
 * It says what it owns, makes a channel and sends itself a number.
 */
#include <rux/rinit.h>

#include "userland/capabilities.h"
#include "userland/print.h"
#include "userland/start.h"

enum { AT_FREE = 200 }; /* nothing of what rinit is given lies here */

static void say(const char *what, enum error error, uint64_t number)
{
    print("%s: %s, %lu\n", what, error_name(error), number);
}

static unsigned count_slots(void)
{
    unsigned used = 0;

    for (unsigned i = 0; i < 256; i++) {
        struct identity what = { .type = OBJECT_NONE };
        if (!system_identify(caddr((uint8_t)i), &what))
            used += what.type != OBJECT_NONE;
    }
    return used;
}

_Noreturn void rinit_main(void)
{
    caddr_t channel = caddr(AT_FREE);

    say("hello; slots in use", NO_ERROR, count_slots());
    say("make a channel",
        system_retype(caddr(SLOT_MEMORY), caddr(SLOT_POOL), AT_FREE,
            OBJECT_CHANNEL, 0),
        AT_FREE);
    say("put", system_channel_put(channel, 42), 42);

    struct answer answer = system_channel_take(channel);
    say("take", answer.error, answer.value);
    say("delete", system_delete(channel), AT_FREE);
    say("take again", system_channel_take(channel).error, 0);
    system_exit();
}
