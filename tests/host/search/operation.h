/* operation.h - the operations of the search, and what the model says of
   each. */
#pragma once
#include "world.h"

enum kind {
    RETYPE, COPY, MINT, MOVE, DELETE, REVOKE, CLEAR, RESET, FREE, BEGIN, DROP,
    KINDS
};

enum what { AN_UNTYPED, A_POOL, A_PAGE, TWO_UNTYPEDS, TWO_POOLS, WHATS };
enum mask { ALL_RIGHTS, ONLY_READ, MASKS };

/* Objects are numbered as in the picture; slots are those of the first pool
   and then those of each other pool, in the picture's order. */
struct operation {
    uint8_t kind;
    uint8_t object;       /* RETYPE, RESET, FREE; CLEAR */
    uint8_t source;       /* slot: COPY to REVOKE */
    uint8_t target;       /* slot: RETYPE to MOVE; BEGIN */
    uint8_t choice;       /* RETYPE: enum what; COPY, MINT: enum mask */
    uint16_t stop;        /* at this look an interrupt waits; 0: never */
};

struct result {
    enum error error;
    bool stopped;
};

/* Slot number n of the state; NULL if there are fewer. */
struct capability *slot_number_n(const struct picture *picture, unsigned n);

/* Whether a system call would get as far as the operation, within the
   bounds: who calls has the capabilities, and what they name lives. */
bool operation_possible(const struct picture *picture,
    const struct operation *operation);

/* Whether it takes any neighbouring slots of the first pool; then the full
   ones are to be put in front of the empty ones before it. */
bool operation_takes_any(const struct operation *operation);
void operation_gather(void);

/* Does it with the core, on the world as it is, which is the picture's. */
struct result operation_run(const struct picture *picture,
    const struct operation *operation);

/* Says beforehand what the model expects ... */
void operation_foresee(const struct picture *before,
    const struct operation *operation);

/* ... and afterwards: a violation unless the model, too, comes from the one picture to the
   other. */
void operation_expect(const struct picture *before,
    const struct operation *operation, struct result result,
    const struct picture *after);

/* What retype is asked for. */
unsigned what_type(enum what what);
unsigned what_count(enum what what);
unsigned what_pages(enum what what, const struct object *of);
