/* Calls that make objects, and those that map them. */
#include "userland/bench/bench.h"
#include "userland/bench/count.h"

static void retype(enum object_type type, const char *row)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        enum error error = system_retype(caddr(AT_BENCH),
            caddr(SLOT_POOL), (uint8_t)(AT_MANY + i), type, 0);
        sample(start, now());
        must(error, "retype");
    }
    report_median(row);
}

/* The slot of a table that rinit was given; there is one of its type
   that covers all that it has. */
static caddr_t find(enum object_type type)
{
    struct identity identity;

    for (uint8_t slot = SLOT_LOADED; slot < SLOT_MORE_MEMORY; slot++)
        if (!system_identify(caddr(slot), &identity) &&
            identity.type == type)
            return caddr(slot);
    must(ERROR_NO_CAPABILITY, "find a table");
    return caddr(0);
}

static void map_and_unmap(void)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        enum error error = system_map(caddr(AT_TABLE),
            caddr((uint8_t)(AT_MANY + i)), i, RIGHT_READ | RIGHT_WRITE);
        sample(start, now());
        must(error, "map");
    }
    report_median("map");
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        enum error error = system_unmap(caddr(AT_TABLE), i);
        sample(start, now());
        must(error, "unmap");
    }
    report_median("unmap");
}

void make_window(void)
{
    const unsigned all = RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE;

    make(AT_DIRECTORY, OBJECT_PD, 0);
    make(AT_TABLE, OBJECT_PT, 0);
    must(system_map(find(OBJECT_PDPT), caddr(AT_DIRECTORY),
             WINDOW >> 30, all),
        "map a directory");
    must(system_map(caddr(AT_DIRECTORY), caddr(AT_TABLE), 0, all),
        "map a table");
}

void bench_memory(void)
{
    retype(OBJECT_CHANNEL, "retype-channel");
    must(system_reset(caddr(AT_BENCH)), "reset");
    retype(OBJECT_PAGE, "retype-page");
    make_window();
    map_and_unmap();
    must(system_reset(caddr(AT_BENCH)), "reset");
}
