/* 16-calls.c - who calls gets an answer, or hears why there is none. */
#include "tests/kernel/channels.h"

#include "kernel/cap/reply.h"
#include "lib/string.h"

enum { CALLER = 1, SERVER = 2, OTHERS = 3, INTO = 210, WAY_IN = 20 };

static const uint64_t CALL_IT = CALL_CHANNEL_CALL | ONE;
static const uint64_t TAKE_IT = CALL_CHANNEL_TAKE | ONE;
static const uint64_t SERVE = CALL_REPLY_TAKE | ONE;

static uint64_t bytes(uint64_t length)
{
    return length << 20;
}

static uint64_t into(uint64_t slot)
{
    return 1ULL << 48 | slot << 40;
}

static uint64_t keeping(uint64_t rights)
{
    return rights << 32;
}

/* --- The stage --------------------------------------------------------------- */

static struct untyped *ground;
static struct capability *channel;

/* A task with a buffer and a capability to the channel, badge and all. */
static struct process actor(struct untyped *memory, unsigned slot,
                            unsigned rights)
{
    struct process p = load_program(memory, slot, PROGRAM_OF(call));
    EXPECT_EQUAL(untyped_retype(memory, OBJECT_BUFFER, 0, &p.pool->pool,
                                BUFFER),
                 NO_ERROR);
    EXPECT_EQUAL(task_set(p.task, TASK_BUFFER, &p.pool->slots[BUFFER]),
                 NO_ERROR);
    share(&p, channel, rights, slot);
    EXPECT_EQUAL(process_start(&p, TEXT, STACK_END), NO_ERROR);
    return p;
}

static void set_stage(void)
{
    ground = fresh_ground();
    channel = make(ground, OBJECT_CHANNEL, WAY_IN);
}

static struct process client(unsigned slot)
{
    return actor(ground, slot, RIGHT_WRITE | RIGHT_GRANT);
}

static struct process server(unsigned slot)
{
    return actor(ground, slot, RIGHT_READ);
}

static char *buffer_of(const struct process *p)
{
    struct object *page = p->task->references[TASK_BUFFER].object;
    return physical_pointer(page_from(page)->frame);
}

static void say(const struct process *p, uint64_t first)
{
    p->task->frame.rdx = first;
    p->task->frame.r8 = first + 1;
    p->task->frame.r9 = first + 2;
    p->task->frame.r10 = first + 3;
}

/* A call with four words; how it has ended, if it has. */
static enum error calls(const struct process *p, uint64_t word,
                        uint64_t capability, uint64_t first)
{
    say(p, first);
    return next_call(p->task, word, CHANNEL, capability);
}

static enum error replies(const struct process *p, uint64_t word,
                          uint64_t capability, uint64_t first)
{
    say(p, first);
    return next_call(p->task, word, 0, capability);
}

static void expect_words(const struct process *p, uint64_t first)
{
    EXPECT_EQUAL(p->task->frame.rdx, first);
    EXPECT_EQUAL(p->task->frame.r8, first + 1);
    EXPECT_EQUAL(p->task->frame.r9, first + 2);
    EXPECT_EQUAL(p->task->frame.r10, first + 3);
}

static void expect_answer(const struct process *p, uint64_t first)
{
    EXPECT_EQUAL(p->task->state, TASK_READY);
    EXPECT_EQUAL(p->task->frame.rax, NO_ERROR);
    expect_words(p, first);
}

static void expect_end(const struct process *p, enum error error)
{
    EXPECT_EQUAL(p->task->state, TASK_READY);
    EXPECT_EQUAL(p->task->frame.rax, error);
    EXPECT_EQUAL(p->task->frame.rdx, 0);
    EXPECT_EQUAL(p->task->frame.rsi, 0);
}

static const uint64_t CALLED = 1ULL << 49, CARRIES = 1ULL << 48;

/* --- One call ------------------------------------------------------------------ */

TEST(who_calls_a_server_that_waits_is_answered)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    calls(&s, SERVE, 0, 0);
    EXPECT_EQUAL(s.task->state, TASK_TAKING);
    calls(&c, CALL_IT, 0, 100);
    EXPECT_EQUAL(c.task->state, TASK_AWAITING);
    expect_answer(&s, 100);
    EXPECT_EQUAL(s.task->frame.rsi, CALLER | CALLED);
    EXPECT(reply_owed(s.task) == c.task);
    calls(&s, SERVE, 0, 200);
    expect_answer(&c, 200);
    EXPECT_EQUAL(c.task->frame.rsi, 0);
    EXPECT_EQUAL(s.task->state, TASK_TAKING);
    EXPECT(!reply_owed(s.task));
}

TEST(who_calls_before_anybody_takes_waits_and_is_answered)
{
    static const uint64_t ways[] = {CALL_CHANNEL_TAKE | ONE,
                                    CALL_REPLY_TAKE | ONE};
    for (unsigned i = 0; i < 2; i++) {
        set_stage();
        struct process c = client(CALLER), s = server(SERVER);
        calls(&c, CALL_IT, 0, 100);
        EXPECT_EQUAL(c.task->state, TASK_CALLING);
        EXPECT_EQUAL(calls(&s, ways[i], 0, 0), NO_ERROR);
        expect_answer(&s, 100);
        EXPECT_EQUAL(s.task->frame.rsi, CALLER | CALLED);
        EXPECT_EQUAL(c.task->state, TASK_AWAITING);
        EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 300), NO_ERROR);
        expect_answer(&c, 300);
    }
}

TEST(a_put_is_no_call_and_leaves_what_is_owed)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    struct process p = client(OTHERS);
    calls(&c, CALL_IT, 0, 1);
    EXPECT_EQUAL(calls(&s, SERVE, 0, 0), NO_ERROR);
    EXPECT_EQUAL(put_word(p.task, 50), NO_ERROR);
    EXPECT_EQUAL(calls(&s, TAKE_IT, 0, 9), NO_ERROR);
    EXPECT_EQUAL(s.task->frame.rdx, 50);
    EXPECT_EQUAL(s.task->frame.rsi, OTHERS);
    EXPECT_EQUAL(s.task->frame.r8 + s.task->frame.r9 + s.task->frame.r10, 0);
    EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 7), NO_ERROR);
    expect_answer(&c, 7);
}

TEST(calls_may_be_nested)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    struct process t = server(OTHERS);
    struct capability *inner = make(ground, OBJECT_CHANNEL, WAY_IN + 1);
    weak_derive(&s.pool->pool, OTHER, inner, RIGHT_WRITE, 5);
    weak_derive(&t.pool->pool, OTHER, inner, RIGHT_READ, 0);
    calls(&c, CALL_IT, 0, 10);
    calls(&s, SERVE, 0, 0);
    say(&s, 20);
    next_call(s.task, CALL_IT, OTHER, 0);
    say(&t, 0);
    next_call(t.task, SERVE, OTHER, 0);
    expect_answer(&t, 20);
    EXPECT_EQUAL(t.task->frame.rsi, 5 | CALLED);
    EXPECT_EQUAL(replies(&t, CALL_REPLY, 0, 30), NO_ERROR);
    expect_answer(&s, 30);
    EXPECT_EQUAL(c.task->state, TASK_AWAITING);
    EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 40), NO_ERROR);
    expect_answer(&c, 40);
}

/* --- Order ------------------------------------------------------------------------ */

TEST(puts_and_calls_are_taken_as_they_came)
{
    set_stage();
    struct process s = server(SERVER), p = client(CALLER);
    struct process c = client(OTHERS), d = client(OTHERS + 1);
    struct process q = client(OTHERS + 2);
    EXPECT_EQUAL(put_word(p.task, 1), NO_ERROR);
    EXPECT_EQUAL(put_word(p.task, 2), NO_ERROR);
    calls(&c, CALL_IT, 0, 3);
    next_put(q.task, CALL_CHANNEL_PUT | ONE, 0, 4, 0, 0);
    EXPECT_EQUAL(q.task->state, TASK_PUTTING);
    p.task->frame.r10 = 1;
    EXPECT_EQUAL(next_put(p.task, CALL_CHANNEL_PUT | ONE, 0, 99, 0, 0),
                 ERROR_WOULD_BLOCK);
    calls(&d, CALL_IT, 0, 5);
    p.task->frame.r10 = 0;
    next_put(p.task, CALL_CHANNEL_PUT | ONE, 0, 6, 0, 0);
    for (uint64_t word = 1; word <= 6; word++) {
        EXPECT_EQUAL(calls(&s, TAKE_IT, 0, 0), NO_ERROR);
        EXPECT_EQUAL(s.task->frame.rdx, word);
        EXPECT_EQUAL(s.task->frame.rsi >> 49, word == 3 || word == 5);
        EXPECT_EQUAL(q.task->state, word < 3 ? TASK_PUTTING : TASK_READY);
        EXPECT_EQUAL(p.task->state, word < 5 ? TASK_PUTTING : TASK_READY);
        if (word == 3 || word == 5)
            EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 0), NO_ERROR);
    }
    EXPECT_EQUAL(channel_in(channel)->count, 0);
}

TEST(a_put_behind_a_call_that_was_given_up_is_taken)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    struct process p = client(OTHERS);
    calls(&c, CALL_IT, 0, 1);
    put_word(p.task, 2);
    EXPECT_EQUAL(p.task->state, TASK_PUTTING);
    task_stop(c.task);
    check_all();
    EXPECT_EQUAL(calls(&s, SERVE, 0, 0), NO_ERROR);
    EXPECT_EQUAL(s.task->frame.rdx, 2);
    EXPECT_EQUAL(s.task->frame.rsi, OTHERS);
    EXPECT_EQUAL(p.task->state, TASK_READY);
    EXPECT_EQUAL(p.task->frame.rax, NO_ERROR);
}

/* --- Nobody to reply to ------------------------------------------------------------- */

TEST(nobody_replies_twice_or_to_nobody)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 1), ERROR_NO_CALLER);
    calls(&c, CALL_IT, 0, 1);
    calls(&s, SERVE, 0, 0);
    EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 2), NO_ERROR);
    EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 3), ERROR_NO_CALLER);
    expect_answer(&c, 2);
    calls(&c, CALL_IT, 0, 4);
    EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 5), ERROR_NO_CALLER);
    EXPECT_EQUAL(c.task->state, TASK_CALLING);
}

TEST(a_caller_that_was_stopped_is_not_answered)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    calls(&c, CALL_IT, 0, 1);
    calls(&s, SERVE, 0, 0);
    task_stop(c.task);
    check_all();
    EXPECT_EQUAL(c.task->frame.rax, ERROR_REVOKED);
    EXPECT_EQUAL(task_start(c.task), NO_ERROR);
    EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 2), ERROR_NO_CALLER);
    expect_end(&c, ERROR_REVOKED);
    calls(&s, SERVE, 0, 3);
    EXPECT_EQUAL(s.task->state, TASK_TAKING);
}

TEST(a_caller_that_was_destroyed_is_not_answered)
{
    set_stage();
    struct untyped *island = make_island(ground, WAY_IN + 1);
    struct process s = server(SERVER);
    struct process c = actor(island, CALLER, RIGHT_WRITE);
    calls(&c, CALL_IT, 0, 1);
    calls(&s, SERVE, 0, 0);
    while (!untyped_reset(island))
        continue;
    check_all();
    EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 2), ERROR_NO_CALLER);
    calls(&s, SERVE, 0, 3);
    EXPECT_EQUAL(s.task->state, TASK_TAKING);
}

TEST(who_takes_another_call_gives_up_the_first)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    struct process d = client(OTHERS);
    calls(&c, CALL_IT, 0, 1);
    calls(&d, CALL_IT, 0, 2);
    EXPECT_EQUAL(calls(&s, TAKE_IT, 0, 0), NO_ERROR);
    EXPECT_EQUAL(calls(&s, TAKE_IT, 0, 0), NO_ERROR);
    expect_end(&c, ERROR_REVOKED);
    EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 3), NO_ERROR);
    expect_answer(&d, 3);
    EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 4), ERROR_NO_CALLER);
}

/* --- Ends ------------------------------------------------------------------------------ */

TEST(who_was_taken_hears_of_the_servers_end)
{
    for (unsigned destroyed = 0; destroyed < 2; destroyed++) {
        set_stage();
        struct untyped *island = make_island(ground, WAY_IN + 1);
        struct process c = client(CALLER);
        struct process s = actor(island, SERVER, RIGHT_READ);
        calls(&c, CALL_IT, 0, 1);
        calls(&s, SERVE, 0, 0);
        if (destroyed)
            while (!untyped_reset(island))
                continue;
        else
            task_stop(s.task);
        check_all();
        expect_end(&c, ERROR_REVOKED);
    }
}

static void end(struct untyped *island)
{
    while (!untyped_reset(island))
        continue;
    check_all();
}

/* The two know each other from an exchange that is over, or goes on. */
TEST(who_has_called_and_who_has_served_end_in_any_order)
{
    for (unsigned way = 0; way < 4; way++) {
        set_stage();
        struct untyped *first = make_island(ground, WAY_IN + 1);
        struct untyped *second = make_island(ground, WAY_IN + 2);
        struct process c = actor(way & 1 ? first : second, CALLER,
                                 RIGHT_WRITE);
        struct process s = actor(way & 1 ? second : first, SERVER,
                                 RIGHT_READ);
        calls(&s, SERVE, 0, 0);
        calls(&c, CALL_IT, 0, 1);
        if (way & 2)
            EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 2), NO_ERROR);
        end(first);
        make(first, OBJECT_TASK, WAY_IN + 3);
        check_all();
        end(second);
        make(second, OBJECT_TASK, WAY_IN + 4);
        check_all();
        EXPECT(link_alone(&channel_in(channel)->takers));
        EXPECT(link_alone(&channel_in(channel)->putters));
    }
}

TEST(who_waits_to_call_hears_of_the_channels_end)
{
    set_stage();
    struct untyped *island = make_island(ground, WAY_IN + 1);
    channel = make(island, OBJECT_CHANNEL, WAY_IN + 2);
    struct process c = client(CALLER), s = server(SERVER);
    struct process d = client(OTHERS);
    calls(&c, CALL_IT, 0, 1);
    calls(&s, SERVE, 0, 0);
    calls(&d, CALL_IT, 0, 2);
    while (!untyped_reset(island))
        continue;
    check_all();
    expect_end(&d, ERROR_REVOKED);
    EXPECT_EQUAL(c.task->state, TASK_AWAITING);
    EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 3), NO_ERROR);
    expect_answer(&c, 3);
}

TEST(who_waits_to_call_hears_of_a_revocation)
{
    set_stage();
    struct capability *way = channel;
    weak_derive(&kernel_pool.pool, WAY_IN + 1, way, RIGHT_ALL, 0);
    struct process s = server(SERVER), d = client(OTHERS);
    channel = &kernel_pool.slots[WAY_IN + 1];
    struct process c = client(CALLER);
    calls(&c, CALL_IT, 0, 1);
    calls(&d, CALL_IT, 0, 2);
    while (!weak_revoke(channel))
        continue;
    check_all();
    expect_end(&c, ERROR_REVOKED);
    EXPECT_EQUAL(d.task->state, TASK_CALLING);
    EXPECT_EQUAL(calls(&s, SERVE, 0, 0), NO_ERROR);
    expect_answer(&s, 2);
}

TEST(who_waits_to_call_may_be_stopped)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    calls(&c, CALL_IT, 0, 1);
    task_stop(c.task);
    check_all();
    EXPECT_EQUAL(c.task->frame.rax, ERROR_REVOKED);
    calls(&s, SERVE, 0, 0);
    EXPECT_EQUAL(s.task->state, TASK_TAKING);
}

/* The only one who could take the call is the one who waits. */
TEST(a_call_to_oneself_waits)
{
    set_stage();
    struct process c = actor(ground, CALLER, RIGHT_ALL);
    calls(&c, CALL_IT, 0, 1);
    EXPECT_EQUAL(c.task->state, TASK_CALLING);
    EXPECT(!scheduler_next());
    task_stop(c.task);
    EXPECT_EQUAL(task_start(c.task), NO_ERROR);
    c.task->frame.r10 = 1;
    EXPECT_EQUAL(next_call(c.task, TAKE_IT, CHANNEL, 0), ERROR_WOULD_BLOCK);
}

/* --- Payloads -------------------------------------------------------------------------- */

static void write(const struct process *p, int byte)
{
    memset(buffer_of(p), byte, PAGE_SIZE);
}

static void expect_bytes(const struct process *p, int byte, unsigned length,
                         int beyond)
{
    for (unsigned i = 0; i < length; i++)
        EXPECT_EQUAL(buffer_of(p)[i], byte);
    EXPECT_EQUAL(buffer_of(p)[length], beyond);
}

/* The channel has no room for payloads, and needs none. */
TEST(bytes_go_there_and_back)
{
    for (unsigned first = 0; first < 2; first++) {
        set_stage();
        struct process c = client(CALLER), s = server(SERVER);
        write(&c, 'c');
        write(&s, 's');
        if (first)
            calls(&s, SERVE, 0, 0);
        calls(&c, CALL_IT | bytes(BUFFER_BYTES), 0, 1);
        if (!first)
            calls(&s, SERVE, 0, 0);
        EXPECT_EQUAL(s.task->frame.rsi,
                     CALLER | (uint64_t)BUFFER_BYTES << 32 | CALLED);
        expect_bytes(&s, 'c', BUFFER_BYTES, 's');
        write(&s, 'r');
        EXPECT_EQUAL(replies(&s, CALL_REPLY | bytes(9), 0, 5), NO_ERROR);
        expect_answer(&c, 5);
        EXPECT_EQUAL(c.task->frame.rsi, 9ULL << 32);
        expect_bytes(&c, 'r', 9, 'c');
    }
}

TEST(bytes_that_cannot_be_sent_are_refused)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    EXPECT_EQUAL(calls(&c, CALL_IT | bytes(1025), 0, 1), ERROR_TOO_LONG);
    EXPECT_EQUAL(calls(&c, CALL_IT | bytes(2047), 0, 1), ERROR_TOO_LONG);
    calls(&c, CALL_IT | bytes(1), 0, 1);
    calls(&s, SERVE, 0, 0);
    EXPECT_EQUAL(replies(&s, CALL_REPLY | bytes(1025), 0, 1),
                 ERROR_TOO_LONG);
    EXPECT_EQUAL(calls(&s, SERVE | bytes(1025), 0, 1), ERROR_TOO_LONG);
    weak_delete(&s.task->references[TASK_BUFFER]);
    EXPECT_EQUAL(replies(&s, CALL_REPLY | bytes(1), 0, 1), ERROR_NO_BUFFER);
    EXPECT_EQUAL(c.task->state, TASK_AWAITING);
    EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 3), NO_ERROR);
    expect_answer(&c, 3);
}

TEST(a_buffer_may_go_at_any_time)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    struct process d = client(OTHERS);
    /* The caller's, before it is taken. */
    calls(&c, CALL_IT | bytes(8), 0, 1);
    calls(&d, CALL_IT | bytes(8), 0, 2);
    weak_delete(&c.task->references[TASK_BUFFER]);
    check_all();
    expect_end(&c, ERROR_REVOKED);
    /* The server's: the call stays, until there is one again. */
    weak_delete(&s.task->references[TASK_BUFFER]);
    EXPECT_EQUAL(calls(&s, SERVE, 0, 0), ERROR_NO_BUFFER);
    EXPECT_EQUAL(d.task->state, TASK_CALLING);
    task_stop(s.task);
    EXPECT_EQUAL(task_set(s.task, TASK_BUFFER, &s.pool->slots[BUFFER]),
                 NO_ERROR);
    EXPECT_EQUAL(task_start(s.task), NO_ERROR);
    EXPECT_EQUAL(calls(&s, SERVE, 0, 0), NO_ERROR);
    /* The caller's, between call and reply. */
    weak_delete(&d.task->references[TASK_BUFFER]);
    EXPECT_EQUAL(d.task->state, TASK_AWAITING);
    EXPECT_EQUAL(replies(&s, CALL_REPLY | bytes(8), 0, 3), NO_ERROR);
    expect_end(&d, ERROR_NO_BUFFER);
    EXPECT_EQUAL(replies(&s, CALL_REPLY, 0, 3), ERROR_NO_CALLER);
}

TEST(a_taker_without_a_buffer_is_passed_over)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    struct process t = server(OTHERS);
    weak_delete(&t.task->references[TASK_BUFFER]);
    calls(&t, SERVE, 0, 0);
    calls(&s, SERVE, 0, 0);
    calls(&c, CALL_IT | bytes(8), 0, 1);
    expect_end(&t, ERROR_NO_BUFFER);
    expect_answer(&s, 1);
    EXPECT_EQUAL(c.task->state, TASK_AWAITING);
    EXPECT(reply_owed(s.task) == c.task);
}

/* --- Capabilities ---------------------------------------------------------------------- */

static struct weak *in_slot(const struct process *p, unsigned slot)
{
    return &p->pool->slots[slot].weak;
}

static void own_a_page(struct process *p)
{
    EXPECT_EQUAL(untyped_retype(ground, OBJECT_PAGE, 0, &p->pool->pool,
                                THING),
                 NO_ERROR);
}

TEST(a_capability_goes_there_and_another_comes_back)
{
    static const uint64_t TWO_LENGTHS = 0x1000, NO_CHANNEL = 0x1000;
    for (unsigned first = 0; first < 2; first++) {
        set_stage();
        struct process c = client(CALLER), s = server(SERVER);
        own_a_page(&c);
        own_a_page(&s);
        if (first)
            calls(&s, SERVE | into(INTO), 0, 0);
        calls(&c, CALL_IT | TWO_LENGTHS | keeping(RIGHT_READ) | into(INTO),
              THING, 1);
        if (!first)
            calls(&s, SERVE | into(INTO), 0, 0);
        EXPECT_EQUAL(s.task->frame.rsi, CALLER | CALLED | CARRIES);
        EXPECT(in_slot(&s, INTO)->object == in_slot(&c, THING)->object);
        EXPECT_EQUAL(in_slot(&s, INTO)->rights, RIGHT_READ);
        EXPECT_EQUAL(replies(&s,
                             CALL_REPLY | NO_CHANNEL |
                                 keeping(RIGHT_READ | RIGHT_WRITE),
                             THING, 2),
                     NO_ERROR);
        expect_answer(&c, 2);
        EXPECT_EQUAL(c.task->frame.rsi, CARRIES);
        EXPECT(in_slot(&c, INTO)->object == in_slot(&s, THING)->object);
        EXPECT_EQUAL(in_slot(&c, INTO)->rights, RIGHT_READ | RIGHT_WRITE);
        /* It is derived from what was sent. */
        while (!weak_revoke(&s.pool->slots[THING]))
            continue;
        EXPECT(!in_slot(&c, INTO)->object);
        check_all();
    }
}

TEST(nobody_loses_a_capability_for_want_of_a_slot)
{
    static const uint64_t WITH = 0x1000;
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    own_a_page(&c);
    own_a_page(&s);
    calls(&c, CALL_IT | WITH | keeping(RIGHT_ALL), THING, 1);
    EXPECT_EQUAL(calls(&s, SERVE, 0, 0), ERROR_NO_SLOT);
    EXPECT_EQUAL(calls(&s, SERVE | into(CHANNEL), 0, 0), ERROR_SLOT_IN_USE);
    EXPECT_EQUAL(calls(&s, TAKE_IT, 0, 0), ERROR_NO_SLOT);
    EXPECT_EQUAL(c.task->state, TASK_CALLING);
    EXPECT_EQUAL(calls(&s, SERVE | into(INTO), 0, 0), NO_ERROR);
    EXPECT(in_slot(&s, INTO)->object);
    /* The way back: the caller gave no slot, and gets the words. */
    EXPECT_EQUAL(replies(&s, CALL_REPLY | WITH | keeping(RIGHT_ALL), THING,
                         2),
                 NO_ERROR);
    expect_answer(&c, 2);
    EXPECT_EQUAL(c.task->frame.rsi, 0);
    EXPECT(in_slot(&s, THING)->object);
    /* Or one that is in use. */
    calls(&c, CALL_IT | into(THING), 0, 3);
    EXPECT_EQUAL(calls(&s, SERVE, 0, 0), NO_ERROR);
    EXPECT_EQUAL(replies(&s, CALL_REPLY | WITH | keeping(RIGHT_ALL), THING,
                         4),
                 NO_ERROR);
    expect_answer(&c, 4);
    EXPECT_EQUAL(c.task->frame.rsi, 0);
}

TEST(a_capability_is_recalled_from_a_call_that_waits)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    own_a_page(&c);
    calls(&c, CALL_IT | 0x1000 | keeping(RIGHT_ALL), THING, 1);
    while (!weak_revoke(&c.pool->slots[THING]))
        continue;
    check_all();
    EXPECT_EQUAL(calls(&s, SERVE, 0, 0), NO_ERROR);
    EXPECT_EQUAL(s.task->frame.rsi, CALLER | CALLED);
    EXPECT_EQUAL(s.task->frame.rdx, 1);
}

TEST(a_taker_without_a_slot_is_passed_over_by_a_call)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    struct process t = server(OTHERS);
    own_a_page(&c);
    calls(&t, SERVE, 0, 0);
    calls(&s, SERVE | into(INTO), 0, 0);
    calls(&c, CALL_IT | 0x1000 | keeping(RIGHT_ALL), THING, 1);
    expect_end(&t, ERROR_NO_SLOT);
    EXPECT(in_slot(&s, INTO)->object);
    EXPECT(in_slot(&c, THING)->object);
    EXPECT(!c.task->references[TASK_SENT].object);
}

/* --- What is refused --------------------------------------------------------------------- */

TEST(calls_check_type_rights_and_every_bit)
{
    set_stage();
    struct process c = client(CALLER), s = server(SERVER);
    own_a_page(&c);
    for (unsigned bit = 0; bit < 64; bit++)
        if ((bit == 31) || (bit >= 36 && bit < 40) || bit > 48) {
            EXPECT_EQUAL(calls(&c, CALL_IT | 1ULL << bit, 0, 1),
                         ERROR_BAD_CALL);
            EXPECT_EQUAL(calls(&s, SERVE | 1ULL << bit, 0, 1),
                         ERROR_BAD_CALL);
            EXPECT_EQUAL(replies(&s, CALL_REPLY | 1ULL << bit, 0, 1),
                         ERROR_BAD_CALL);
        }
    EXPECT_EQUAL(calls(&s, CALL_IT, 0, 1), ERROR_NO_RIGHT);
    EXPECT_EQUAL(calls(&c, SERVE, 0, 1), ERROR_NO_RIGHT);
    EXPECT_EQUAL(next_call(c.task, CALL_IT, THING, 0), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(next_call(c.task, SERVE, THING, 0), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(next_call(c.task, CALL_IT, 0x99, 0), ERROR_NO_CAPABILITY);
    EXPECT_EQUAL(next_call(c.task, CALL_CHANNEL_CALL, CHANNEL, 0),
                 ERROR_BAD_ADDRESS);
    EXPECT_EQUAL(calls(&s, CALL_REPLY | ONE, 0, 1), ERROR_BAD_CALL);
    EXPECT_EQUAL(calls(&c, CALL_IT | 0x1000, 0x99, 1), ERROR_NO_CAPABILITY);
    in_slot(&c, CHANNEL)->rights = RIGHT_WRITE;
    EXPECT_EQUAL(calls(&c, CALL_IT | 0x1000, THING, 1), ERROR_NO_RIGHT);
    c.task->references[TASK_CPOOL].rights = RIGHT_READ;
    EXPECT_EQUAL(calls(&c, CALL_IT | into(INTO), 0, 1), ERROR_NO_RIGHT);
    EXPECT_EQUAL(c.task->state, TASK_READY);
    EXPECT(link_alone(&channel_in(channel)->putters));
}

/* --- In ring 3 --------------------------------------------------------------------------- */

/* Calls twelve times; the server adds one to each word. Every register
   that a call keeps has a value of its own. The word of the call is in rbp,
   in r15 that of the exit. */
PROGRAM(ask_often,
        "mov rbx, 11; mov r12, 12; mov r13, 13; mov r14, 14\n"
        "1: mov rax, rbp; mov edi, 200; xor esi, esi; mov rdx, [0x500000];"
        "lea r8, [rdx + 10]; lea r9, [rdx + 20]; lea r10, [rdx + 30];"
        "syscall; test rax, rax; jnz 3f; test rsi, rsi; jnz 3f;"
        "mov rcx, [0x500000]; inc rcx; cmp rdx, rcx; jne 3f;"
        "add rcx, 10; cmp r8, rcx; jne 3f; add rcx, 10; cmp r9, rcx; jne 3f;"
        "add rcx, 10; cmp r10, rcx; jne 3f;"
        "cmp rdi, 200; jne 3f; cmp rsp, 0x501000; jne 3f;"
        "cmp rbx, 11; jne 3f; cmp r12, 12; jne 3f; cmp r13, 13; jne 3f;"
        "cmp r14, 14; jne 3f;"
        "inc qword ptr [0x500000]; cmp qword ptr [0x500000], 12; jb 1b\n"
        "2: mov rax, r15; syscall\n"
        "3: ud2")
PROGRAM(serve_all,
        "mov rbx, 21; mov r12, 22; mov r13, 23; mov r14, 24; mov r15, 25\n"
        "xor edx, edx; mov r8, rdx; mov r9, rdx; mov r10, rdx\n"
        "1: mov rax, rbp; mov edi, 200; xor esi, esi; syscall;"
        "test rax, rax; jnz 3f; bt rsi, 49; jnc 3f; btr rsi, 49;"
        "cmp rsi, 10; jae 3f; cmp rdi, 200; jne 3f; cmp rsp, 0x501000; jne 3f;"
        "cmp rbx, 21; jne 3f; cmp r12, 22; jne 3f; cmp r13, 23; jne 3f;"
        "cmp r14, 24; jne 3f; cmp r15, 25; jne 3f;"
        "inc qword ptr [0x500000];"
        "inc rdx; inc r8; inc r9; inc r10;"
        "mov rcx, [0x500000]; cmp rcx, [0x500008]; jne 1b;"
        "mov rax, [0x500010]; xor edi, edi; xor esi, esi; syscall;"
        "mov eax, 1; syscall\n"
        "3: ud2")

enum { EACH = 12 };

static struct process performer(unsigned slot, struct program program,
                                uint64_t word, unsigned rights)
{
    struct process p = load_program(ground, slot, program);
    p.task->frame.rbp = word;
    p.task->frame.r15 = CALL_EXIT;
    share(&p, channel, rights, slot);
    EXPECT_EQUAL(process_start(&p, TEXT, STACK_END), NO_ERROR);
    return p;
}

static void play(unsigned clients, int server_above)
{
    set_stage();
    struct process c[2];
    struct process s = performer(SERVER, PROGRAM_OF(serve_all), SERVE,
                                 RIGHT_READ);
    data_of(&s)[1] = EACH * clients;
    data_of(&s)[2] = CALL_REPLY;
    scheduler_set_priority(s.task, (uint8_t)(16 + server_above));
    for (unsigned i = 0; i < clients; i++)
        c[i] = performer(OTHERS + i, PROGRAM_OF(ask_often), CALL_IT,
                         RIGHT_WRITE);
    still_alive();
    scheduler_run();
    check_all();
    for (unsigned i = 0; i < clients; i++) {
        EXPECT_EQUAL(c[i].task->state, TASK_INACTIVE);
        EXPECT_EQUAL(c[i].task->frame.vector, VECTOR_SYSCALL);
        EXPECT_EQUAL(*data_of(&c[i]), EACH);
    }
    EXPECT_EQUAL(*data_of(&s), EACH * clients);
}

TEST(calls_lose_no_register)
{
    play(1, 0);
}

TEST(a_server_may_have_a_higher_priority_or_a_lower)
{
    play(1, 1);
    play(1, -1);
}

TEST(a_server_has_several_clients)
{
    play(2, 0);
    play(2, 1);
}
