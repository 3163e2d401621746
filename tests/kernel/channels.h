/* channels.h - tasks whose program makes one call after the other, as a test
 * tells it: through a channel in the same slot of every pool. */
#pragma once

#include "tests/kernel/program.h"

#include "kernel/cap/channel.h"
#include "kernel/scheduler.h"
#include "kernel/syscall.h"

enum { CHANNEL = 200, OTHER = 201, LINE = 202, BUFFER = 203, THING = 204 };

/* The numbers of calls, as the programs below know them; with the length of
   one address, or of two. */
_Static_assert(CALL_EXIT == 1, "see the programs");
enum { ONE = 0x100, TWO = 0x1100 };

/* A program calls with the call word in rax; the kernel puts it there. */
PROGRAM(call, "1: syscall; jmp 1b")

/* Makes a channel in the process's pool. */
static inline struct capability *make_channel(struct untyped *memory,
                                       struct process *process)
{
    EXPECT_EQUAL(untyped_retype(memory, OBJECT_CHANNEL, 0,
                                &process->pool->pool, CHANNEL),
                 NO_ERROR);
    return &process->pool->slots[CHANNEL];
}

static inline void share(struct process *with, struct capability *channel,
                  unsigned rights, uint32_t badge)
{
    weak_derive(&with->pool->pool, CHANNEL, channel, rights, badge);
}

/* The next call of a task whose program is `call`. */
static inline enum error next_call(struct task *task, uint64_t word, uint64_t rdi,
                            uint64_t rsi)
{
    task->frame.rax = word;
    task->frame.rdi = rdi;
    task->frame.rsi = rsi;
    do {
        EXPECT_EQUAL(run_to_entry(task), VECTOR_SYSCALL);
        system_call(task);
        check_all();
        still_alive();
    } while (task->frame.rip == TEXT); /* the call is made again */
    return (enum error)task->frame.rax;
}

/* One that puts: a word, a payload, a capability. */
static inline enum error next_put(struct task *task, uint64_t word,
                           uint64_t capability, uint64_t value,
                           uint64_t length, uint64_t rights)
{
    task->frame.rdx = value;
    task->frame.r8 = length;
    task->frame.r9 = rights;
    return next_call(task, word, CHANNEL, capability);
}

static inline enum error put_word(struct task *task, uint64_t value)
{
    return next_put(task, CALL_CHANNEL_PUT | ONE, 0, value, 0, 0);
}

/* One that takes into a slot of the task's own pool. */
static inline enum error take_into(struct task *task, uint64_t call, uint64_t slot)
{
    task->frame.rdx = slot;
    return next_call(task, call | TWO, CHANNEL, PROCESS_POOL);
}

static inline struct message taken_by(const struct task *task)
{
    uint64_t rest = task->frame.rsi;
    EXPECT_EQUAL(rest >> 49, 0);
    return (struct message){.word = task->frame.rdx,
                            .badge = (uint32_t)rest,
                            .length = (uint16_t)(rest >> 32),
                            .capability = rest >> 48};
}

static inline struct channel *channel_in(struct capability *slot)
{
    return channel_from(slot->weak.object);
}

/* As scheduler_run() does; all checks after each call take their time. */
static inline void run(void)
{
    for (struct task *task; (task = scheduler_next());) {
        EXPECT_EQUAL(run_to_entry(task), VECTOR_SYSCALL);
        system_call(task);
        still_alive();
    }
}
