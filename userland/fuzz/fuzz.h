/* What the master and its children share: where things are. */
#pragma once
#include <stdbool.h>

#include "userland/capabilities.h"

enum { CHILDREN = 4,
    CALL_NUMBERS = 64,
    ERROR_NUMBERS = 64,
    LAST = 16 };

/* Slots in the pool of a child: each type has a home, in which its objects
   are made and looked for most often. */
enum {
    OWN_POOL,
    OWN_TASK,
    OWN_MEMORY, /* of which it makes what it makes */
    OWN_SPACE,
    AT_UNTYPED = 8,
    AT_POOL = 14,
    AT_PML4 = 20,
    AT_PDPT = 22,
    AT_PD = 24,
    AT_PT = 26,
    AT_PAGE = 30,
    AT_BUFFER = 40,
    AT_TASK = 44,
    AT_CHANNEL = 52,
    AT_LINE = 60,
    AT_PORTS = 62,
    AT_LOG = 63,
    AT_ANY = 64, /* and all that follow: anything */
};

/* A child's part of the address space: one page table, at whose beginning
   stands the program, and at whose end are stacks. */
#define PART_START UINT64_C(0x400000)
#define RECORD UINT64_C(0x5e0000) /* shared by all, the master included */
#define WINDOW UINT64_C(0x5e1000) /* of the master alone */
#define STACKS UINT64_C(0x5f0000) /* an empty page below each */
enum { PAGE = 4096,
    STACK_PAGES = 3 };

struct made_call {
    uint64_t number; /* of the call, counted from 1; 0: none */
    uint32_t child, answer; /* 0: none yet; 1 + the error */
    uint64_t word, argument[6];
};

/* What has been done, in a page of its own. A debugger that stops in the
   kernel finds it at its address, too. */
struct record {
    uint64_t calls, limit; /* after so many calls the children end */
    uint64_t round_limit; /* and a round after so many */
    uint64_t random[CHILDREN];
    uint32_t hostile; /* of 100 calls so many have something absurd */
    uint32_t wrecked; /* bit n: child n has had its time, or is good for
                         nothing any more */
    uint32_t lost; /* how often a vector register has been changed */
    uint32_t layered; /* some have higher priorities: nobody may loop */
    uint32_t succeeded[CALL_NUMBERS], failed[CALL_NUMBERS];
    uint32_t errors[ERROR_NUMBERS];
    struct made_call last[LAST];
};
_Static_assert(sizeof(struct record) <= PAGE, "the record is one page");

static inline struct record *record(void)
{
    return (struct record *)RECORD;
}

/* Where a child begins, and its stack pointer then. */
void fuzz_entry(void);
static inline uint64_t stack_of(unsigned child)
{
    return STACKS + (child + 1) * (STACK_PAGES * PAGE) - 16;
}

_Noreturn void fuzz_child(uint64_t stack);

/* Instructions that one does not expect; each ends its task. */
extern const uint8_t odd_start[];
extern const uint32_t odd_places[], odd_count; /* from odd_start on */
uint64_t odd_place(uint64_t *state);

/* --- Random numbers ---------------------------------------------------------- */

static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

static inline unsigned below(uint64_t *state, unsigned limit)
{
    return (unsigned)((random_next(state) >> 32) % limit);
}

/* True once in so many times. */
static inline bool once_in(uint64_t *state, unsigned times)
{
    return below(state, times) == 0;
}

/* --- Calls ------------------------------------------------------------------- */

struct fuzz_call {
    uint64_t word, argument[6];
};

/* What a child knows: the types in the slots of its pool, as it has heard. */
struct mind {
    uint64_t *random;
    uint8_t types[256];
    struct fuzz_call mapped, set; /* the last time that it succeeded */
    bool owes; /* a reply; or may try to make one more */
};

/* The next call of a child, and what it learns from the answer. */
struct fuzz_call call_next(struct mind *mind, unsigned hostile);
void call_heard(struct mind *mind, const struct fuzz_call *call,
    const struct answer *answer);

/* Lines of the table of calls; a number without one is missing in it. */
bool call_is_known(unsigned number);
const char *call_name(unsigned number);
