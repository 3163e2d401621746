/* 17-signals.c - slices, channels bound to channels, interrupts as messages. */
#include "tests/kernel/channels.h"

#include "kernel/cap/irq.h"
#include "kernel/cap/reply.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/io.h"

/* --- Slices -------------------------------------------------------------------- */

PROGRAM(spin, "1: jmp 1b")

TEST(a_task_has_as_many_ticks_as_it_was_given)
{
    struct untyped *ground = fresh_ground();
    struct process a = start_program(ground, 1, PROGRAM_OF(spin));
    struct process b = start_program(ground, 2, PROGRAM_OF(call));
    weak_derive(&b.pool->pool, OTHER, &a.pool->slots[PROCESS_TASK],
                RIGHT_WRITE, 0);
    EXPECT_EQUAL(next_call(b.task, CALL_TASK_SET_SLICE | ONE, OTHER, 3),
                 NO_ERROR);
    EXPECT_EQUAL(a.task->ticks, 3);
    EXPECT_EQUAL(next_call(b.task, CALL_TASK_SET_SLICE | ONE, OTHER, 1000),
                 NO_ERROR);
    EXPECT_EQUAL(a.task->slice, 10);
    scheduler_yield(a.task);
    EXPECT_EQUAL(a.task->slice, 1000);
    EXPECT_EQUAL(next_call(b.task, CALL_TASK_SET_SLICE | ONE, OTHER, 0),
                 ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(next_call(b.task, CALL_TASK_SET_SLICE | ONE, OTHER, 1001),
                 ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(next_call(b.task, CALL_TASK_SET_SLICE | ONE, OTHER, 65537),
                 ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(next_call(b.task, CALL_TASK_SET_SLICE | ONE, PROCESS_POOL, 1),
                 ERROR_WRONG_TYPE);
    check_all();
}

/* --- Binding ------------------------------------------------------------------- */

/* A task that may do anything with two channels, the second of which hears
   of what comes to the first. */
static struct process listener(struct untyped *ground)
{
    struct process p = start_program(ground, 1, PROGRAM_OF(call));
    make_channel(ground, &p);
    EXPECT_EQUAL(untyped_retype(ground, OBJECT_CHANNEL, 0, &p.pool->pool,
                                OTHER),
                 NO_ERROR);
    weak_derive(&p.pool->pool, THING, &p.pool->slots[OTHER], RIGHT_WRITE, 77);
    p.task->frame.r10 = 1; /* nothing waits */
    return p;
}

static enum error bind(const struct process *p, uint64_t from, uint64_t to)
{
    return next_call(p->task, CALL_CHANNEL_BIND | (to ? TWO : ONE), from, to);
}

static enum error hear(const struct process *p, uint64_t at)
{
    p->task->frame.r10 = 1; /* a take keeps no r10 */
    return next_call(p->task, CALL_CHANNEL_TAKE | ONE, at, 0);
}

TEST(a_bound_channel_tells_once_until_it_is_heard)
{
    struct process p = listener(fresh_ground());
    EXPECT_EQUAL(bind(&p, CHANNEL, THING), NO_ERROR);
    EXPECT_EQUAL(hear(&p, OTHER), ERROR_WOULD_BLOCK);
    for (unsigned i = 0; i < 3; i++)
        EXPECT_EQUAL(put_word(p.task, 10 + i), NO_ERROR);
    EXPECT_EQUAL(hear(&p, OTHER), NO_ERROR);
    EXPECT_EQUAL(taken_by(p.task).word, 0);
    EXPECT_EQUAL(taken_by(p.task).badge, 77);
    EXPECT_EQUAL(hear(&p, OTHER), ERROR_WOULD_BLOCK);
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_EQUAL(hear(&p, CHANNEL), NO_ERROR);
        EXPECT_EQUAL(taken_by(p.task).word, 10 + i);
    }
    EXPECT_EQUAL(put_word(p.task, 5), NO_ERROR);
    EXPECT_EQUAL(hear(&p, OTHER), NO_ERROR);
}

TEST(what_waits_already_is_told_at_once)
{
    struct process p = listener(fresh_ground());
    EXPECT_EQUAL(put_word(p.task, 5), NO_ERROR);
    EXPECT_EQUAL(bind(&p, CHANNEL, THING), NO_ERROR);
    EXPECT_EQUAL(bind(&p, CHANNEL, THING), NO_ERROR);
    EXPECT_EQUAL(hear(&p, OTHER), NO_ERROR);
    EXPECT_EQUAL(hear(&p, OTHER), ERROR_WOULD_BLOCK);
}

TEST(who_takes_at_once_is_told_of_by_nobody)
{
    struct untyped *ground = fresh_ground();
    struct process p = listener(ground);
    struct process q = start_program(ground, 2, PROGRAM_OF(call));
    share(&q, &p.pool->slots[CHANNEL], RIGHT_READ, 0);
    EXPECT_EQUAL(bind(&p, CHANNEL, THING), NO_ERROR);
    next_call(q.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0);
    EXPECT_EQUAL(q.task->state, TASK_TAKING);
    EXPECT_EQUAL(put_word(p.task, 9), NO_ERROR);
    EXPECT_EQUAL(q.task->frame.rdx, 9);
    EXPECT_EQUAL(hear(&p, OTHER), ERROR_WOULD_BLOCK);
}

TEST(who_waits_to_put_is_told_of)
{
    struct untyped *ground = fresh_ground();
    struct process p = listener(ground);
    struct process q = start_program(ground, 2, PROGRAM_OF(call));
    share(&q, &p.pool->slots[CHANNEL], RIGHT_WRITE, 0);
    for (unsigned i = 0; i < CHANNEL_MESSAGES; i++)
        EXPECT_EQUAL(put_word(q.task, i), NO_ERROR);
    EXPECT_EQUAL(bind(&p, CHANNEL, THING), NO_ERROR);
    EXPECT_EQUAL(hear(&p, OTHER), NO_ERROR);
    put_word(q.task, 8);
    EXPECT_EQUAL(q.task->state, TASK_PUTTING);
    EXPECT_EQUAL(hear(&p, OTHER), NO_ERROR);
}

/* A task that waits at the other channel gets the signal in its registers. */
TEST(a_signal_wakes_who_waits_elsewhere)
{
    struct untyped *ground = fresh_ground();
    struct process p = listener(ground);
    struct process q = start_program(ground, 2, PROGRAM_OF(call));
    share(&q, &p.pool->slots[OTHER], RIGHT_READ, 0);
    EXPECT_EQUAL(bind(&p, CHANNEL, THING), NO_ERROR);
    next_call(q.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0);
    EXPECT_EQUAL(put_word(p.task, 9), NO_ERROR);
    EXPECT_EQUAL(q.task->state, TASK_READY);
    EXPECT_EQUAL(taken_by(q.task).badge, 77);
    EXPECT_EQUAL(taken_by(q.task).word, 0);
}

TEST(a_binding_ends_with_what_it_was_made_of)
{
    for (unsigned way = 0; way < 4; way++) {
        struct untyped *ground = fresh_ground();
        struct untyped *island = make_island(ground, 3);
        struct process p = listener(ground);
        bool source = way == 2;
        unsigned dying = source ? CHANNEL : OTHER;
        weak_delete(&p.pool->slots[THING].weak);
        while (way > 1 && !weak_revoke(&p.pool->slots[dying]))
            continue;
        if (way > 1) {
            weak_delete(&p.pool->slots[dying].weak);
            EXPECT_EQUAL(untyped_retype(island, OBJECT_CHANNEL, 0,
                                        &p.pool->pool, dying),
                         NO_ERROR);
        }
        weak_derive(&p.pool->pool, THING, &p.pool->slots[OTHER], RIGHT_WRITE,
                    77);
        EXPECT_EQUAL(bind(&p, CHANNEL, THING), NO_ERROR);
        EXPECT_EQUAL(put_word(p.task, 1), NO_ERROR);
        if (way == 0)
            EXPECT_EQUAL(bind(&p, CHANNEL, 0), NO_ERROR);
        while (way == 1 && !weak_revoke(&p.pool->slots[OTHER]))
            continue;
        while (way > 1 && !untyped_reset(island))
            continue;
        check_all();
        if (way < 2 || source)
            EXPECT_EQUAL(hear(&p, OTHER), ERROR_WOULD_BLOCK);
        if (!source)
            EXPECT_EQUAL(put_word(p.task, 1), NO_ERROR);
        check_all();
    }
}

/* A ring of two, and a channel that is bound to itself: no signal sets off
   another. */
TEST(bindings_in_a_ring_do_no_harm)
{
    struct process p = listener(fresh_ground());
    EXPECT_EQUAL(bind(&p, CHANNEL, OTHER), NO_ERROR);
    EXPECT_EQUAL(bind(&p, OTHER, CHANNEL), NO_ERROR);
    EXPECT_EQUAL(put_word(p.task, 1), NO_ERROR);
    EXPECT_EQUAL(hear(&p, OTHER), NO_ERROR);
    EXPECT_EQUAL(hear(&p, OTHER), ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(bind(&p, CHANNEL, CHANNEL), NO_ERROR);
    EXPECT_EQUAL(hear(&p, CHANNEL), NO_ERROR); /* the signal goes first */
    EXPECT_EQUAL(taken_by(p.task).word, 0);
    EXPECT_EQUAL(hear(&p, CHANNEL), NO_ERROR);
    EXPECT_EQUAL(taken_by(p.task).word, 1);
    EXPECT_EQUAL(hear(&p, CHANNEL), ERROR_WOULD_BLOCK);
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

static void device_interrupts_every(uint32_t count)
{
    port_out8(0x43, 0x34);
    port_out8(0x40, (uint8_t)count);
    port_out8(0x40, (uint8_t)(count >> 8));
}

/* An interrupt comes while a server is at work. All is as it must be for a
   reply without C, but for the signal: so C has to see to it. */
TEST(a_server_that_replies_hears_a_signal_first)
{
    struct untyped *ground = fresh_ground();
    struct process s = start_program(ground, 1, PROGRAM_OF(call));
    struct process c = start_program(ground, 2, PROGRAM_OF(call));
    struct capability *way_in = make_channel(ground, &s);
    share(&c, way_in, RIGHT_WRITE, 5);
    weak_derive(&s.pool->pool, THING, way_in, RIGHT_WRITE, 77);
    next_call(c.task, CALL_CHANNEL_CALL | ONE, CHANNEL, 0);
    EXPECT_EQUAL(hear(&s, CHANNEL), NO_ERROR);
    EXPECT(reply_owed(s.task) == c.task);
    irq_bind(pit_line(), &s.pool->slots[THING]);
    irq_mask(0);
    irq_raise(0);
    weak_derive(&s.task->pool, TASK_WAIT, way_in, RIGHT_READ, 0);
    s.task->frame.rax = CALL_REPLY_TAKE | ONE;
    s.task->frame.rdi = CHANNEL;
    s.task->frame.rdx = 9;
    syscall_answer_at_once(true);
    run_to_entry(s.task);
    syscall_answer_at_once(false);
    EXPECT_EQUAL(s.task->frame.vector, VECTOR_SYSCALL);
    EXPECT(reply_owed(s.task) == c.task);
    system_call(s.task);
    EXPECT_EQUAL(taken_by(s.task).badge, 77);
    EXPECT_EQUAL(s.task->state, TASK_READY);
    EXPECT_EQUAL(c.task->frame.rdx, 9);
}

/* The worst that a device can do: it interrupts 20,000 times a second and
   nobody acknowledges. One message comes, and others get on. */
PROGRAM(counts, "mov ecx, 2000000; 1: inc rbx; dec ecx; jnz 1b\n"
                "mov [0x500000], rbx; mov eax, 1; syscall")

TEST(a_storm_is_one_message)
{
    struct untyped *ground = fresh_ground();
    struct process p = load_program(ground, 1, PROGRAM_OF(counts));
    struct capability *channel = make_channel(ground, &p);
    struct message message;
    irq_bind(pit_line(), channel);
    device_interrupts_every(60);
    EXPECT_EQUAL(process_start(&p, TEXT, STACK_END), NO_ERROR);
    scheduler_run();
    irq_mask(0);
    device_interrupts_every(11932);
    EXPECT_EQUAL(data_of(&p)[0], 2000000);
    EXPECT(pit_line()->again);
    EXPECT_EQUAL(channel_take(channel_in(channel), p.task, &message), NO_ERROR);
    EXPECT_EQUAL(channel_take(channel_in(channel), p.task, &message),
                 ERROR_WOULD_BLOCK);
    check_all();
}

/* Takes fifty messages and acknowledges each. */
PROGRAM(many_ticks, "mov ebp, 50\n"
                    "1: mov rax, r13; mov edi, 200; syscall\n"
                    "test rax, rax; jnz 2f\n"
                    "mov rax, r15; mov edi, 202; syscall\n"
                    "test rax, rax; jnz 2f\n"
                    "inc rbx; dec ebp; jnz 1b\n"
                    "2: mov rax, r14; syscall")

/* Computes. */
PROGRAM(compute, "mov ecx, 300000\n"
                 "1: inc rbx; dec ecx; jnz 1b\n"
                 "mov rax, r14; syscall")

/* A device that interrupts 60,000 times a second, which is more often than this
   kernel can serve on this machine. With each acknowledgement a line may
   interrupt twice, so the storm takes only time of those whom its driver may
   take time from. */
TEST(a_storm_of_interrupts_is_only_as_urgent_as_its_driver)
{
    struct untyped *ground = fresh_ground();
    struct process driver = load_program(ground, 1, PROGRAM_OF(many_ticks));
    struct process other = load_program(ground, 60, PROGRAM_OF(compute));
    struct capability *channel = make_channel(ground, &driver);
    struct irq *irq = pit_line();
    weak_original(&driver.pool->pool, LINE, &irq->object, RIGHT_ALL, 0);
    irq_bind(irq, channel);
    device_interrupts_every(20);
    driver.task->frame.r13 = CALL_CHANNEL_TAKE | ONE;
    driver.task->frame.r15 = CALL_IRQ_ACKNOWLEDGE | ONE;
    driver.task->frame.r14 = other.task->frame.r14 = CALL_EXIT;
    scheduler_set_priority(other.task, driver.task->priority + 1);
    EXPECT_EQUAL(process_start(&driver, TEXT, STACK_END), NO_ERROR);
    EXPECT_EQUAL(process_start(&other, TEXT, STACK_END), NO_ERROR);
    scheduler_run();
    EXPECT_EQUAL(other.task->frame.rbx, 300000);
    EXPECT_EQUAL(driver.task->frame.rbx, 50);
    irq_mask(0);
    device_interrupts_every(11932);
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
