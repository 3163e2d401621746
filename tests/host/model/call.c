/* call.c - a system call, from its registers to its outcome. */
#include <rux/calls.h>
#include <rux/rights.h>

#include "tests/host/model/model.h"

/* What an argument that is an address names. */
struct named {
    int pool;        /* in which the address ends */
    unsigned rights; /* on the pool, of the reference it was reached by */
    unsigned index;
    int slot;   /* NOBODY: it is empty */
    int object; /* NOBODY: there is none, or it is ending */
};

static enum error find(const struct model *model, uint64_t hops,
    unsigned length, struct named *named)
{
    if (length < 1 || length > 8)
        return ERROR_BAD_ADDRESS;
    named->pool = MODEL_ROOT;
    named->rights = RIGHT_ALL;
    for (; length > 1; length--, hops >>= 8) {
        int slot = model_find_slot(model, named->pool, hops & 0xff);

        if (slot == NOBODY)
            return ERROR_NO_CAPABILITY;

        const struct model_slot *through = &model->slot[slot];

        if (model->object[through->object].type != OBJECT_CPOOL)
            return ERROR_WRONG_TYPE;
        if (!(through->rights & RIGHT_READ))
            return ERROR_NO_RIGHT;
        named->pool = through->object;
        named->rights = through->rights;
    }
    named->index = hops & 0xff;
    return NO_ERROR;
}

/* What each call asks of its first arguments: how many are addresses, and
   the rights that they need. */
enum { EMPTY_TOO = 0x40, WRITE_POOL = 0x80 };

static const struct {
    bool known;
    unsigned addresses, needs[2];
} calls[] = {
    [CALL_IDENTIFY] = { true, 1, { EMPTY_TOO } },
    [CALL_RETYPE] = { true, 2, { RIGHT_WRITE, RIGHT_WRITE } },
    [CALL_MAP] = { true, 2, { RIGHT_WRITE, 0 } },
    [CALL_UNMAP] = { true, 1, { RIGHT_WRITE } },
    [CALL_TASK_SET] = { true, 2, { RIGHT_WRITE, 0 } },
    [CALL_RESET] = { true, 1, { RIGHT_WRITE } },
    [CALL_FREE] = { true, 1, { RIGHT_WRITE } },
    [CALL_COPY] = { true, 2, { 0, RIGHT_WRITE } },
    [CALL_MINT] = { true, 2, { 0, RIGHT_WRITE } },
    [CALL_MOVE] = { true, 2, { WRITE_POOL, RIGHT_WRITE } },
    [CALL_DELETE] = { true, 1, { WRITE_POOL } },
    [CALL_REVOKE] = { true, 1, { 0 } },
};

static enum error take(const struct model *model, uint64_t hops,
    unsigned length, unsigned needs, struct named *named)
{
    enum error error = find(model, hops, length, named);

    if (error)
        return error;
    named->slot = model_find_slot(model, named->pool, named->index);
    named->object =
        named->slot == NOBODY ? NOBODY : model->slot[named->slot].object;
    if (named->object != NOBODY && model->object[named->object].ending)
        named->object = NOBODY;
    if (named->object == NOBODY)
        return needs & EMPTY_TOO ? NO_ERROR : ERROR_NO_CAPABILITY;
    if (needs & RIGHT_ALL & ~model->slot[named->slot].rights)
        return ERROR_NO_RIGHT;
    if ((needs & WRITE_POOL) && !(named->rights & RIGHT_WRITE))
        return ERROR_NO_RIGHT;
    return NO_ERROR;
}

static enum error decode(const struct model *model,
    const struct operation *call, struct named named[2])
{
    uint64_t number = call->word & 0xff;

    if (call->word >> 20 || number >= CALLS)
        return ERROR_BAD_CALL;
    if (number >= sizeof calls / sizeof *calls || !calls[number].known)
        __builtin_trap(); /* the model does not know what this call does */
    for (unsigned n = 0; n < 3; n++) {
        unsigned length = call->word >> (8 + 4 * n) & 0xf;
        enum error error = NO_ERROR;

        if (n < calls[number].addresses)
            error = take(model, call->argument[n], length,
                calls[number].needs[n], &named[n]);
        else if (length)
            error = ERROR_BAD_CALL;
        if (error)
            return error;
    }
    return NO_ERROR;
}

/* The slot that copy, mint and move write to. */
static enum error check_target(const struct model *model, int pool,
    uint64_t index)
{
    if (index > 255)
        return ERROR_BAD_SLOT;
    return model_find_slot(model, pool, index) == NOBODY
               ? NO_ERROR
               : ERROR_SLOT_IN_USE;
}

static enum error derive(struct model *model, int source, int pool,
    const uint64_t argument[6], bool mint)
{
    enum error error = check_target(model, pool, argument[2]);

    if (error)
        return error;

    struct model_slot slot = model->slot[source];

    if (mint && (slot.badge || argument[4] < 1 || argument[4] >> 32))
        return ERROR_BAD_ARGUMENT;
    if (mint)
        slot.badge = argument[4];
    slot.rights &= (unsigned)argument[3];
    slot.pool = pool;
    slot.index = (unsigned)argument[2];
    slot.parent = source;
    model_add_slot(model, slot);
    return NO_ERROR;
}

static enum error move(struct model *model, int slot, int pool,
    uint64_t index)
{
    enum error error = check_target(model, pool, index);

    if (!error) {
        model->slot[slot].pool = pool;
        model->slot[slot].index = (unsigned)index;
    }
    return error;
}

static enum error on_untyped(struct model *model, int untyped,
    uint64_t number, const struct progress *progress)
{
    if (model->object[untyped].type != OBJECT_UNTYPED)
        return ERROR_WRONG_TYPE;
    if (number == CALL_FREE)
        return model_free(model, untyped, progress);
    model_reset(model, untyped, progress);
    return NO_ERROR;
}

static enum error into_pool(struct model *model,
    const struct operation *call, const struct named named[2], bool stopped)
{
    int pool = named[1].object;
    uint64_t number = call->word & 0xff;

    if (number == CALL_RETYPE &&
        model->object[named[0].object].type != OBJECT_UNTYPED)
        return ERROR_WRONG_TYPE;
    if (model->object[pool].type != OBJECT_CPOOL)
        return ERROR_WRONG_TYPE;
    if (number == CALL_RETYPE)
        return model_retype(model, named[0].object, pool, call->argument,
            stopped);
    if (number == CALL_MOVE)
        return move(model, named[0].slot, pool, call->argument[2]);
    return derive(model, named[0].slot, pool, call->argument,
        number == CALL_MINT);
}

static enum error on_table(struct model *model,
    const struct operation *call, const struct named named[2])
{
    int table = named[0].object;
    unsigned type = model->object[table].type;

    if (type < OBJECT_PML4 || type > OBJECT_PT)
        return ERROR_WRONG_TYPE;
    if ((call->word & 0xff) == CALL_UNMAP)
        return model_unmap(model, table, call->argument[1]);
    return model_map(model, table, call->argument[2], named[1].slot,
        call->argument[3]);
}

static enum error on_task(struct model *model, const struct operation *call,
    const struct named named[2])
{
    if (model->object[named[0].object].type != OBJECT_TASK)
        return ERROR_WRONG_TYPE;
    return model_task_set(model, named[0].object, call->argument[2],
        named[1].slot);
}

static void identify(const struct model *model, const struct named *named,
    struct outcome *outcome)
{
    if (named->object == NOBODY)
        return;

    const struct model_slot *slot = &model->slot[named->slot];

    outcome->value = model->object[slot->object].type | slot->rights << 8;
    outcome->badge = slot->badge;
}

struct outcome model_call(struct model *model, const struct operation *call,
    const struct progress *progress)
{
    struct outcome outcome = { 0, 0, 0 };
    struct named named[2];

    outcome.error = decode(model, call, named);
    if (outcome.error)
        return outcome;
    switch (call->word & 0xff) {
    case CALL_IDENTIFY: identify(model, &named[0], &outcome); break;
    case CALL_DELETE: model_delete(model, named[0].slot); break;
    case CALL_REVOKE: model_revoke(model, named[0].slot, progress); break;
    case CALL_RESET:
    case CALL_FREE:
        outcome.error = on_untyped(model, named[0].object,
            call->word & 0xff, progress);
        break;
    case CALL_MAP:
    case CALL_UNMAP: outcome.error = on_table(model, call, named); break;
    case CALL_TASK_SET: outcome.error = on_task(model, call, named); break;
    default: outcome.error = into_pool(model, call, named, progress);
    }
    return outcome;
}
