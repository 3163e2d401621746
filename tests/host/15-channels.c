/* Channels against a model: a list of messages, two lists of tasks. Tasks put
   and take through capabilities with different badges; capabilities are
   revoked, tasks stopped, channels destroyed, at random. */
#include "host.h"

#include <string.h>

#include "kernel/cap/channel.h"
#include "kernel/cap/cpool.h"
#include "kernel/cap/irq.h"
#include "kernel/cap/untyped.h"
#include "kernel/check.h"
#include "kernel/interrupt.h"
#include "kernel/machine.h"

enum { CHANNELS = 3, TASKS = 24, WAYS = 4, LINES = 2 };
enum { SLOT_TABLE = 1, SLOT_BANK = 10, SLOT_WAY = 20, SLOT_TASK = 60 };
enum { NOBODY = -1, STEPS = 60000 };

static struct untyped *ram, *bank[CHANNELS]; /* one untyped a channel */
static struct cpool root;
static struct task *tasks[TASKS];
static struct irq irqs[LINES];

static struct m_message {
    uint64_t word;
    uint32_t badge;
} m_ring[CHANNELS][CHANNEL_MESSAGES];
static int m_count[CHANNELS];

static struct m_task {
    enum task_state state;
    int channel, way, since; /* while it waits */
    uint64_t rax, rdx, rsi;  /* what its registers must hold */
} m_tasks[TASKS];

static struct m_line {
    int channel, way; /* bound to; NOBODY */
    bool silent, again, pending;
    int since;
} m_lines[LINES];
static int now; /* the step; orders what waits */

/* --- What is there -------------------------------------------------------- */

static unsigned slot_of(int channel, int way)
{
    return SLOT_WAY + (unsigned)(channel * WAYS + way);
}

static struct capability *capability_of(int channel, int way)
{
    return &root.slots[slot_of(channel, way)];
}

static struct channel *channel_at(int channel)
{
    return channel_from(capability_of(channel, 0)->weak.object);
}

static struct capability *retype(struct untyped *of, unsigned type,
    size_t bytes, unsigned slot)
{
    assert_int_equal(untyped_retype(of, type, bytes, &root.pool, slot),
        NO_ERROR);
    return &root.slots[slot];
}

static void derive_ways(int channel)
{
    for (int way = 1; way < WAYS; way++)
        if (!capability_of(channel, way)->weak.object)
            weak_derive(&root.pool, slot_of(channel, way),
                capability_of(channel, 0), RIGHT_ALL,
                (uint32_t)(100 * channel + way));
}

static void make_channel(int channel)
{
    retype(bank[channel], OBJECT_CHANNEL, 0, slot_of(channel, 0));
    derive_ways(channel);
    m_count[channel] = 0;
}

static void make_task(int n)
{
    struct object *object =
        retype(ram, OBJECT_TASK, 0, SLOT_TASK + (unsigned)n)->weak.object;

    tasks[n] = task_from(object);
    task_set(tasks[n], TASK_CPOOL, &root.slots[0]);
    task_set(tasks[n], TASK_TABLE, &root.slots[SLOT_TABLE]);
    assert_int_equal(task_start(tasks[n]), NO_ERROR);
    m_tasks[n] = (struct m_task){ .state = TASK_READY };
}

static int start(void **state)
{
    memset(arena, 0xa5, sizeof arena);
    memset(&root, 0, sizeof root);
    ram = untyped_of_ram(physical(0x10000), physical(0x200000));
    object_init(&root.object, OBJECT_CPOOL);
    cpool_construct(&root.object, physical(0), 0);
    object_keep(&root.object);
    weak_original(&root.pool, 0, &root.object, RIGHT_ALL, 0);
    retype(ram, OBJECT_PML4, 0, SLOT_TABLE);
    for (int c = 0; c < CHANNELS; c++) {
        struct object *object = retype(ram, OBJECT_UNTYPED, PAGE_SIZE,
            SLOT_BANK + (unsigned)c)->weak.object;

        bank[c] = untyped_from(object);
        make_channel(c);
    }
    for (int n = 0; n < TASKS; n++)
        make_task(n);
    return seed_random(state);
}

/* --- The model ------------------------------------------------------------ */

static void m_answer(int n, enum error error, struct m_message message)
{
    m_tasks[n].state = TASK_READY;
    m_tasks[n].rax = error;
    m_tasks[n].rdx = message.word;
    m_tasks[n].rsi = message.badge;
}

/* Who waits at a channel in this state for the longest time. */
static int m_first(int channel, enum task_state state)
{
    int first = NOBODY;

    for (int n = 0; n < TASKS; n++)
        if (m_tasks[n].state == state && m_tasks[n].channel == channel &&
            (first == NOBODY || m_tasks[n].since < m_tasks[first].since))
            first = n;
    return first;
}

static bool m_put(int channel, struct m_message message)
{
    int taker = m_first(channel, TASK_TAKING);

    if (taker != NOBODY)
        m_answer(taker, NO_ERROR, message);
    else if (m_count[channel] < CHANNEL_MESSAGES)
        m_ring[channel][m_count[channel]++] = message;
    else
        return false;
    return true;
}

static struct m_message m_line_message(int line)
{
    return (struct m_message){ (uint64_t)line + 1,
        m_lines[line].way == 0 ? 0
            : (uint32_t)(100 * m_lines[line].channel + m_lines[line].way) };
}

static bool m_take(int channel, struct m_message *message)
{
    int line = NOBODY, putter;

    for (int l = 0; l < LINES; l++)
        if (m_lines[l].pending && m_lines[l].channel == channel &&
            (line == NOBODY || m_lines[l].since < m_lines[line].since))
            line = l;
    if (line != NOBODY) {
        m_lines[line].pending = false;
        *message = m_line_message(line);
        return true;
    }
    if (m_count[channel] == 0)
        return false;
    *message = m_ring[channel][0];
    memmove(m_ring[channel], m_ring[channel] + 1,
        sizeof m_ring[channel] - sizeof m_ring[channel][0]);
    m_count[channel]--;
    putter = m_first(channel, TASK_PUTTING);
    if (putter != NOBODY) {
        m_ring[channel][m_count[channel]++] = (struct m_message){
            tasks[putter]->frame.rsi,
            m_tasks[putter].way == 0 ? 0
                : (uint32_t)(100 * channel + m_tasks[putter].way) };
        m_answer(putter, NO_ERROR, (struct m_message){ 0 });
    }
    return true;
}

/* All that waits through this way, or through any (NOBODY), is sent off. */
static void m_revoke(int channel, int way)
{
    for (int n = 0; n < TASKS; n++)
        if (m_tasks[n].state > TASK_READY && m_tasks[n].channel == channel &&
            (way == NOBODY || m_tasks[n].way == way))
            m_answer(n, ERROR_REVOKED, (struct m_message){ 0 });
    for (int l = 0; l < LINES; l++)
        if (m_lines[l].channel == channel &&
            (way == NOBODY || m_lines[l].way == way))
            m_lines[l] = (struct m_line){ .channel = NOBODY };
}

static void m_raise(int line)
{
    struct m_line *m = &m_lines[line];
    int taker;

    if (m->channel == NOBODY)
        return;
    m->again = m->silent;
    if (m->silent)
        return;
    m->silent = true;
    taker = m_first(m->channel, TASK_TAKING);
    if (taker != NOBODY) {
        m_answer(taker, NO_ERROR, m_line_message(line));
    } else {
        m->pending = true;
        m->since = now;
    }
}

/* --- The two side by side --------------------------------------------------- */

static void compare(void)
{
    for (int n = 0; n < TASKS; n++) {
        assert_int_equal(tasks[n]->state, m_tasks[n].state);
        if (m_tasks[n].state > TASK_READY)
            continue; /* its registers are still those of the call */
        assert_int_equal(tasks[n]->frame.rax, m_tasks[n].rax);
        assert_int_equal(tasks[n]->frame.rdx, m_tasks[n].rdx);
        if (m_tasks[n].rax == NO_ERROR)
            assert_int_equal(tasks[n]->frame.rsi, m_tasks[n].rsi);
    }
    for (int c = 0; c < CHANNELS; c++)
        assert_int_equal(channel_at(c)->count, m_count[c]);
    check_all();
}

static void set_registers(int n, enum error error, struct m_message message)
{
    tasks[n]->frame.rax = error;
    tasks[n]->frame.rdx = message.word;
    tasks[n]->frame.rsi = message.badge;
    m_answer(n, error, message);
}

static void wait(int n, int channel, int way, enum task_state state)
{
    channel_wait(channel_at(channel), tasks[n], state,
        capability_of(channel, way));
    m_tasks[n].state = state;
    m_tasks[n].channel = channel;
    m_tasks[n].way = way;
    m_tasks[n].since = now;
}

static void put(int n, int channel, int way, bool waits)
{
    uint32_t badge = capability_of(channel, way)->weak.badge;
    uint64_t word = random_below(UINT32_MAX);
    enum error error;
    bool done = m_put(channel, (struct m_message){ word, badge });

    tasks[n]->frame.rsi = word;
    error = channel_put(channel_at(channel),
        (struct message){ .word = word, .badge = badge });
    assert_int_equal(error, done ? NO_ERROR : ERROR_WOULD_BLOCK);
    if (error && waits)
        wait(n, channel, way, TASK_PUTTING);
    else
        set_registers(n, error, (struct m_message){ 0 });
}

static void take(int n, int channel, int way, bool waits)
{
    struct message message = { 0 };
    struct m_message expected = { 0 };
    bool done = m_take(channel, &expected);
    enum error error = channel_take(channel_at(channel), &message);

    assert_int_equal(error, done ? NO_ERROR : ERROR_WOULD_BLOCK);
    assert_int_equal(message.word, expected.word);
    assert_int_equal(message.badge, expected.badge);
    if (error && waits)
        wait(n, channel, way, TASK_TAKING);
    else
        set_registers(n, error, expected);
}

static void revoke(int channel, int way)
{
    if (way == 0) {
        weak_revoke(capability_of(channel, 0));
        m_revoke(channel, NOBODY);
    } else {
        weak_revoke(capability_of(channel, way));
        m_revoke(channel, way);
    }
    derive_ways(channel);
}

static void destroy(int channel)
{
    untyped_reset(bank[channel]);
    m_revoke(channel, NOBODY);
    make_channel(channel);
}

static void stop_and_start(int n)
{
    task_stop(tasks[n]);
    assert_int_equal(tasks[n]->state, TASK_INACTIVE);
    check_all();
    assert_int_equal(task_start(tasks[n]), NO_ERROR);
    set_registers(n, NO_ERROR, (struct m_message){ 0 });
}

static void use_a_line(int line, int channel, int way)
{
    bool bound = m_lines[line].channel != NOBODY;

    switch (random_below(4)) {
    case 0:
        irq_bind(&irqs[line], capability_of(channel, way));
        m_lines[line] = (struct m_line){ .channel = channel, .way = way };
        break;
    case 1:
        assert_int_equal(irq_acknowledge(&irqs[line]),
            bound ? NO_ERROR : ERROR_NOT_READY);
        if (bound) {
            bool again = m_lines[line].again;

            m_lines[line].silent = m_lines[line].again = false;
            m_lines[line].pending = false;
            if (again)
                m_raise(line);
        }
        break;
    default:
        m_raise(line);
        irq_raise((unsigned)line + 1);
        break;
    }
}

static void step(void)
{
    int n = (int)random_below(TASKS), channel = (int)random_below(CHANNELS);
    int way = (int)random_below(WAYS);
    uint32_t what = random_below(100);

    now++;
    if (what < 1)
        destroy(channel);
    else if (what < 4)
        revoke(channel, way);
    else if (what < 8)
        stop_and_start(n);
    else if (what < 18)
        use_a_line((int)random_below(LINES), channel, way);
    else if (m_tasks[n].state != TASK_READY)
        return;
    else if ((now / 500 % 3 == 0) ? what < 80 : what < 55)
        put(n, channel, way, random_below(4) != 0);
    else
        take(n, channel, way, random_below(4) != 0);
}

/* --- The tests -------------------------------------------------------------- */

static void channels_follow_the_model(void **state)
{
    unsigned waited[3] = { 0 };

    (void)state;
    for (int l = 0; l < LINES; l++) {
        irq_init(&irqs[l], (unsigned)l + 1);
        object_keep(&irqs[l].object);
        m_lines[l].channel = NOBODY;
    }
    for (int i = 0; i < STEPS; i++) {
        step();
        compare();
        for (int c = 0; c < CHANNELS; c++) {
            waited[0] += m_first(c, TASK_TAKING) != NOBODY;
            waited[1] += m_first(c, TASK_PUTTING) != NOBODY;
            waited[2] += m_count[c] > 0 && m_count[c] < CHANNEL_MESSAGES;
        }
    }
    for (int i = 0; i < 3; i++)
        assert_true(waited[i] > STEPS / 20);
}

/* Eight messages wait, the putters behind them in their order. */
static void who_came_first_is_served_first(void **state)
{
    struct message message;

    (void)state;
    for (int i = 0; i < 12; i++) {
        tasks[i]->frame.rsi = (uint64_t)i;
        if (channel_put(channel_at(0), (struct message){ .word = (uint64_t)i }))
            channel_wait(channel_at(0), tasks[i], TASK_PUTTING,
                capability_of(0, 0));
    }
    assert_int_equal(tasks[7]->state, TASK_READY);
    assert_int_equal(tasks[8]->state, TASK_PUTTING);
    for (uint64_t i = 0; i < 12; i++) {
        assert_int_equal(channel_take(channel_at(0), &message), NO_ERROR);
        assert_int_equal(message.word, i);
    }
    assert_int_equal(channel_take(channel_at(0), &message),
        ERROR_WOULD_BLOCK);
}

/* A pool's death stops the tasks that use it, wherever they wait. */
static void a_task_that_loses_its_table_leaves_the_queue(void **state)
{
    (void)state;
    channel_wait(channel_at(1), tasks[3], TASK_TAKING, capability_of(1, 2));
    channel_wait(channel_at(1), tasks[4], TASK_TAKING, capability_of(1, 2));
    weak_delete(&tasks[3]->references[TASK_TABLE]);
    assert_int_equal(tasks[3]->state, TASK_INACTIVE);
    check_all();
    assert_int_equal(channel_put(channel_at(1), (struct message){ .word = 5 }),
        NO_ERROR);
    assert_int_equal(tasks[4]->frame.rdx, 5);
    check_all();
}

/* To delete a capability is not to revoke it: who waits goes on waiting. */
static void deleting_a_capability_leaves_waiters_alone(void **state)
{
    (void)state;
    channel_wait(channel_at(2), tasks[0], TASK_TAKING, capability_of(2, 1));
    weak_delete(&capability_of(2, 1)->weak);
    assert_int_equal(tasks[0]->state, TASK_TAKING);
    check_all();
    weak_revoke(capability_of(2, 0));
    assert_int_equal(tasks[0]->frame.rax, ERROR_REVOKED);
    check_all();
}

static int stop(void **state)
{
    (void)state;
    for (int n = 0; n < TASKS; n++)
        task_stop(tasks[n]);
    object_release(&root.object);
    untyped_reset(ram);
    object_release(&ram->object);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_came_first_is_served_first, start,
            stop),
        cmocka_unit_test_setup_teardown(
            a_task_that_loses_its_table_leaves_the_queue, start, stop),
        cmocka_unit_test_setup_teardown(
            deleting_a_capability_leaves_waiters_alone, start, stop),
        cmocka_unit_test_setup_teardown(channels_follow_the_model, start,
            stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
