/* end.c - what deleting, revoking, resetting and freeing take away.
 *
 * A call that was stopped has done a part of this. Which part is the kernel's
 * choice within bounds: it may have deleted any of the slots that a
 * revocation deletes, while objects end one after the other. */
#include "tests/host/model/model.h"

void model_delete(struct model *model, int slot)
{
    int parent = model->slot[slot].parent;

    model->slot[slot].object = NOBODY;
    for (int n = 0; n < model->slots; n++)
        if (model->slot[n].object != NOBODY &&
            model->slot[n].parent == slot)
            model->slot[n].parent = parent;
}

static bool comes_from(const struct model *model, int slot, int from)
{
    do
        slot = model->slot[slot].parent;
    while (slot != NOBODY && slot != from);
    return slot == from;
}

static bool may_go(const struct progress *progress, int slot)
{
    return !progress || progress->slot_gone[slot];
}

void model_revoke(struct model *model, int slot,
    const struct progress *progress)
{
    for (int n = 0; n < model->slots; n++)
        if (model->slot[n].object != NOBODY && comes_from(model, n, slot) &&
            may_go(progress, n))
            model_delete(model, n);
}

/* What is in an object's pool, and what refers to it, goes; then it goes.
   True when it has gone. */
static bool end(struct model *model, int object,
    const struct progress *progress)
{
    for (int n = 0; n < model->slots; n++)
        if (model->slot[n].object != NOBODY && may_go(progress, n) &&
            (model->slot[n].pool == object ||
                model->slot[n].object == object))
            model_delete(model, n);
    model->object[object].ending =
        progress && progress->object_ending[object];
    if (progress && !progress->object_gone[object])
        return false;
    model->object[object].type = OBJECT_NONE;
    return true;
}

/* The newest of all that was made of an untyped and has nothing in it. */
static int first_to_end(const struct model *model, int untyped)
{
    int newest = model_newest(model, untyped);

    while (newest != NOBODY &&
           model->object[newest].type == OBJECT_UNTYPED &&
           model_newest(model, newest) != NOBODY)
        newest = model_newest(model, newest);
    return newest;
}

void model_reset(struct model *model, int untyped,
    const struct progress *progress)
{
    int next = first_to_end(model, untyped);

    while (next != NOBODY && end(model, next, progress))
        next = first_to_end(model, untyped);
    model->object[untyped].busy = progress;
}

enum error model_free(struct model *model, int untyped,
    const struct progress *progress)
{
    int newest = model_newest(model, untyped);

    if (newest == NOBODY)
        return ERROR_EMPTY;
    if (model->object[newest].type == OBJECT_UNTYPED &&
        model_newest(model, newest) != NOBODY)
        return ERROR_NOT_EMPTY;
    if (model->object[untyped].busy && !model->object[newest].ending)
        return ERROR_BUSY;
    end(model, newest, progress);
    model->object[untyped].busy = progress;
    return NO_ERROR;
}
