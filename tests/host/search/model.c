/* model.c - what each operation should do, said of pictures.
 *
 * The model knows nothing of lists, parentheses or watermarks. It knows who
 * is derived from whom and what was made of what, and searches for
 * everything it wants to know.
 */
#include "operation.h"

#include <string.h>

#include "kernel/cap/page.h"
#include "kernel/machine.h"

static struct picture expected;

static struct entry *expected_entry(const void *node)
{
    return (struct entry *)picture_entry(&expected, node);
}

static struct thing *expected_thing(const struct object *object)
{
    return (struct thing *)picture_thing(&expected, object);
}

static void reparent(const void *from, const void *to)
{
    for (unsigned n = 0; n < expected.entries; n++)
        if (expected.entry[n].parent == from)
            expected.entry[n].parent = to;
}

/* Children go to the parent. */
static void remove_entry(const void *node)
{
    struct entry *entry = expected_entry(node);

    reparent(node, entry->parent);
    *entry = expected.entry[--expected.entries];
}

static void add_entry(const struct capability *slot, const void *parent,
    struct object *object, unsigned rights, uint32_t badge)
{
    require(expected.entries < SLOTS && !expected_entry(slot));
    expected.entry[expected.entries++] = (struct entry){
        &slot->weak, parent, object, (uint8_t)rights, badge
    };
}

/* --- Who comes from whom ------------------------------------------------------- */

static bool derived_from(const struct picture *picture,
    const struct entry *entry, const void *ancestor)
{
    while (entry && entry->parent != ancestor)
        entry = picture_entry(picture, entry->parent);
    return entry != NULL;
}

static bool made_of(const struct picture *picture,
    const struct object *object, const struct object *ancestor)
{
    const struct thing *thing = picture_thing(picture, object);

    while (thing && thing->parent && &thing->parent->object != ancestor)
        thing = picture_thing(picture, &thing->parent->object);
    return thing && thing->parent;
}

static const struct thing *newest_child(const struct picture *picture,
    const struct object *object)
{
    for (unsigned n = 0; n < picture->things; n++)
        if ((const void *)picture->thing[n].parent == object)
            return &picture->thing[n];
    return NULL;
}

/* --- What may go, and at the end must have gone ----------------------------------- */

static struct object *object_operated_on(const struct picture *before,
    const struct operation *o)
{
    if (o->kind == DROP)
        return &kept_log;
    return before->thing[o->object].object;
}

static bool thing_goes(const struct picture *before,
    const struct operation *o, const struct object *object)
{
    const struct object *on = object_operated_on(before, o);

    switch ((enum kind)o->kind) {
    case RESET:
        return made_of(before, object, on);
    case FREE:
        return object == newest_child(before, on)->object;
    case DROP:
        return object == on;
    default:
        return false;
    }
}

static bool entry_goes(const struct picture *before,
    const struct operation *o, const struct entry *entry)
{
    const void *source = slot_number_n(before, o->source);

    switch ((enum kind)o->kind) {
    case DELETE:
        return entry->node == source;
    case REVOKE:
        return derived_from(before, entry, source);
    case CLEAR:
        return entry->object == object_operated_on(before, o);
    default:
        return thing_goes(before, o, entry->object) ||
               thing_goes(before, o, weak_pool_of(entry->node)->owner);
    }
}

/* The pool of a slot that went may have gone with it, and then nothing of it
   may be read: so this asks before anything is done. */
static bool entry_may_go[SLOTS], thing_may_go[THINGS];

static void expect_to_go(const struct picture *before,
    const struct operation *o, bool stopped, const struct picture *after)
{
    for (unsigned n = 0; n < before->entries; n++) {
        const void *node = before->entry[n].node;
        bool gone = !picture_entry(after, node);

        require(!gone || entry_may_go[n]);
        require(gone || stopped || !entry_may_go[n]);
        if (gone)
            remove_entry(node);
    }
    for (unsigned n = 0; n < before->things; n++) {
        const struct object *object = before->thing[n].object;
        const struct thing *still = picture_thing(after, object);
        struct thing *thing = expected_thing(object);

        require(still || thing_may_go[n]);
        require(!still || stopped || !thing_may_go[n]);
        if (!still) {
            *thing = expected.thing[--expected.things];
        } else if (thing_may_go[n]) {
            require(still->strong <= thing->strong);
            require(still->size <= thing->size);
            thing->strong = still->strong;
            thing->size = still->size;
        }
    }
    if (o->kind == RESET || o->kind == FREE)
        expected_thing(object_operated_on(before, o))->busy = stopped;
}

/* --- What comes ---------------------------------------------------------------------- */

static bool zero(const unsigned char *bytes, uint64_t size)
{
    return bytes[0] == 0 && !memcmp(bytes, bytes + 1, size - 1);
}

static void expect_made(const struct picture *before,
    const struct operation *o, const struct picture *after)
{
    struct untyped *untyped = untyped_from(before->thing[o->object].object);
    unsigned type = what_type(o->choice), count = what_count(o->choice);

    require(after->entries == before->entries + count);
    for (unsigned n = 0; n < after->entries; n++) {
        const struct entry *entry = &after->entry[n];
        struct page *page;

        if (picture_entry(before, entry->node))
            continue;
        require(!picture_thing(before, entry->object));
        require(!expected_thing(entry->object));
        page = page_from(entry->object);
        require(!page || zero(physical_pointer(page->frame), PAGE_SIZE));
        require(expected.things < THINGS);
        expected.thing[expected.things++] = (struct thing){
            .object = entry->object, .parent = untyped,
            .type = (uint8_t)type, .strong = 1,
            .pages = type == OBJECT_UNTYPED
                ? what_pages(o->choice, &untyped->object)
                : 0,
            .size = type == OBJECT_CPOOL ? CPOOL_SLOTS : 0,
        };
        add_entry((const void *)entry->node, entry->object, entry->object,
            RIGHT_ALL, 0);
    }
}

static void expect_slots(const struct picture *before,
    const struct operation *o, const struct picture *after)
{
    unsigned count = what_count(o->choice);

    if (operation_takes_any(o))
        return;
    for (unsigned n = 0; n < count; n++) {
        const void *slot = slot_number_n(before, o->target + n);

        require(picture_entry(after, slot));
    }
}

/* --- Errors ---------------------------------------------------------------------------- */

static uint64_t structure_of(unsigned type)
{
    return untyped_structure(object_class(type));
}

static uint64_t taken_by(const struct thing *thing)
{
    uint64_t pages = thing->type == OBJECT_PAGE ? 1 : thing->pages;

    return structure_of(thing->type) + pages * PAGE_SIZE;
}

static bool around_busy(const struct picture *picture,
    const struct object *object)
{
    const struct thing *thing = picture_thing(picture, object);

    return thing && (thing->busy ||
               (thing->parent &&
                   around_busy(picture, &thing->parent->object)));
}

static enum error retype_error(const struct picture *before,
    const struct operation *o)
{
    const struct thing *untyped = &before->thing[o->object];
    unsigned type = what_type(o->choice), count = what_count(o->choice);
    unsigned index = o->target % CPOOL_SLOTS, empty = 0;
    bool any_two = operation_takes_any(o);
    const struct untyped *u = (const struct untyped *)untyped->object;
    uint64_t need = count * (structure_of(type) +
                  what_pages(o->choice, untyped->object) * PAGE_SIZE);
    uint64_t room = u->end.value - u->first.value;

    for (unsigned n = 0; n < CPOOL_SLOTS; n++)
        empty += !picture_entry(before, slot_number_n(before, n));
    if (any_two ? empty < count : index + count > CPOOL_SLOTS)
        return ERROR_BAD_SLOT;
    for (unsigned n = 0; n < count && !any_two; n++)
        if (picture_entry(before, slot_number_n(before, o->target + n)))
            return ERROR_SLOT_IN_USE;
    if (around_busy(before, untyped->object))
        return ERROR_BUSY;
    for (unsigned n = 0; n < before->things; n++)
        if (before->thing[n].parent == u)
            room -= taken_by(&before->thing[n]);
    return need > room ? ERROR_NO_MEMORY : NO_ERROR;
}

static enum error free_error(const struct picture *before,
    const struct operation *o)
{
    const struct thing *untyped = &before->thing[o->object];
    const struct thing *newest = newest_child(before, untyped->object);

    if (!newest)
        return ERROR_EMPTY;
    if (newest_child(before, newest->object))
        return ERROR_NOT_EMPTY;
    return untyped->busy && newest->strong ? ERROR_BUSY : NO_ERROR;
}

static enum error error_of(const struct picture *before,
    const struct operation *o)
{
    const struct entry *source =
        picture_entry(before, slot_number_n(before, o->source));

    switch ((enum kind)o->kind) {
    case RETYPE:
        return retype_error(before, o);
    case COPY:
    case MINT:
    case MOVE:
        if (picture_entry(before, slot_number_n(before, o->target)))
            return ERROR_SLOT_IN_USE;
        return o->kind == MINT && source->badge ? ERROR_BAD_ARGUMENT
                                                : NO_ERROR;
    case FREE:
        return free_error(before, o);
    default:
        return NO_ERROR;
    }
}

/* --- No two objects in one place ----------------------------------------------------------- */

struct extent {
    uint64_t start, end;
};

static bool apart(struct extent a, struct extent b)
{
    return a.end <= b.start || b.end <= a.start;
}

/* The structure and the page memory of a child, which may be empty. */
static void extents_of(const struct thing *thing, struct extent extents[2])
{
    uint64_t at = pointer_physical(thing->object).value;
    struct page *page = page_from(thing->object);
    struct untyped *untyped = untyped_from(thing->object);

    extents[0] = (struct extent){ at, at + object_class(thing->type)->size };
    extents[1] = extents[0];
    if (page)
        extents[1] = (struct extent){ page->frame.value,
            page->frame.value + PAGE_SIZE };
    if (untyped)
        extents[1] = (struct extent){ untyped->start.value,
            untyped->end.value };
    require(extents[1].start == extents[0].start ||
            apart(extents[0], extents[1]));
}

static void expect_apart(const struct picture *picture)
{
    for (unsigned i = 0; i < picture->things; i++) {
        const struct thing *one = &picture->thing[i];
        struct extent a[2], b[2];

        if (!one->parent)
            continue;
        extents_of(one, a);
        for (unsigned n = 0; n < 2; n++)
            require(a[n].start >= one->parent->first.value &&
                    a[n].end <= one->parent->end.value);
        for (unsigned k = 0; k < i; k++) {
            if (picture->thing[k].parent != one->parent)
                continue;
            extents_of(&picture->thing[k], b);
            require(apart(a[0], b[0]) && apart(a[0], b[1]) &&
                    apart(a[1], b[0]) && apart(a[1], b[1]));
        }
    }
}

/* --- One picture against the other ----------------------------------------------------------- */

static void expect_same(const struct picture *after)
{
    require(after->things == expected.things);
    for (unsigned n = 0; n < after->things; n++) {
        const struct thing *is = &after->thing[n];
        const struct thing *should = expected_thing(is->object);

        require(should && is->parent == should->parent);
        require(is->type == should->type && is->strong == should->strong);
        require(is->busy == should->busy && is->size == should->size);
        require(is->pages == should->pages);
    }
    require(after->entries == expected.entries);
    for (unsigned n = 0; n < after->entries; n++) {
        const struct entry *is = &after->entry[n];
        const struct entry *should = expected_entry(is->node);

        require(should && is->parent == should->parent);
        require(is->object == should->object);
        require(is->rights == should->rights && is->badge == should->badge);
    }
}

static void expect_changes(const struct picture *before,
    const struct operation *o)
{
    const struct capability *target = slot_number_n(before, o->target);
    const struct capability *slot = slot_number_n(before, o->source);
    const struct entry source = *picture_entry(before, slot);
    unsigned mask = o->choice == ALL_RIGHTS ? RIGHT_ALL : RIGHT_READ;

    if (o->kind == MOVE) {
        add_entry(target, source.parent, source.object, source.rights,
            source.badge);
        reparent(slot, target);
        *expected_entry(slot) = expected.entry[--expected.entries];
    } else {
        add_entry(target, slot, source.object, source.rights & mask,
            o->kind == MINT ? 1 : source.badge);
    }
}

static enum error foreseen;

void operation_foresee(const struct picture *before,
    const struct operation *o)
{
    foreseen = error_of(before, o);
    if (foreseen || o->kind < DELETE)
        return;
    for (unsigned n = 0; n < before->entries; n++)
        entry_may_go[n] = entry_goes(before, o, &before->entry[n]);
    for (unsigned n = 0; n < before->things; n++)
        thing_may_go[n] = thing_goes(before, o, before->thing[n].object);
}

void operation_expect(const struct picture *before,
    const struct operation *o, struct result result,
    const struct picture *after)
{
    require(result.error == foreseen);
    expected = *before;
    if (result.error) {
        require(!result.stopped);
    } else if (o->kind == RETYPE) {
        if (!result.stopped) {
            expect_made(before, o, after);
            expect_slots(before, o, after);
        }
    } else if (o->kind == BEGIN) {
        expected.thing[expected.things++] = (struct thing){
            .object = &kept_log, .type = OBJECT_LOG, .strong = 1
        };
        add_entry(slot_number_n(before, o->target), &kept_log, &kept_log,
            RIGHT_ALL, 0);
    } else if (o->kind <= MOVE) {
        expect_changes(before, o);
    } else {
        expect_to_go(before, o, result.stopped, after);
    }
    expect_same(after);
    expect_apart(after);
}
