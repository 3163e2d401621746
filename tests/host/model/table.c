/* table.c - which page or table may stand in which table, with which rights. */
#include <rux/rights.h>

#include "tests/host/model/model.h"

/* The type that stands in a table of this type. */
static bool fits(unsigned table, const struct model_object *child)
{
    bool page = child->type == OBJECT_PAGE || child->type == OBJECT_BUFFER;
    bool large = child->end - child->start >= MODEL_LARGE;

    switch (table) {
    case OBJECT_PML4: return child->type == OBJECT_PDPT;
    case OBJECT_PDPT: return child->type == OBJECT_PD;
    case OBJECT_PD: return child->type == OBJECT_PT || (page && large);
    default: return page && !large;
    }
}

static enum error check_rights(unsigned type, unsigned held, uint64_t rights)
{
    bool write = rights & RIGHT_WRITE, execute = rights & RIGHT_EXECUTE;

    if (!(rights & RIGHT_READ) || rights > RIGHT_ALL ||
        (rights & RIGHT_GRANT))
        return ERROR_BAD_ARGUMENT;
    if ((rights & held) != rights)
        return ERROR_NO_RIGHT;
    if ((type == OBJECT_PAGE || type == OBJECT_BUFFER) && write && execute)
        return ERROR_NO_RIGHT;
    return NO_ERROR;
}

static uint64_t size_of(const struct model *model, int table)
{
    return model->object[table].type == OBJECT_PML4 ? 255 : 512;
}

enum error model_map(struct model *model, int table, uint64_t index,
    int child, uint64_t rights)
{
    const struct model_slot *from = &model->slot[child];
    const struct model_object *object = &model->object[from->object];

    if (index >= size_of(model, table))
        return ERROR_BAD_SLOT;
    if (model_find_slot(model, table, index) != NOBODY)
        return ERROR_SLOT_IN_USE;
    if (!fits(model->object[table].type, object))
        return ERROR_WRONG_TYPE;

    enum error error = check_rights(object->type, from->rights, rights);

    if (!error)
        model_add_slot(model, (struct model_slot){ .object = from->object,
            .pool = table, .index = (unsigned)index, .parent = child,
            .rights = (unsigned)rights });
    return error;
}

enum error model_unmap(struct model *model, int table, uint64_t index)
{
    if (index >= size_of(model, table))
        return ERROR_BAD_SLOT;

    int slot = model_find_slot(model, table, index);

    if (slot == NOBODY)
        return ERROR_NO_CAPABILITY;
    model_delete(model, slot);
    return NO_ERROR;
}
