/* On the host no task ever runs; the state and the queues are kept. */
#pragma once
#include "kernel/assert.h"
#include "kernel/cap/task.h"

enum { PRIORITIES = 32, PRIORITY_DEFAULT = 16 };
enum { SLICE_TICKS = 10, SLICE_LONGEST = 1000 };

static inline struct task *task_in_queue(struct link *link)
{
    return (struct task *)((char *)link - offsetof(struct task, queue));
}

static inline void scheduler_remove(struct task *task)
{
    link_remove(&task->queue);
}

static inline void scheduler_ready(struct task *task)
{
    link_remove(&task->queue);
    task->state = TASK_READY;
}

static inline void scheduler_wait(struct task *task, enum task_state state)
{
    assert(task->state == TASK_READY && state > TASK_READY);
    link_remove(&task->queue);
    task->state = (uint8_t)state;
}

static inline void scheduler_hand_on(struct task *from, struct task *to)
{
    (void)from;
    (void)to;
}

static inline void scheduler_fail(struct task *task)
{
    task_stop(task);
}

static inline void scheduler_yield(struct task *task)
{
    (void)task;
}

static inline void scheduler_set_priority(struct task *task,
    uint8_t priority)
{
    task->priority = priority;
}

static inline void check_scheduler(void)
{
}
