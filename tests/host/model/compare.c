/* compare.c - the kernel's objects, lists and tables beside the model's.
 *
 * An object is known by its address, which the model has computed. The slots
 * are read from the weak lists, with a stack: what stands around a slot is
 * what it was derived from. */
#include <stdio.h>

#include "kernel/cap/page.h"
#include "kernel/cap/table.h"
#include "kernel/cap/untyped.h"
#include "kernel/machine.h"
#include "tests/host/model/world.h"

static char said[200];

#define DIFFERENT(...) \
    (snprintf(said, sizeof said, __VA_ARGS__), (const char *)said)

static struct object *object_at(const struct model *model, int object)
{
    return physical_pointer(physical(model->object[object].place));
}

static struct weak *node_at(const struct model *model, int slot)
{
    const struct model_slot *at = &model->slot[slot];
    struct object *owner = object_at(model, at->pool);

    return weak_node(object_class(owner->type)->pool(owner), at->index);
}

/* Nothing is made while a call has stopped, so what has ended is still to be
   seen where it was. */
void world_progress(const struct model *model, struct progress *progress)
{
    for (int n = 0; n < model->objects; n++) {
        const struct object *object = object_at(model, n);

        if (model->object[n].type == OBJECT_NONE)
            continue;
        progress->object_gone[n] = object->type == OBJECT_NONE;
        progress->object_ending[n] = object->type && !object->strong;
    }
    for (int n = 0; n < model->slots; n++) {
        const struct model_slot *slot = &model->slot[n];

        if (slot->object == NOBODY)
            continue;
        progress->slot_gone[n] = progress->object_gone[slot->pool] ||
                                 !node_at(model, n)->object;
    }
}

/* --- Objects ----------------------------------------------------------------- */

static const char *compare_untyped(const struct model *model, int n)
{
    const struct model_object *wanted = &model->object[n];
    const struct untyped *untyped = untyped_from(object_at(model, n));
    uint64_t low = model_low(model, n), high = model_high(model, n);

    if (untyped->low.value != low || untyped->high.value != high)
        return DIFFERENT("the watermarks of the untyped at 0x%lx are 0x%lx "
            "and 0x%lx, and should be 0x%lx and 0x%lx", wanted->place,
            untyped->low.value, untyped->high.value, low, high);
    if (untyped->start.value != wanted->start ||
        untyped->end.value != wanted->end ||
        untyped->depth != wanted->depth || untyped->device != wanted->device)
        return DIFFERENT("the untyped at 0x%lx is another one",
            wanted->place);
    if (untyped->busy != wanted->busy)
        return DIFFERENT("the untyped at 0x%lx is%s busy", wanted->place,
            untyped->busy ? "" : " not");
    return NULL;
}

static const char *compare_object(const struct model *model, int n)
{
    const struct model_object *wanted = &model->object[n];
    struct object *object = object_at(model, n);
    const struct page *page = page_from(object);

    if (object->type != wanted->type)
        return DIFFERENT("the object at 0x%lx is of type %u, and should be "
            "of type %u", wanted->place, object->type, wanted->type);
    if (object->strong != (wanted->ending ? 0 : 1))
        return DIFFERENT("the object at 0x%lx has %u strong references",
            wanted->place, object->strong);
    if (wanted->parent != NOBODY &&
        &object->parent->object != object_at(model, wanted->parent))
        return DIFFERENT("the object at 0x%lx belongs to another untyped",
            wanted->place);
    if (page && (page->frame.value != wanted->start ||
                    page->taken != wanted->end - wanted->start))
        return DIFFERENT("the page at 0x%lx has other memory", wanted->place);
    if (table_from(object) && table_from(object)->page.value != wanted->start)
        return DIFFERENT("the table at 0x%lx has other memory",
            wanted->place);
    return untyped_from(object) ? compare_untyped(model, n) : NULL;
}

/* All that is below the memory and the device, in the kernel's order. */
static const char *count_objects(const struct model *model)
{
    int wanted = 0, there = 0;
    uint8_t depth = untyped_from(object_at(model, MODEL_MEMORY))->depth;

    for (int n = MODEL_GIVEN; n < model->objects; n++)
        wanted += model->object[n].type != OBJECT_NONE;
    for (struct object *at = object_next(NULL); at; at = object_next(at))
        there += at->parent && at->parent->depth >= depth;
    for (struct object *at = object_at(model, MODEL_DEVICE);
         (at = object_next(at)) && at->parent;)
        there += 1;
    if (wanted != there)
        return DIFFERENT("there are %d objects, and should be %d", there,
            wanted);
    return NULL;
}

/* --- Slots ------------------------------------------------------------------- */

/* The slots that were seen on lists, by address: what stands around each.
   Entries of an earlier comparison are as good as empty. */
enum { SEEN = 1 << 14 };

static struct seen {
    const struct weak *node, *around;
    uint64_t comparison;
} seen[SEEN];

static uint64_t comparison;

static struct seen *seen_at(const struct weak *node)
{
    size_t at = (uintptr_t)node / 16 * 0x9e3779b1 % SEEN;

    while (seen[at].comparison == comparison && seen[at].node != node)
        at = (at + 1) % SEEN;
    return &seen[at];
}

/* Reads a list; the number of slots on it. */
static int read_list(const struct object *object)
{
    static const struct weak *around[MODEL_SLOTS + 8];
    const struct link *at = object->weak.next;
    int depth = 0, slots = 0;

    around[0] = NULL;
    for (; at != &object->weak; at = at->next) {
        const struct weak *open = around[depth];

        if (open && at == &((const struct capability *)open)->close) {
            depth--;
            continue;
        }

        const struct weak *node = (const struct weak *)at;

        *seen_at(node) = (struct seen){ node, open, comparison };
        if (node->kind == WEAK_CAPABILITY)
            around[++depth] = node;
        slots++;
    }
    return slots;
}

static uint64_t entry_of(const struct model *model,
    const struct model_slot *slot)
{
    const struct model_object *object = &model->object[slot->object];
    uint64_t entry = object->start | ENTRY_PRESENT | ENTRY_USER;

    if (slot->rights & RIGHT_WRITE)
        entry |= ENTRY_WRITABLE;
    if (!(slot->rights & RIGHT_EXECUTE))
        entry |= ENTRY_NO_EXECUTE;
    if (object->type == OBJECT_PAGE &&
        object->end - object->start >= MODEL_LARGE)
        entry |= ENTRY_LARGE;
    return entry;
}

static const char *compare_slot(const struct model *model, int n)
{
    const struct model_slot *wanted = &model->slot[n];
    const struct weak *node = node_at(model, n);
    struct object *owner = object_at(model, wanted->pool);
    const struct seen *at = seen_at(node);
    const struct weak *parent = wanted->parent == NOBODY
        ? world_kept(wanted->object)
        : node_at(model, wanted->parent);

    if (at->comparison != comparison || node->object != object_at(model, wanted->object))
        return DIFFERENT("slot %u of the object at 0x%lx does not refer to "
            "the object at 0x%lx", wanted->index,
            model->object[wanted->pool].place,
            model->object[wanted->object].place);
    if (node->rights != wanted->rights || node->badge != wanted->badge)
        return DIFFERENT("slot %u of the object at 0x%lx has rights %u and "
            "badge %u, and should have %u and %lu", wanted->index,
            model->object[wanted->pool].place, node->rights, node->badge,
            wanted->rights, wanted->badge);
    if (at->around != parent)
        return DIFFERENT("slot %u of the object at 0x%lx is derived from "
            "another slot", wanted->index,
            model->object[wanted->pool].place);
    if (table_from(owner) && *table_entry(table_from(owner), wanted->index) !=
                                 entry_of(model, wanted))
        return DIFFERENT("entry %u of the table at 0x%lx is 0x%lx, and should "
            "be 0x%lx", wanted->index, model->object[wanted->pool].place,
            *table_entry(table_from(owner), wanted->index),
            entry_of(model, wanted));
    return NULL;
}

/* What the kernel keeps for the world, and the task's root, are not the
   model's: two references to the root, one to the memory and the device. */
enum { KEPT = 4 };

static const char *compare_slots(const struct model *model)
{
    const char *difference = NULL;
    int wanted = KEPT, there = 0;

    comparison++;
    for (int n = 0; n < model->objects; n++)
        if (model->object[n].type != OBJECT_NONE)
            there += read_list(object_at(model, n));
    for (int n = 0; n < model->slots && !difference; n++)
        if (model->slot[n].object != NOBODY) {
            difference = compare_slot(model, n);
            wanted++;
        }
    if (!difference && there != wanted)
        difference = DIFFERENT("there are %d references, and should be %d",
            there, wanted);
    return difference;
}

const char *world_compare(const struct model *model)
{
    const char *difference = NULL;

    for (int n = 0; n < model->objects && !difference; n++)
        if (model->object[n].type != OBJECT_NONE)
            difference = compare_object(model, n);
    if (!difference)
        difference = count_objects(model);
    if (!difference)
        difference = compare_slots(model);
    return difference;
}
