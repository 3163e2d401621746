/* On the host no task ever runs; it is enough to note that it may. */
#pragma once
#include "kernel/cap/task.h"

enum { PRIORITY_DEFAULT = 16 };

static inline void scheduler_ready(struct task *task)
{
    task->state = TASK_READY;
}

static inline void scheduler_remove(struct task *task)
{
    (void)task;
}

static inline void check_scheduler(void)
{
}
