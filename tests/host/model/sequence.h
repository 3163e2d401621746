/* sequence.h - sequences of operations, half of them plausible and half of
 * them hostile, made from a seed.
 *
 * What is plausible is a matter of places and of memory. Each type has slots
 * of its own, in every pool; and what was found or made somewhere is
 * remembered until it is found missing. Plain C without a library: the program
 * on the kernel makes the same operations as the host, where the model
 * gives the answers that are remembered, so that an operation can be taken
 * out of a sequence and the others stay what they are. */
#pragma once
#include <stdbool.h>

#include <rux/calls.h>
#include <rux/rights.h>
#include <rux/task.h>
#include <rux/types.h>

#include "tests/host/model/operation.h"

/* What userland/model.c does; the digest is printed after each so many. */
enum { KERNEL_SEEDS = 40, KERNEL_STEPS = 1000, KERNEL_INTERVAL = 250 };

enum { SWEEP_PERIOD = 320, SWEEP_SLOTS = 40, REMEMBERED = 96 };

/* An address, and the type of what was there when we last heard of it. */
struct known {
    uint64_t hops;
    uint32_t length, type;
};

struct sequence {
    uint64_t random;
    uint32_t step;
    uint32_t pages;   /* of memory that the world has */
    bool crowded;     /* much is derived from few */
    bool deep;        /* untypeds lie in untypeds, */
    uint32_t room;    /* and the innermost has so many pages */
    uint32_t failures;
    struct known known[REMEMBERED], swept, innermost;
    struct operation last, mapped; /* mapped: the last that succeeded */
};

/* Where a type is at home: so many slots, from this one on. */
struct home {
    uint8_t first, count;
};

static const struct home homes[OBJECT_TYPES] = {
    [OBJECT_UNTYPED] = { 3, 5 }, [OBJECT_CPOOL] = { 8, 3 },
    [OBJECT_PML4] = { 11, 2 },   [OBJECT_PDPT] = { 13, 2 },
    [OBJECT_PD] = { 15, 2 },     [OBJECT_PT] = { 17, 3 },
    [OBJECT_PAGE] = { 20, 12 },  [OBJECT_BUFFER] = { 32, 3 },
    [OBJECT_TASK] = { 36, 2 },   [OBJECT_CHANNEL] = { 38, 2 },
};

enum { CROWD = 64 }; /* and above: copies of anything */

static inline uint64_t sequence_random(struct sequence *s)
{
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return s->random * 0x2545f4914f6cdd1d;
}

static inline unsigned below(struct sequence *s, unsigned limit)
{
    return (unsigned)((sequence_random(s) >> 32) % limit);
}

/* True once in so many times. */
static inline bool once_in(struct sequence *s, unsigned times)
{
    return below(s, times) == 0;
}

static inline struct sequence sequence_begin(uint64_t seed)
{
    static const uint16_t sizes[] = { 12, 40, 100, 300, 900 };
    struct sequence s = { .random = seed * 0x9e3779b97f4a7c15 | 1 };

    for (unsigned n = 0; n < 8; n++)
        sequence_random(&s);
    s.pages = sizes[below(&s, 5)];
    s.crowded = once_in(&s, 3);
    s.deep = once_in(&s, 8);
    if (s.deep)
        s.pages += 60;
    return s;
}

/* --- Memory ------------------------------------------------------------------ */

static inline struct known known_of(const struct operation *o, unsigned n)
{
    return (struct known){ o->argument[n], o->word >> (8 + 4 * n) & 15,
        OBJECT_NONE };
}

/* Of a type; OBJECT_NONE: it is empty. */
static inline void remember(struct sequence *s, struct known address,
    uint64_t type)
{
    unsigned at = below(s, REMEMBERED);

    for (unsigned n = 0; n < REMEMBERED; n++)
        if (s->known[n].hops == address.hops &&
            s->known[n].length == address.length)
            at = n;
    address.type = (uint32_t)type;
    if (type != OBJECT_NONE || (s->known[at].hops == address.hops &&
                                   s->known[at].length == address.length))
        s->known[at] = address;
}

static inline uint32_t type_of(const struct sequence *s,
    struct known address)
{
    for (unsigned n = 0; n < REMEMBERED; n++)
        if (s->known[n].hops == address.hops &&
            s->known[n].length == address.length)
            return s->known[n].type;
    return OBJECT_NONE;
}

/* The address of a slot in the pool that is argument 1. */
static inline struct known target_of(const struct operation *o,
    uint64_t index)
{
    struct known slot = known_of(o, 1);

    if (slot.length > 7)
        return (struct known){ 0, 0, 0 };
    slot.hops = (slot.hops & (((uint64_t)1 << 8 * slot.length) - 1)) |
                index << 8 * slot.length;
    slot.length++;
    return slot;
}

static inline void remember_target(struct sequence *s,
    const struct operation *o, uint64_t index, uint64_t type)
{
    struct known slot = target_of(o, index);

    if (slot.length)
        remember(s, slot, type);
}

/* The next untyped shall lie in the one that was made last, or in all memory
   again if there is none. */
static inline void remember_innermost(struct sequence *s,
    const struct operation *o, const struct outcome *outcome)
{
    s->failures = outcome->error ? s->failures + 1 : 0;
    if (s->failures > 3)
        s->room = 0;
    if (outcome->error || o->argument[3] != OBJECT_UNTYPED)
        return;
    s->room = (uint32_t)(o->argument[4] / 4096);
    s->innermost = target_of(o, o->argument[2]);
}

/* What is learnt from the answer to an operation. */
static inline void sequence_hear(struct sequence *s,
    const struct operation *o, const struct outcome *outcome)
{
    uint64_t number = o->word & 0xff;
    uint32_t type = type_of(s, known_of(o, 0));

    if (outcome->error == ERROR_NO_CAPABILITY) {
        remember(s, known_of(o, 0), OBJECT_NONE);
        remember(s, known_of(o, 1), OBJECT_NONE);
    }
    if (number == CALL_RETYPE)
        remember_innermost(s, o, outcome);
    if (outcome->error != NO_ERROR)
        return;
    if (number == CALL_IDENTIFY)
        remember(s, known_of(o, 0), outcome->value & 0xff);
    if (number == CALL_MAP)
        s->mapped = *o;
    if (number == CALL_DELETE || number == CALL_MOVE)
        remember(s, known_of(o, 0), OBJECT_NONE);
    if (number == CALL_COPY || number == CALL_MINT || number == CALL_MOVE)
        remember_target(s, o, o->argument[2], type);
    if (number == CALL_RETYPE)
        for (uint64_t n = 0; n < o->argument[5]; n++)
            remember_target(s, o, o->argument[2] + n, o->argument[3]);
}

/* --- Plausible arguments --------------------------------------------------- */

static inline unsigned slot_for(struct sequence *s, unsigned type)
{
    if (once_in(s, 4))
        return CROWD + below(s, 256 - CROWD);
    return homes[type].first + below(s, homes[type].count);
}

static inline unsigned any_type(struct sequence *s)
{
    return OBJECT_UNTYPED + below(s, OBJECT_CHANNEL - OBJECT_UNTYPED + 1);
}

/* Makes an address argument n, perhaps by way of the root's own slot in the
   root, which is 0. */
static inline void name(struct sequence *s, struct operation *o, unsigned n,
    struct known address)
{
    while (address.length < 8 && once_in(s, 6)) {
        address.hops <<= 8;
        address.length++;
    }
    o->argument[n] = address.hops;
    o->word |= (uint64_t)(address.length & 15) << (8 + 4 * n);
}

static inline void name_slot(struct sequence *s, struct operation *o,
    unsigned n, unsigned slot)
{
    name(s, o, n, (struct known){ slot, 1, OBJECT_NONE });
}

/* A place in memory where this type is, counted from a random one; any type
   for OBJECT_NONE. */
static inline int recall(struct sequence *s, unsigned type)
{
    unsigned at = below(s, REMEMBERED);

    for (unsigned n = 0; n < REMEMBERED; n++) {
        const struct known *known = &s->known[(at + n) % REMEMBERED];

        if (known->hops > 2 && known->type != OBJECT_NONE &&
            (type == OBJECT_NONE || known->type == type))
            return (int)((at + n) % REMEMBERED);
    }
    return -1;
}

/* Something of a type, from memory if there is such a thing. */
static inline void name_a(struct sequence *s, struct operation *o,
    unsigned n, unsigned type)
{
    int at = recall(s, type);

    if (at < 0)
        name_slot(s, o, n, slot_for(s, type));
    else
        name(s, o, n, s->known[at]);
}

static inline void name_untyped(struct sequence *s, struct operation *o)
{
    if (once_in(s, 20))
        name_slot(s, o, 0, 2); /* the device */
    else if (once_in(s, 2) || recall(s, OBJECT_UNTYPED) < 0)
        name_slot(s, o, 0, 1);
    else
        name_a(s, o, 0, OBJECT_UNTYPED);
}

static inline void name_pool(struct sequence *s, struct operation *o)
{
    if (once_in(s, 2) || recall(s, OBJECT_CPOOL) < 0)
        name_slot(s, o, 1, 0);
    else
        name_a(s, o, 1, OBJECT_CPOOL);
}

/* Makes one of a type, or some. */
static inline void retype(struct sequence *s, struct operation *o,
    unsigned type)
{
    *o = (struct operation){ .word = CALL_RETYPE };
    name_untyped(s, o);
    name_pool(s, o);
    o->argument[2] = slot_for(s, type);
    o->argument[3] = type;
    o->argument[5] = once_in(s, 4) ? 1 + below(s, once_in(s, 3) ? 16 : 3) : 1;
    if (type == OBJECT_UNTYPED)
        o->argument[4] =
            4096 * (1 + below(s, once_in(s, 2) ? s->pages / 2 : 8));
    else if (type == OBJECT_PAGE && once_in(s, 40))
        o->argument[4] = 2 << 20;
    else if (type == OBJECT_CHANNEL && once_in(s, 2))
        o->argument[4] = 2 * 4096; /* with room for payloads */
}

/* One that fills the innermost one. */
static inline void retype_inside(struct sequence *s, struct operation *o)
{
    bool begin = s->room < 2 || !s->innermost.length;
    uint32_t room = begin ? s->pages : s->room;

    *o = (struct operation){ .word = CALL_RETYPE };
    if (begin && once_in(s, 2)) {
        o->word = CALL_RESET;
        name_slot(s, o, 0, 1);
        return;
    }
    if (begin)
        name_slot(s, o, 0, 1);
    else
        name(s, o, 0, s->innermost);
    name_pool(s, o);
    o->argument[2] = CROWD + below(s, 256 - CROWD);
    o->argument[3] = OBJECT_UNTYPED;
    o->argument[4] = 4096 * (uint64_t)(room - 1);
    o->argument[5] = 1;
}

static inline void map(struct sequence *s, struct operation *o)
{
    unsigned table = OBJECT_PML4 + below(s, 4), child = table + 1;

    if (once_in(s, 8))
        child = OBJECT_PAGE + below(s, 2);
    if (recall(s, table) < 0 || recall(s, child) < 0) {
        retype(s, o, recall(s, table) < 0 ? table : child);
        return;
    }
    name_a(s, o, 0, table);
    name_a(s, o, 1, child);
    o->argument[2] = once_in(s, 4) ? below(s, 513) : below(s, 4);
    o->argument[3] = RIGHT_READ | below(s, 16);
    if (once_in(s, 2))
        o->argument[3] = RIGHT_READ | (once_in(s, 2) ? RIGHT_WRITE : 0);
}

static inline void unmap(struct sequence *s, struct operation *o)
{
    unsigned table = OBJECT_PML4 + below(s, 4);

    if (once_in(s, 2) && s->mapped.word) {
        name(s, o, 0, known_of(&s->mapped, 0));
        o->argument[1] = s->mapped.argument[2];
        return;
    }
    if (recall(s, table) < 0) {
        retype(s, o, table);
        return;
    }
    name_a(s, o, 0, table);
    o->argument[1] = once_in(s, 4) ? below(s, 513) : below(s, 4);
}

static inline void task_set(struct sequence *s, struct operation *o)
{
    static const unsigned types[TASK_USER_REFERENCES] = {
        [TASK_CPOOL] = OBJECT_CPOOL, [TASK_TABLE] = OBJECT_PML4,
        [TASK_BUFFER] = OBJECT_BUFFER
    };
    unsigned which = below(s, TASK_USER_REFERENCES);

    if (recall(s, OBJECT_TASK) < 0 || recall(s, types[which]) < 0) {
        retype(s, o, recall(s, OBJECT_TASK) < 0 ? OBJECT_TASK : types[which]);
        return;
    }
    name_a(s, o, 0, OBJECT_TASK);
    name_a(s, o, 1, types[which]);
    o->argument[2] = which;
}

/* For copy, mint and move. */
static inline void pass_on(struct sequence *s, struct operation *o)
{
    int at = recall(s, OBJECT_NONE);
    unsigned type = at < 0 ? OBJECT_PAGE : s->known[at].type;

    if (o->word != CALL_MOVE && once_in(s, s->crowded ? 2 : 20))
        name_slot(s, o, 0, below(s, 3));
    else if (at < 0)
        name_a(s, o, 0, type);
    else
        name(s, o, 0, s->known[at]);
    name_pool(s, o);
    o->argument[2] =
        once_in(s, 2) ? CROWD + below(s, 256 - CROWD) : slot_for(s, type);
    o->argument[3] = once_in(s, 2) ? RIGHT_ALL : below(s, 16);
    o->argument[4] = below(s, 1000);
}

static inline void take_back(struct sequence *s, struct operation *o)
{
    int at = recall(s, OBJECT_NONE);

    if (o->word != CALL_DELETE && once_in(s, s->crowded ? 8 : 60))
        name_slot(s, o, 0, below(s, 3));
    else if (at < 0)
        name_a(s, o, 0, any_type(s));
    else
        name(s, o, 0, s->known[at]);
}

static inline void end_some(struct sequence *s, struct operation *o)
{
    if (once_in(s, 8))
        name_untyped(s, o);
    else if (recall(s, OBJECT_UNTYPED) < 0)
        retype(s, o, OBJECT_UNTYPED);
    else
        name_a(s, o, 0, OBJECT_UNTYPED);
}

static inline unsigned type_to_make(struct sequence *s)
{
    if (once_in(s, 3))
        return OBJECT_PAGE;
    if (once_in(s, 3))
        return once_in(s, 2) ? OBJECT_UNTYPED : OBJECT_CPOOL;
    return any_type(s);
}

static inline struct operation plausible(struct sequence *s)
{
    static const uint8_t often[] = { CALL_RETYPE, CALL_RETYPE, CALL_RETYPE,
        CALL_RETYPE, CALL_RETYPE, CALL_COPY, CALL_COPY, CALL_COPY, CALL_COPY,
        CALL_MINT, CALL_MOVE, CALL_MOVE, CALL_DELETE, CALL_DELETE,
        CALL_REVOKE, CALL_MAP, CALL_MAP, CALL_MAP, CALL_UNMAP,
        CALL_TASK_SET, CALL_RESET, CALL_FREE, CALL_IDENTIFY };
    struct operation o = { .word = often[below(s, sizeof often)] };

    if (s->crowded && once_in(s, 2))
        o.word = CALL_COPY;
    if (s->deep && !once_in(s, 4)) {
        retype_inside(s, &o);
        return o;
    }
    switch (o.word) {
    case CALL_RETYPE: retype(s, &o, type_to_make(s)); break;
    case CALL_MAP: map(s, &o); break;
    case CALL_UNMAP: unmap(s, &o); break;
    case CALL_TASK_SET: task_set(s, &o); break;
    case CALL_COPY:
    case CALL_MINT:
    case CALL_MOVE: pass_on(s, &o); break;
    case CALL_RESET:
    case CALL_FREE: end_some(s, &o); break;
    default: take_back(s, &o);
    }
    return o;
}

/* --- Hostile ones ------------------------------------------------------------ */

static inline uint64_t hostile_number(struct sequence *s)
{
    uint64_t power = (uint64_t)1 << below(s, 64);

    switch (below(s, 8)) {
    case 0: return power;
    case 1: return power - 1;
    case 2: return power + below(s, 64);
    case 3: return 0 - power;
    case 4: return sequence_random(s);
    case 5: return 0;
    default: return below(s, 300);
    }
}

/* A call word that some bit is wrong with. */
static inline uint64_t hostile_word(struct sequence *s, uint64_t word)
{
    switch (below(s, 4)) {
    case 0: return word | 0xc0;                            /* no such call */
    case 1: return word | (uint64_t)1 << (20 + below(s, 44));
    default: {
        unsigned shift = 8 + 4 * below(s, 3);

        return (word & ~((uint64_t)15 << shift)) |
               (uint64_t)below(s, 16) << shift;
    }
    }
}

static inline void make_hostile(struct sequence *s, struct operation *o)
{
    do {
        if (once_in(s, 6))
            o->word = hostile_word(s, o->word);
        else
            o->argument[below(s, 6)] = hostile_number(s);
    } while (once_in(s, 4));
}

/* A world without its first slots is a dull one, and zeros lead there: most
   operations that would empty one of them only look at it. */
static inline void spare_the_first(struct sequence *s, struct operation *o)
{
    uint64_t number = o->word & 0xff, length = o->word >> 8 & 15;
    uint64_t last = o->argument[0] >> 8 * ((length - 1) & 7) & 0xff;

    if ((number == CALL_DELETE || number == CALL_MOVE) && last < 3 &&
        !once_in(s, 64))
        o->word = CALL_IDENTIFY | (o->word & 0xf00);
}

/* --- The sequence --------------------------------------------------------------- */

/* Now and then it is looked what is at home, in the root and in some pool. */
static inline struct operation sweep(struct sequence *s, unsigned n)
{
    struct operation o = { .word = CALL_IDENTIFY };
    struct operation pool = { 0 };

    if (n < SWEEP_SLOTS) {
        o.word |= 1 << 8;
        o.argument[0] = n;
        return o;
    }
    if (n == SWEEP_SLOTS) {
        name_a(s, &pool, 0, OBJECT_CPOOL);
        s->swept = known_of(&pool, 0);
    }
    if (s->swept.length > 7)
        s->swept.length = 7;
    o.argument[0] = s->swept.hops |
                    (uint64_t)(n - SWEEP_SLOTS) << 8 * s->swept.length;
    o.word |= (uint64_t)(s->swept.length + 1) << 8;
    return o;
}

static inline bool may_stop(const struct operation *o)
{
    uint64_t number = o->word & 0xff;

    return number == CALL_RETYPE || number == CALL_RESET ||
           number == CALL_FREE || number == CALL_REVOKE;
}

static inline struct operation sequence_next(struct sequence *s)
{
    unsigned place = s->step++ % SWEEP_PERIOD;
    const unsigned sweep_begins = SWEEP_PERIOD - SWEEP_SLOTS * 2;

    if (place >= sweep_begins)
        return sweep(s, place - sweep_begins);
    /* What was stopped is asked again, or left as it is. */
    if (!s->last.stop || once_in(s, 2)) {
        s->last = plausible(s);
        if (once_in(s, s->deep ? 4 : 2))
            make_hostile(s, &s->last);
        spare_the_first(s, &s->last);
    }
    s->last.stop = 0;
    if (may_stop(&s->last) && once_in(s, 2))
        s->last.stop = 1 + below(s, once_in(s, 2) ? 2 : 10);
    return s->last;
}
