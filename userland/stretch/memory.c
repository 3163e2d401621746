/* Memory in large pieces. */
#include <rux/rinit.h>

#include "userland/bench/count.h"
#include "userland/stretch/stretch.h"

enum { LARGE = 2 << 20, AT_OBJECTS = AT_FIRST };

static enum error retype(enum object_type type, uint64_t bytes,
    unsigned count)
{
    return system_retype_many(caddr(AT_BENCH), caddr(SLOT_POOL),
        AT_OBJECTS, type, bytes, count);
}

/* Sixteen at a time, and what the kernel does with their end. */
static void sixteen(enum object_type type, uint64_t bytes,
    const char *made, const char *ended)
{
    begin();
    end(retype(type, bytes, 16), made);
    begin();
    end(system_reset(caddr(AT_BENCH)), ended);
}

void stretch_memory(void)
{
    begin();
    end(retype(OBJECT_PAGE, LARGE, 1), "retype a page of 2 MiB");
    begin();
    end(system_free(caddr(AT_BENCH)), "free a page of 2 MiB");
    sixteen(OBJECT_PAGE, LARGE, "retype 16 pages of 2 MiB",
        "reset 16 pages of 2 MiB");
    sixteen(OBJECT_PAGE, 0, "retype 16 pages", "reset 16 pages");
    sixteen(OBJECT_CPOOL, 0, "retype 16 pools", "reset 16 pools");
    sixteen(OBJECT_PML4, 0, "retype 16 PML4s", "reset 16 PML4s");
    sixteen(OBJECT_PT, 0, "retype 16 tables", "reset 16 tables");
    sixteen(OBJECT_TASK, 0, "retype 16 tasks", "reset 16 tasks");
    sixteen(OBJECT_CHANNEL, 0, "retype 16 channels",
        "reset 16 channels");
    sixteen(OBJECT_UNTYPED, 1 << 20, "retype 16 untypeds",
        "reset 16 untypeds");
}
