/* operation.c - each operation, done by the core as a system call does it. */
#include "operation.h"

#include <string.h>

#include "kernel/assert.h"
#include "kernel/machine.h"

unsigned what_type(enum what what)
{
    if (what == A_PAGE)
        return OBJECT_PAGE;
    return what == A_POOL || what == TWO_POOLS ? OBJECT_CPOOL
                                               : OBJECT_UNTYPED;
}

unsigned what_pages(enum what what, const struct object *of)
{
    if (what_type(what) == OBJECT_CPOOL)
        return 0;
    return what != A_PAGE && of == &ram->object ? bounds->large : 1;
}

unsigned what_count(enum what what)
{
    return what >= TWO_UNTYPEDS ? 2 : 1;
}

struct capability *slot_number_n(const struct picture *picture, unsigned n)
{
    if (n < CPOOL_SLOTS)
        return &root.slots[n];
    for (unsigned i = 0; i < picture->things; i++) {
        struct cpool *pool = cpool_from(picture->thing[i].object);

        if (!pool || pool == &root)
            continue;
        n -= CPOOL_SLOTS;
        if (n < CPOOL_SLOTS)
            return &pool->slots[n];
    }
    return NULL;
}

/* The pool of slot number n, which there is. */
static struct cpool *pool_of_number(const struct picture *picture, unsigned n)
{
    struct capability *first =
        slot_number_n(picture, n / CPOOL_SLOTS * CPOOL_SLOTS);

    return (struct cpool *)((char *)first - offsetof(struct cpool, slots));
}

/* --- What is possible ------------------------------------------------------- */

static bool lives(const struct picture *picture, unsigned object)
{
    return object < picture->things && picture->thing[object].strong == 1;
}

static bool can_be_source(const struct picture *picture, unsigned n)
{
    const struct capability *slot = slot_number_n(picture, n);
    const struct entry *entry = slot ? picture_entry(picture, slot) : NULL;

    return entry && picture_thing(picture, entry->object)->strong == 1;
}

/* Of slots that count as one another the first full one and the first empty
   one stand for all that are so; and the source, if it is the target. */
static bool stands_for_others(const struct picture *picture,
    const struct operation *o)
{
    bool full = picture_entry(picture, &root.slots[o->target]);

    if (o->kind >= COPY && o->kind <= MOVE && o->target == o->source)
        return true;
    for (unsigned n = 0; n < o->target; n++)
        if (full == !!picture_entry(picture, &root.slots[n]))
            return false;
    return true;
}

static bool can_be_target(const struct picture *picture,
    const struct operation *o)
{
    unsigned n = o->target;

    if (!slot_number_n(picture, n))
        return false;
    if (n < CPOOL_SLOTS && n >= bounds->slots)
        return false;
    if (n < CPOOL_SLOTS && bounds->alike && !stands_for_others(picture, o))
        return false;
    return picture_thing(picture,
               &pool_of_number(picture, n)->object)->strong == 1;
}

static bool within_bounds(const struct picture *picture, enum what what)
{
    unsigned made = 0, pools = 0, pool = what_type(what) == OBJECT_CPOOL;

    if (what == A_PAGE ? !bounds->pages : !pool && !bounds->untypeds)
        return false;
    for (unsigned n = 0; n < picture->things; n++) {
        made += picture->thing[n].parent != NULL;
        pools += picture->thing[n].parent &&
                 picture->thing[n].type == OBJECT_CPOOL;
    }
    return made + what_count(what) <= bounds->made &&
           pools + pool * what_count(what) <= bounds->pools;
}

/* Retyping two needs neighbours. Where slots count as one another they are
   made (see operation_gather), and one target stands for all. */
static bool slots_possible(const struct picture *picture,
    const struct operation *o)
{
    unsigned count = what_count(o->choice), full = 0;

    if (o->target >= CPOOL_SLOTS || bounds->slots == CPOOL_SLOTS)
        return true;
    if (!operation_takes_any(o))
        return o->target + count <= bounds->slots;
    for (unsigned n = 0; n < bounds->slots; n++)
        full += picture_entry(picture, &root.slots[n]) != NULL;
    return full + count <= bounds->slots;
}

static bool retype_possible(const struct picture *picture,
    const struct operation *o)
{
    return lives(picture, o->object) &&
           untyped_from(picture->thing[o->object].object) &&
           can_be_target(picture, o) &&
           within_bounds(picture, o->choice) &&
           slots_possible(picture, o) &&
           (what_count(o->choice) == 1 || !bounds->alike ||
               o->target == 0 || o->target >= CPOOL_SLOTS);
}

bool operation_possible(const struct picture *picture,
    const struct operation *o)
{
    switch ((enum kind)o->kind) {
    case RETYPE:
        return retype_possible(picture, o);
    case COPY:
    case MINT:
        return (bounds->labels || o->choice == ALL_RIGHTS) &&
               (bounds->labels || o->kind == COPY) &&
               can_be_source(picture, o->source) &&
               can_be_target(picture, o);
    case MOVE:
        return can_be_source(picture, o->source) &&
               can_be_target(picture, o);
    case DELETE:
    case REVOKE:
        return can_be_source(picture, o->source);
    case CLEAR:
        return lives(picture, o->object);
    case RESET:
    case FREE:
        return lives(picture, o->object) &&
               untyped_from(picture->thing[o->object].object);
    case BEGIN:
        return bounds->log && !picture_thing(picture, &kept_log) &&
               can_be_target(picture, o) &&
               !picture_entry(picture, slot_number_n(picture, o->target));
    case DROP:
        return picture_thing(picture, &kept_log);
    default:
        return false;
    }
}

/* --- Doing it ---------------------------------------------------------------- */

static unsigned stop_at;

static bool stop_at_look(void)
{
    return looks == stop_at;
}

bool operation_takes_any(const struct operation *o)
{
    return o->kind == RETYPE && what_count(o->choice) > 1 &&
           bounds->alike && o->target < CPOOL_SLOTS;
}

void operation_gather(void)
{
    unsigned first = 0;

    for (unsigned n = 0; n < CPOOL_SLOTS; n++) {
        if (!root.slots[n].weak.object)
            continue;
        if (n != first)
            require(!cpool_move(&root, first, &root.slots[n].weak));
        first++;
    }
}

static unsigned first_empty(void)
{
    unsigned n = 0;

    while (n < CPOOL_SLOTS && root.slots[n].weak.object)
        n++;
    return n;
}

static enum error retype(const struct picture *picture,
    const struct operation *o, bool *stopped)
{
    struct cpool *pool = pool_of_number(picture, o->target);
    struct untyped *untyped = untyped_from(picture->thing[o->object].object);
    struct retype what = {
        .type = what_type(o->choice),
        .bytes = what_type(o->choice) == OBJECT_UNTYPED
            ? what_pages(o->choice, &untyped->object) * PAGE_SIZE
            : 0,
        .target = &pool->pool,
        .index = o->target % CPOOL_SLOTS,
        .count = what_count(o->choice),
    };

    if (operation_takes_any(o))
        what.index = first_empty();
    return untyped_retype_many(untyped, &what, stopped);
}

static enum error run(const struct picture *picture,
    const struct operation *o, bool *stopped)
{
    struct capability *source = slot_number_n(picture, o->source);
    struct cpool *pool = pool_of_number(picture, o->target);
    unsigned index = o->target % CPOOL_SLOTS;
    unsigned mask = o->choice == ALL_RIGHTS ? RIGHT_ALL : RIGHT_READ;
    struct object *object = picture->thing[o->object].object;

    switch ((enum kind)o->kind) {
    case RETYPE:
        return retype(picture, o, stopped);
    case COPY:
        return cpool_copy(pool, index, source, mask);
    case MINT:
        return cpool_mint(pool, index, source, mask, 1);
    case MOVE:
        return cpool_move(pool, index, &source->weak);
    case DELETE:
        weak_delete(&source->weak);
        break;
    case REVOKE:
        *stopped = !weak_revoke(source);
        break;
    case CLEAR:
        *stopped = !weak_clear(object);
        break;
    case RESET:
        *stopped = !untyped_reset(untyped_from(object));
        break;
    case FREE:
        return untyped_free(untyped_from(object), stopped);
    case BEGIN:
        object_init(&kept_log, OBJECT_LOG);
        object_keep(&kept_log);
        weak_original(&pool->pool, index, &kept_log, RIGHT_ALL, 0);
        break;
    default:
        object_release(&kept_log);
    }
    return NO_ERROR;
}

/* What a system call holds while it works on it: of the source slot and of
   the target's pool; resets let go before. */
static struct object *hold(const struct picture *picture,
    const struct operation *o)
{
    if (o->kind >= COPY && o->kind <= REVOKE)
        return weak_upgrade(&slot_number_n(picture, o->source)->weak);
    if (o->kind == RETYPE) {
        struct object *object = picture->thing[o->object].object;

        object_acquire(object);
        return object;
    }
    return NULL;
}

struct result operation_run(const struct picture *picture,
    const struct operation *o)
{
    struct result result = { NO_ERROR, false };
    struct object *held = hold(picture, o);

    looks = 0;
    stop_at = o->stop;
    interrupt_script = o->stop ? stop_at_look : NULL;
    result.error = run(picture, o, &result.stopped);
    interrupt_script = NULL;
    if (held)
        object_release(held);
    return result;
}
