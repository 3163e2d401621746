/* world.h - the small world that is searched.
 *
 * It is made of the core's own structures: an untyped of RAM, a pool, and
 * what is made of the one and put into the other. Everything has a fixed
 * place, so that the bytes of a state can be put away and brought back with
 * all their pointers.
 *
 * A state has three forms. Its *bytes* are what the core works on. A
 * *picture* says which objects there are and what is derived from what; it is
 * read from the bytes, and compared with what the model expects. A *key* is
 * the picture with the order of the lists, in few bytes: two states with one
 * key are one state.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/cap/cpool.h"
#include "kernel/cap/untyped.h"

/* What bounds a search. The slots of a pool are CPOOL_SLOTS, which the
   makefile narrows. */
struct bounds {
    const char *name;
    unsigned slots; /* of the first pool, that are used */
    unsigned made;  /* objects made of memory, at most */
    unsigned pools; /* pools among them, at most */
    bool untypeds, pages; /* whether these are made, too */
    unsigned ram;   /* pages of memory there are */
    unsigned large; /* pages of an untyped that is made of these */
    bool log;       /* an object of the kernel's that comes and goes */
    bool labels;    /* capabilities of fewer rights, and with badges */
    bool alike;     /* the slots of the first pool count as one another */
};

extern const struct bounds *bounds;

enum {
    MADE = 4,
    THINGS = MADE + 3,
    SLOTS = CPOOL_SLOTS * (1 + MADE),
    KEY_MAX = 6 * THINGS + 3 * SLOTS,
    BYTES_MAX = 8192,
};

/* An object, as a picture has it. */
struct thing {
    struct object *object;
    struct untyped *parent;
    uint8_t type, strong;
    bool busy;      /* of an untyped */
    uint32_t pages; /* of an untyped: how large it is */
    uint32_t size;  /* of a pool: what its end has still to pass */
};

/* A slot in use. */
struct entry {
    const struct weak *node;
    const void *parent; /* a node, or the object */
    struct object *object;
    uint8_t rights;
    uint32_t badge;
};

struct picture {
    unsigned things, entries;
    struct thing thing[THINGS]; /* in the order of object_next() */
    struct entry entry[SLOTS];  /* in the order of the lists */
};

/* The state with which the search begins. */
void world_begin(void);
void world_end(void);

extern struct untyped *ram;
extern struct cpool root;
extern struct object kept_log; /* type NONE: it is not there */

/* Reads the picture; a violation if lists and slots do not agree. */
void world_picture(struct picture *picture);

const struct thing *picture_thing(const struct picture *picture,
    const struct object *object);
const struct entry *picture_entry(const struct picture *picture,
    const void *node);

/* Writes the key; returns its length. */
size_t world_key(const struct picture *picture, uint8_t *key);

/* Puts the bytes away and brings them back. All that the key leaves out
   comes back as rubbish: free memory, and the fields of empty slots. */
size_t world_save(const struct picture *picture, uint8_t *bytes);
void world_load(const uint8_t *bytes);

_Noreturn void violation(const char *what, const char *file, int line);
#define require(condition) \
    ((condition) ? (void)0 : violation(#condition, __FILE__, __LINE__))
