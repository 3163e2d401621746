/* On the host a call is answered as in the kernel: in the registers. */
#pragma once
#include "kernel/cap/task.h"

static inline void call_answer(struct task *task, enum error error,
    uint64_t value, uint64_t badge)
{
    task->frame.rax = error;
    task->frame.rdx = value;
    task->frame.rsi = badge;
}
