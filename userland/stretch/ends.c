/* Objects that end while they are many, full, nested or in use. */
#include <rux/rinit.h>

#include "userland/bench/count.h"
#include "userland/stretch/stretch.h"

enum { READ_WRITE = RIGHT_READ | RIGHT_WRITE };
enum { ALL = READ_WRITE | RIGHT_EXECUTE, TABLE_ENTRIES = 512 };
enum { MANY = 16 }; /* as many as one call makes */
enum { AT_PAGE = AT_FIRST, AT_TABLE, AT_DIRECTORY, AT_INNER };

static void reset(const char *what)
{
    begin();
    end(system_reset(caddr(AT_BENCH)), what);
}

/* An object lives on when nobody has a capability to it. */
static void many_objects(void)
{
    for (unsigned i = 0; i < 10000 / MANY; i++) {
        must(system_retype_many(caddr(AT_BENCH), caddr(SLOT_POOL),
                 AT_FIRST, OBJECT_CHANNEL, 0, MANY),
            "retype");
        for (uint8_t n = 0; n < MANY; n++)
            must(system_delete(caddr(AT_FIRST + n)), "delete");
    }
    reset("reset 10,000 objects");
}

static void full_pool(void)
{
    make(AT_FIRST, OBJECT_CPOOL);
    for (unsigned i = 0; i < 256; i++)
        must(system_copy(caddr(AT_FIRST), caddr(AT_FIRST), (uint8_t)i,
                 RIGHT_ALL),
            "copy");
    begin();
    end(system_free(caddr(AT_BENCH)), "free a pool full of itself");
}

/* The slot of a table that rinit was given. */
static caddr_t find(enum object_type type)
{
    struct identity identity;

    for (uint8_t slot = SLOT_LOADED; slot < AT_BENCH; slot++)
        if (!system_identify(caddr(slot), &identity) &&
            identity.type == type)
            return caddr(slot);
    must(ERROR_NO_CAPABILITY, "find a table");
    return caddr(0);
}

/* A table of the address space that runs, full of one page. */
static void map_everywhere(void)
{
    make(AT_PAGE, OBJECT_PAGE);
    make(AT_DIRECTORY, OBJECT_PD);
    make(AT_TABLE, OBJECT_PT);
    must(system_map(find(OBJECT_PDPT), caddr(AT_DIRECTORY), 100, ALL),
        "map a directory");
    must(system_map(caddr(AT_DIRECTORY), caddr(AT_TABLE), 0, ALL),
        "map a table");
    for (unsigned i = 0; i < TABLE_ENTRIES; i++)
        must(system_map(caddr(AT_TABLE), caddr(AT_PAGE), i,
                 READ_WRITE),
            "map a page");
}

static void mappings(void)
{
    map_everywhere();
    begin();
    end(system_revoke(caddr(AT_PAGE)), "revoke a page mapped 512 times");
    reset("reset its tables, in use");
    map_everywhere();
    begin();
    end(system_free(caddr(AT_BENCH)), "free a full table, in use");
    must(system_reset(caddr(AT_BENCH)), "reset");
}

static void nested(void)
{
    caddr_t outer = caddr(AT_BENCH);
    uint64_t size = 1 << 20;

    for (uint8_t i = 0; i < 30; i++, size -= 3 * 4096) {
        caddr_t inner = caddr(AT_INNER + i);
        must(system_retype(outer, caddr(SLOT_POOL), AT_INNER + i,
                 OBJECT_UNTYPED, size),
            "nest");
        outer = inner;
    }
    must(system_retype_many(outer, caddr(SLOT_POOL), AT_LAST - 16,
             OBJECT_CHANNEL, 0, 16),
        "retype at the bottom");
    reset("reset memory that is nested 30 times");
}

void stretch_ends(void)
{
    many_objects();
    full_pool();
    mappings();
    nested();
}
