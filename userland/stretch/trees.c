/* Capabilities by the thousand. */
#include <stdbool.h>

#include <rux/rinit.h>

#include "userland/bench/count.h"
#include "userland/stretch/stretch.h"

enum { POOLS = 40, IN_EACH = 250, AT_ROOT = AT_FIRST, AT_POOLS };

/* Ten thousand capabilities: all from one, or each from the one before. */
static void grow(bool deep)
{
    caddr_t parent = caddr(AT_ROOT);

    for (unsigned i = 0; i < POOLS * IN_EACH; i++) {
        caddr_t pool = caddr((uint8_t)(AT_POOLS + i / IN_EACH));
        uint8_t index = (uint8_t)(i % IN_EACH);

        must(system_copy(parent, pool, index, RIGHT_ALL), "copy");
        if (deep)
            parent = caddr_append(pool, index);
    }
}

void stretch_trees(void)
{
    make(AT_ROOT, OBJECT_CHANNEL);
    for (uint8_t i = 0; i < POOLS; i++)
        make(AT_POOLS + i, OBJECT_CPOOL);
    grow(false);
    begin();
    end(system_revoke(caddr(AT_ROOT)), "revoke 10,000 capabilities");
    grow(true);
    begin();
    end(system_revoke(caddr(AT_ROOT)), "revoke a chain of 10,000");
    grow(true);
    begin();
    end(system_reset(caddr(AT_BENCH)), "reset a chain of 10,000");
}
