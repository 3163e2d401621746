/* 15-channels.c - tasks in ring 3 that wait for each other and for devices.
 * The channel itself is tested against a model on the host. */
#include "tests/kernel/program.h"

#include "kernel/cap/channel.h"
#include "kernel/cap/irq.h"
#include "kernel/scheduler.h"
#include "kernel/syscall.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/io.h"

enum { CHANNEL = 200, OTHER = 201, LINE = 202 };

/* The numbers of calls, as the programs below know them; with the length of
   one address, or of two. */
_Static_assert(CALL_EXIT == 1, "see the programs");
enum { ONE = 0x100, TWO = 0x1100 };

/* A program calls with the call word in rax; the kernel puts it there. */
PROGRAM(call, "1: syscall; jmp 1b")

/* r12: the word of "put", r13: of "take"; r14: of "exit". */
PROGRAM(count_up, "mov ebp, 1\n"
                  "1: mov rax, r12; mov edi, 200; mov rsi, rbp; syscall\n"
                  "test rax, rax; jnz 2f\n"
                  "inc ebp; cmp ebp, 40; jbe 1b\n"
                  "2: mov [0x500000], rax; mov rax, r14; syscall")
PROGRAM(check_up, "mov ebp, 1\n"
                  "1: mov rax, r13; mov edi, 200; syscall\n"
                  "test rax, rax; jnz 2f; cmp rdx, rbp; jne 2f\n"
                  "cmp esi, 7; jne 2f\n"
                  "inc ebp; cmp ebp, 40; jbe 1b\n"
                  "2: mov [0x500000], rbp; mov rax, r14; syscall")

static struct process start(struct untyped *ground, unsigned slot,
                            struct program program)
{
    struct process process = load_program(ground, slot, program);
    struct frame *frame = &process.task->frame;
    frame->r12 = CALL_CHANNEL_PUT | ONE;
    frame->r13 = CALL_CHANNEL_TAKE | ONE;
    frame->r14 = CALL_EXIT;
    frame->r15 = CALL_IRQ_ACKNOWLEDGE | ONE;
    EXPECT_EQUAL(process_start(&process, TEXT, STACK_END), NO_ERROR);
    return process;
}

/* Makes a channel in the process's pool. */
static struct capability *make_channel(struct untyped *memory,
                                       struct process *process)
{
    EXPECT_EQUAL(untyped_retype(memory, OBJECT_CHANNEL, 0,
                                &process->pool->pool, CHANNEL),
                 NO_ERROR);
    return &process->pool->slots[CHANNEL];
}

static void share(struct process *with, struct capability *channel,
                  unsigned rights, uint32_t badge)
{
    weak_derive(&with->pool->pool, CHANNEL, channel, rights, badge);
}

/* The next call of a task whose program is `call`. */
static enum error next_call(struct task *task, uint64_t word, uint64_t rdi,
                            uint64_t rsi)
{
    task->frame.rax = word;
    task->frame.rdi = rdi;
    task->frame.rsi = rsi;
    EXPECT_EQUAL(run_to_entry(task), VECTOR_SYSCALL);
    system_call(task);
    check_all();
    return (enum error)task->frame.rax;
}

static struct channel *channel_in(struct capability *slot)
{
    return channel_from(slot->weak.object);
}

/* As scheduler_run() does; all checks after each call take their time. */
static void run(void)
{
    for (struct task *task; (task = scheduler_next());) {
        EXPECT_EQUAL(run_to_entry(task), VECTOR_SYSCALL);
        system_call(task);
        still_alive();
    }
}

/* --- Two tasks --------------------------------------------------------------- */

TEST(forty_words_arrive_in_order)
{
    struct untyped *ground = fresh_ground();
    struct process taker = start(ground, 1, PROGRAM_OF(check_up));
    struct process putter = start(ground, 2, PROGRAM_OF(count_up));
    share(&putter, make_channel(ground, &taker), RIGHT_WRITE, 7);
    run();
    EXPECT_EQUAL(*data_of(&taker), 41);
    EXPECT_EQUAL(*data_of(&putter), NO_ERROR);
    check_all();
}

TEST(a_taker_of_higher_priority_runs_at_each_word)
{
    struct untyped *ground = fresh_ground();
    struct process taker = start(ground, 1, PROGRAM_OF(check_up));
    struct process putter = start(ground, 2, PROGRAM_OF(count_up));
    struct capability *channel = make_channel(ground, &taker);
    share(&putter, channel, RIGHT_WRITE, 7);
    scheduler_set_priority(taker.task, 17);
    for (unsigned i = 0; i < 30; i++) {
        struct task *next = scheduler_next();
        EXPECT(next == (i % 2 ? putter.task : taker.task));
        EXPECT_EQUAL(run_to_entry(next), VECTOR_SYSCALL);
        system_call(next);
        EXPECT_EQUAL(channel_in(channel)->count, 0);
    }
    task_stop(taker.task);
    task_stop(putter.task);
    check_all();
}

/* --- Calls ------------------------------------------------------------------- */

TEST(a_full_and_an_empty_channel_refuse_who_does_not_wait)
{
    struct untyped *ground = fresh_ground();
    struct process p = start_program(ground, 1, PROGRAM_OF(call));
    make_channel(ground, &p);
    uint64_t put = CALL_CHANNEL_PUT_NOW | ONE;
    uint64_t take = CALL_CHANNEL_TAKE_NOW | ONE;
    EXPECT_EQUAL(next_call(p.task, take, CHANNEL, 0), ERROR_WOULD_BLOCK);
    for (uint64_t i = 0; i < CHANNEL_MESSAGES; i++)
        EXPECT_EQUAL(next_call(p.task, put, CHANNEL, ~i), NO_ERROR);
    EXPECT_EQUAL(next_call(p.task, put, CHANNEL, 1), ERROR_WOULD_BLOCK);
    for (uint64_t i = 0; i < CHANNEL_MESSAGES; i++) {
        EXPECT_EQUAL(next_call(p.task, take, CHANNEL, 0), NO_ERROR);
        EXPECT_EQUAL(p.task->frame.rdx, ~i);
    }
    EXPECT_EQUAL(next_call(p.task, take, CHANNEL, 0), ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(p.task->frame.rdx, 0);
    EXPECT_EQUAL(p.task->frame.rsi, 0);
}

TEST(calls_on_channels_check_type_and_rights)
{
    struct untyped *ground = fresh_ground();
    struct process p = start_program(ground, 1, PROGRAM_OF(call));
    struct weak_pool *pool = &p.pool->pool;
    struct capability *channel = make_channel(ground, &p);
    weak_derive(pool, 210, channel, RIGHT_READ, 0);
    weak_derive(pool, 211, channel, RIGHT_WRITE, 0);
    static const uint64_t puts[] = {CALL_CHANNEL_PUT, CALL_CHANNEL_PUT_NOW};
    static const uint64_t takes[] = {CALL_CHANNEL_TAKE,
                                     CALL_CHANNEL_TAKE_NOW};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t put = puts[i] | ONE, take = takes[i] | ONE;
        EXPECT_EQUAL(next_call(p.task, put, 210, 1), ERROR_NO_RIGHT);
        EXPECT_EQUAL(next_call(p.task, take, 211, 1), ERROR_NO_RIGHT);
        EXPECT_EQUAL(next_call(p.task, put, PROCESS_TASK, 1),
                     ERROR_WRONG_TYPE);
        EXPECT_EQUAL(next_call(p.task, take, PROCESS_POOL, 1),
                     ERROR_WRONG_TYPE);
        EXPECT_EQUAL(next_call(p.task, put, 212, 1), ERROR_NO_CAPABILITY);
        EXPECT_EQUAL(next_call(p.task, puts[i], CHANNEL, 1),
                     ERROR_BAD_ADDRESS);
        EXPECT_EQUAL(p.task->state, TASK_READY);
    }
    EXPECT_EQUAL(channel_in(channel)->count, 0);
}

/* --- The end of waiting -------------------------------------------------------- */

static struct process waiter(struct untyped *ground, unsigned slot,
                             struct capability *channel)
{
    struct process p = start_program(ground, slot, PROGRAM_OF(call));
    share(&p, channel, RIGHT_READ, 0);
    next_call(p.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0);
    EXPECT_EQUAL(p.task->state, TASK_TAKING);
    return p;
}

TEST(the_end_of_a_channel_wakes_who_waits)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 3);
    struct capability *channel = make(island, OBJECT_CHANNEL, 4);
    struct process a = waiter(ground, 1, channel);
    struct process b = waiter(ground, 2, channel);
    while (!untyped_reset(island))
        continue;
    check_all();
    EXPECT_EQUAL(a.task->state, TASK_READY);
    EXPECT_EQUAL(a.task->frame.rax, ERROR_REVOKED);
    EXPECT_EQUAL(b.task->frame.rax, ERROR_REVOKED);
    EXPECT(!a.pool->slots[CHANNEL].weak.object);
    EXPECT_EQUAL(next_call(a.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0),
                 ERROR_NO_CAPABILITY);
}

TEST(revoking_wakes_whom_it_concerns)
{
    struct untyped *ground = fresh_ground();
    struct capability *channel = make(ground, OBJECT_CHANNEL, 4);
    struct capability *copy = &kernel_pool.slots[5];
    weak_derive(&kernel_pool.pool, 5, channel, RIGHT_ALL, 0);
    struct process a = waiter(ground, 1, channel);
    struct process b = waiter(ground, 2, copy);
    while (!weak_revoke(copy))
        continue;
    check_all();
    EXPECT_EQUAL(a.task->state, TASK_TAKING);
    EXPECT_EQUAL(b.task->state, TASK_READY);
    EXPECT_EQUAL(b.task->frame.rax, ERROR_REVOKED);
    task_stop(a.task);
    check_all();
    EXPECT(link_alone(&channel_in(channel)->takers));
}

TEST(a_waiting_task_can_be_destroyed)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 3);
    struct capability *channel = make(ground, OBJECT_CHANNEL, 4);
    waiter(island, 1, channel);
    struct process b = waiter(ground, 2, channel);
    while (!untyped_reset(island))
        continue;
    check_all();
    EXPECT(channel_in(channel)->takers.next == &b.task->queue);
    struct message message = {.word = 9};
    EXPECT_EQUAL(channel_put(channel_in(channel), message), NO_ERROR);
    EXPECT_EQUAL(b.task->frame.rdx, 9);
    EXPECT_EQUAL(b.task->frame.rax, NO_ERROR);
    check_all();
}

/* --- Interrupts ---------------------------------------------------------------- */

/* Takes ten messages; notes line and badge of each; acknowledges. */
PROGRAM(ten_ticks, "mov ebx, 0x500000; mov ebp, 10\n"
                   "1: mov rax, r13; mov edi, 200; syscall\n"
                   "test rax, rax; jnz 2f\n"
                   "mov [rbx], rdx; mov [rbx + 8], rsi; add ebx, 16\n"
                   "mov rax, r15; mov edi, 202; syscall\n"
                   "test rax, rax; jnz 2f\n"
                   "dec ebp; jnz 1b\n"
                   "2: mov rax, r14; syscall")

static struct irq *pit_line(void)
{
    static struct irq irq;
    if (irq.object.type == OBJECT_NONE) {
        EXPECT(irq_route(0));
        irq_init(&irq, 0);
        object_keep(&irq.object);
        port_out8(0x43, 0x34); /* channel 0, periodic, 100 Hz */
        port_out8(0x40, 11932 & 0xff);
        port_out8(0x40, 11932 >> 8);
    }
    return &irq;
}

TEST(a_device_is_heard_through_a_channel)
{
    struct untyped *ground = fresh_ground();
    struct process p = start(ground, 1, PROGRAM_OF(ten_ticks));
    struct capability *channel = make_channel(ground, &p);
    struct capability *badged = &p.pool->slots[OTHER];
    weak_derive(&p.pool->pool, OTHER, channel, RIGHT_WRITE, 77);
    weak_original(&p.pool->pool, LINE, &pit_line()->object, RIGHT_ALL, 0);
    irq_bind(pit_line(), badged);
    check_all();
    scheduler_run();
    for (unsigned i = 0; i < 10; i++) {
        EXPECT_EQUAL(data_of(&p)[2 * i], 0);
        EXPECT_EQUAL(data_of(&p)[2 * i + 1], 77);
    }
    EXPECT_EQUAL(p.task->state, TASK_INACTIVE);
    EXPECT(!p.task->references[TASK_WAIT].object);
    check_all();
}

TEST(an_interrupt_before_the_acknowledgement_is_remembered)
{
    struct untyped *ground = fresh_ground();
    struct capability *channel = make(ground, OBJECT_CHANNEL, 4);
    struct message message;
    struct irq *irq = pit_line();
    irq_bind(irq, channel);
    irq_mask(0); /* from here on we are the device */
    irq_raise(0);
    irq_raise(0);
    irq_raise(0);
    EXPECT_EQUAL(channel_take(channel_in(channel), &message), NO_ERROR);
    EXPECT_EQUAL(channel_take(channel_in(channel), &message),
                 ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(irq_acknowledge(irq), NO_ERROR);
    irq_mask(0);
    EXPECT_EQUAL(channel_take(channel_in(channel), &message), NO_ERROR);
    EXPECT_EQUAL(irq_acknowledge(irq), NO_ERROR);
    irq_mask(0);
    EXPECT_EQUAL(channel_take(channel_in(channel), &message),
                 ERROR_WOULD_BLOCK);
    check_all();
}

TEST(a_signal_needs_no_room_and_is_recalled_with_its_channel)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 3);
    struct capability *channel = make(island, OBJECT_CHANNEL, 4);
    struct message message = {.word = 1};
    struct irq *irq = pit_line();
    irq_bind(irq, channel);
    irq_mask(0);
    for (unsigned i = 0; i < CHANNEL_MESSAGES; i++)
        channel_put(channel_in(channel), message);
    irq_raise(0);
    check_all();
    EXPECT(!link_alone(&irq->signal.link));
    while (!untyped_reset(island))
        continue;
    EXPECT(link_alone(&irq->signal.link));
    EXPECT(!irq->channel.object);
    EXPECT_EQUAL(irq_acknowledge(irq), ERROR_NOT_READY);
    irq_raise(0);
    check_all();
}

TEST(calls_on_lines_check_type_and_rights)
{
    struct untyped *ground = fresh_ground();
    struct process p = start_program(ground, 1, PROGRAM_OF(call));
    struct weak_pool *pool = &p.pool->pool;
    struct capability *channel = make_channel(ground, &p);
    uint64_t bind = CALL_IRQ_BIND | TWO;
    uint64_t acknowledge = CALL_IRQ_ACKNOWLEDGE | ONE;
    weak_original(pool, LINE, &pit_line()->object, RIGHT_ALL, 0);
    weak_derive(pool, 210, &p.pool->slots[LINE], RIGHT_READ, 0);
    weak_derive(pool, 211, channel, RIGHT_READ, 0);
    EXPECT_EQUAL(next_call(p.task, acknowledge, LINE, 0), ERROR_NOT_READY);
    EXPECT_EQUAL(next_call(p.task, bind, 210, CHANNEL), ERROR_NO_RIGHT);
    EXPECT_EQUAL(next_call(p.task, bind, LINE, 211), ERROR_NO_RIGHT);
    EXPECT_EQUAL(next_call(p.task, bind, CHANNEL, CHANNEL),
                 ERROR_WRONG_TYPE);
    EXPECT_EQUAL(next_call(p.task, bind, LINE, LINE), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(next_call(p.task, bind, LINE, CHANNEL), NO_ERROR);
    EXPECT_EQUAL(next_call(p.task, bind, LINE, CHANNEL), NO_ERROR);
    for (unsigned i = 0; i < 3; i++) /* before there was a message, too */
        EXPECT_EQUAL(next_call(p.task, acknowledge, LINE, 0), NO_ERROR);
    EXPECT_EQUAL(next_call(p.task, acknowledge, 210, 0), ERROR_NO_RIGHT);
    irq_mask(0);
}
