/* retype.c - what can be made of an untyped, and where it then lies. */
#include "tests/host/model/model.h"

__extension__ typedef unsigned __int128 wide; /* nothing is too large */

/* How much page memory each has; false: its maker asks for a wrong size. */
static bool memory_of(unsigned type, uint64_t bytes, uint64_t *memory)
{
    switch (type) {
    case OBJECT_UNTYPED:
        *memory = bytes;
        return bytes > 0 && bytes % MODEL_PAGE == 0;
    case OBJECT_PAGE:
        *memory = bytes ? bytes : MODEL_PAGE;
        return *memory == MODEL_PAGE || *memory == MODEL_LARGE;
    case OBJECT_PML4:
    case OBJECT_PDPT:
    case OBJECT_PD:
    case OBJECT_PT:
    case OBJECT_BUFFER: *memory = MODEL_PAGE; return bytes == 0;
    case OBJECT_CHANNEL:
        *memory = bytes; /* room for eight payloads, or none */
        return bytes == 0 || bytes == 2 * MODEL_PAGE;
    default: *memory = 0; return bytes == 0;
    }
}

/* Whether programs can make it at all. */
static bool can_be_made(const struct model *model, uint64_t type,
    bool device)
{
    switch (type) {
    case OBJECT_UNTYPED:
    case OBJECT_CPOOL:
    case OBJECT_PML4:
    case OBJECT_PDPT:
    case OBJECT_PD:
    case OBJECT_PT:
    case OBJECT_BUFFER:
    case OBJECT_TASK:
    case OBJECT_CHANNEL: return !device;
    case OBJECT_PAGE: return true;
    default: return type < OBJECT_TYPES && model->size[type] && !device;
    }
}

static enum error check_slots(const struct model *model, int pool,
    uint64_t index, uint64_t count)
{
    if (count < 1 || count > 16)
        return ERROR_BAD_ARGUMENT;
    if ((wide)index + count > 256)
        return ERROR_BAD_SLOT;
    for (uint64_t n = 0; n < count; n++)
        if (model_find_slot(model, pool, index + n) != NOBODY)
            return ERROR_SLOT_IN_USE;
    return NO_ERROR;
}

static bool at_rest(const struct model *model, int untyped)
{
    for (; untyped != NOBODY; untyped = model->object[untyped].parent)
        if (model->object[untyped].busy)
            return false;
    return true;
}

static bool has_room(const struct model *model, int untyped,
    wide structures, wide memory)
{
    const struct model_object *of = &model->object[untyped];
    uint64_t low = model_low(model, untyped);
    uint64_t high = model_high(model, untyped);

    if (of->device)
        return of->start + memory <= high && low + structures <= of->limit;
    return low + structures + memory <= high;
}

static void make(struct model *model, int untyped, int pool,
    uint64_t index, struct model_object object)
{
    const struct model_object *of = &model->object[untyped];
    uint64_t high = model_high(model, untyped);

    object.parent = untyped;
    object.place = model_low(model, untyped);
    object.depth = of->depth + 1;
    object.start = high - object.end; /* end: so far its size */
    object.end = high;
    object.first = object.start;
    model_add_slot(model, (struct model_slot){
        .object = model_add_object(model, object), .pool = pool,
        .index = (unsigned)index, .parent = NOBODY, .rights = 15 });
}

enum error model_retype(struct model *model, int untyped, int pool,
    const uint64_t argument[6], bool stopped)
{
    uint64_t index = argument[2], type = argument[3], count = argument[5];
    uint64_t memory, gap = 0;

    if (!can_be_made(model, type, model->object[untyped].device))
        return ERROR_BAD_ARGUMENT;
    if (!memory_of((unsigned)type, argument[4], &memory))
        return ERROR_BAD_SIZE;

    enum error error = check_slots(model, pool, index, count);

    if (error)
        return error;
    if (type == OBJECT_UNTYPED && model->object[untyped].depth == 32)
        return ERROR_TOO_DEEP;
    if (!at_rest(model, untyped))
        return ERROR_BUSY;
    if (type == OBJECT_PAGE || (type == OBJECT_CHANNEL && memory))
        gap = model_high(model, untyped) % memory;
    if (!has_room(model, untyped, (wide)model->size[type] * count,
            (wide)memory * count + gap))
        return ERROR_NO_MEMORY;
    for (uint64_t n = 0; n < count && !stopped; n++)
        make(model, untyped, pool, index + n, (struct model_object){
            .type = (unsigned)type, .structure = model->size[type],
            .end = memory + (n ? 0 : gap) });
    return NO_ERROR;
}
