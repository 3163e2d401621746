/* 14-scheduling.c - who runs next, for how long, and when it is over. */
#include "tests/kernel/program.h"

#include "kernel/scheduler.h"
#include "kernel/syscall.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/timer.h"
#include "lib/string.h"

PROGRAM(count, "1: inc qword ptr [0x500000]; jmp 1b")
PROGRAM(leave, "inc qword ptr [0x500000]; mov eax, 1; syscall")
PROGRAM(fail, "ud2")

/* Yields some times, then exits; counts the times. */
PROGRAM(yield_thrice, "mov ebx, 3\n1: inc qword ptr [0x500000];"
                      "xor eax, eax; syscall; dec ebx; jnz 1b;"
                      "mov eax, 1; syscall")

/* Waits until enough time has passed on its counter, then exits. */
PROGRAM(count_to_rbx, "1: inc qword ptr [0x500000];"
                      "cmp qword ptr [0x500000], rbx; jne 1b;"
                      "mov eax, 1; syscall")

/* A task that could run: in order, from an untyped. */
static struct task *make_task(struct untyped *ground, unsigned slot)
{
    struct process p = load_program(ground, slot, PROGRAM_OF(leave));
    return p.task;
}

static struct task *ready_task(struct untyped *ground, unsigned slot)
{
    struct task *task = make_task(ground, slot);
    EXPECT_EQUAL(task_start(task), NO_ERROR);
    return task;
}

TEST(nobody_is_next_if_nobody_is_ready)
{
    struct task *task = make_task(fresh_ground(), 1);
    EXPECT(!scheduler_next());
    EXPECT_EQUAL(task_start(task), NO_ERROR);
    EXPECT(scheduler_next() == task);
    task_stop(task);
    EXPECT(!scheduler_next());
    check_all();
}

TEST(equals_go_round_robin)
{
    struct untyped *ground = fresh_ground();
    struct task *task[3];
    for (unsigned i = 0; i < 3; i++)
        task[i] = ready_task(ground, 1 + i);
    for (unsigned i = 0; i < 9; i++) {
        EXPECT(scheduler_next() == task[i % 3]);
        EXPECT(scheduler_next() == task[i % 3]);
        scheduler_yield(task[i % 3]);
    }
    check_all();
}

TEST(the_highest_priority_is_next)
{
    struct untyped *ground = fresh_ground();
    struct task *low = ready_task(ground, 1), *high = ready_task(ground, 2);
    struct task *top = make_task(ground, 3);
    scheduler_set_priority(low, 0);
    scheduler_set_priority(high, 17);
    scheduler_set_priority(top, 31);
    EXPECT(scheduler_next() == high);
    scheduler_yield(high);
    EXPECT(scheduler_next() == high);
    EXPECT_EQUAL(task_start(top), NO_ERROR);
    EXPECT(scheduler_next() == top);
    scheduler_set_priority(top, 1);
    EXPECT(scheduler_next() == high);
    task_stop(high);
    EXPECT(scheduler_next() == top);
    task_stop(top);
    EXPECT(scheduler_next() == low);
    check_all();
}

/* A state of waiting that no chapter gives a meaning. */
static const enum task_state WAITING = (enum task_state)200;

TEST(who_waits_is_counted)
{
    struct untyped *ground = fresh_ground();
    struct task *a = ready_task(ground, 1), *b = ready_task(ground, 2);
    const struct scheduler *scheduler = &this_cpu()->scheduler;
    scheduler_wait(a, WAITING);
    EXPECT_EQUAL(scheduler->waiting, 1);
    EXPECT(scheduler_next() == b);
    check_all();
    scheduler_wait(b, WAITING);
    EXPECT_EQUAL(scheduler->waiting, 2);
    EXPECT(!scheduler_next());
    scheduler_ready(a);
    EXPECT_EQUAL(scheduler->waiting, 1);
    EXPECT(scheduler_next() == a);
    task_stop(b);
    EXPECT_EQUAL(scheduler->waiting, 0);
    check_all();
}

TEST(destroyed_tasks_leave_their_queues)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 9);
    struct task *task = ready_task(island, 1);
    struct task *survivor = ready_task(ground, 2);
    scheduler_wait(task, WAITING);
    while (!untyped_reset(island))
        continue;
    EXPECT_EQUAL(this_cpu()->scheduler.waiting, 0);
    task = ready_task(island, 1);
    scheduler_yield(survivor);
    while (!untyped_reset(island))
        continue;
    EXPECT(scheduler_next() == survivor);
    check_all();
}

TEST(the_loop_ends_when_nothing_can_run)
{
    struct untyped *ground = fresh_ground();
    scheduler_run();
    struct process p = start_program(ground, 1, PROGRAM_OF(leave));
    scheduler_run();
    EXPECT_EQUAL(*data_of(&p), 1);
    EXPECT_EQUAL(p.task->state, TASK_INACTIVE);
    check_all();
}

TEST(a_fault_stops_one_task_and_no_other)
{
    struct untyped *ground = fresh_ground();
    struct process a = start_program(ground, 1, PROGRAM_OF(leave));
    struct process b = start_program(ground, 2, PROGRAM_OF(fail));
    struct process c = start_program(ground, 3, PROGRAM_OF(leave));
    scheduler_run();
    EXPECT_EQUAL(*data_of(&a) + *data_of(&c), 2);
    EXPECT_EQUAL(b.task->state, TASK_INACTIVE);
    EXPECT_EQUAL(b.task->frame.rip, TEXT);
    check_all();
}

TEST(yielding_lets_equals_run)
{
    struct untyped *ground = fresh_ground();
    struct process a = start_program(ground, 1, PROGRAM_OF(yield_thrice));
    struct process b = start_program(ground, 2, PROGRAM_OF(yield_thrice));
    scheduler_run();
    EXPECT_EQUAL(*data_of(&a), 3);
    EXPECT_EQUAL(*data_of(&b), 3);
}

TEST(spinning_tasks_share_the_time)
{
    struct untyped *ground = fresh_ground();
    struct process spin[2];
    for (unsigned i = 0; i < 2; i++) {
        spin[i] = start_program(ground, 1 + i, PROGRAM_OF(count));
        EXPECT_EQUAL(spin[i].task->priority, PRIORITY_DEFAULT);
    }
    uint64_t start = timer_ticks;
    while (timer_ticks - start < 8 * SLICE_TICKS) {
        struct task *task = scheduler_next();
        uint32_t slice = task->slice;
        switch_to(task);
        EXPECT(task->frame.vector >= EXCEPTIONS);
        interrupt_handle((unsigned)task->frame.vector);
        if (--task->slice == 0)
            scheduler_yield(task);
        EXPECT(slice <= SLICE_TICKS);
    }
    uint64_t a = *data_of(&spin[0]), b = *data_of(&spin[1]);
    EXPECT(a > 1000 && b > 1000);
    EXPECT(a < b + b / 8 && b < a + a / 8);
}

TEST(a_spinning_task_does_not_keep_its_equal_from_ending)
{
    struct untyped *ground = fresh_ground();
    struct process spin = start_program(ground, 1, PROGRAM_OF(count));
    struct process other = start_program(ground, 2, PROGRAM_OF(count_to_rbx));
    other.task->frame.rbx = 1000;
    while (other.task->state == TASK_READY) {
        struct task *task = scheduler_next();
        switch_to(task);
        if (task->frame.vector == VECTOR_SYSCALL) {
            system_call(task);
            continue;
        }
        interrupt_handle((unsigned)task->frame.vector);
        if (--task->slice == 0)
            scheduler_yield(task);
    }
    EXPECT(*data_of(&spin) > 1000);
    EXPECT_EQUAL(*data_of(&other), 1000);
}

TEST(tasks_preempt_each_other_in_the_main_loop)
{
    struct untyped *ground = fresh_ground();
    struct process p[3];
    for (unsigned i = 0; i < 3; i++) {
        p[i] = start_program(ground, 1 + i, PROGRAM_OF(count_to_rbx));
        p[i].task->frame.rbx = 400000; /* some 20 ticks */
    }
    uint64_t start = timer_ticks;
    scheduler_run();
    EXPECT(timer_ticks - start > 3 * SLICE_TICKS);
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_EQUAL(*data_of(&p[i]), 400000);
        EXPECT_EQUAL(p[i].task->state, TASK_INACTIVE);
    }
    check_all();
}

/* --- Calls that go back at once ---------------------------------------------- */

/* Identifies its pool a hundred times and looks at every register. */
PROGRAM(identify,
        "mov rbx, 11; mov rbp, 12; mov r12, 13; mov r13, 14; mov r14, 15;"
        "mov r15, 16; mov r8, 17; mov r9, 18; mov r10, 19; mov rdi, 0x700;"
        "again: mov eax, 0x102; mov esi, 5; mov edx, 6; syscall;"
        "test rax, rax; jnz bad; cmp dh, 15; jne bad; test rsi, rsi; jnz bad;"
        "cmp rbx, 11; jne bad; cmp rbp, 12; jne bad; cmp r12, 13; jne bad;"
        "cmp r13, 14; jne bad; cmp r14, 15; jne bad; cmp r15, 16; jne bad;"
        "cmp r8, 17; jne bad; cmp r9, 18; jne bad; cmp r10, 19; jne bad;"
        "cmp rdi, 0x700; jne bad; cmp rsp, 0x501000; jne bad;"
        "inc qword ptr [0x500000]; cmp qword ptr [0x500000], 100; jb again;"
        "mov eax, 1; syscall; bad: ud2")

/* The same for a number that belongs to no call. */
PROGRAM(ask_nothing,
        "mov rbx, 11; mov r15, 16; mov eax, 0xfe; mov edx, 5; mov esi, 6;"
        "syscall; mov [0x500000], rax; mov [0x500008], rdx;"
        "mov [0x500010], rsi; mov [0x500018], rbx; mov [0x500020], r15;"
        "mov eax, 1; syscall")

/* Makes a page of 2 MiB of slot 2, in a call that may be stopped. */
PROGRAM(make_large_page,
        "mov eax, 0x1103; mov edi, 2; xor esi, esi; mov edx, 200;"
        "mov r8, [0x500000]; mov r9d, 0x200000; mov r10d, 1; syscall;"
        "mov [0x500008], rax; mov eax, 1; syscall")

TEST(calls_that_go_back_at_once_lose_no_register)
{
    struct process p = start_program(fresh_ground(), 1, PROGRAM_OF(identify));
    scheduler_run();
    EXPECT_EQUAL(*data_of(&p), 100);
    EXPECT_EQUAL(p.task->frame.vector, VECTOR_SYSCALL);
    check_all();
}

TEST(a_number_without_a_call_is_answered_at_once)
{
    struct process p =
        start_program(fresh_ground(), 1, PROGRAM_OF(ask_nothing));
    scheduler_run();
    const uint64_t expected[] = {ERROR_BAD_CALL, 0, 0, 11, 16};
    EXPECT_EQUAL(memcmp(data_of(&p), expected, sizeof expected), 0);
}

TEST(a_call_that_stops_goes_on_after_the_interrupt)
{
    struct untyped *ground = fresh_ground();
    struct process p = load_program(ground, 1, PROGRAM_OF(make_large_page));
    EXPECT_EQUAL(untyped_retype(ground, OBJECT_UNTYPED, 5 << 20,
                                &p.pool->pool, PROCESS_MEMORY),
                 NO_ERROR);
    *data_of(&p) = OBJECT_PAGE;
    data_of(&p)[1] = ERRORS;
    EXPECT_EQUAL(process_start(&p, TEXT, STACK_END), NO_ERROR);
    while (!interrupt_waits())
        continue;
    uint64_t start = timer_ticks;
    scheduler_run();
    EXPECT_EQUAL(data_of(&p)[1], NO_ERROR);
    EXPECT(timer_ticks > start);
    EXPECT(page_from(p.pool->slots[200].weak.object));
    check_all();
}

/* --- Setting priorities by a call ------------------------------------------- */

static enum error set_priority(struct task *task, uint64_t slot,
                               uint64_t priority)
{
    task->frame.rax = call_word(CALL_TASK_SET_PRIORITY, 1, 0, 0);
    task->frame.rdi = slot;
    task->frame.rsi = priority;
    system_call(task);
    return (enum error)task->frame.rax;
}

TEST(nobody_gives_more_priority_than_he_has)
{
    struct process p =
        start_program(fresh_ground(), 1, PROGRAM_OF(leave));
    struct task *task = p.task;
    EXPECT_EQUAL(set_priority(task, PROCESS_TASK, 17), ERROR_NO_RIGHT);
    EXPECT_EQUAL(set_priority(task, PROCESS_TASK, 31), ERROR_NO_RIGHT);
    EXPECT_EQUAL(set_priority(task, PROCESS_TASK, 32), ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(set_priority(task, PROCESS_TASK, 1ULL << 32),
                 ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(set_priority(task, PROCESS_TASK, 256 + 3),
                 ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(set_priority(task, PROCESS_POOL, 3), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(set_priority(task, PROCESS_MEMORY, 3),
                 ERROR_NO_CAPABILITY);
    EXPECT_EQUAL(task->priority, PRIORITY_DEFAULT);
    EXPECT_EQUAL(set_priority(task, PROCESS_TASK, 3), NO_ERROR);
    EXPECT_EQUAL(task->priority, 3);
    EXPECT_EQUAL(set_priority(task, PROCESS_TASK, 4), ERROR_NO_RIGHT);
    check_all();
}

TEST(who_starts_a_task_answers_for_its_priority)
{
    enum { AT_OTHER = 40 };
    struct untyped *ground = fresh_ground();
    struct process p = start_program(ground, 1, PROGRAM_OF(leave));
    struct process q = start_program(ground, 2, PROGRAM_OF(leave));
    struct task *low = p.task, *other = q.task;
    task_stop(other);
    weak_derive(&p.pool->pool, AT_OTHER, &q.pool->slots[PROCESS_TASK],
                RIGHT_ALL, 0);
    EXPECT_EQUAL(set_priority(low, PROCESS_TASK, 3), NO_ERROR);
    low->frame.rax = call_word(CALL_TASK_START, 1, 0, 0);
    low->frame.rdi = AT_OTHER;
    system_call(low);
    EXPECT_EQUAL(low->frame.rax, NO_ERROR);
    EXPECT_EQUAL(other->state, TASK_READY);
    EXPECT_EQUAL(other->priority, 3);
    check_all();
}

/* --- Against a model --------------------------------------------------------- */

enum { TASKS = 6, STEPS = 400 };

static uint64_t state = 1442695040888963407;

static unsigned random_below(unsigned limit)
{
    state = state * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(state >> 33) % limit;
}

/* The model: a time of arrival for each ready task, and a priority. */
static struct model {
    struct task *task;
    uint64_t arrived; /* 0: not ready */
    unsigned priority;
} model[TASKS];

static struct task *next_of_model(void)
{
    struct model *best = NULL;
    for (unsigned i = 0; i < TASKS; i++) {
        struct model *m = &model[i];
        if (m->arrived && (!best || m->priority > best->priority ||
                           (m->priority == best->priority &&
                            m->arrived < best->arrived)))
            best = m;
    }
    return best ? best->task : NULL;
}

static void step(struct model *m, uint64_t now)
{
    switch (random_below(5)) {
    case 0:
        EXPECT_EQUAL(task_start(m->task), NO_ERROR);
        if (!m->arrived && m->task->state == TASK_READY)
            m->arrived = now;
        break;
    case 1:
        task_stop(m->task);
        m->arrived = 0;
        break;
    case 2:
        if (m->arrived)
            scheduler_wait(m->task, WAITING);
        m->arrived = 0;
        break;
    case 3:
        scheduler_ready(m->task);
        m->arrived = now;
        break;
    default:
        m->priority = random_below(3) + 15;
        scheduler_set_priority(m->task, (uint8_t)m->priority);
        if (m->arrived)
            m->arrived = now;
    }
}

TEST(the_queues_agree_with_a_model)
{
    struct untyped *ground = fresh_ground();
    for (unsigned i = 0; i < TASKS; i++)
        model[i] = (struct model){make_task(ground, 1 + i), 0,
                                  PRIORITY_DEFAULT};
    for (uint64_t now = 1; now <= STEPS; now++) {
        step(&model[random_below(TASKS)], now);
        EXPECT(scheduler_next() == next_of_model());
        check_scheduler();
    }
}
