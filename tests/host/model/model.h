/* model.h - what objects, slots and derivation mean, said without cleverness.
 *
 * Objects and slots are entries of two tables. An object knows the untyped it
 * was made of, a slot knows the slot it was derived from, and every question
 * is answered by looking at all entries: there are no lists, no parentheses
 * and no watermarks, and so there is little here that could be wrong in the
 * same way as in the kernel. Sizes of structures are all that it asks the
 * kernel's headers for. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include <rux/types.h>

#include "tests/host/model/operation.h"

enum {
    NOBODY = -1,
    MODEL_OBJECTS = 4096,
    MODEL_SLOTS = 4096,
    MODEL_PAGE = 4096,
    MODEL_LARGE = 2 << 20,
};

/* The first three objects belong to nobody; their first capabilities are in
   the slots 0, 1 and 2 of the root. */
enum { MODEL_ROOT, MODEL_MEMORY, MODEL_DEVICE, MODEL_GIVEN };

struct model_object {
    unsigned type;             /* OBJECT_NONE: not in use */
    int parent;                /* what it was made of */
    uint64_t made;             /* when: the greatest is the newest */
    uint64_t place, structure; /* where its structure is, and its size */
    uint64_t start, end;       /* its page memory */
    uint64_t first, limit;     /* an untyped's structures: from, up to */
    unsigned depth;            /* how many untypeds are around it */
    bool device, busy;         /* of an untyped */
    bool ending;
};

struct model_slot {
    int object; /* NOBODY: not in use */
    int pool;   /* the object that it is in */
    unsigned index;
    int parent; /* the slot that it was derived from */
    unsigned rights;
    uint64_t badge;
};

struct model {
    struct model_object object[MODEL_OBJECTS];
    struct model_slot slot[MODEL_SLOTS];
    int objects, slots; /* entries behind these were never in use */
    uint64_t clock;
    uint64_t size[OBJECT_TYPES]; /* of structures */
};

/* What a call that was stopped has done so far. */
struct progress {
    bool slot_gone[MODEL_SLOTS];
    bool object_gone[MODEL_OBJECTS];
    bool object_ending[MODEL_OBJECTS];
};

/* The memory of a world, as the root is given it. */
struct model_memory {
    uint64_t start, end;   /* page memory */
    uint64_t first, limit; /* structures */
    unsigned depth;
};

/* model.c: the tables. */
void model_init(struct model *model, const uint64_t size[OBJECT_TYPES],
    const struct model_memory *memory, const struct model_memory *device);
int model_add_object(struct model *model, struct model_object object);
void model_add_slot(struct model *model, struct model_slot slot);
int model_find_slot(const struct model *model, int pool, uint64_t index);
int model_newest(const struct model *model, int untyped);
uint64_t model_low(const struct model *model, int untyped);
uint64_t model_high(const struct model *model, int untyped);

/* end.c: how things end; progress: not further than the kernel has come. */
void model_delete(struct model *model, int slot);
void model_revoke(struct model *model, int slot,
    const struct progress *progress);
void model_reset(struct model *model, int untyped,
    const struct progress *progress);
enum error model_free(struct model *model, int untyped,
    const struct progress *progress);

/* retype.c, table.c, task.c */
enum error model_retype(struct model *model, int untyped, int pool,
    const uint64_t argument[6], bool stopped);
enum error model_map(struct model *model, int table, uint64_t index,
    int child, uint64_t rights);
enum error model_unmap(struct model *model, int table, uint64_t index);
enum error model_task_set(struct model *model, int task, uint64_t which,
    int source);

/* call.c: a whole call; progress is NULL unless the kernel has stopped. */
struct outcome model_call(struct model *model, const struct operation *call,
    const struct progress *progress);
