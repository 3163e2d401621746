/*
 * A program that does not keep to the protocol of the console in its slot 248:
 *
 *     run rude
 *
 * It puts where it should call, asks for what there is not, sends what it may
 * not, and prints what could have a terminal obey it.
 */
#include <rux/buffer.h>
#include <rux/rinit.h>

#include "userland/calls.h"
#include "userland/capabilities.h"
#include "userland/console_words.h"
#include "userland/messages.h"
#include "userland/print.h"
#include "userland/start.h"

static void put_many(void)
{
    for (uint64_t i = 0; i < 200; i++)
        system_channel_put(caddr(SLOT_CONSOLE), i);
    print("put: %s\n", error_name(system_channel_put_bytes(
        caddr(SLOT_CONSOLE), CONSOLE_PRINT, (void *)RINIT_BUFFER, "put", 3)));
}

static void ask(uint64_t word)
{
    struct exchange question = { .words = { word, 14, 0, 0 } };
    struct heard answer =
        system_call_channel(caddr(SLOT_CONSOLE), &question);

    print("ask for %lx: %s, %s\n", word, error_name(answer.error),
        error_name((enum error)answer.words[0]));
}

static void send(caddr_t capability)
{
    struct exchange gift = { .words = { CONSOLE_PRINT },
        .capability = capability, .rights = RIGHT_ALL };

    print("send a capability: %s\n", error_name(
        system_call_channel(caddr(SLOT_CONSOLE), &gift).error));
}

static void show(size_t length)
{
    struct exchange text = { .words = { CONSOLE_PRINT }, .length = length };
    struct heard answer =
        system_call_channel(caddr(SLOT_CONSOLE), &text);

    print("\nshow %lu: %s\n", length, error_name(answer.error));
}

_Noreturn void rinit_main(void)
{
    put_many();
    ask(2);
    ask(UINT64_MAX);
    send(caddr(SLOT_MEMORY));
    show(0);
    show(1025);
    print("\x1b[2Jescape\r\b\x7f\n");
    system_exit();
}
