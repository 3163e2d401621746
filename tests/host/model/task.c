/* task.c - what a task, which never runs here, can refer to. */
#include <rux/rights.h>
#include <rux/task.h>

#include "tests/host/model/model.h"

static const struct {
    unsigned type, rights;
} wanted[TASK_USER_REFERENCES] = {
    [TASK_CPOOL] = { OBJECT_CPOOL, RIGHT_READ },
    [TASK_TABLE] = { OBJECT_PML4, RIGHT_READ },
    [TASK_BUFFER] = { OBJECT_BUFFER, RIGHT_READ | RIGHT_WRITE },
#if __has_include(<rux/fault.h>)
    [TASK_FAULT] = { OBJECT_CHANNEL, RIGHT_WRITE },
#endif
};

enum error model_task_set(struct model *model, int task, uint64_t which,
    int source)
{
    struct model_slot reference = model->slot[source];

    if (which >= TASK_USER_REFERENCES)
        return ERROR_BAD_ARGUMENT;
    if (model->object[reference.object].type != wanted[which].type)
        return ERROR_WRONG_TYPE;
    if (wanted[which].rights & ~reference.rights)
        return ERROR_NO_RIGHT;

    int before = model_find_slot(model, task, which);

    if (before != NOBODY)
        model_delete(model, before);
    reference.pool = task;
    reference.index = (unsigned)which;
    reference.parent = source;
    model_add_slot(model, reference);
    return NO_ERROR;
}
