/* A program without kernel/syscall.c answers calls here, like the kernel. */
#if __has_include("kernel/syscall.h")
#include "kernel/syscall.h"

__attribute__((weak)) void call_answer(struct task *task, enum error error,
    uint64_t value, uint64_t badge)
{
    task->frame.rax = error;
    task->frame.rdx = value;
    task->frame.rsi = badge;
}
#endif
