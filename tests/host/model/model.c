/* model.c - the two tables: entered, found, counted. */
#include "tests/host/model/model.h"

static void model_full(void)
{
    __builtin_trap(); /* the tables are too small for what is asked */
}

int model_add_object(struct model *model, struct model_object object)
{
    int n = 0;

    while (n < model->objects && model->object[n].type != OBJECT_NONE)
        n++;
    if (n == MODEL_OBJECTS)
        model_full();
    if (n == model->objects)
        model->objects++;
    object.made = ++model->clock;
    model->object[n] = object;
    return n;
}

void model_add_slot(struct model *model, struct model_slot slot)
{
    int n = 0;

    while (n < model->slots && model->slot[n].object != NOBODY)
        n++;
    if (n == MODEL_SLOTS)
        model_full();
    if (n == model->slots)
        model->slots++;
    model->slot[n] = slot;
}

int model_find_slot(const struct model *model, int pool, uint64_t index)
{
    for (int n = 0; n < model->slots; n++)
        if (model->slot[n].object != NOBODY && model->slot[n].pool == pool &&
            model->slot[n].index == index)
            return n;
    return NOBODY;
}

int model_newest(const struct model *model, int untyped)
{
    int newest = NOBODY;

    for (int n = 0; n < model->objects; n++) {
        const struct model_object *object = &model->object[n];

        if (object->type != OBJECT_NONE && object->parent == untyped &&
            (newest == NOBODY || object->made > model->object[newest].made))
            newest = n;
    }
    return newest;
}

uint64_t model_low(const struct model *model, int untyped)
{
    uint64_t low = model->object[untyped].first;

    for (int n = 0; n < model->objects; n++)
        if (model->object[n].type != OBJECT_NONE &&
            model->object[n].parent == untyped)
            low += model->object[n].structure;
    return low;
}

uint64_t model_high(const struct model *model, int untyped)
{
    uint64_t high = model->object[untyped].end;

    for (int n = 0; n < model->objects; n++)
        if (model->object[n].type != OBJECT_NONE &&
            model->object[n].parent == untyped)
            high -= model->object[n].end - model->object[n].start;
    return high;
}

static void model_give(struct model *model, struct model_object object)
{
    int made = model_add_object(model, object);

    model_add_slot(model, (struct model_slot){ .object = made,
        .pool = MODEL_ROOT, .index = (unsigned)made, .parent = NOBODY,
        .rights = 15 });
}

static struct model_object untyped_of(const struct model_memory *memory,
    bool device)
{
    return (struct model_object){ .type = OBJECT_UNTYPED, .parent = NOBODY,
        .start = memory->start, .end = memory->end, .first = memory->first,
        .limit = memory->limit, .depth = memory->depth, .device = device };
}

void model_init(struct model *model, const uint64_t size[OBJECT_TYPES],
    const struct model_memory *memory, const struct model_memory *device)
{
    model->objects = 0;
    model->slots = 0;
    model->clock = 0;
    for (unsigned type = 0; type < OBJECT_TYPES; type++)
        model->size[type] = (size[type] + 15) / 16 * 16;
    model_give(model, (struct model_object){ .type = OBJECT_CPOOL,
        .parent = NOBODY });
    model_give(model, untyped_of(memory, false));
    model_give(model, untyped_of(device, true));
}
