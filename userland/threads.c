/*
 * A program that lets threads do its work:
 *
 *     run threads 4
 *
 * adds up the numbers below a million in four parts (1 to 9). Each thread holds
 * the console and the channel for its result; what it prints, it prints itself.
 */
#include <rux/buffer.h>
#include <rux/rinit.h>

#include "userland/allocate.h"
#include "userland/capabilities.h"
#include "userland/print.h"
#include "userland/start.h"
#include "userland/thread.h"

enum { AT_RESULTS = 200, AT_HEAP, NUMBERS = 1000000 };

static unsigned count;

static void must(enum error error, const char *what)
{
    if (!error)
        return;
    print("%s: %s\n", what, error_message(error));
    system_exit_with(1);
}

static void add_up(uint64_t part)
{
    uint64_t sum = 0;

    for (uint64_t i = part; i < NUMBERS; i += count)
        sum += i;
    print("part %lu: %lu\n", part, sum);
    system_channel_put(caddr(AT_RESULTS), sum);
}

static void begin(struct thread *thread, uint64_t part)
{
    must(thread_make(thread), "make a thread");
    must(system_copy(caddr(SLOT_CONSOLE), thread->pool, SLOT_CONSOLE,
        RIGHT_WRITE), "give it a console");
    must(system_copy(caddr(AT_RESULTS), thread->pool, AT_RESULTS,
        RIGHT_WRITE), "give it a channel");
    must(thread_start(thread, add_up, part), "start it");
}

_Noreturn void rinit_main(void)
{
    const char *argument = (const char *)(RINIT_BUFFER + BUFFER_BYTES);
    caddr_t memory = caddr(SLOT_MEMORY);
    uint64_t sum = 0;

    count = *argument >= '1' && *argument <= '9' ? (unsigned)(*argument - '0') : 2;
    must(library_open(memory, SLOT_LIBRARY), "open the library");
    must(system_retype(memory, caddr(SLOT_POOL), AT_RESULTS,
        OBJECT_CHANNEL, 0), "make a channel");
    must(system_retype(memory, caddr(SLOT_POOL), AT_HEAP,
        OBJECT_UNTYPED, 1 << 20), "make memory for a heap");
    allocate_from(caddr(AT_HEAP));
    struct thread *threads = allocate(count * sizeof(*threads));
    if (!threads)
        must(ERROR_NO_MEMORY, "remember the threads");
    for (unsigned i = 0; i < count; i++)
        begin(&threads[i], i);
    for (unsigned i = 0; i < count; i++)
        sum += system_channel_take(caddr(AT_RESULTS)).value;
    for (unsigned i = 0; i < count; i++)
        must(thread_stop(&threads[i]), "stop it");
    release(threads);
    print("all: %lu\n", sum);
    system_exit();
}
