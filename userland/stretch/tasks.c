/* Tasks that wait, run or fault. */
#include <rux/rinit.h>

#include "userland/bench/count.h"
#include "userland/stretch/stretch.h"

enum { AT_CHANNEL = AT_FIRST, AT_TASKS, TASKS = 100 };

static _Alignas(16) uint8_t stacks[TASKS][256];

static _Noreturn void wait(void)
{
    for (;;)
        system_channel_take(caddr(AT_CHANNEL));
}

static void start(uint8_t slot, uint64_t instruction, void *stack)
{
    make(slot, OBJECT_TASK);
    must(system_task_set(caddr(slot), caddr(SLOT_POOL), TASK_CPOOL),
        "set a pool");
    must(system_task_set(caddr(slot), caddr(SLOT_SPACE), TASK_TABLE),
        "set a space");
    must(system_task_set_register(caddr(slot), TASK_INSTRUCTION,
             instruction),
        "set an instruction");
    must(system_task_set_register(caddr(slot), TASK_STACK,
             (uint64_t)stack),
        "set a stack");
    must(system_task_start(caddr(slot)), "start");
}

static void start_waiting(void)
{
    make(AT_CHANNEL, OBJECT_CHANNEL);
    for (unsigned i = 0; i < TASKS; i++)
        start((uint8_t)(AT_TASKS + i), (uint64_t)wait,
            stacks[i] + sizeof(stacks[i]) - 8);
    system_yield();
}

void stretch_tasks(void)
{
    start_waiting();
    begin();
    end(system_revoke(caddr(AT_CHANNEL)),
        "revoke what 100 tasks wait by");
    begin();
    end(system_delete(caddr(AT_CHANNEL)),
        "delete what 100 tasks wait by");
    begin();
    end(system_reset(caddr(AT_BENCH)), "reset 100 tasks that run");
    start_waiting();
    begin();
    end(system_reset(caddr(AT_BENCH)), "reset 100 tasks that wait");
    begin();
    start(AT_TASKS, 0, stacks);
    system_yield();
    end(NO_ERROR, "a task faults");
    must(system_reset(caddr(AT_BENCH)), "reset");
}
