/* check.c of weak-clear: four objects, three pools of capabilities and one of
 * leaves, and a host that says what to do with them.
 *
 * A slot's number is its pool's, times 4096, plus its index. */
#include "tests/grader/check.h"

#include <stddef.h>

#include "kernel/cap/log.h"
#include "kernel/cap/weak.h"
#include "kernel/panic.h"

enum {
    BEGIN = 1,  /* object: begins it */
    ORIGINAL,   /* slot, object, rights, badge */
    DERIVE,     /* slot, parent, rights, badge */
    DELETE,     /* slot */
    PLAN,       /* slot, victim: deletes victim when the slot is forgotten */
    END,        /* object: gives up the only strong reference to it */
    LOOK,       /* tells of each slot in use: number, object, rights, badge */
    LIST,       /* object: tells its links, forward: slot, 1 if it closes */
};

enum { OBJECTS = 4, LONG = 512, SHORT = 40, LEAVES = 48, POOLS = 4 };
enum { STRIDE = 4096, TOLD = 1024, LINKS = 4096, NOBODY = 0xffff };

static struct log objects[OBJECTS];

static struct {
    struct weak_pool pool;
    struct capability slots[LONG];
} first;

static struct {
    struct weak_pool pool;
    struct capability slots[SHORT];
} second, third;

static struct {
    struct weak_pool pool;
    struct weak slots[LEAVES];
} leaves;

static struct weak_pool *const pools[POOLS] = {
    &first.pool, &second.pool, &third.pool, &leaves.pool};

static uint16_t victims[POOLS][LONG];

/* What the hooks were told, and how deep the stack was then. */
static struct {
    uint64_t slot;
    bool used;
} told[TOLD];
static size_t told_count;
static uintptr_t highest, lowest;

static uint64_t number_of(const struct weak_pool *pool, unsigned index)
{
    for (uint64_t i = 0; i < POOLS; i++)
        if (pools[i] == pool)
            return i * STRIDE + index;
    return UINT64_MAX;
}

static struct weak *slot(uint64_t number)
{
    uint64_t pool = number / STRIDE, index = number % STRIDE;

    if (pool >= POOLS || index >= pools[pool]->size)
        panic("the host has named slot %lu", number);
    return weak_node(pools[pool], (unsigned)index);
}

static void forget(struct weak_pool *pool, unsigned index)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uint64_t number = number_of(pool, index);

    if (told_count < TOLD) {
        told[told_count].slot = number;
        told[told_count].used = slot(number)->object;
        told_count++;
    }

    uint16_t victim = victims[number / STRIDE][number % STRIDE];

    victims[number / STRIDE][number % STRIDE] = NOBODY;
    if (victim != NOBODY) {
        if (slot(victim)->object)
            weak_delete(slot(victim));
        return; /* the stack below a hook is no measure */
    }
    highest = here > highest ? here : highest;
    lowest = here < lowest ? here : lowest;
}

static const struct pool_class capabilities = {
    .kind = WEAK_CAPABILITY, .forget = forget};
static const struct pool_class of_leaves = {
    .kind = WEAK_LEAF, .forget = forget};

static void begin_pools(void)
{
    if (first.pool.size)
        return;
    weak_pool_init(&first.pool, NULL, &capabilities, LONG);
    weak_pool_init(&second.pool, NULL, &capabilities, SHORT);
    weak_pool_init(&third.pool, NULL, &capabilities, SHORT);
    weak_pool_init(&leaves.pool, NULL, &of_leaves, LEAVES);
    for (unsigned pool = 0; pool < POOLS; pool++)
        for (unsigned index = 0; index < LONG; index++)
            victims[pool][index] = NOBODY;
}

static struct object *object(uint64_t number)
{
    return &objects[number % OBJECTS].object;
}

/* The number of an object that a slot refers to. */
static uint64_t object_number(const struct object *wanted)
{
    for (uint64_t i = 0; i < OBJECTS; i++)
        if (&objects[i].object == wanted)
            return i;
    return UINT64_MAX;
}

static void begin(uint64_t number)
{
    begin_pools();
    object_init(object(number), OBJECT_LOG);
}

static void original(void)
{
    uint64_t to = take(), what = take();
    unsigned rights = (unsigned)take();

    weak_original(pools[to / STRIDE], (unsigned)(to % STRIDE),
                  object(what), rights, (uint32_t)take());
}

static void derive(void)
{
    uint64_t to = take();
    struct capability *parent = (struct capability *)slot(take());
    unsigned rights = (unsigned)take();

    weak_derive(pools[to / STRIDE], (unsigned)(to % STRIDE), parent,
                rights, (uint32_t)take());
}

static void plan(void)
{
    uint64_t number = take();

    victims[number / STRIDE][number % STRIDE] = (uint16_t)take();
}

static void end(struct object *ending)
{
    told_count = 0;
    highest = 0;
    lowest = UINTPTR_MAX;
    object_release(ending);
    tell(told_count);
    tell(told_count > 1 && highest > lowest ? highest - lowest : 0);
    for (size_t i = 0; i < told_count; i++) {
        tell(told[i].slot);
        tell(told[i].used);
    }
}

static void look(void)
{
    for (unsigned pool = 0; pool < POOLS; pool++)
        for (unsigned index = 0; index < pools[pool]->size; index++) {
            const struct weak *node = weak_node(pools[pool], index);

            if (!node->object)
                continue;
            tell(number_of(pools[pool], index));
            tell(object_number(node->object));
            tell(node->rights);
            tell(node->badge);
        }
}

/* Tells whose link this is, twice the slot's number plus 1 if it closes;
   false if it is nobody's. */
static bool tell_link(const struct link *link)
{
    for (unsigned pool = 0; pool < POOLS; pool++) {
        bool pairs = pools[pool] != &leaves.pool;
        uintptr_t offset =
            (uintptr_t)link - (uintptr_t)weak_node(pools[pool], 0);
        uintptr_t stride =
            pairs ? sizeof(struct capability) : sizeof(struct weak);
        uintptr_t rest = offset % stride;

        if (offset / stride >= pools[pool]->size)
            continue;
        if (rest != 0 && rest != offsetof(struct capability, close))
            return false;
        tell(number_of(pools[pool], (unsigned)(offset / stride)) * 2 +
             (rest != 0));
        return true;
    }
    return false;
}

static void list(const struct object *of)
{
    const struct link *at = &of->weak;

    for (unsigned links = 0; links < LINKS; links++) {
        if (at->next->prev != at)
            break;
        at = at->next;
        if (at == &of->weak)
            return;
        if (!tell_link(at))
            break;
    }
    tell(UINT64_MAX); /* the ring is not closed */
}

void check_step(uint64_t operation)
{
    switch (operation) {
    case BEGIN: begin(take()); break;
    case ORIGINAL: original(); break;
    case DERIVE: derive(); break;
    case DELETE: weak_delete(slot(take())); break;
    case PLAN: plan(); break;
    case END: end(object(take())); break;
    case LOOK: look(); break;
    case LIST: list(object(take())); break;
    default: panic("the host asks for operation %lu", operation);
    }
}
