/* Channels against a model: a list of messages, two lists of tasks, and a
   tree of capabilities on their way. Tasks put and take through capabilities
   with different badges, with payloads and capabilities; these are revoked,
   deleted and passed on, tasks stopped, buffers withdrawn, channels, pools
   and what is in flight destroyed, at random. */
#include "host.h"

#include <string.h>

#include "kernel/cap/channel.h"
#include "kernel/cap/cpool.h"
#include "kernel/cap/page.h"
#include "kernel/cap/untyped.h"
#include "kernel/check.h"
#include "kernel/interrupt.h"
#include "kernel/machine.h"

enum { CHANNELS = 3, TASKS = 24, WAYS = 4, LINES = 2, THINGS = 3 };
enum { SHELVES = 2, SHELF_SLOTS = 12, STEPS = 60000, LIVES = 1 << 18 };
enum { NOBODY = -1, NOTHING = -1 };

/* Slots of the root: one each, or WAYS each. */
enum {
    SLOT_TABLE = 1,
    SLOT_BANK = 10,
    SLOT_WAY = 20,
    SLOT_THING_BANK = 40,
    SLOT_THING = 50,
    SLOT_SHELF_BANK = 70,
    SLOT_SHELF = 80,
    SLOT_BUFFER = 100,
    SLOT_TASK = 140,
};

static struct untyped *ram;
static struct cpool root;
static struct task *tasks[TASKS];

/* --- The model's things ------------------------------------------------------ */

/* A capability, wherever it is; its parent is another, or NOTHING. */
static struct m_life {
    bool alive;
    int parent, thing;
    unsigned rights;
    uint32_t badge;
} lives[LIVES];
static int lives_used, living[1024], living_count;

static struct m_message {
    uint64_t word;
    uint32_t badge;
    unsigned length, pattern; /* of the payload */
    int life;
} m_ring[CHANNELS][CHANNEL_MESSAGES];
static int m_count[CHANNELS];

static struct m_task {
    enum task_state state;
    int channel, way, since;   /* while it waits */
    struct m_message sent;     /* while it waits to put */
    int shelf;                 /* while it waits to take: where to; NOBODY */
    unsigned index;
    bool buffered;
    uint64_t rax, rdx, rsi;    /* what its registers must hold */
    uint8_t bytes[PAGE_SIZE];  /* what its buffer must hold */
} m_tasks[TASKS];

static int m_shelf[SHELVES][CPOOL_SLOTS], m_thing[THINGS][WAYS];

static struct m_line {
    int channel, way; /* bound to; NOBODY */
    bool silent, again, pending;
    int since;
} m_lines[LINES];
static int now; /* the step; orders what waits */
static unsigned met[ERROR_NO_SLOT + 1], recalled, moved, copied;

static bool alive(int life)
{
    return life != NOTHING && lives[life].alive;
}

static int m_derive(int parent, int thing, unsigned rights, uint32_t badge)
{
    int life = lives_used++;

    assert_true(life < LIVES);
    lives[life] = (struct m_life){ true, parent, thing, rights, badge };
    if (parent != NOTHING)
        lives[life].rights &= lives[parent].rights;
    living[living_count++] = life;
    return life;
}

static void bury(void)
{
    int kept = 0;

    for (int i = 0; i < living_count; i++)
        if (alive(living[i]))
            living[kept++] = living[i];
    living_count = kept;
}

static void m_delete(int life)
{
    for (int i = 0; i < living_count; i++)
        if (lives[living[i]].parent == life)
            lives[living[i]].parent = lives[life].parent;
    lives[life].alive = false;
    bury();
}

/* All descendants of a life; of NOTHING: all of a thing. */
static void m_end(int ancestor, int thing)
{
    for (int i = 0; i < living_count; i++) {
        int at = living[i];

        if (lives[at].thing != thing)
            continue;
        if (ancestor != NOTHING)
            at = lives[at].parent;
        while (at != ancestor && at != NOTHING)
            at = lives[at].parent;
        if (at == ancestor)
            lives[living[i]].alive = false;
    }
    bury();
}

/* --- What is there -------------------------------------------------------- */

static struct capability *slot(int number)
{
    return &root.slots[number];
}

static int way_slot(int channel, int way)
{
    return SLOT_WAY + channel * WAYS + way;
}

static int thing_slot(int thing, int way)
{
    return SLOT_THING + thing * WAYS + way;
}

static struct channel *channel_at(int channel)
{
    return channel_from(slot(way_slot(channel, 0))->weak.object);
}

static struct cpool *shelf_at(int shelf)
{
    return cpool_from(slot(SLOT_SHELF + 2 * shelf)->weak.object);
}

static struct object *make(int bank, unsigned type, size_t bytes, int to)
{
    struct untyped *of =
        bank ? untyped_from(slot(bank)->weak.object) : ram;

    assert_int_equal(
        untyped_retype(of, type, bytes, &root.pool, (unsigned)to), NO_ERROR);
    return slot(to)->weak.object;
}

static void derive(int from, int to, unsigned rights, uint32_t badge)
{
    if (!slot(to)->weak.object)
        weak_derive(&root.pool, (unsigned)to, slot(from), rights, badge);
}

static void derive_ways(int channel)
{
    for (int way = 1; way < WAYS; way++)
        derive(way_slot(channel, 0), way_slot(channel, way), RIGHT_ALL,
            (uint32_t)(100 * channel + way));
}

/* Channel 0 has no room for payloads. */
static void make_channel(int channel)
{
    make(SLOT_BANK + channel, OBJECT_CHANNEL, channel ? CHANNEL_ROOM : 0,
        way_slot(channel, 0));
    derive_ways(channel);
    m_count[channel] = 0;
}

/* The ways to a thing: (0 (1) (2 (3))), with fewer and fewer rights. */
static void derive_thing(int thing)
{
    static const unsigned rights[WAYS] = { RIGHT_ALL, RIGHT_READ,
        RIGHT_READ | RIGHT_WRITE, RIGHT_WRITE };

    for (int way = 1; way < WAYS; way++) {
        int above = way == 3 ? 2 : 0;
        uint32_t badge = way == 1 ? 0 : (uint32_t)(thing + 7);

        if (alive(m_thing[thing][way]))
            continue;
        derive(thing_slot(thing, above), thing_slot(thing, way),
            rights[way], badge);
        m_thing[thing][way] =
            m_derive(m_thing[thing][above], thing, rights[way], badge);
    }
}

static void make_thing(int thing)
{
    make(SLOT_THING_BANK + thing, OBJECT_PAGE, 0, thing_slot(thing, 0));
    m_thing[thing][0] = m_derive(NOTHING, thing, RIGHT_ALL, 0);
    derive_thing(thing);
}

/* A capability, and one derived from it that tasks use. */
static void make_shelf(int shelf)
{
    make(SLOT_SHELF_BANK + shelf, OBJECT_CPOOL, 0, SLOT_SHELF + 2 * shelf);
    derive(SLOT_SHELF + 2 * shelf, SLOT_SHELF + 2 * shelf + 1, RIGHT_ALL, 0);
    for (int i = 0; i < CPOOL_SLOTS; i++)
        m_shelf[shelf][i] = NOTHING;
}

static void *buffer_at(int n)
{
    return physical_pointer(
        page_from(slot(SLOT_BUFFER + n)->weak.object)->frame);
}

static void make_task(int n)
{
    tasks[n] = task_from(make(0, OBJECT_TASK, 0, SLOT_TASK + n));
    task_set(tasks[n], TASK_CPOOL, slot(0));
    task_set(tasks[n], TASK_TABLE, slot(SLOT_TABLE));
    make(0, OBJECT_BUFFER, 0, SLOT_BUFFER + n);
    task_set(tasks[n], TASK_BUFFER, slot(SLOT_BUFFER + n));
    assert_int_equal(task_start(tasks[n]), NO_ERROR);
    m_tasks[n] = (struct m_task){ .state = TASK_READY, .buffered = true };
}

static void make_bank(int to, size_t bytes)
{
    make(0, OBJECT_UNTYPED, bytes, to);
}

static int start(void **state)
{
    memset(arena, 0xa5, sizeof arena);
    memset(&root, 0, sizeof root);
    living_count = lives_used = 0;
    memset(m_thing, NOTHING, sizeof m_thing);
    ram = untyped_of_ram(physical(0x10000), physical(0x200000));
    object_init(&root.object, OBJECT_CPOOL);
    cpool_construct(&root.object, physical(0), 0);
    object_keep(&root.object);
    weak_original(&root.pool, 0, &root.object, RIGHT_ALL, 0);
    make(0, OBJECT_PML4, 0, SLOT_TABLE);
    for (int c = 0; c < CHANNELS; c++) {
        make_bank(SLOT_BANK + c, 4 * PAGE_SIZE);
        make_channel(c);
    }
    for (int t = 0; t < THINGS; t++) {
        make_bank(SLOT_THING_BANK + t, 2 * PAGE_SIZE);
        make_thing(t);
    }
    for (int s = 0; s < SHELVES; s++) {
        make_bank(SLOT_SHELF_BANK + s, 4 * PAGE_SIZE);
        make_shelf(s);
    }
    for (int n = 0; n < TASKS; n++)
        make_task(n);
    return seed_random(state);
}

/* --- The model's operations --------------------------------------------------- */

static void fill(uint8_t *to, const struct m_message *message)
{
    for (unsigned i = 0; i < message->length; i++)
        to[i] = (uint8_t)(message->pattern + 7 * i);
}

static void m_answer(int n, enum error error, struct m_message message,
    bool capability)
{
    m_tasks[n].state = TASK_READY;
    m_tasks[n].rax = error;
    m_tasks[n].rdx = message.word;
    m_tasks[n].rsi = message.badge | (uint64_t)message.length << 32 |
                     (uint64_t)capability << 48;
}

static const struct m_message nothing = { .life = NOTHING };

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

static enum error m_deliver(int n, struct m_message *message,
    bool *capability)
{
    struct m_task *task = &m_tasks[n];

    *capability = alive(message->life);
    if (message->length && !task->buffered)
        return ERROR_NO_BUFFER;
    if (*capability) {
        if (task->shelf == NOBODY)
            return ERROR_NO_SLOT;
        if (task->index >= CPOOL_SLOTS)
            return ERROR_BAD_SLOT;
        if (alive(m_shelf[task->shelf][task->index]))
            return ERROR_SLOT_IN_USE;
        m_shelf[task->shelf][task->index] = message->life;
        moved++;
    }
    recalled += message->life != NOTHING && !*capability;
    copied += message->length > 0;
    fill(task->bytes, message);
    return NO_ERROR;
}

static enum error m_put(int channel, struct m_message message, bool *again)
{
    int taker = m_first(channel, TASK_TAKING);

    *again = false;
    if (taker != NOBODY) {
        bool capability;
        enum error error = m_deliver(taker, &message, &capability);

        m_answer(taker, error, error ? nothing : message,
            !error && capability);
        met[error]++;
        *again = error;
        return NO_ERROR;
    }
    if (m_count[channel] == CHANNEL_MESSAGES)
        return ERROR_WOULD_BLOCK;
    m_ring[channel][m_count[channel]++] = message;
    return NO_ERROR;
}

static struct m_message m_line_message(int line)
{
    struct m_message message = nothing;

    message.word = (uint64_t)line + 1;
    if (m_lines[line].way)
        message.badge =
            (uint32_t)(100 * m_lines[line].channel + m_lines[line].way);
    return message;
}

static enum error m_take(int n, int channel, struct m_message *message,
    bool *capability)
{
    int line = NOBODY, putter;

    *capability = false;
    for (int l = 0; l < LINES; l++)
        if (m_lines[l].pending && m_lines[l].channel == channel &&
            (line == NOBODY || m_lines[l].since < m_lines[line].since))
            line = l;
    if (line != NOBODY) {
        m_lines[line].pending = false;
        *message = m_line_message(line);
        return NO_ERROR;
    }
    if (m_count[channel] == 0)
        return ERROR_WOULD_BLOCK;

    struct m_message first = m_ring[channel][0];
    enum error error = m_deliver(n, &first, capability);

    if (error)
        return error;
    *message = first;
    memmove(m_ring[channel], m_ring[channel] + 1,
        sizeof m_ring[channel] - sizeof m_ring[channel][0]);
    m_count[channel]--;
    putter = m_first(channel, TASK_PUTTING);
    if (putter != NOBODY) {
        m_ring[channel][m_count[channel]++] = m_tasks[putter].sent;
        m_answer(putter, NO_ERROR, nothing, false);
    }
    return NO_ERROR;
}

/* A task stops waiting; what it was to send goes. */
static void m_leave(int n, enum error error)
{
    if (m_tasks[n].state == TASK_PUTTING && alive(m_tasks[n].sent.life))
        m_delete(m_tasks[n].sent.life);
    m_answer(n, error, nothing, false);
}

/* All that waits through this way, or through any (NOBODY), is sent off. */
static void m_revoke(int channel, int way)
{
    for (int n = 0; n < TASKS; n++)
        if (m_tasks[n].state > TASK_READY && m_tasks[n].channel == channel &&
            (way == NOBODY || m_tasks[n].way == way))
            m_leave(n, ERROR_REVOKED);
    for (int l = 0; l < LINES; l++)
        if (m_lines[l].channel == channel &&
            (way == NOBODY || m_lines[l].way == way))
            m_lines[l] = (struct m_line){ .channel = NOBODY };
}

/* --- The two side by side --------------------------------------------------- */

static void compare_slot(const struct weak *weak, int life)
{
    assert_int_equal(weak->object != NULL, alive(life));
    if (!alive(life))
        return;
    assert_ptr_equal(weak->object,
        slot(thing_slot(lives[life].thing, 0))->weak.object);
    assert_int_equal(weak->rights, lives[life].rights);
    assert_int_equal(weak->badge, lives[life].badge);
}

static void compare_task(int n)
{
    const struct m_task *m = &m_tasks[n];
    bool putting = m->state == TASK_PUTTING;

    assert_int_equal(tasks[n]->state, m->state);
    compare_slot(&tasks[n]->references[TASK_SENT],
        putting ? m->sent.life : NOTHING);
    if (m->state > TASK_READY)
        return; /* its registers are still those of the call */
    assert_int_equal(tasks[n]->frame.rax, m->rax);
    assert_int_equal(tasks[n]->frame.rdx, m->rdx);
    assert_int_equal(tasks[n]->frame.rsi, m->rsi);
}

static void compare(void)
{
    for (int n = 0; n < TASKS; n++)
        compare_task(n);
    for (int c = 0; c < CHANNELS; c++) {
        struct channel *channel = channel_at(c);

        assert_int_equal(channel->count, m_count[c]);
        for (int i = 0; i < m_count[c]; i++)
            compare_slot(&channel->capabilities[(channel->first +
                             (unsigned)i) % CHANNEL_MESSAGES].weak,
                m_ring[c][i].life);
    }
    for (int s = 0; s < SHELVES; s++)
        for (int i = 0; i < SHELF_SLOTS; i++)
            compare_slot(&shelf_at(s)->slots[i].weak, m_shelf[s][i]);
    check_all();
    if (now % 16 == 0)
        for (int n = 0; n < TASKS; n++)
            assert_memory_equal(buffer_at(n), m_tasks[n].bytes, PAGE_SIZE);
}

static void end_call(int n, enum error error, struct message message)
{
    channel_clear(tasks[n]);
    tasks[n]->frame.rax = error;
    tasks[n]->frame.rdx = message.word;
    tasks[n]->frame.rsi = message_rest(&message);
}

static void wait(int n, int channel, int way, enum task_state state)
{
    channel_wait(channel_at(channel), tasks[n], state,
        slot(way_slot(channel, way)));
    m_tasks[n].state = state;
    m_tasks[n].channel = channel;
    m_tasks[n].way = way;
    m_tasks[n].since = now;
}

/* Where capabilities to be sent come from: a thing's, or one that was sent
   before. NULL: there is nothing there. */
static struct capability *random_source(int *life)
{
    if (random_below(3)) {
        int thing = (int)random_below(THINGS), way = (int)random_below(WAYS);

        *life = m_thing[thing][way];
        return slot(thing_slot(thing, way));
    }
    int shelf = (int)random_below(SHELVES);
    unsigned index = random_below(SHELF_SLOTS);

    *life = m_shelf[shelf][index];
    return &shelf_at(shelf)->slots[index];
}

/* As the handler of the call does: derives, puts, perhaps again. */
static void put_message(int n, int channel, int way,
    struct m_message *message, struct capability *source, int parent,
    bool waits)
{
    bool again, m_again;
    enum error error;

    do {
        if (source) {
            unsigned rights = random_below(RIGHT_ALL + 1);

            weak_derive(&tasks[n]->pool, TASK_SENT, source, rights,
                source->weak.badge);
            message->life = m_derive(parent, lives[parent].thing, rights,
                lives[parent].badge);
        }
        tasks[n]->frame.rdx = message->word;
        tasks[n]->frame.r8 = message->length;
        again = false;
        assert_int_equal(m_put(channel, *message, &m_again),
            error = channel_put(channel_at(channel), tasks[n],
                message->badge, &again));
        assert_int_equal(again, m_again);
        if (error && waits) {
            m_tasks[n].sent = *message;
            wait(n, channel, way, TASK_PUTTING);
            return;
        }
        if ((error || again) && source)
            m_delete(message->life);
        end_call(n, error, (struct message){ 0 });
        m_answer(n, error, nothing, false);
    } while (again);
}

static void put(int n, int channel, int way, bool waits)
{
    struct m_message message = { .life = NOTHING };
    struct capability *source = NULL;
    int parent = NOTHING;
    uint32_t kind = random_below(4);

    message.word = random_below(UINT32_MAX);
    message.badge = slot(way_slot(channel, way))->weak.badge;
    message.pattern = random_below(256);
    if (kind & 1 && m_tasks[n].buffered && channel)
        message.length = random_below(5) ? random_below(BUFFER_BYTES + 1)
                                         : BUFFER_BYTES;
    if (kind & 2) {
        source = random_source(&parent);
        if (!alive(parent))
            source = NULL;
    }
    if (message.length) {
        fill(buffer_at(n), &message);
        fill(m_tasks[n].bytes, &message);
    }
    put_message(n, channel, way, &message, source, parent, waits);
}

static void take(int n, int channel, int way, bool waits)
{
    struct message message = { 0 };
    struct m_message expected = nothing;
    bool capability;
    enum error error;

    m_tasks[n].shelf = NOBODY;
    m_tasks[n].index =
        random_below(20) ? random_below(SHELF_SLOTS) : CPOOL_SLOTS;
    tasks[n]->frame.rdx = m_tasks[n].index;
    if (random_below(8)) {
        int shelf = (int)random_below(SHELVES);

        m_tasks[n].shelf = shelf;
        weak_derive(&tasks[n]->pool, TASK_TARGET,
            slot(SLOT_SHELF + 2 * shelf + 1), RIGHT_WRITE, 0);
    }
    assert_int_equal(m_take(n, channel, &expected, &capability),
        error = channel_take(channel_at(channel), tasks[n], &message));
    met[error]++;
    if (error == ERROR_WOULD_BLOCK && waits) {
        wait(n, channel, way, TASK_TAKING);
        return;
    }
    end_call(n, error, message);
    m_answer(n, error, expected, !error && capability);
}

static void withdraw_channel(int channel, int way)
{
    weak_revoke(slot(way_slot(channel, way)));
    m_revoke(channel, way == 0 ? NOBODY : way);
    derive_ways(channel);
}

static void destroy_channel(int channel)
{
    struct object *bank = slot(SLOT_BANK + channel)->weak.object;

    while (!untyped_reset(untyped_from(bank)))
        continue;
    for (int i = 0; i < m_count[channel]; i++)
        if (alive(m_ring[channel][i].life))
            m_delete(m_ring[channel][i].life);
    m_revoke(channel, NOBODY);
    make_channel(channel);
}

/* A capability that may be in flight, or what it refers to, goes. */
static void end_a_capability(void)
{
    int life, thing = (int)random_below(THINGS);
    struct capability *source = random_source(&life);

    if (random_below(12) == 0) {
        struct object *bank = slot(SLOT_THING_BANK + thing)->weak.object;

        while (!untyped_reset(untyped_from(bank)))
            continue;
        m_end(NOTHING, thing);
        make_thing(thing);
        return;
    }
    if (!alive(life))
        return;
    if (random_below(2)) {
        weak_revoke(source);
        m_end(life, lives[life].thing);
    } else if (source->weak.link.prev != &source->weak.object->weak ||
               lives[life].parent != NOTHING) {
        weak_delete(&source->weak);
        m_delete(life);
    }
    for (int t = 0; t < THINGS; t++)
        derive_thing(t);
}

static void end_a_target(void)
{
    int shelf = (int)random_below(SHELVES);
    struct object *bank = slot(SLOT_SHELF_BANK + shelf)->weak.object;

    for (int n = 0; n < TASKS; n++)
        if (m_tasks[n].shelf == shelf)
            m_tasks[n].shelf = NOBODY;
    if (random_below(2)) {
        weak_revoke(slot(SLOT_SHELF + 2 * shelf + 1));
        return;
    }
    while (!untyped_reset(untyped_from(bank)))
        continue;
    for (int i = 0; i < CPOOL_SLOTS; i++)
        if (alive(m_shelf[shelf][i]))
            m_delete(m_shelf[shelf][i]);
    make_shelf(shelf);
}

/* Stopped and started, with or without a buffer; or the buffer goes. */
static void change_a_task(int n)
{
    if (random_below(3) == 0) {
        weak_revoke(slot(SLOT_BUFFER + n));
        m_tasks[n].buffered = false;
        if (m_tasks[n].state == TASK_PUTTING && m_tasks[n].sent.length)
            m_leave(n, ERROR_REVOKED);
        return;
    }
    if (m_tasks[n].state > TASK_READY)
        m_leave(n, ERROR_REVOKED);
    task_stop(tasks[n]);
    assert_int_equal(tasks[n]->state, TASK_INACTIVE);
    check_all();
    if (random_below(2)) {
        task_set(tasks[n], TASK_BUFFER, slot(SLOT_BUFFER + n));
        m_tasks[n].buffered = true;
    }
    assert_int_equal(task_start(tasks[n]), NO_ERROR);
}

/* Lines put into channels, too, once the book has them. */
#if __has_include("kernel/cap/irq.h")
#include "kernel/cap/irq.h"

static struct irq irqs[LINES];

static void start_lines(void)
{
    for (int l = 0; l < LINES; l++) {
        if (irqs[l].object.type == OBJECT_NONE)
            irq_init(&irqs[l], (unsigned)l + 1);
        object_keep(&irqs[l].object);
    }
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
        m_answer(taker, NO_ERROR, m_line_message(line), false);
    } else {
        m->pending = true;
        m->since = now;
    }
}

static void use_a_line(int line, int channel, int way)
{
    bool bound = m_lines[line].channel != NOBODY;

    switch (random_below(4)) {
    case 0:
        irq_bind(&irqs[line], slot(way_slot(channel, way)));
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
#else
static void start_lines(void)
{
}

static void use_a_line(int line, int channel, int way)
{
}
#endif

static void step(void)
{
    int n = (int)random_below(TASKS), channel = (int)random_below(CHANNELS);
    int way = (int)random_below(WAYS);
    uint32_t what = random_below(200);

    now++;
    if (what < 1)
        destroy_channel(channel);
    else if (what < 5)
        withdraw_channel(channel, way);
    else if (what < 12)
        change_a_task(n);
    else if (what < 24)
        use_a_line((int)random_below(LINES), channel, way);
    else if (what < 30)
        end_a_capability();
    else if (what < 31)
        end_a_target();
    else if (m_tasks[n].state != TASK_READY)
        return;
    else if ((now / 500 % 3 == 0) ? what < 160 : what < 112)
        put(n, channel, way, random_below(4) != 0);
    else
        take(n, channel, way, random_below(4) != 0);
}

/* --- The tests -------------------------------------------------------------- */

static void channels_follow_the_model(void **state)
{
    unsigned waited[3] = { 0 };

    (void)state;
    start_lines();
    for (int l = 0; l < LINES; l++)
        m_lines[l].channel = NOBODY;
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
    assert_true(moved > STEPS / 200 && copied > STEPS / 100);
    assert_true(recalled > STEPS / 1000);
    assert_true(met[ERROR_NO_BUFFER] > 20 && met[ERROR_NO_SLOT] > 20);
    assert_true(met[ERROR_SLOT_IN_USE] > 20 && met[ERROR_BAD_SLOT] > 20);
}

static enum error put_word(int channel, int n, uint64_t word)
{
    bool again = false;

    tasks[n]->frame.rdx = word;
    tasks[n]->frame.r8 = 0;
    return channel_put(channel_at(channel), tasks[n], 0, &again);
}

/* Eight messages wait, the putters behind them in their order. */
static void who_came_first_is_served_first(void **state)
{
    struct message message;

    (void)state;
    for (int i = 0; i < 12; i++)
        if (put_word(0, i, (uint64_t)i))
            channel_wait(channel_at(0), tasks[i], TASK_PUTTING,
                slot(way_slot(0, 0)));
    assert_int_equal(tasks[7]->state, TASK_READY);
    assert_int_equal(tasks[8]->state, TASK_PUTTING);
    for (uint64_t i = 0; i < 12; i++) {
        assert_int_equal(channel_take(channel_at(0), tasks[20], &message),
            NO_ERROR);
        assert_int_equal(message.word, i);
    }
    assert_int_equal(channel_take(channel_at(0), tasks[20], &message),
        ERROR_WOULD_BLOCK);
}

/* A pool's death stops the tasks that use it, wherever they wait. */
static void a_task_that_loses_its_table_leaves_the_queue(void **state)
{
    (void)state;
    channel_wait(channel_at(1), tasks[3], TASK_TAKING, slot(way_slot(1, 2)));
    channel_wait(channel_at(1), tasks[4], TASK_TAKING, slot(way_slot(1, 2)));
    weak_delete(&tasks[3]->references[TASK_TABLE]);
    assert_int_equal(tasks[3]->state, TASK_INACTIVE);
    assert_int_equal(tasks[3]->frame.rax, ERROR_REVOKED);
    check_all();
    assert_int_equal(put_word(1, 5, 5), NO_ERROR);
    assert_int_equal(tasks[4]->frame.rdx, 5);
    check_all();
}

/* To delete a capability is not to revoke it: who waits goes on waiting. */
static void deleting_a_capability_leaves_waiters_alone(void **state)
{
    (void)state;
    channel_wait(channel_at(2), tasks[0], TASK_TAKING, slot(way_slot(2, 1)));
    weak_delete(&slot(way_slot(2, 1))->weak);
    assert_int_equal(tasks[0]->state, TASK_TAKING);
    check_all();
    weak_revoke(slot(way_slot(2, 0)));
    assert_int_equal(tasks[0]->frame.rax, ERROR_REVOKED);
    check_all();
}

static void send(int channel, int n, struct capability *source, bool *again)
{
    weak_derive(&tasks[n]->pool, TASK_SENT, source, RIGHT_ALL,
        source->weak.badge);
    tasks[n]->frame.rdx = tasks[n]->frame.r8 = 0;
    *again = false;
    assert_int_equal(channel_put(channel_at(channel), tasks[n], 0, again),
        NO_ERROR);
    channel_clear(tasks[n]);
}

static bool always(void)
{
    return true;
}

/* The pool is half gone, and the reset has stopped. */
static void nothing_is_put_into_a_pool_that_ends(void **state)
{
    struct cpool *shelf = shelf_at(0);
    struct untyped *bank =
        untyped_from(slot(SLOT_SHELF_BANK)->weak.object);
    bool again;

    (void)state;
    weak_derive(&tasks[0]->pool, TASK_TARGET, slot(SLOT_SHELF + 1),
        RIGHT_WRITE, 0);
    tasks[0]->frame.rdx = 200;
    channel_wait(channel_at(1), tasks[0], TASK_TAKING, slot(way_slot(1, 1)));
    weak_derive(&shelf->pool, CPOOL_SLOTS - 1, slot(thing_slot(0, 2)),
        RIGHT_READ, slot(thing_slot(0, 2))->weak.badge);
    interrupt_script = always;
    while (shelf->pool.passed <= 200)
        assert_false(untyped_reset(bank));
    interrupt_script = NULL;
    send(1, 1, slot(thing_slot(0, 2)), &again);
    assert_true(again);
    assert_int_equal(tasks[0]->frame.rax, ERROR_NO_SLOT);
    send(1, 1, slot(thing_slot(0, 2)), &again);
    assert_false(again);
    assert_int_equal(channel_at(1)->count, 1);
    check_all();
    assert_true(untyped_reset(bank));
    check_all();
}

/* Channels in each other, and one in itself, and all of them reset. */
static void channels_in_flight_hold_nothing(void **state)
{
    bool again;

    (void)state;
    send(1, 0, slot(way_slot(2, 1)), &again);
    send(2, 0, slot(way_slot(1, 1)), &again);
    send(2, 0, slot(way_slot(2, 1)), &again);
    check_all();
    weak_revoke(slot(way_slot(2, 0)));
    check_all();
    assert_null(channel_at(1)->capabilities[0].weak.object);
    assert_non_null(channel_at(2)->capabilities[0].weak.object);
    assert_null(channel_at(2)->capabilities[1].weak.object);
    assert_int_equal(channel_at(2)->count, 2);
    for (int c = 1; c < 3; c++)
        assert_true(untyped_reset(
            untyped_from(slot(SLOT_BANK + c)->weak.object)));
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
        cmocka_unit_test_setup_teardown(nothing_is_put_into_a_pool_that_ends,
            start, stop),
        cmocka_unit_test_setup_teardown(channels_in_flight_hold_nothing,
            start, stop),
        cmocka_unit_test_setup_teardown(channels_follow_the_model, start,
            stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
