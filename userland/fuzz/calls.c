/* Which arguments each call takes, and how to choose them.
 *
 * A new call needs a line in table[], with what each of its arguments is. The
 * rest of the file knows how to choose a thing of each kind: mostly plausible,
 * and now and then absurd. */
#include <rux/rinit.h>

#include "userland/fuzz/fuzz.h"

enum kind {
    NOTHING,
    /* Capabilities. */
    ANYTHING,
    AN_UNTYPED,
    A_POOL,
    A_TABLE,
    TO_BE_MAPPED,
    A_TASK,
    A_REFERENCE,
    A_CHANNEL,
    A_LINE,
    SOME_PORTS,
    A_LOG,
    PERHAPS_ANYTHING,
    PERHAPS_A_POOL,
    PERHAPS_A_CHANNEL,
    /* Numbers. */
    NUMBERS,
    A_SLOT = NUMBERS,
    A_TYPE,
    BYTES,
    A_COUNT,
    AN_ENTRY,
    RIGHTS,
    WHICH_REFERENCE,
    WHICH_REGISTER,
    FOR_A_REGISTER,
    A_BADGE,
    A_PRIORITY,
    TICKS,
    A_WORD,
    A_LENGTH,
    WHETHER_TO_WAIT,
    A_PORT,
    A_BYTE,
    A_CURSOR,
};

/* often: among plausible calls, relative to the others. */
static const struct line {
    const char *name;
    uint8_t often;
    uint8_t kinds[6]; /* rdi, rsi, rdx, r8, r9, r10 */
} table[CALL_NUMBERS] = {
    [CALL_YIELD] = { "yield", 4, { 0 } },
    [CALL_EXIT] = { "exit", 1, { 0 } },
    [CALL_IDENTIFY] = { "identify", 8, { ANYTHING } },
    [CALL_RETYPE] = { "retype", 40,
        { AN_UNTYPED, A_POOL, A_SLOT, A_TYPE, BYTES, A_COUNT } },
    [CALL_MAP] = { "map", 24, { A_TABLE, TO_BE_MAPPED, AN_ENTRY, RIGHTS } },
    [CALL_UNMAP] = { "unmap", 8, { A_TABLE, AN_ENTRY } },
    [CALL_TASK_SET] = { "task_set", 30,
        { A_TASK, A_REFERENCE, WHICH_REFERENCE } },
    [CALL_TASK_SET_REGISTER] = { "task_set_register", 30,
        { A_TASK, WHICH_REGISTER, FOR_A_REGISTER } },
    [CALL_TASK_START] = { "task_start", 16, { A_TASK } },
    [CALL_TASK_STOP] = { "task_stop", 8, { A_TASK } },
    [CALL_RESET] = { "reset", 4, { AN_UNTYPED } },
    [CALL_FREE] = { "free", 8, { AN_UNTYPED } },
    [CALL_COPY] = { "copy", 16, { ANYTHING, A_POOL, A_SLOT, RIGHTS } },
    [CALL_MINT] = { "mint", 12,
        { ANYTHING, A_POOL, A_SLOT, RIGHTS, A_BADGE } },
    [CALL_MOVE] = { "move", 10, { ANYTHING, A_POOL, A_SLOT } },
    [CALL_DELETE] = { "delete", 14, { ANYTHING } },
    [CALL_REVOKE] = { "revoke", 6, { ANYTHING } },
    [CALL_TASK_SET_PRIORITY] = { "task_set_priority", 8,
        { A_TASK, A_PRIORITY } },
    [CALL_TASK_SET_SLICE] = { "task_set_slice", 4, { A_TASK, TICKS } },
    [CALL_TASK_GET_REGISTER] = { "task_get_register", 10,
        { A_TASK, WHICH_REGISTER } },
    [CALL_CHANNEL_PUT] = { "channel_put", 30,
        { A_CHANNEL, PERHAPS_ANYTHING, A_WORD, A_LENGTH, RIGHTS,
            WHETHER_TO_WAIT } },
    [CALL_CHANNEL_TAKE] = { "channel_take", 30,
        { A_CHANNEL, PERHAPS_A_POOL, A_SLOT, A_WORD, A_WORD,
            WHETHER_TO_WAIT } },
    [CALL_CHANNEL_CALL] = { "channel_call", 16,
        { A_CHANNEL, PERHAPS_ANYTHING, A_WORD, A_WORD, A_WORD, A_WORD } },
    [CALL_REPLY] = { "reply", 4,
        { NOTHING, PERHAPS_ANYTHING, A_WORD, A_WORD, A_WORD, A_WORD } },
    [CALL_REPLY_TAKE] = { "reply_take", 10,
        { A_CHANNEL, PERHAPS_ANYTHING, A_WORD, A_WORD, A_WORD, A_WORD } },
    [CALL_CHANNEL_BIND] = { "channel_bind", 8,
        { A_CHANNEL, PERHAPS_A_CHANNEL } },
    [CALL_IRQ_BIND] = { "irq_bind", 4, { A_LINE, A_CHANNEL } },
    [CALL_IRQ_ACKNOWLEDGE] = { "irq_acknowledge", 6, { A_LINE } },
    [CALL_LOG_PRINT] = { "log_print", 1, { A_LOG, A_LENGTH } },
    [CALL_LOG_LIST] = { "log_list", 1, { A_LOG, A_POOL, A_SLOT } },
    [CALL_PORT_IN] = { "port_in", 4, { SOME_PORTS, A_PORT } },
    [CALL_PORT_OUT] = { "port_out", 4, { SOME_PORTS, A_PORT, A_BYTE } },
    [CALL_LOG_GRAPH] = { "log_graph", 1, { A_LOG, ANYTHING, A_CURSOR } },
};

bool call_is_known(unsigned number)
{
    return number < CALL_NUMBERS && table[number].name;
}

const char *call_name(unsigned number)
{
    return call_is_known(number) ? table[number].name : "without a line";
}

/* --- Capabilities ------------------------------------------------------------ */

/* Where a type is at home: so many slots, from this one on. */
static const struct home {
    uint8_t first, count;
} homes[OBJECT_TYPES] = {
    [OBJECT_UNTYPED] = { AT_UNTYPED, AT_POOL - AT_UNTYPED },
    [OBJECT_CPOOL] = { AT_POOL, AT_PML4 - AT_POOL },
    [OBJECT_PML4] = { AT_PML4, AT_PDPT - AT_PML4 },
    [OBJECT_PDPT] = { AT_PDPT, AT_PD - AT_PDPT },
    [OBJECT_PD] = { AT_PD, AT_PT - AT_PD },
    [OBJECT_PT] = { AT_PT, AT_PAGE - AT_PT },
    [OBJECT_PAGE] = { AT_PAGE, AT_BUFFER - AT_PAGE },
    [OBJECT_BUFFER] = { AT_BUFFER, AT_TASK - AT_BUFFER },
    [OBJECT_TASK] = { AT_TASK, AT_CHANNEL - AT_TASK },
    [OBJECT_CHANNEL] = { AT_CHANNEL, AT_LINE - AT_CHANNEL },
    [OBJECT_IRQ] = { AT_LINE, AT_PORTS - AT_LINE },
    [OBJECT_PORTS] = { AT_PORTS, AT_LOG - AT_PORTS },
    [OBJECT_LOG] = { AT_LOG, AT_ANY - AT_LOG },
};

static unsigned slot_at_home(struct mind *mind, unsigned type)
{
    const struct home *home = &homes[type % OBJECT_TYPES];

    if (!home->count || once_in(mind->random, 12))
        return AT_ANY + below(mind->random, 256 - AT_ANY);
    return home->first + below(mind->random, home->count);
}

/* A slot in which the type is known to be, counted from a random one; 256 if
   there is none. */
static unsigned recall(struct mind *mind, unsigned type)
{
    unsigned at = below(mind->random, 256);

    for (unsigned n = 0; n < 256; n++)
        if (mind->types[(at + n) % 256] == type)
            return (at + n) % 256;
    return 256;
}

/* A slot in which the type is, or may be. */
static unsigned slot_of_type(struct mind *mind, unsigned type)
{
    unsigned slot = once_in(mind->random, 12) ? 256 : recall(mind, type);

    return slot < 256 ? slot : slot_at_home(mind, type);
}

/* Anything; what a world is made of seldom, or it would soon be gone. */
static unsigned any_slot(struct mind *mind)
{
    if (once_in(mind->random, 50))
        return below(mind->random, AT_UNTYPED);
    for (unsigned n = 0; n < 4; n++) {
        unsigned slot = recall(mind, below(mind->random, OBJECT_TYPES));

        if (slot < 256)
            return slot;
    }
    return below(mind->random, 256);
}

static unsigned table_type(struct mind *mind)
{
    return OBJECT_PML4 + below(mind->random, 4);
}

static unsigned slot_for(struct mind *mind, enum kind kind)
{
    switch ((unsigned)kind) {
    case AN_UNTYPED:
        return once_in(mind->random, 4) ? slot_of_type(mind, OBJECT_UNTYPED)
                                        : OWN_MEMORY;
    case A_POOL:
    case PERHAPS_A_POOL:
        return once_in(mind->random, 8) ? slot_of_type(mind, OBJECT_CPOOL)
                                        : OWN_POOL;
    case A_TABLE: return slot_of_type(mind, table_type(mind));
    case TO_BE_MAPPED:
        return slot_of_type(mind, table_type(mind) + 1);
    case A_TASK:
        return once_in(mind->random, 40) ? OWN_TASK
                                         : slot_of_type(mind, OBJECT_TASK);
    case A_REFERENCE:
        return slot_of_type(mind, OBJECT_CPOOL + below(mind->random, 9));
    case A_CHANNEL:
    case PERHAPS_A_CHANNEL: return slot_of_type(mind, OBJECT_CHANNEL);
    case A_LINE: return slot_of_type(mind, OBJECT_IRQ);
    case SOME_PORTS: return slot_of_type(mind, OBJECT_PORTS);
    case A_LOG: return slot_of_type(mind, OBJECT_LOG);
    default: return any_slot(mind);
    }
}

/* An address: of one hop, or by way of pools, of which the first is a way
   around to the root and the last may be another child's. */
static void name_slot(struct mind *mind, struct fuzz_call *call, unsigned n,
    unsigned slot)
{
    uint64_t hops = slot, length = 1;

    if (once_in(mind->random, 10)) {
        hops = hops << 8 | slot_for(mind, A_POOL);
        length++;
    }
    while (length < 8 && once_in(mind->random, 8)) {
        hops = hops << 8 | OWN_POOL;
        length++;
    }
    call->argument[n] = hops;
    call->word |= length << (8 + 4 * n);
}

/* --- Numbers ------------------------------------------------------------------- */

static uint64_t edge(struct mind *mind)
{
    static const uint64_t edges[] = { 255, 256, 511, 512, 1023, 1024, 1025,
        4095, 4096, 65535, 65536, 0x7fffffffffff, 0x800000000000,
        0xffff7fffffffffff, 0xffff800000000000, UINT64_MAX };

    return edges[below(mind->random, sizeof edges / sizeof *edges)];
}

static uint64_t absurd(struct mind *mind)
{
    uint64_t power = UINT64_C(1) << below(mind->random, 64);

    switch (below(mind->random, 8)) {
    case 0: return power;
    case 1: return power - 1;
    case 2: return power + below(mind->random, 64);
    case 3: return 0 - power;
    case 4: return random_next(mind->random);
    case 5: return edge(mind);
    default: return below(mind->random, 300);
    }
}

/* Nearly all of the 256 ways to interrupt oneself are alike. */
uint64_t odd_place(uint64_t *state)
{
    unsigned count = once_in(state, 8) ? odd_count : odd_count - 256;

    return (uint64_t)odd_start + odd_places[below(state, count)];
}

/* Where a task may begin: at an odd instruction, or as a child does, or at an
   edge of what is an address. */
static uint64_t place(struct mind *mind)
{
    static const uint64_t places[] = { 0, STACKS, 0x7effffffffff,
        0x7f0000000000, 0x7ffffffffffe, 0x800000000000, 0xffffffff80100000 };

    if (once_in(mind->random, 4))
        return places[below(mind->random, sizeof places / sizeof *places)];
    return once_in(mind->random, 16) ? (uint64_t)fuzz_entry
                                     : odd_place(mind->random);
}

static uint64_t for_a_register(struct mind *mind)
{
    switch (below(mind->random, 4)) {
    case 0: return absurd(mind);
    case 1: return stack_of(below(mind->random, CHILDREN));
    default: return place(mind);
    }
}

static uint64_t rights(struct mind *mind)
{
    return once_in(mind->random, 2) ? RIGHT_ALL : below(mind->random, 16);
}

static uint64_t number_for(struct mind *mind, enum kind kind)
{
    switch ((unsigned)kind) {
    case A_SLOT: return AT_ANY + below(mind->random, 256 - AT_ANY);
    case A_TYPE: return OBJECT_UNTYPED + below(mind->random, OBJECT_TYPES - 3);
    case A_COUNT: return once_in(mind->random, 4) ? 1 + below(mind->random, 16) : 1;
    case AN_ENTRY:
        return once_in(mind->random, 4) ? below(mind->random, 512) : below(mind->random, 4);
    case RIGHTS: return rights(mind);
    case WHICH_REFERENCE: return below(mind->random, TASK_USER_REFERENCES + 1);
    case WHICH_REGISTER: return below(mind->random, 20);
    case FOR_A_REGISTER: return for_a_register(mind);
    case A_BADGE: return below(mind->random, 1000);
    case A_PRIORITY: return below(mind->random, 18);
    case TICKS: return below(mind->random, 1010);
    case A_LENGTH:
        return once_in(mind->random, 2) ? 0 : below(mind->random, 1040);
    case WHETHER_TO_WAIT: return !once_in(mind->random, 5);
    case A_PORT: return 0x3d4 + below(mind->random, 2);
    case A_BYTE: return below(mind->random, 256);
    case A_CURSOR: return below(mind->random, 40);
    default: return random_next(mind->random);
    }
}

/* --- Arguments that belong together -------------------------------------------- */

static uint64_t bytes_for(struct mind *mind, uint64_t type)
{
    if (type == OBJECT_UNTYPED)
        return PAGE * (1 + (uint64_t)below(mind->random, 12));
    if (type == OBJECT_CHANNEL && once_in(mind->random, 2))
        return 8 * 1024;
    return 0;
}

static void fit_retype(struct mind *mind, struct fuzz_call *call)
{
    uint64_t type = call->argument[3];

    if (once_in(mind->random, 4))
        type = once_in(mind->random, 2) ? OBJECT_TASK : OBJECT_CHANNEL;
    call->argument[2] = slot_at_home(mind, (unsigned)type);
    call->argument[3] = type;
    call->argument[4] = bytes_for(mind, type);
}

static void rename_slot(struct mind *mind, struct fuzz_call *call, unsigned n,
    unsigned type)
{
    call->word &= ~(UINT64_C(15) << (8 + 4 * n));
    name_slot(mind, call, n, slot_of_type(mind, type));
}

static void fit_map(struct mind *mind, struct fuzz_call *call)
{
    unsigned type = table_type(mind);

    rename_slot(mind, call, 0, type);
    rename_slot(mind, call, 1, type + 1);
    if (type == OBJECT_PT && once_in(mind->random, 4))
        rename_slot(mind, call, 1, OBJECT_BUFFER);
    call->argument[3] =
        RIGHT_READ | (once_in(mind->random, 2) ? RIGHT_WRITE : 0);
}

/* What was mapped last. */
static void fit_unmap(struct mind *mind, struct fuzz_call *call)
{
    if (!mind->mapped.word)
        return;
    call->word &= ~UINT64_C(0xf00);
    call->word |= mind->mapped.word & 0xf00;
    call->argument[0] = mind->mapped.argument[0];
    call->argument[1] = mind->mapped.argument[2];
}

static void fit_task_set(struct mind *mind, struct fuzz_call *call)
{
    static const uint8_t types[] = { [TASK_CPOOL] = OBJECT_CPOOL,
        [TASK_TABLE] = OBJECT_PML4,
        [TASK_BUFFER] = OBJECT_BUFFER };
    uint64_t which = call->argument[2];
    unsigned type = which < sizeof types ? types[which] : OBJECT_CHANNEL;

    rename_slot(mind, call, 1, type);
    if (once_in(mind->random, 2) && which <= TASK_TABLE) {
        call->word &= ~UINT64_C(0xf000);
        name_slot(mind, call, 1,
            which == TASK_CPOOL ? OWN_POOL : OWN_SPACE);
    }
}

/* Where a task goes on matters most; and flags are seldom good by chance. */
static void fit_register(struct mind *mind, struct fuzz_call *call)
{
    if (once_in(mind->random, 2))
        call->argument[1] = below(mind->random, 2);
    else if (call->argument[1] == TASK_FLAGS)
        call->argument[2] &= once_in(mind->random, 2) ? 0x240dd5 : 0x3f7fd5;
}

/* Often the task that has just been told where to begin. */
static void fit_start(struct mind *mind, struct fuzz_call *call)
{
    if (!mind->set.word || once_in(mind->random, 4))
        return;
    call->word = CALL_TASK_START | (mind->set.word & 0xf00);
    call->argument[0] = mind->set.argument[0];
}

/* The call word of a message says more than lengths of addresses. */
static void fit_message(struct mind *mind, struct fuzz_call *call)
{
    uint64_t slot = slot_at_home(mind, below(mind->random, OBJECT_TYPES));

    if (once_in(mind->random, 2)) /* word 0 lets a fault go on */
        call->argument[2] = below(mind->random, 2);
    if (once_in(mind->random, 2))
        call->word |= (uint64_t)below(mind->random, 1030) << 20;
    call->word |= rights(mind) << 32;
    if (once_in(mind->random, 2))
        call->word |= slot << 40 | UINT64_C(1) << 48;
}

static void fit(struct mind *mind, struct fuzz_call *call)
{
    switch (call->word & 0xff) {
    case CALL_RETYPE: fit_retype(mind, call); break;
    case CALL_MAP: fit_map(mind, call); break;
    case CALL_UNMAP: fit_unmap(mind, call); break;
    case CALL_TASK_SET: fit_task_set(mind, call); break;
    case CALL_TASK_SET_REGISTER: fit_register(mind, call); break;
    case CALL_TASK_START: fit_start(mind, call); break;
    case CALL_CHANNEL_CALL:
    case CALL_REPLY:
    case CALL_REPLY_TAKE: fit_message(mind, call); break;
    default: break;
    }
}

/* --- The whole ------------------------------------------------------------------- */

static unsigned number_next(struct mind *mind)
{
    unsigned sum = 0, choice;

    if (mind->owes && !once_in(mind->random, 4))
        return once_in(mind->random, 2) ? CALL_REPLY : CALL_REPLY_TAKE;
    for (unsigned n = 0; n < CALLS; n++)
        sum += call_is_known(n) ? table[n].often : 1;
    choice = below(mind->random, sum);
    for (unsigned n = 0;; n++) {
        unsigned often = call_is_known(n) ? table[n].often : 1;

        if (choice < often)
            return n;
        choice -= often;
    }
}

static void choose(struct mind *mind, struct fuzz_call *call, unsigned n,
    enum kind kind)
{
    bool may_lack = kind >= PERHAPS_ANYTHING && kind < NUMBERS;

    if (kind >= NUMBERS)
        call->argument[n] = number_for(mind, kind);
    else if (kind != NOTHING && !(may_lack && !once_in(mind->random, 3)))
        name_slot(mind, call, n, slot_for(mind, kind));
}

/* A word that some bit is wrong with, or an argument that has nothing to do
   with what is asked for. */
static void make_hostile(struct mind *mind, struct fuzz_call *call)
{
    unsigned shift = 8 + 4 * below(mind->random, 3);

    switch (below(mind->random, 16)) {
    case 0: call->word ^= UINT64_C(1) << below(mind->random, 64); break;
    case 1: call->word ^= UINT64_C(1) << (20 + below(mind->random, 44)); break;
    case 2:
        call->word &= ~(UINT64_C(15) << shift);
        call->word |= (uint64_t)below(mind->random, 16) << shift;
        break;
    default: call->argument[below(mind->random, 6)] = absurd(mind);
    }
}

struct fuzz_call call_next(struct mind *mind, unsigned hostile)
{
    struct fuzz_call call = { .word = number_next(mind) };
    const struct line *line = &table[call.word];

    for (unsigned n = 0; n < 6; n++)
        choose(mind, &call, n, call_is_known((unsigned)call.word & 0xff) ? line->kinds[n] : A_WORD);
    if (!once_in(mind->random, 8))
        fit(mind, &call);
    while (below(mind->random, 100) < hostile)
        make_hostile(mind, &call);
    /* A counter that somebody else has changed makes a loop of a child. */
    if ((call.word & 0xff) == CALL_TASK_SET_REGISTER && record()->layered)
        call.argument[1] &= 1;
    return call;
}

/* --- What is learnt from an answer -------------------------------------------- */

/* Only of the own pool; elsewhere a child tries its luck. */
static void learn(struct mind *mind, uint64_t slot, uint64_t type)
{
    if (slot < 256 && slot >= AT_UNTYPED)
        mind->types[slot] = (uint8_t)type;
}

static uint64_t type_of(const struct mind *mind, const struct fuzz_call *call)
{
    uint64_t slot = call->argument[0] & 0xff;

    return (call->word >> 8 & 15) == 1 ? mind->types[slot] : OBJECT_NONE;
}

static void learn_success(struct mind *mind, const struct fuzz_call *call,
    const struct answer *answer)
{
    const uint64_t *argument = call->argument;
    uint64_t type = type_of(mind, call);

    switch (call->word & 0xff) {
    case CALL_IDENTIFY: learn(mind, argument[0], answer->value & 0xff); break;
    case CALL_RETYPE:
        for (unsigned n = 0; n < argument[5] && argument[1] == OWN_POOL; n++)
            learn(mind, argument[2] + n, argument[3]);
        break;
    case CALL_MOVE: learn(mind, argument[0], OBJECT_NONE); __attribute__((fallthrough));
    case CALL_COPY:
    case CALL_MINT:
        if (argument[1] == OWN_POOL)
            learn(mind, argument[2], type);
        break;
    case CALL_DELETE: learn(mind, argument[0], OBJECT_NONE); break;
    case CALL_CHANNEL_TAKE:
    case CALL_REPLY_TAKE: mind->owes = answer->badge >> 49 & 1; break;
    case CALL_REPLY: mind->owes = once_in(mind->random, 4); break;
    case CALL_MAP: mind->mapped = *call; break;
    case CALL_TASK_SET_REGISTER: mind->set = *call; break;
    default: break;
    }
}

void call_heard(struct mind *mind, const struct fuzz_call *call,
    const struct answer *answer)
{
    enum error error = answer->error;

    if (error == NO_ERROR)
        learn_success(mind, call, answer);
    if (error == ERROR_NO_CAPABILITY || error == ERROR_WRONG_TYPE)
        learn(mind, call->argument[0], OBJECT_NONE);
    if (error == ERROR_NO_CAPABILITY && (call->word >> 12 & 15) == 1)
        learn(mind, call->argument[1], OBJECT_NONE);
}
