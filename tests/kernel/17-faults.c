/* 17-faults.c - faults and interrupts as messages. */
#include "tests/kernel/channels.h"

#include "kernel/cap/irq.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/io.h"

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
    struct process p = load_program(ground, 1, PROGRAM_OF(ten_ticks));
    struct capability *channel = make_channel(ground, &p);
    struct capability *badged = &p.pool->slots[OTHER];
    weak_derive(&p.pool->pool, OTHER, channel, RIGHT_WRITE, 77);
    weak_original(&p.pool->pool, LINE, &pit_line()->object, RIGHT_ALL, 0);
    irq_bind(pit_line(), badged);
    check_all();
    p.task->frame.r13 = CALL_CHANNEL_TAKE | ONE;
    p.task->frame.r14 = CALL_EXIT;
    p.task->frame.r15 = CALL_IRQ_ACKNOWLEDGE | ONE;
    EXPECT_EQUAL(process_start(&p, TEXT, STACK_END), NO_ERROR);
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
    struct channel *heard = channel_in(channel);
    EXPECT_EQUAL(channel_take(heard, NULL, &message), NO_ERROR);
    EXPECT_EQUAL(channel_take(heard, NULL, &message), ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(irq_acknowledge(irq), NO_ERROR);
    irq_mask(0);
    EXPECT_EQUAL(channel_take(heard, NULL, &message), NO_ERROR);
    EXPECT_EQUAL(irq_acknowledge(irq), NO_ERROR);
    irq_mask(0);
    EXPECT_EQUAL(channel_take(heard, NULL, &message), ERROR_WOULD_BLOCK);
    check_all();
}

TEST(a_signal_needs_no_room_and_is_recalled_with_its_channel)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 3);
    struct capability *channel = make(island, OBJECT_CHANNEL, 4);
    struct process p = start_program(ground, 1, PROGRAM_OF(call));
    struct irq *irq = pit_line();
    share(&p, channel, RIGHT_WRITE, 0);
    irq_bind(irq, channel);
    irq_mask(0);
    for (unsigned i = 0; i < CHANNEL_MESSAGES; i++)
        EXPECT_EQUAL(put_word(p.task, i), NO_ERROR);
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
