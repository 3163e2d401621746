/* search.c - every state of a small world that any sequence of operations
 * reaches, and every operation in each of them.
 *
 *   search [NAME]...    the searches of these names, or all
 *
 * Breadth first, so that the first violation is found by as few operations
 * as can lead to it; these are printed. See world.h for what a state is.
 */
/* The C library has a type of this name, too, from another century. */
#define caddr_t host_caddr_t
#include <sys/types.h>
#undef caddr_t

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "operation.h"

#include "kernel/check.h"

static const struct bounds searches[] = {
#if SEARCH_SLOTS == 6
    { "one pool", .slots = 6, .made = 3, .untypeds = true, .ram = 4,
        .large = 2, .log = true, .alike = true },
    { "pages", .slots = 6, .made = 2, .untypeds = true, .pages = true,
        .ram = 2, .large = 1, .alike = true },
    { "labels", .slots = 6, .labels = true, .alike = true },
#elif SEARCH_SLOTS == 3
    { "pool in pool", .slots = 2, .made = 2, .pools = 1, .untypeds = true,
        .ram = 2, .large = 1, .alike = true },
#else
    { "two pools", .slots = 1, .made = 2, .pools = 2, .alike = true },
#endif
};

enum { SEARCHES = sizeof searches / sizeof *searches };

const struct bounds *bounds;

/* --- States ------------------------------------------------------------------- */

struct state {
    uint32_t from; /* the state before it */
    uint64_t key;  /* where its key is: length, then bytes */
    struct operation by;
};

/* Bytes that are appended to. */
struct heap {
    uint8_t *bytes;
    size_t used, room;
};

static struct state *states;
static uint32_t count, states_room;
static uint32_t *table; /* number of a state plus one; 0: free */
static uint64_t table_size;
static struct heap keys, this_layer, next_layer;
static uint8_t first_bytes[BYTES_MAX];

static void *more(void *old, size_t size)
{
    void *new = realloc(old, size);

    if (!new) {
        perror("search");
        exit(2);
    }
    return new;
}

static uint8_t *append(struct heap *heap, const void *bytes, size_t size)
{
    if (heap->used + size > heap->room) {
        heap->room = 2 * heap->room + size + (1 << 20);
        heap->bytes = more(heap->bytes, heap->room);
    }
    memcpy(heap->bytes + heap->used, bytes, size);
    heap->used += size;
    return heap->bytes + heap->used - size;
}

static uint64_t hash(const uint8_t *bytes, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t n = 0; n < size; n++)
        hash = (hash ^ bytes[n]) * 0x100000001b3;
    return hash ^ hash >> 29;
}

/* The place in the table of the state with a key, or where it belongs. */
static uint32_t *place_of(const uint8_t *key, size_t size)
{
    uint64_t at = hash(key, size) % table_size;

    for (; table[at]; at = (at + 1) % table_size) {
        const uint8_t *other = keys.bytes + states[table[at] - 1].key;

        if (other[0] == size && !memcmp(other + 1, key, size))
            break;
    }
    return &table[at];
}

static void make_room(void)
{
    if (count < states_room)
        return;
    states_room = states_room ? 2 * states_room : 1 << 16;
    states = more(states, states_room * sizeof *states);
    free(table);
    table_size = 4 * (uint64_t)states_room;
    table = more(NULL, table_size * sizeof *table);
    memset(table, 0, table_size * sizeof *table);
    for (uint32_t n = 0; n < count; n++) {
        const uint8_t *key = keys.bytes + states[n].key;

        *place_of(key + 1, key[0]) = n + 1;
    }
}

/* Adds the world as it is, unless it is there. */
static void add(const struct picture *picture, uint32_t from,
    const struct operation *by)
{
    uint8_t key[1 + KEY_MAX], bytes[BYTES_MAX];
    size_t size = world_key(picture, key + 1);
    uint32_t *place;

    make_room();
    place = place_of(key + 1, size);
    if (*place) {
        require(!by || *place - 1 != from || !by->stop); /* W5 */
        return;
    }
    key[0] = (uint8_t)size;
    states[count] = (struct state){ .from = from, .key = keys.used };
    if (by)
        states[count].by = *by;
    append(&keys, key, 1 + size);
    *place = ++count;
    append(&next_layer, bytes, world_save(picture, bytes));
}

/* --- Violations --------------------------------------------------------------- */

static sigjmp_buf out;
static const char *violated, *violated_file;
static int violated_line;

_Noreturn void violation(const char *what, const char *file, int line)
{
    violated = what;
    violated_file = file;
    violated_line = line;
    siglongjmp(out, 1);
}

static void on_signal(int number)
{
    violation(number == SIGVTALRM ? "it comes to an end"
              : number == SIGILL  ? "no undefined behaviour"
                                  : "no access to what is no memory",
        NULL, 0);
}

/* Two seconds of computing for what takes microseconds: it will not end. */
static void watch(void)
{
    const struct itimerval seconds = { .it_value = { .tv_sec = 2 } };

    setitimer(ITIMER_VIRTUAL, &seconds, NULL);
}

static void begin_watch(void)
{
    static const int numbers[] = { SIGVTALRM, SIGILL, SIGSEGV, SIGBUS };
    struct sigaction action = { .sa_handler = on_signal };
    static char stack[1 << 16];
    const stack_t other = { .ss_sp = stack, .ss_size = sizeof stack };

    action.sa_flags = SA_ONSTACK | SA_NODEFER;
    sigaltstack(&other, NULL);
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
        sigaction(numbers[n], &action, NULL);
}

/* --- The way to a state, in words ------------------------------------------------ */

/* Objects are called by type and number, in the order in which they are
   made on this way. */
static const struct object *named[256];
static unsigned names;

static void print_object(const struct object *object)
{
    unsigned n = names;

    if (object == &ram->object)
        printf("the RAM");
    else if (object == &root.object)
        printf("the first pool");
    else if (object == &kept_log)
        printf("the log");
    else {
        while (n > 0 && named[n - 1] != object)
            n--;
        printf("%s %u", object_class(object->type)->name, n);
    }
}

static void print_slot(const char *before, const struct picture *picture,
    unsigned n)
{
    const struct capability *slot = slot_number_n(picture, n);

    printf("%sslot %u", before, n % CPOOL_SLOTS);
    for (unsigned i = 0; n >= CPOOL_SLOTS && i < picture->things; i++) {
        struct cpool *pool = cpool_from(picture->thing[i].object);

        if (pool && slot >= pool->slots && slot < pool->slots + CPOOL_SLOTS) {
            printf(" of ");
            print_object(&pool->object);
        }
    }
}

static void print_operation(const struct picture *picture,
    const struct operation *o)
{
    static const char *const verbs[] = { "retype", "copy", "mint", "move",
        "delete", "revoke", "clear", "reset", "free", "begin the log",
        "drop the log", "hold and let go what is in any slot" };
    static const char *const whats[] = { "an untyped", "a pool", "a page",
        "two untypeds", "two pools" };

    printf("%s", verbs[o->kind]);
    if (o->kind == RETYPE)
        printf(" %s of", whats[o->choice]);
    if (o->kind == RETYPE || (o->kind >= CLEAR && o->kind <= FREE)) {
        printf(" ");
        print_object(picture->thing[o->object].object);
    }
    if (o->kind >= COPY && o->kind <= REVOKE)
        print_slot(" ", picture, o->source);
    if (o->kind <= MOVE || o->kind == BEGIN)
        print_slot(" into ", picture, o->target);
    if ((o->kind == COPY || o->kind == MINT) && o->choice == ONLY_READ)
        printf(", to read only");
    if (o->stop)
        printf(", stopped at look %u", o->stop);
}

static void name_new_things(const struct picture *before,
    const struct picture *after)
{
    for (unsigned n = after->things; n-- > 0;) {
        const struct object *object = after->thing[n].object;

        if (picture_thing(before, object) || object == &kept_log)
            continue;
        for (unsigned i = 0; i < names; i++)
            if (named[i] == object)
                named[i] = NULL;
        named[names++ % 256] = object;
    }
}

/* Goes the way again from the first state, and says how. */
static unsigned print_way(uint32_t number)
{
    struct picture before, after;
    unsigned steps = 0;

    if (number == 0) {
        world_load(first_bytes);
        return 0;
    }
    steps = print_way(states[number].from);
    world_picture(&before);
    printf("  %2u  ", ++steps);
    print_operation(&before, &states[number].by);
    printf("\n");
    if (operation_takes_any(&states[number].by))
        operation_gather();
    operation_run(&before, &states[number].by);
    world_picture(&after);
    name_new_things(&before, &after);

    /* as the search went on from it */
    uint8_t bytes[BYTES_MAX];
    world_save(&after, bytes);
    world_load(bytes);
    return steps;
}

/* --- The search --------------------------------------------------------------------- */

static struct picture before;
static struct operation now;
static struct result result;
static uint32_t at_state;
static uint64_t transitions;

/* From the state of these bytes; false if it cannot be done. */
static bool transition(const uint8_t *bytes)
{
    struct picture gathered, after;
    const struct picture *from = &before;

    if (!operation_possible(&before, &now))
        return false;
    world_load(bytes);
    if (operation_takes_any(&now)) {
        operation_gather();
        world_picture(&gathered);
        from = &gathered;
    }
    result = (struct result){ NO_ERROR, false };
    operation_foresee(from, &now);
    result = operation_run(from, &now);
    if (!result.stopped)
        now.stop = 0;
    check_all();
    world_picture(&after);
    operation_expect(from, &now, result, &after);
    add(&after, at_state, &now);
    transitions++;
    return result.stopped;
}

/* An operation that can stop is stopped at each place in turn, until there
   is none left and it comes to its end. */
static void every_stop(const uint8_t *bytes)
{
    unsigned stop = now.stop = 1;

    while (transition(bytes))
        now.stop = (uint16_t)++stop;
}

static bool takes(enum kind kind, bool object, bool source, bool target)
{
    return (!object || kind == RETYPE || (kind >= CLEAR && kind <= FREE)) &&
           (!source || (kind >= COPY && kind <= REVOKE)) &&
           (!target || kind <= MOVE || kind == BEGIN);
}

static unsigned choices_of(enum kind kind)
{
    return kind == RETYPE ? WHATS : kind == COPY || kind == MINT ? MASKS : 1;
}

static void every_argument(const uint8_t *bytes, enum kind kind)
{
    unsigned slots = 0;

    while (slot_number_n(&before, slots))
        slots++;

    unsigned objects = takes(kind, true, false, false) ? before.things : 1;
    unsigned sources = takes(kind, false, true, false) ? slots : 1;
    unsigned targets = takes(kind, false, false, true) ? slots : 1;

    for (unsigned choice = 0; choice < choices_of(kind); choice++)
        for (unsigned object = 0; object < objects; object++)
            for (unsigned source = 0; source < sources; source++)
                for (unsigned target = 0; target < targets; target++) {
                    now = (struct operation){ (uint8_t)kind,
                        (uint8_t)object, (uint8_t)source, (uint8_t)target,
                        (uint8_t)choice, 0 };
                    every_stop(bytes);
                }
}

static size_t size_of_bytes(const struct picture *picture)
{
    static uint8_t bytes[BYTES_MAX];

    return world_save(picture, bytes);
}

/* Whatever is not ending can be held and let go again; nothing else. */
static void check_upgrades(void)
{
    for (unsigned n = 0; n < before.entries; n++) {
        const struct entry *entry = &before.entry[n];
        bool ending = picture_thing(&before, entry->object)->strong == 0;
        struct object *held = weak_upgrade(entry->node);

        require(held == (ending ? NULL : entry->object));
        if (held)
            object_release(held);
    }
}

/* Returns how many steps the farthest state is away. */
static unsigned search_all(void)
{
    unsigned depth = 0;

    world_picture(&before);
    check_all();
    add(&before, 0, NULL);
    memcpy(first_bytes, next_layer.bytes, next_layer.used);
    for (at_state = 0; at_state < count; depth++) {
        struct heap layer = this_layer;
        uint32_t end = count;
        size_t at = 0;

        this_layer = next_layer;
        next_layer = layer;
        next_layer.used = 0;
        for (; at_state < end; at_state++) {
            const uint8_t *bytes = this_layer.bytes + at;

            watch();
            world_load(bytes);
            world_picture(&before);
            at += size_of_bytes(&before);
            now = (struct operation){ .kind = KINDS };
            check_upgrades();
            for (enum kind kind = 0; kind < KINDS; kind++)
                every_argument(bytes, kind);
        }
    }
    return depth - 1;
}

static void report(void)
{
    struct picture last;

    printf("%s: violated after %u states: %s", bounds->name, count, violated);
    if (violated_file)
        printf(" (%s:%d)", violated_file, violated_line);
    printf("\n");
    names = 0;
    unsigned steps = print_way(at_state);
    world_picture(&last);
    printf("  %2u  ", steps + 1);
    print_operation(&last, &now);
    printf("\n");
}

static bool search(const struct bounds *within)
{
    struct timespec start, end;

    bounds = within;
    count = 0;
    keys.used = next_layer.used = transitions = 0;
    if (table)
        memset(table, 0, table_size * sizeof *table);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    if (sigsetjmp(out, 1)) {
        report();
        return false;
    }
    world_begin();
    unsigned depth = search_all();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    printf("%s: %u states, %llu transitions, depth %u, "
           "%.1f s\n",
        bounds->name, count, (unsigned long long)transitions, depth,
        (double)(end.tv_sec - start.tv_sec) +
            (double)(end.tv_nsec - start.tv_nsec) / 1e9);
    world_end();
    return true;
}

int main(int argc, char **argv)
{
    bool right = true;

    setvbuf(stdout, NULL, _IOLBF, 0);
    begin_watch();
    for (int n = 0; n < SEARCHES; n++) {
        bool chosen = argc == 1;

        for (int i = 1; i < argc; i++)
            chosen = chosen || !strcmp(argv[i], searches[n].name);
        if (chosen && right)
            right = search(&searches[n]);
    }
    return right ? 0 : 1;
}
