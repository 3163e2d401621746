/*
 * A fuzzer: tasks that make random system calls, plausible ones and absurd
 * ones, with whatever they find in their pools, on a kernel that checks all
 * its invariants after each call:
 *
 *     make fuzz SEED=1 CALLS=20000
 *
 * (tests/fuzz/fuzz.py puts these numbers into the image.) The children live in
 * a piece of memory of their own. The master, which they cannot name, makes it
 * anew for each round; in between a watcher starts those again that wait for
 * ever, or have stopped, or have lost what they stood on. In some rounds the
 * children share an address space, in some they have priorities.
 *
 * In the end it says how often each call has succeeded and failed: a fuzzer
 * whose calls all fail has seen nothing.
 */
#include <rux/rinit.h>

#include "userland/fuzz/fuzz.h"
#include "userland/log.h"
#include "userland/start.h"

/* Found by its first words, and changed, before the program starts. */
static const volatile struct {
    char name[16];
    uint64_t seed, calls;
} settings = { "fuzz: settings", 1, 20000 };

/* Slots of the master. */
enum {
    AT_GROUND = 60, /* the memory of all that follows, but the first few */
    AT_RECORD,
    AT_WATCHER,
    AT_BELL,
    AT_IMAGE, /* and following: the program's pages, copied */
    IMAGE_PAGES = 32,
    AT_WATCHERS_BUFFER = AT_IMAGE + IMAGE_PAGES,
    AT_CHANNELS,
    CHANNELS = 3,
    AT_CHILDREN = 104,
    PARTS = 16,
};

/* Of each child, from AT_CHILDREN + PARTS * child on. */
enum part {
    HOME, /* the untyped that all the other parts are made of */
    PLAY,
    TASK,
    POOL,
    BUFFER,
    PML4,
    PDPT,
    PD,
    PT,
    SCRATCH,
    STACK,
};

enum { GROUND_SIZE = 8 << 20,
    HOME_SIZE = 512 << 10,
    IMAGE_PAGE = 4096 };
enum { ROUND = 2000,
    LOWEST = 4,
    HIGHEST = 16,
    PATIENCE = 6 };
enum { ALL = RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE };

extern uintptr_t __stack_chk_guard; /* in the last page that children have */

static uint64_t state; /* of the master's random numbers */
static unsigned image_pages, own_pt, rounds, rescues, rebuilt;
static bool shared, layered; /* what this round is like */

static caddr_t part(unsigned child, enum part part)
{
    return caddr((uint8_t)(AT_CHILDREN + PARTS * child + part));
}

static void need(enum error error, const char *what)
{
    if (!error)
        return;
    log_print((void *)RINIT_BUFFER, "fuzz: cannot %s: %s", what,
        error_name(error));
    system_exit();
}

/* --- What lasts: the record, the program's pages ------------------------------- */

static void find_own_table(void)
{
    struct identity what;

    for (own_pt = SLOT_LOADED; own_pt < AT_GROUND; own_pt++)
        if (!system_identify(caddr((uint8_t)own_pt), &what) &&
            what.type == OBJECT_PT)
            return;
    need(ERROR_NO_CAPABILITY, "find the table of its text");
}

static unsigned entry_of(uint64_t address)
{
    return (unsigned)((address - PART_START) / IMAGE_PAGE);
}

static void map_here(uint8_t page, uint64_t address)
{
    system_unmap(caddr((uint8_t)own_pt), entry_of(address));
    need(system_map(caddr((uint8_t)own_pt), caddr(page), entry_of(address),
             RIGHT_READ | RIGHT_WRITE),
        "map a page");
}

static void make_lasting(uint8_t slot, enum object_type type)
{
    need(system_retype(caddr(SLOT_MEMORY), caddr(SLOT_POOL), slot, type, 0),
        "make what lasts");
}

static void copy_image(void)
{
    uint64_t last = (uint64_t)&__stack_chk_guard / IMAGE_PAGE * IMAGE_PAGE;

    for (uint64_t at = PART_START; at <= last; at += IMAGE_PAGE) {
        uint8_t slot = (uint8_t)(AT_IMAGE + image_pages++);

        if (image_pages > IMAGE_PAGES)
            need(ERROR_NO_MEMORY, "copy all of itself");
        make_lasting(slot, OBJECT_PAGE);
        map_here(slot, WINDOW);
        for (unsigned i = 0; i < IMAGE_PAGE / 8; i++)
            ((volatile uint64_t *)WINDOW)[i] = ((uint64_t *)at)[i];
    }
    system_unmap(caddr((uint8_t)own_pt), entry_of(WINDOW));
}

static void set_up(void)
{
    find_own_table();
    make_lasting(AT_RECORD, OBJECT_PAGE);
    map_here(AT_RECORD, RECORD);
    make_lasting(AT_WATCHER, OBJECT_TASK);
    make_lasting(AT_BELL, OBJECT_CHANNEL);
    copy_image();
    need(system_retype(caddr(SLOT_MEMORY), caddr(SLOT_POOL), AT_GROUND,
             OBJECT_UNTYPED, GROUND_SIZE),
        "get memory");
    record()->limit = settings.calls;
    state = settings.seed * 0x9e3779b97f4a7c15 | 1;
    for (unsigned n = 0; n < 8; n++)
        random_next(&state);
}

/* --- A child ------------------------------------------------------------------- */

static enum error make_part(unsigned child, enum part which,
    enum object_type type, uint64_t bytes)
{
    return system_retype(part(child, HOME), caddr(SLOT_POOL),
        part(child, which).hops & 0xff, type, bytes);
}

static enum error make_parts(unsigned child)
{
    static const uint8_t types[PARTS] = { [TASK] = OBJECT_TASK,
        [POOL] = OBJECT_CPOOL,
        [BUFFER] = OBJECT_BUFFER,
        [PML4] = OBJECT_PML4,
        [PDPT] = OBJECT_PDPT,
        [PD] = OBJECT_PD,
        [PT] = OBJECT_PT,
        [SCRATCH] = OBJECT_PAGE,
        [STACK] = OBJECT_PAGE,
        [STACK + 1] = OBJECT_PAGE };
    enum error error = make_part(child, PLAY, OBJECT_UNTYPED,
        IMAGE_PAGE * (4 + (uint64_t)below(&state, 60)));

    for (unsigned which = TASK; which <= STACK + 1 && !error; which++)
        error = make_part(child, which, types[which], 0);
    return error;
}

/* Whose address space a child has. */
static unsigned space_of(unsigned child)
{
    return shared ? child & ~1u : child;
}

static enum error map_page(unsigned child, caddr_t page, uint64_t address,
    unsigned rights)
{
    return system_map(part(space_of(child), PT), page, entry_of(address),
        rights);
}

/* Two pages of stack, and one more for those that a child starts. */
static enum error map_stack(unsigned child)
{
    const unsigned write = RIGHT_READ | RIGHT_WRITE;
    uint64_t top = stack_of(child) + 16;
    enum error error =
        map_page(child, part(child, STACK), top - IMAGE_PAGE, write);

    if (!error)
        error = map_page(child, part(child, STACK + 1),
            top - 2 * IMAGE_PAGE, write);
    if (!error && space_of(child) == child)
        error = map_page(child, part(child, SCRATCH),
            stack_of(CHILDREN) + 16 - IMAGE_PAGE, write);
    return error;
}

static enum error map_image(unsigned child)
{
    enum error error = map_page(child, caddr(AT_RECORD), RECORD,
        RIGHT_READ | RIGHT_WRITE);

    for (unsigned n = 0; n < image_pages && !error; n++)
        error = map_page(child, caddr((uint8_t)(AT_IMAGE + n)),
            PART_START + n * (uint64_t)IMAGE_PAGE,
            n + 1 < image_pages ? RIGHT_READ | RIGHT_EXECUTE : RIGHT_READ);
    return error;
}

static enum error make_space(unsigned child)
{
    enum error error = system_map(part(child, PML4), part(child, PDPT), 0,
        ALL);

    if (!error)
        error = system_map(part(child, PDPT), part(child, PD), 0, ALL);
    if (!error)
        error = system_map(part(child, PD), part(child, PT), 2, ALL);
    return error ? error : map_image(child);
}

static enum error set_task(unsigned child)
{
    caddr_t task = part(child, TASK);
    enum error error = system_task_set(task, part(child, POOL), TASK_CPOOL);

    if (!error)
        error = system_task_set(task, part(space_of(child), PML4),
            TASK_TABLE);
    if (!error)
        error = system_task_set(task, part(child, BUFFER), TASK_BUFFER);
    if (!error && once_in(&state, 2))
        error = system_task_set(task, caddr(AT_CHANNELS), TASK_FAULT);
    if (!error)
        error = system_task_set_register(task, TASK_INSTRUCTION,
            (uint64_t)fuzz_entry);
    if (!error)
        error = system_task_set_register(task, TASK_STACK, stack_of(child));
    return error;
}

static enum error build(unsigned child)
{
    enum error error = make_parts(child);

    if (!error && space_of(child) == child)
        error = make_space(child);
    if (!error)
        error = map_stack(child);
    return error ? error : set_task(child);
}

/* --- What a child is given ------------------------------------------------------- */

/* If the slot has been filled meanwhile by another child, so be it. */
static void give(unsigned child, unsigned slot, caddr_t what,
    unsigned rights)
{
    system_copy(what, part(child, POOL), (uint8_t)slot, rights);
}

/* All rights, mostly. */
static unsigned some_rights(void)
{
    return once_in(&state, 4) ? below(&state, 16) : RIGHT_ALL;
}

static void give_neighbours(unsigned child)
{
    for (unsigned other = 0; other < CHILDREN; other++) {
        give(child, AT_TASK + other, part(other, TASK), some_rights());
        if (other != child && once_in(&state, 2))
            give(child, AT_POOL + other, part(other, POOL), some_rights());
    }
    for (unsigned n = 0; n < CHANNELS; n++)
        system_mint(caddr((uint8_t)(AT_CHANNELS + n)), part(child, POOL),
            (uint8_t)(AT_CHANNEL + n), some_rights(), child + 1);
}

/* A child that may change its own text could come to run for ever, which in a
   round with priorities nobody would notice. */
static void give_space(unsigned child)
{
    unsigned space = space_of(child);

    give(child, OWN_SPACE, part(space, PML4), RIGHT_ALL);
    give(child, AT_PDPT, part(space, PDPT), some_rights());
    give(child, AT_PD, part(space, PD), some_rights());
    if (!layered) {
        give(child, AT_PT, part(space, PT), some_rights());
        give(child, AT_PAGE + 3, caddr(AT_IMAGE),
            RIGHT_READ | RIGHT_EXECUTE);
    }
    for (unsigned n = 0; n < 3; n++)
        give(child, AT_PAGE + n, part(child, SCRATCH + n), some_rights());
}

static void give_devices(unsigned child)
{
    give(child, AT_LINE, caddr(SLOT_KEYBOARD_LINE), RIGHT_ALL);
    give(child, AT_LINE + 1, caddr(SLOT_SERIAL_LINE), some_rights());
    give(child, AT_PORTS, caddr(SLOT_SCREEN_PORTS), RIGHT_ALL);
    give(child, AT_LOG, caddr(SLOT_LOG), RIGHT_ALL);
}

static void populate(unsigned child)
{
    give(child, OWN_POOL, part(child, POOL), RIGHT_ALL);
    give(child, OWN_TASK, part(child, TASK), RIGHT_ALL);
    give(child, OWN_MEMORY, part(child, PLAY), RIGHT_ALL);
    if (once_in(&state, 2))
        give(child, AT_UNTYPED, part(child, HOME), some_rights());
    give(child, AT_BUFFER, part(child, BUFFER), some_rights());
    give_space(child);
    give_devices(child);
    give_neighbours(child);
}

static unsigned some_priority(void)
{
    return layered ? LOWEST + 1 + below(&state, HIGHEST - LOWEST) : HIGHEST;
}

static void start(unsigned child)
{
    record()->random[child] = random_next(&state) | 1;
    system_task_set_priority(part(child, TASK), some_priority());
    system_task_start(part(child, TASK));
}

/* --- The watcher ------------------------------------------------------------------- */

/* A message and a taker for those that wait at channels. */
static void stir(void)
{
    for (uint8_t n = 0; n < CHANNELS; n++) {
        uint64_t word = call_word(CALL_CHANNEL_PUT, 1, 0, 0);

        system_call(word, AT_CHANNELS + n, 0, random_next(&state), 0, 0, 1);
        word = call_word(CALL_CHANNEL_TAKE, 1, 0, 0);
        system_call(word, AT_CHANNELS + n, 0, 0, 0, 0, 1);
        system_call(call_word(CALL_REPLY, 0, 0, 0), 0, 0,
            random_next(&state), 0, 0, 0);
    }
}

/* Whoever waits has waited enough; whoever has exited, or has been stopped,
   goes on. Who faulted faults again. */
static void start_again(void)
{
    for (unsigned child = 0; child < CHILDREN; child++) {
        system_task_stop(part(child, TASK));
        system_task_start(part(child, TASK));
    }
}

/* A new life, in the same round, beside what others have kept of the old. */
static void rebuild(unsigned child)
{
    rebuilt++;
    __atomic_and_fetch(&record()->wrecked, ~(1u << child),
        __ATOMIC_RELAXED);
    system_reset(part(child, HOME));
    if (build(child))
        return;
    populate(child);
    start(child);
}

/* Bytes that the keyboard's controller is asked to send, as if keys were
   pressed, one interrupt each. */
static void storm(unsigned times)
{
    caddr_t ports = caddr(SLOT_KEYBOARD_PORTS);

    while (times--) {
        system_port_out(ports, 0x64, 0xd2);
        system_port_out(ports, 0x60, (uint8_t)times);
        system_port_in(ports, 0x60);
    }
}

static void rebuild_wrecked(void)
{
    for (unsigned child = 0; child < CHILDREN; child++)
        if (record()->wrecked >> child & 1)
            rebuild(child);
}

static void rescue(unsigned idle)
{
    rescues++;
    if (idle == 1)
        stir();
    else if (idle == 2)
        start_again();
    else
        rebuild(below(&state, CHILDREN));
}

/* In a round with priorities the watcher has the lowest, and runs when nobody
   else can; otherwise it has the same as all, and its turn comes. */
_Noreturn void child_main(void)
{
    const volatile struct record *r = record();
    uint64_t seen = 0;

    for (unsigned idle = 0; idle < PATIENCE;) {
        if (once_in(&state, 30))
            storm(1 + below(&state, 20));
        system_yield();
        idle = r->calls == seen ? idle + 1 : 0;
        seen = r->calls;
        if (seen >= r->round_limit)
            break;
        rebuild_wrecked();
        if (idle)
            rescue(idle);
    }
    system_channel_put(caddr(AT_BELL), 0);
    system_exit();
}

static void watch(void)
{
    caddr_t watcher = caddr(AT_WATCHER);

    need(system_task_stop(watcher), "stop the watcher");
    need(system_task_set(watcher, caddr(SLOT_POOL), TASK_CPOOL), "set");
    need(system_task_set(watcher, caddr(SLOT_SPACE), TASK_TABLE), "set");
    need(system_task_set_register(watcher, TASK_INSTRUCTION,
             (uint64_t)child_entry),
        "set");
    need(system_task_set_register(watcher, TASK_STACK,
             RINIT_CHILD_STACK + RINIT_STACK_SIZE - 16),
        "set");
    need(system_task_set_priority(watcher, layered ? LOWEST : HIGHEST),
        "set");
    need(system_task_start(watcher), "start the watcher");
}

/* --- Rounds -------------------------------------------------------------------------- */

static void make_channels(void)
{
    for (uint8_t n = 0; n < CHANNELS; n++)
        need(system_retype(caddr(AT_GROUND), caddr(SLOT_POOL),
                 AT_CHANNELS + n, OBJECT_CHANNEL,
                 once_in(&state, 2) ? 8192 : 0),
            "make a channel");
}

static void begin_round(void)
{
    struct record *r = record();

    rounds++;
    shared = once_in(&state, 2);
    layered = once_in(&state, 3);
    r->hostile = below(&state, 4) * 15;
    r->round_limit = r->calls + ROUND < r->limit ? r->calls + ROUND
                                                 : r->limit;
    r->wrecked = 0;
    r->layered = layered;
    need(system_reset(caddr(AT_GROUND)), "reset its ground");
    make_channels();
    for (unsigned child = 0; child < CHILDREN; child++) {
        need(system_retype(caddr(AT_GROUND), caddr(SLOT_POOL),
                 part(child, HOME).hops & 0xff, OBJECT_UNTYPED, HOME_SIZE),
            "make a home");
        need(build(child), "build a child");
    }
    for (unsigned child = 0; child < CHILDREN; child++)
        populate(child);
    for (unsigned child = 0; child < CHILDREN; child++)
        start(child);
}

static void report(void)
{
    const struct record *r = record();
    void *buffer = (void *)RINIT_BUFFER;

    for (unsigned n = 0; n < CALLS; n++)
        log_print(buffer, "fuzz: call %s: %u succeeded, %u failed",
            call_name(n), r->succeeded[n], r->failed[n]);
    for (unsigned n = 0; n < ERRORS; n++)
        log_print(buffer, "fuzz: answer %s: %u", error_name(n),
            r->errors[n]);
    log_print(buffer, "fuzz: %u rounds, %u rescues, %u children rebuilt",
        rounds, rescues, rebuilt);
}

_Noreturn void rinit_main(void)
{
    set_up();
    while (record()->calls < record()->limit) {
        begin_round();
        watch();
        need(system_channel_take(caddr(AT_BELL)).error, "hear the bell");
        need(system_task_stop(caddr(AT_WATCHER)), "stop the watcher");
        log_print((void *)RINIT_BUFFER, "fuzz: seed %lu, %lu calls",
            settings.seed, record()->calls);
    }
    need(system_reset(caddr(AT_GROUND)), "end");
    need(record()->lost ? ERROR_BAD_ARGUMENT : NO_ERROR, "keep registers");
    report();
    log_print((void *)RINIT_BUFFER, "fuzz: done");
    system_exit();
}
