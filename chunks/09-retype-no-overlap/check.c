/* check.c of retype-no-overlap: an untyped in an arena full of old bytes, a
 * pool, and a host that says what to make. */
#include "tests/grader/check.h"

#include <stdbool.h>
#include <stddef.h>

#include "chunks/09-retype-no-overlap/samples.h"
#include "kernel/cap/untyped.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "lib/string.h"

enum {
    SIZES = 1, /* tells what the structure of an untyped takes */
    RAM,       /* pages, byte: an untyped of RAM, full of that byte */
    DEVICE,    /* the same, of a device */
    RETYPE,    /* kind, from, bytes, slot, count: see retype() */
    VERIFY,    /* tells the slots of all objects that were written over */
    RESET,     /* byte: resets; what is free is full of that byte */
};

enum { SLOTS = 160, PAGES = 24, TOP = SLOTS, RAW = 16, OTHER_ERROR = 99 };

static _Alignas(PAGE_SIZE) unsigned char arena[PAGES * PAGE_SIZE];
static _Alignas(PAGE_SIZE) unsigned char beside[PAGE_SIZE];

static struct {
    struct weak_pool pool;
    struct capability slots[SLOTS];
} here;

static const struct pool_class slot_class = {.kind = WEAK_CAPABILITY};

static struct untyped *top;

/* What construct saw. */
static struct {
    paddr_t memory;
    size_t dirty, dirty_pages;
} seen;

/* What we wrote into the page memory and the structure of each object. */
static struct {
    unsigned char *pages, *rest;
    size_t pages_size, rest_size;
} written[SLOTS];

static size_t count_dirty(const unsigned char *at, size_t size)
{
    size_t dirty = 0;

    while (size--)
        dirty += *at++ != 0;
    return dirty;
}

static bool in_arena(const void *at, size_t size)
{
    uint64_t offset = (uint64_t)at - (uint64_t)physical_pointer(
        image_physical(arena));

    return offset <= sizeof arena && size <= sizeof arena - offset;
}

void sample_construct(struct object *object, paddr_t memory,
                      size_t bytes)
{
    const struct object_class *class = object_class(object->type);
    const unsigned char *rest = (const unsigned char *)(object + 1);

    seen.memory = memory;
    seen.dirty = count_dirty(rest, class->size - class->unzeroed -
                                       sizeof *object);
    seen.dirty_pages = 0;
    if (in_arena(physical_pointer(memory), bytes))
        seen.dirty_pages = count_dirty(physical_pointer(memory), bytes);
}

static unsigned type_of(uint64_t kind)
{
    static const unsigned types[] = {
        OBJECT_NONE, OBJECT_LOG, OBJECT_PORTS, OBJECT_UNTYPED,
        OBJECT_SMALL, OBJECT_LARGE, OBJECT_FRAME, OBJECT_TABLE};

    if (kind < sizeof types / sizeof types[0])
        return types[kind];
    return (unsigned)(kind - RAW + OBJECT_TYPES);
}

static uint64_t code_of(enum error error)
{
    static const enum error errors[] = {
        NO_ERROR, ERROR_BAD_ARGUMENT, ERROR_BAD_SIZE, ERROR_BAD_SLOT,
        ERROR_SLOT_IN_USE, ERROR_NO_MEMORY};

    for (uint64_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i] == error)
            return i;
    return OTHER_ERROR;
}

/* A number that changes with any byte of the arena, the page beside it or
 * the pool. */
__attribute__((no_sanitize("undefined")))
static uint64_t digest_of(const void *data, size_t size, uint64_t digest)
{
    const uint64_t *word = data;

    for (; size >= sizeof *word; size -= sizeof *word)
        digest = (digest ^ *word++) * UINT64_C(0x9e3779b97f4a7c15);
    return digest;
}

static uint64_t digest(void)
{
    uint64_t all = digest_of(arena, sizeof arena, 1);

    all = digest_of(beside, sizeof beside, all);
    return digest_of(&here, sizeof here, all);
}

static void begin(bool device)
{
    paddr_t start = image_physical(arena);
    paddr_t end = physical_add(start, take() * PAGE_SIZE);

    memset(arena, (int)take(), sizeof arena);
    weak_pool_init(&here.pool, NULL, &slot_class, SLOTS);
    top = device ? untyped_of_device(start, end, image_physical(beside))
                 : untyped_of_ram(start, end);
}

static void fill(uint64_t slot, struct untyped *from)
{
    struct object *object = here.slots[slot].weak.object;
    const struct object_class *class = object_class(object->type);
    int tag = (int)(slot % 255 + 1);

    memset(&written[slot], 0, sizeof written[slot]);
    if (object->type == OBJECT_UNTYPED)
        return;
    written[slot].rest = (unsigned char *)(object + 1);
    written[slot].rest_size = class->size - sizeof *object;
    memset(written[slot].rest, tag, written[slot].rest_size);
    if (from->device || !class->memory)
        return;
    written[slot].pages = physical_pointer(seen.memory);
    written[slot].pages_size = class->memory;
    if (in_arena(written[slot].pages, class->memory))
        memset(written[slot].pages, tag, class->memory);
    else
        written[slot].pages_size = 0;
}

/* Whether the object is owned, and its capability whole: a bit for each. */
static uint64_t ownership(uint64_t slot, unsigned type,
                          const struct untyped *from)
{
    const struct weak *node = &here.slots[slot].weak;
    const struct object *object = node->object;

    return (uint64_t)(object->type == type) |
           (uint64_t)(object->strong == 1) << 1 |
           (uint64_t)(object->parent == from) << 2 |
           (uint64_t)(from->children.next == &object->sibling) << 3 |
           (uint64_t)(node->rights == RIGHT_ALL) << 4 |
           (uint64_t)(node->badge == 0) << 5;
}

/* Tells the error, whether anything has changed, both watermarks as
 * distances from their ends; and if an object was made: its distance from
 * the first structure, that of its page memory from the end, bytes that are
 * not zero in its structure and in its page memory, its ownership. */
static void retype(void)
{
    unsigned type = type_of(take());
    uint64_t in = take();
    struct untyped *from =
        in == TOP ? top : untyped_from(here.slots[in].weak.object);
    size_t bytes = take();
    uint64_t slot = take(), count = take(), before = digest();

    memset(&seen, 0, sizeof seen);

    const struct retype what = {type, bytes, &here.pool, slot, count};
    bool again = true;
    enum error error = NO_ERROR;

    while (again && !error)
        error = untyped_retype_many(from, &what, &again);

    tell(code_of(error));
    tell(digest() != before);
    tell(from->low.value - from->first.value);
    tell(from->end.value - from->high.value);
    if (error != NO_ERROR)
        return;
    if (slot >= SLOTS || !here.slots[slot].weak.object)
        panic("a retype succeeds, and slot %lu holds nothing", slot);

    struct object *object = here.slots[slot].weak.object;
    struct untyped *inner = untyped_from(object);

    if (inner)
        seen.memory = inner->start;
    tell((uint64_t)object - (uint64_t)physical_pointer(from->first));
    tell(from->end.value - seen.memory.value);
    tell(seen.dirty);
    tell(seen.dirty_pages);
    tell(ownership(slot, type, from));
    fill(slot, from);
}

static bool holds(const unsigned char *at, size_t size, uint64_t slot)
{
    while (size--)
        if (*at++ != slot % 255 + 1)
            return false;
    return true;
}

static void verify(void)
{
    for (uint64_t slot = 0; slot < SLOTS; slot++)
        if (here.slots[slot].weak.object &&
            !(holds(written[slot].rest, written[slot].rest_size, slot) &&
              holds(written[slot].pages, written[slot].pages_size, slot)))
            tell(slot);
}

static void reset(int byte)
{
    while (!untyped_reset(top))
        continue;
    memset(written, 0, sizeof written);
    memset(physical_pointer(top->low), byte,
           top->high.value - top->low.value);
}

void check_step(uint64_t operation)
{
    switch (operation) {
    case SIZES:
        tell(untyped_structure(object_class(OBJECT_UNTYPED)));
        break;
    case RAM: begin(false); break;
    case DEVICE: begin(true); break;
    case RETYPE: retype(); break;
    case VERIFY: verify(); break;
    case RESET: reset((int)take()); break;
    default: panic("the host asks for operation %lu", operation);
    }
}
