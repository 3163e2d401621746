/* 15-channels.c - tasks in ring 3 that wait for each other.
 * The channel itself is tested against a model on the host. */
#include "tests/kernel/channels.h"

#include "kernel/machine.h"
#include "lib/string.h"

/* r12: the word of "put", r13: of "take"; r14: of "exit". */
PROGRAM(count_up, "mov ebp, 1\n"
                  "1: mov rax, r12; mov edi, 200; mov rdx, rbp; syscall\n"
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
    EXPECT_EQUAL(process_start(&process, TEXT, STACK_END), NO_ERROR);
    return process;
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
    uint64_t put = CALL_CHANNEL_PUT | ONE;
    uint64_t take = CALL_CHANNEL_TAKE | ONE;
    p.task->frame.r10 = 1;
    EXPECT_EQUAL(next_call(p.task, take, CHANNEL, 0), ERROR_WOULD_BLOCK);
    for (uint64_t i = 0; i < CHANNEL_MESSAGES; i++)
        EXPECT_EQUAL(next_put(p.task, put, 0, ~i, 0, 0), NO_ERROR);
    EXPECT_EQUAL(next_put(p.task, put, 0, 1, 0, 0), ERROR_WOULD_BLOCK);
    for (uint64_t i = 0; i < CHANNEL_MESSAGES; i++) {
        EXPECT_EQUAL(next_call(p.task, take, CHANNEL, 0), NO_ERROR);
        EXPECT_EQUAL(p.task->frame.rdx, ~i);
        p.task->frame.r10 = 1; /* not kept by a take, from calls on */
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
    for (unsigned now = 0; now < 2; now++) {
        uint64_t put = CALL_CHANNEL_PUT | ONE, take = CALL_CHANNEL_TAKE | ONE;
        p.task->frame.r10 = now;
        EXPECT_EQUAL(next_call(p.task, put, 210, 1), ERROR_NO_RIGHT);
        EXPECT_EQUAL(next_call(p.task, take, 211, 1), ERROR_NO_RIGHT);
        EXPECT_EQUAL(next_call(p.task, put, PROCESS_TASK, 1),
                     ERROR_WRONG_TYPE);
        EXPECT_EQUAL(next_call(p.task, take, PROCESS_POOL, 1),
                     ERROR_WRONG_TYPE);
        EXPECT_EQUAL(next_call(p.task, put, 212, 1), ERROR_NO_CAPABILITY);
        EXPECT_EQUAL(next_call(p.task, CALL_CHANNEL_PUT, CHANNEL, 1),
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
    struct process c = start_program(ground, 5, PROGRAM_OF(call));
    share(&c, channel, RIGHT_WRITE, 0);
    EXPECT_EQUAL(put_word(c.task, 9), NO_ERROR);
    EXPECT_EQUAL(b.task->frame.rdx, 9);
    EXPECT_EQUAL(b.task->frame.rax, NO_ERROR);
    check_all();
}

TEST(a_task_that_was_stopped_while_it_waited_gets_an_answer)
{
    struct untyped *ground = fresh_ground();
    struct capability *channel = make(ground, OBJECT_CHANNEL, 4);
    struct process a = waiter(ground, 1, channel);
    task_stop(a.task);
    check_all();
    EXPECT_EQUAL(a.task->frame.rax, ERROR_REVOKED);
    EXPECT_EQUAL(task_start(a.task), NO_ERROR);
    a.task->frame.r10 = 1;
    EXPECT_EQUAL(next_call(a.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0),
                 ERROR_WOULD_BLOCK);
}

/* --- Payloads -------------------------------------------------------------------- */

/* A task with a buffer, which is full of one byte; it may do everything with
   the channel, and has a badge. */
static struct process peer(struct untyped *ground, unsigned slot,
                           struct capability *channel, int byte)
{
    struct process p = load_program(ground, slot, PROGRAM_OF(call));
    EXPECT_EQUAL(untyped_retype(ground, OBJECT_BUFFER, 0, &p.pool->pool,
                                BUFFER),
                 NO_ERROR);
    EXPECT_EQUAL(task_set(p.task, TASK_BUFFER, &p.pool->slots[BUFFER]),
                 NO_ERROR);
    struct object *page = p.pool->slots[BUFFER].weak.object;
    memset(physical_pointer(page_from(page)->frame), byte, PAGE_SIZE);
    share(&p, channel, RIGHT_ALL, slot);
    EXPECT_EQUAL(process_start(&p, TEXT, STACK_END), NO_ERROR);
    return p;
}

static uint8_t *buffer_of(const struct process *p)
{
    struct object *page = p->task->references[TASK_BUFFER].object;
    return physical_pointer(page_from(page)->frame);
}

static struct capability *make_roomy(struct untyped *memory, unsigned slot)
{
    EXPECT_EQUAL(untyped_retype(memory, OBJECT_CHANNEL, CHANNEL_ROOM,
                                &kernel_pool.pool, slot),
                 NO_ERROR);
    return &kernel_pool.slots[slot];
}

static uint64_t put_bytes(struct process *p, unsigned length, unsigned seed)
{
    for (unsigned i = 0; i < length; i++)
        buffer_of(p)[i] = (uint8_t)(seed + 3 * i);
    return next_put(p->task, CALL_CHANNEL_PUT | ONE, 0, seed, length, 0);
}

static void expect_bytes(struct process *p, unsigned length, unsigned seed,
                         int beyond)
{
    EXPECT_EQUAL(p->task->frame.rax, NO_ERROR);
    EXPECT_EQUAL(taken_by(p->task).word, seed);
    EXPECT_EQUAL(taken_by(p->task).length, length);
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        EXPECT_EQUAL(buffer_of(p)[i],
                     i < length ? (uint8_t)(seed + 3 * i) : beyond);
}

static const unsigned lengths[] = {0, 1, 7, 8, 9, 1000, 1023, 1024};

TEST(payloads_arrive_and_nothing_behind_them)
{
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct untyped *ground = fresh_ground();
        struct capability *channel = make_roomy(ground, 4);
        struct process a = peer(ground, 1, channel, 0x11);
        struct process b = peer(ground, 2, channel, 0x22);
        struct process c = peer(ground, 3, channel, 0x33);
        put_bytes(&a, 1024, 5); /* leaves its traces in the channel */
        next_call(b.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0);
        memset(buffer_of(&a), 0x11, PAGE_SIZE);
        memset(buffer_of(&b), 0x22, PAGE_SIZE);
        EXPECT_EQUAL(put_bytes(&a, lengths[i], 60), NO_ERROR);
        next_call(b.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0);
        expect_bytes(&b, lengths[i], 60, 0x22);
        EXPECT_EQUAL(taken_by(b.task).badge, 1);
        next_call(c.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0);
        EXPECT_EQUAL(c.task->state, TASK_TAKING);
        EXPECT_EQUAL(put_bytes(&a, lengths[i], 70), NO_ERROR);
        expect_bytes(&c, lengths[i], 70, 0x33);
    }
}

TEST(payloads_of_those_who_wait_keep_their_order)
{
    struct untyped *ground = fresh_ground();
    struct capability *channel = make_roomy(ground, 4);
    struct process b = peer(ground, 2, channel, 0);
    struct process waiters[3];
    for (unsigned i = 0; i < CHANNEL_MESSAGES; i++)
        EXPECT_EQUAL(put_bytes(&b, 100 * i, i), NO_ERROR);
    for (unsigned i = 0; i < 3; i++) {
        waiters[i] = peer(ground, 10 + i, channel, 0);
        put_bytes(&waiters[i], 1000 + i, 100 + i);
        EXPECT_EQUAL(waiters[i].task->state, TASK_PUTTING);
    }
    for (unsigned i = 0; i < CHANNEL_MESSAGES + 3; i++) {
        unsigned late = i - CHANNEL_MESSAGES;
        memset(buffer_of(&b), 0, PAGE_SIZE);
        next_call(b.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0);
        if (i < CHANNEL_MESSAGES)
            expect_bytes(&b, 100 * i, i, 0);
        else
            expect_bytes(&b, 1000 + late, 100 + late, 0);
    }
    EXPECT_EQUAL(waiters[2].task->state, TASK_READY);
    EXPECT_EQUAL(waiters[2].task->frame.rax, NO_ERROR);
}

TEST(what_is_too_long_is_refused)
{
    struct untyped *ground = fresh_ground();
    struct capability *channel = make_roomy(ground, 4);
    struct capability *narrow = make(ground, OBJECT_CHANNEL, 5);
    struct process a = peer(ground, 1, channel, 0);
    struct process b = peer(ground, 2, narrow, 0);
    for (unsigned now = 0; now < 2; now++) {
        uint64_t put = CALL_CHANNEL_PUT | ONE;
        a.task->frame.r10 = b.task->frame.r10 = now;
        EXPECT_EQUAL(next_put(a.task, put, 0, 1, 1025, 0), ERROR_TOO_LONG);
        for (unsigned bit = 11; bit < 64; bit++)
            EXPECT_EQUAL(next_put(a.task, put, 0, 1, 1ull << bit, 0),
                         ERROR_TOO_LONG);
        EXPECT_EQUAL(next_put(a.task, put, 0, 1, ~0ull, 0), ERROR_TOO_LONG);
        EXPECT_EQUAL(next_put(b.task, put, 0, 1, 1, 0), ERROR_TOO_LONG);
        EXPECT_EQUAL(next_put(b.task, put, 0, 1, 0, 0), NO_ERROR);
    }
    EXPECT_EQUAL(channel_in(channel)->count, 0);
}

TEST(payloads_need_buffers_at_both_ends)
{
    struct untyped *ground = fresh_ground();
    struct capability *channel = make_roomy(ground, 4);
    struct process a = peer(ground, 1, channel, 0x11);
    struct process b = start_program(ground, 2, PROGRAM_OF(call));
    share(&b, channel, RIGHT_ALL, 0);
    EXPECT_EQUAL(next_put(b.task, CALL_CHANNEL_PUT | ONE, 0, 1, 1, 0),
                 ERROR_NO_BUFFER);
    EXPECT_EQUAL(put_bytes(&a, 10, 1), NO_ERROR);
    EXPECT_EQUAL(next_call(b.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0),
                 ERROR_NO_BUFFER);
    EXPECT_EQUAL(b.task->frame.rdx, 0);
    EXPECT_EQUAL(channel_in(channel)->count, 1);
    next_call(a.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0);
    EXPECT_EQUAL(taken_by(a.task).length, 10);
    /* A taker that waits hears of it, too, and the message is kept. */
    next_call(b.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0);
    EXPECT_EQUAL(b.task->state, TASK_TAKING);
    EXPECT_EQUAL(put_bytes(&a, 10, 2), NO_ERROR);
    EXPECT_EQUAL(b.task->state, TASK_READY);
    EXPECT_EQUAL(b.task->frame.rax, ERROR_NO_BUFFER);
    EXPECT_EQUAL(channel_in(channel)->count, 1);
}

TEST(a_buffer_revoked_while_its_owner_waits_ends_the_call)
{
    struct untyped *ground = fresh_ground();
    struct capability *channel = make_roomy(ground, 4);
    struct process a = peer(ground, 1, channel, 0);
    struct process b = peer(ground, 2, channel, 0);
    struct process c = peer(ground, 3, channel, 0);
    for (unsigned i = 0; i < CHANNEL_MESSAGES; i++)
        EXPECT_EQUAL(put_bytes(&a, 5, i), NO_ERROR);
    put_bytes(&b, 5, 50);
    put_bytes(&c, 0, 60); /* needs no buffer */
    EXPECT_EQUAL(b.task->state, TASK_PUTTING);
    while (!weak_revoke(&b.pool->slots[BUFFER]) ||
           !weak_revoke(&c.pool->slots[BUFFER]))
        continue;
    check_all();
    EXPECT_EQUAL(b.task->state, TASK_READY);
    EXPECT_EQUAL(b.task->frame.rax, ERROR_REVOKED);
    EXPECT_EQUAL(c.task->state, TASK_PUTTING);
    for (unsigned i = 0; i < CHANNEL_MESSAGES; i++)
        next_call(a.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0);
    next_call(a.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0);
    EXPECT_EQUAL(a.task->frame.rdx, 60);
}

TEST(channels_come_in_two_sizes_and_give_their_memory_back)
{
    struct untyped *ground = fresh_ground();
    static const uint64_t sizes[] = {1, 4096, 8191, 8193, 16384, ~0ull};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        EXPECT_EQUAL(untyped_retype(ground, OBJECT_CHANNEL, sizes[i],
                                    &kernel_pool.pool, 4),
                     ERROR_BAD_SIZE);
    uint64_t low = ground->low.value, high = ground->high.value;
    bool again = false;
    make(ground, OBJECT_CHANNEL, 4);
    EXPECT_EQUAL(ground->high.value, high);
    make(ground, OBJECT_PAGE, 5); /* the next has to leave a gap */
    make_roomy(ground, 6);
    check_all();
    for (unsigned i = 0; i < 3; i += !again)
        EXPECT_EQUAL(untyped_free(ground, &again), NO_ERROR);
    EXPECT_EQUAL(ground->low.value, low);
    EXPECT_EQUAL(ground->high.value, high);
    check_all();
}

/* --- Capabilities ---------------------------------------------------------------- */

static struct capability *thing_of(const struct process *p)
{
    return &p->pool->slots[THING];
}

static void make_thing(struct untyped *memory, const struct process *p)
{
    EXPECT_EQUAL(untyped_retype(memory, OBJECT_PAGE, 0, &p->pool->pool,
                                THING),
                 NO_ERROR);
}

static enum error send(struct process *p, uint64_t word, unsigned rights)
{
    return next_put(p->task, CALL_CHANNEL_PUT | TWO, THING, word, 0, rights);
}

TEST(a_capability_arrives_below_that_of_its_sender)
{
    struct untyped *ground = fresh_ground();
    struct capability *channel = make(ground, OBJECT_CHANNEL, 4);
    struct process a = peer(ground, 1, channel, 0);
    struct process b = peer(ground, 2, channel, 0);
    make_thing(ground, &a);
    weak_derive(&a.pool->pool, OTHER, thing_of(&a),
                RIGHT_READ | RIGHT_GRANT, 9);
    for (unsigned waits = 0; waits < 2; waits++) {
        const struct weak *arrived = &b.pool->slots[210 + waits].weak;
        if (waits)
            take_into(b.task, CALL_CHANNEL_TAKE, 211);
        EXPECT_EQUAL(next_put(a.task, CALL_CHANNEL_PUT | TWO, OTHER, 77, 0,
                              RIGHT_READ | RIGHT_WRITE),
                     NO_ERROR);
        if (!waits)
            take_into(b.task, CALL_CHANNEL_TAKE, 210);
        EXPECT_EQUAL(b.task->frame.rax, NO_ERROR);
        EXPECT_EQUAL(taken_by(b.task).word, 77);
        EXPECT(taken_by(b.task).capability);
        EXPECT_EQUAL(taken_by(b.task).badge, 1);
        EXPECT(arrived->object == thing_of(&a)->weak.object);
        EXPECT_EQUAL(arrived->rights, RIGHT_READ);
        EXPECT_EQUAL(arrived->badge, 9);
    }
    while (!weak_revoke(&a.pool->slots[OTHER]))
        continue;
    check_all();
    EXPECT(!b.pool->slots[210].weak.object);
    EXPECT(!b.pool->slots[211].weak.object);
    EXPECT(a.pool->slots[OTHER].weak.object);
}

TEST(a_capability_is_recalled_from_a_message)
{
    struct untyped *ground = fresh_ground();
    struct capability *channel = make(ground, OBJECT_CHANNEL, 4);
    struct process a = peer(ground, 1, channel, 0);
    struct process b = peer(ground, 2, channel, 0);
    make_thing(ground, &a);
    EXPECT_EQUAL(send(&a, 1, RIGHT_ALL), NO_ERROR);
    EXPECT_EQUAL(send(&a, 2, RIGHT_ALL), NO_ERROR);
    EXPECT_EQUAL(channel_in(channel)->count, 2);
    while (!weak_revoke(thing_of(&a)))
        continue;
    check_all();
    EXPECT_EQUAL(take_into(b.task, CALL_CHANNEL_TAKE, 210), NO_ERROR);
    EXPECT_EQUAL(taken_by(b.task).word, 1);
    EXPECT(!taken_by(b.task).capability);
    EXPECT(!b.pool->slots[210].weak.object);
    /* One that has been recalled needs no slot. */
    EXPECT_EQUAL(next_call(b.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0),
                 NO_ERROR);
    EXPECT_EQUAL(taken_by(b.task).word, 2);
}

TEST(the_end_of_an_object_recalls_it_from_messages)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 3);
    struct capability *channel = make(ground, OBJECT_CHANNEL, 4);
    struct process a = peer(ground, 1, channel, 0);
    make_thing(island, &a);
    for (unsigned i = 0; i < CHANNEL_MESSAGES; i++)
        EXPECT_EQUAL(send(&a, i, RIGHT_ALL), NO_ERROR);
    send(&a, 8, RIGHT_ALL);
    EXPECT_EQUAL(a.task->state, TASK_PUTTING);
    EXPECT(a.task->references[TASK_SENT].object);
    while (!untyped_reset(island))
        continue;
    check_all();
    EXPECT_EQUAL(a.task->state, TASK_PUTTING);
    EXPECT(!a.task->references[TASK_SENT].object);
    struct process b = peer(ground, 2, channel, 0);
    for (unsigned i = 0; i <= CHANNEL_MESSAGES; i++) {
        EXPECT_EQUAL(take_into(b.task, CALL_CHANNEL_TAKE, 210), NO_ERROR);
        EXPECT_EQUAL(taken_by(b.task).word, i);
        EXPECT(!taken_by(b.task).capability);
    }
}

TEST(the_end_of_a_channel_empties_what_was_on_its_way)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 3);
    struct capability *channel = make(island, OBJECT_CHANNEL, 4);
    struct process a = peer(ground, 1, channel, 0);
    struct process b = peer(ground, 2, channel, 0);
    make_thing(ground, &a);
    make_thing(ground, &b);
    for (unsigned i = 0; i < CHANNEL_MESSAGES; i++)
        EXPECT_EQUAL(send(&a, i, RIGHT_ALL), NO_ERROR);
    send(&b, 8, RIGHT_ALL);
    while (!untyped_reset(island))
        continue;
    check_all();
    EXPECT_EQUAL(b.task->frame.rax, ERROR_REVOKED);
    EXPECT(!b.task->references[TASK_SENT].object);
    EXPECT(thing_of(&a)->weak.link.next == &thing_of(&a)->close);
    EXPECT(thing_of(&b)->weak.link.next == &thing_of(&b)->close);
}

TEST(a_capability_needs_a_right_to_go_and_a_slot_to_come)
{
    struct untyped *ground = fresh_ground();
    struct capability *channel = make(ground, OBJECT_CHANNEL, 4);
    struct process a = peer(ground, 1, channel, 0);
    struct process b = peer(ground, 2, channel, 0);
    struct weak_pool *pool = &b.pool->pool;
    uint64_t take = CALL_CHANNEL_TAKE;
    make_thing(ground, &a);
    weak_derive(&a.pool->pool, 220, channel, RIGHT_WRITE, 0);
    weak_derive(pool, 221, &b.pool->slots[PROCESS_POOL], RIGHT_READ, 0);
    EXPECT_EQUAL(next_call(a.task, CALL_CHANNEL_PUT | TWO, 220, THING),
                 ERROR_NO_RIGHT);
    EXPECT_EQUAL(next_put(a.task, CALL_CHANNEL_PUT | TWO, 222, 1, 0, 0),
                 ERROR_NO_CAPABILITY);
    EXPECT_EQUAL(send(&a, 5, RIGHT_ALL), NO_ERROR);
    EXPECT_EQUAL(next_call(b.task, take | ONE, CHANNEL, 0), ERROR_NO_SLOT);
    EXPECT_EQUAL(next_call(b.task, take | TWO, CHANNEL, 221),
                 ERROR_NO_RIGHT);
    EXPECT_EQUAL(next_call(b.task, take | TWO, CHANNEL, PROCESS_TASK),
                 ERROR_WRONG_TYPE);
    EXPECT_EQUAL(take_into(b.task, take, PROCESS_TASK), ERROR_SLOT_IN_USE);
    for (unsigned bit = 8; bit < 64; bit++)
        EXPECT_EQUAL(take_into(b.task, take, 1ull << bit), ERROR_BAD_SLOT);
    EXPECT_EQUAL(take_into(b.task, take, ~0ull), ERROR_BAD_SLOT);
    EXPECT_EQUAL(channel_in(channel)->count, 1);
    EXPECT_EQUAL(take_into(b.task, take, 255), NO_ERROR);
    EXPECT_EQUAL(taken_by(b.task).word, 5);
    EXPECT_EQUAL(channel_in(channel)->count, 0);
}

TEST(a_taker_that_cannot_take_is_told_and_the_next_gets_it)
{
    struct untyped *ground = fresh_ground();
    struct capability *channel = make(ground, OBJECT_CHANNEL, 4);
    struct process a = peer(ground, 1, channel, 0);
    struct process b = peer(ground, 2, channel, 0);
    struct process c = peer(ground, 3, channel, 0);
    struct process d = peer(ground, 5, channel, 0);
    make_thing(ground, &a);
    take_into(b.task, CALL_CHANNEL_TAKE, PROCESS_TASK);
    next_call(c.task, CALL_CHANNEL_TAKE | ONE, CHANNEL, 0);
    take_into(d.task, CALL_CHANNEL_TAKE, 210);
    EXPECT_EQUAL(send(&a, 5, RIGHT_ALL), NO_ERROR);
    EXPECT_EQUAL(b.task->frame.rax, ERROR_SLOT_IN_USE);
    EXPECT_EQUAL(c.task->frame.rax, ERROR_NO_SLOT);
    EXPECT_EQUAL(d.task->frame.rax, NO_ERROR);
    EXPECT(d.pool->slots[210].weak.object == thing_of(&a)->weak.object);
    EXPECT_EQUAL(channel_in(channel)->count, 0);
}

TEST(a_message_to_oneself_with_all_that_it_can_carry)
{
    struct untyped *ground = fresh_ground();
    struct capability *channel = make_roomy(ground, 4);
    struct process a = peer(ground, 1, channel, 7);
    uint64_t put = CALL_CHANNEL_PUT | TWO;
    EXPECT_EQUAL(next_put(a.task, put, CHANNEL, 3, 1024, RIGHT_ALL),
                 NO_ERROR);
    EXPECT_EQUAL(take_into(a.task, CALL_CHANNEL_TAKE, 210), NO_ERROR);
    EXPECT_EQUAL(taken_by(a.task).length, 1024);
    EXPECT(a.pool->slots[210].weak.object == channel->weak.object);
    EXPECT_EQUAL(a.pool->slots[210].weak.badge, 1);
}
