/* rinit.h - the first program, loaded but not run, for tests to look at. */
#pragma once

#include <rux/rinit.h>

#include "kernel/cap/task.h"
#include "kernel/rinit.h"
#include "tests/kernel/ground.h"

/* The pool of rinit, which is loaded if it is not there yet, and stopped. */
static inline struct cpool *rinit_pool(void)
{
    for (;;) {
        struct object *at = NULL;
        while ((at = object_next(at))) {
            struct cpool *pool = cpool_from(at);
            if (!pool || pool == &kernel_pool)
                continue;
            struct object *log = pool->slots[SLOT_LOG].weak.object;
            if (log && log->type == OBJECT_LOG) {
                task_stop(task_from(pool->slots[SLOT_TASK].weak.object));
                return pool;
            }
        }
        rinit_start();
    }
}
