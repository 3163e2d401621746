/* world.c - a state of the world: its bytes, its picture, its key. */
#include "world.h"

#include <string.h>

#include "kernel/cap/log.h"
#include "kernel/machine.h"

enum { RAM_END = 0x100000, RUBBISH = 0xa5 };

struct untyped *ram;
struct cpool root;
struct object kept_log;
static struct link *kept; /* the kernel's list, private to object.c */

/* Structures in the free part of the first page, which is as large as it
   must be for all that the bounds allow: there, memory can run out. */
static uint64_t ram_start(void)
{
    uint64_t pool = untyped_structure(object_class(OBJECT_CPOOL));
    uint64_t small = untyped_structure(object_class(OBJECT_UNTYPED));
    uint64_t room = small + bounds->pools * pool +
                    (bounds->made - bounds->pools) * small;

    return RAM_END - bounds->ram * PAGE_SIZE - room;
}

void world_begin(void)
{
    memset(arena, RUBBISH, RAM_END);
    memset(&root, 0, sizeof root);
    memset(&kept_log, 0, sizeof kept_log);
    ram = untyped_of_ram(physical(ram_start()), physical(RAM_END));
    kept = ram->object.sibling.prev;
    object_init(&root.object, OBJECT_CPOOL);
    cpool_construct(&root.object, physical(0), 0);
    object_keep(&root.object);
    weak_original(&root.pool, 0, &ram->object, RIGHT_ALL, 0);
}

/* The kernel keeps nothing any more. */
void world_end(void)
{
    link_init(kept);
}

/* --- The picture ------------------------------------------------------------ */

static void draw_thing(struct picture *picture, struct object *object)
{
    struct thing *thing = &picture->thing[picture->things];
    struct untyped *untyped = untyped_from(object);
    struct cpool *pool = cpool_from(object);

    require(picture->things < THINGS);
    *thing = (struct thing){
        .object = object,
        .parent = object->parent,
        .type = object->type,
        .strong = (uint8_t)object->strong,
        .busy = untyped && untyped->busy,
        .pages = untyped ? (uint32_t)(untyped_taken(object) / PAGE_SIZE) : 0,
        .size = pool ? pool->pool.size - pool->pool.passed : 0,
    };
    picture->things++;
}

/* The slot whose opening link this is; NULL if it is none. */
static struct capability *slot_at(const struct picture *picture,
    const struct link *link)
{
    for (unsigned n = 0; n < picture->things; n++) {
        struct cpool *pool = cpool_from(picture->thing[n].object);
        uintptr_t offset = pool ? (uintptr_t)link - (uintptr_t)pool->slots : 0;

        if (pool && offset < sizeof pool->slots &&
            offset % sizeof *pool->slots == 0)
            return &pool->slots[offset / sizeof *pool->slots];
    }
    return NULL;
}

/* Reads one list with a stack of what is open. */
static void draw_list(struct picture *picture, struct object *object)
{
    const struct link *head = &object->weak;
    struct capability *open[SLOTS];
    unsigned depth = 0;

    for (const struct link *at = head->next; at != head; at = at->next) {
        if (depth > 0 && at == &open[depth - 1]->close) {
            depth--;
            continue;
        }

        struct capability *slot = slot_at(picture, at);

        require(slot && slot->weak.object == object);
        require(picture->entries < SLOTS);
        picture->entry[picture->entries++] = (struct entry){
            .node = &slot->weak,
            .parent = depth ? (void *)open[depth - 1] : (void *)object,
            .object = object,
            .rights = slot->weak.rights,
            .badge = slot->weak.badge,
        };
        open[depth++] = slot;
    }
    require(depth == 0);
}

void world_picture(struct picture *picture)
{
    unsigned full = 0;

    picture->things = picture->entries = 0;
    for (struct object *at = object_next(NULL); at; at = object_next(at))
        draw_thing(picture, at);
    for (unsigned n = 0; n < picture->things; n++) {
        struct cpool *pool = cpool_from(picture->thing[n].object);

        draw_list(picture, picture->thing[n].object);
        for (unsigned i = 0; pool && i < CPOOL_SLOTS; i++)
            full += pool->slots[i].weak.object != NULL;
    }
    require(full == picture->entries);
}

const struct thing *picture_thing(const struct picture *picture,
    const struct object *object)
{
    for (unsigned n = 0; n < picture->things; n++)
        if (picture->thing[n].object == object)
            return &picture->thing[n];
    return NULL;
}

const struct entry *picture_entry(const struct picture *picture,
    const void *node)
{
    for (unsigned n = 0; n < picture->entries; n++)
        if (picture->entry[n].node == node)
            return &picture->entry[n];
    return NULL;
}

/* --- The key ---------------------------------------------------------------- */

enum { KEY_CLOSE = 0xff, KEY_END = 0xfe, KEY_ROOT = 0xfd };

static uint8_t number_of(const struct picture *picture,
    const struct untyped *untyped)
{
    if (!untyped)
        return 0;
    return (uint8_t)(1 + (picture_thing(picture, &untyped->object) -
                             picture->thing));
}

static uint8_t *write_thing(const struct picture *picture,
    const struct thing *thing, uint8_t *key)
{
    const struct untyped *untyped = untyped_from(thing->object);

    *key++ = (uint8_t)(thing->type << 2 | thing->busy << 1 | thing->strong);
    *key++ = number_of(picture, thing->parent);
    if (cpool_from(thing->object))
        *key++ = (uint8_t)thing->size;
    if (untyped) {
        uint64_t below = untyped->clean_low.value - untyped->low.value;
        uint64_t above = untyped->high.value - untyped->clean_high.value;

        *key++ = (uint8_t)thing->pages;
        *key++ = (uint8_t)(below / STRUCTURE_ALIGN);
        *key++ = (uint8_t)(above / CLEAN_BYTES);
    }
    return key;
}

/* Which slot: of the first pool any, if they count as one another. */
static uint8_t slot_number(const struct picture *picture,
    const struct weak *node)
{
    const struct object *owner = weak_pool_of(node)->owner;
    const struct thing *thing = picture_thing(picture, owner);
    size_t number = (size_t)(thing - picture->thing);

    if (owner == &root.object && bounds->alike)
        return KEY_ROOT;
    return (uint8_t)(number * CPOOL_SLOTS + node->index);
}

size_t world_key(const struct picture *picture, uint8_t *key)
{
    const uint8_t *start = key;

    for (unsigned n = 0; n < picture->things; n++)
        key = write_thing(picture, &picture->thing[n], key);
    for (unsigned n = 0; n < picture->things; n++) {
        const struct object *object = picture->thing[n].object;
        const struct link *head = &object->weak;

        for (const struct link *at = head->next; at != head; at = at->next) {
            const struct entry *entry = picture_entry(picture, at);

            if (!entry) {
                *key++ = KEY_CLOSE;
                continue;
            }
            *key++ = slot_number(picture, entry->node);
            if (bounds->labels)
                *key++ = (uint8_t)(entry->rights << 1 | (entry->badge != 0));
        }
        *key++ = KEY_END;
    }
    return (size_t)(key - start);
}

/* --- The bytes --------------------------------------------------------------- */

static uint8_t *put(uint8_t *bytes, const void *from, size_t size)
{
    memcpy(bytes, from, size);
    return bytes + size;
}

static const uint8_t *get(const uint8_t *bytes, void *to, size_t size)
{
    memcpy(to, bytes, size);
    return bytes + size;
}

static void spoil_slots(struct cpool *pool)
{
    for (unsigned i = 0; i < CPOOL_SLOTS; i++)
        if (!pool->slots[i].weak.object) {
            memset(&pool->slots[i], RUBBISH, sizeof pool->slots[i]);
            pool->slots[i].weak.object = NULL;
        }
}

/* Where the structures are that were made of an untyped. */
static void *structures(const struct untyped *untyped, size_t *size)
{
    *size = untyped->low.value - untyped->first.value;
    return physical_pointer(untyped->first);
}

size_t world_save(const struct picture *picture, uint8_t *bytes)
{
    uint8_t *at = bytes;
    size_t size;

    for (unsigned n = 0; n < picture->things; n++)
        if (cpool_from(picture->thing[n].object))
            spoil_slots(cpool_from(picture->thing[n].object));
    at = put(at, kept, sizeof *kept);
    at = put(at, &root, sizeof root);
    at = put(at, &kept_log, sizeof kept_log);
    at = put(at, ram, sizeof *ram);
    for (unsigned n = 0; n < picture->things; n++) {
        struct untyped *untyped = untyped_from(picture->thing[n].object);
        void *from = untyped ? structures(untyped, &size) : NULL;

        if (untyped)
            at = put(at, from, size);
    }
    require(at <= bytes + BYTES_MAX);
    return (size_t)(at - bytes);
}

/* Zero is what an untyped takes for zero, and no byte more. */
static void load_clean(const struct untyped *untyped)
{
    memset(physical_pointer(untyped->low), 0,
        untyped->clean_low.value - untyped->low.value);
    memset(physical_pointer(untyped->clean_high), 0,
        untyped->high.value - untyped->clean_high.value);
}

void world_load(const uint8_t *bytes)
{
    uint64_t start = ram_start();
    size_t size;

    memset(arena + start, RUBBISH, RAM_END - start);
    bytes = get(bytes, kept, sizeof *kept);
    bytes = get(bytes, &root, sizeof root);
    bytes = get(bytes, &kept_log, sizeof kept_log);
    bytes = get(bytes, ram, sizeof *ram);
    for (struct object *at = object_next(NULL); at; at = object_next(at)) {
        struct untyped *untyped = untyped_from(at);
        void *to = untyped ? structures(untyped, &size) : NULL;

        if (untyped) {
            bytes = get(bytes, to, size);
            load_clean(untyped);
        }
    }
}
