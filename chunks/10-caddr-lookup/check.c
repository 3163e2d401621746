/* check.c of caddr-lookup: eight pools, a log, and a host that fills the pools
 * and asks for addresses. */
#include "tests/grader/check.h"

#include <stdbool.h>
#include <stddef.h>

#include "kernel/cap/cpool.h"
#include "kernel/cap/log.h"
#include "kernel/panic.h"

enum {
    BEGIN = 1,
    PUT,    /* pool, index, object, rights, badge: fills a slot */
    LOOKUP, /* root, hops, length: tells the error, whether anything was
               written, and pool and index of the slot */
    FULL,   /* the same with cpool_lookup_full() */
};

enum { POOLS = 8, NOT_ONE = 99 };

static struct cpool pools[POOLS];
static struct log other;

static void begin(void)
{
    object_init(&other.object, OBJECT_LOG);
    for (unsigned i = 0; i < POOLS; i++) {
        object_init(&pools[i].object, OBJECT_CPOOL);
        cpool_construct(&pools[i].object, physical(0), 0);
    }
}

static void put(void)
{
    uint64_t pool = take(), index = take(), what = take();
    unsigned rights = (unsigned)take();
    struct object *object =
        what < POOLS ? &pools[what].object : &other.object;

    weak_original(&pools[pool].pool, (unsigned)index, object, rights,
                  (uint32_t)take());
}

/* A number that changes with any byte of the pools. */
__attribute__((no_sanitize("undefined")))
static uint64_t digest(void)
{
    const uint64_t *word = (const uint64_t *)pools;
    uint64_t all = 1;

    for (; word < (const uint64_t *)(pools + POOLS); word++)
        all = (all ^ *word) * UINT64_C(0x9e3779b97f4a7c15);
    return all;
}

static uint64_t code_of(enum error error)
{
    static const enum error errors[] = {
        NO_ERROR, ERROR_BAD_ADDRESS, ERROR_NO_CAPABILITY,
        ERROR_WRONG_TYPE, ERROR_NO_RIGHT};

    for (uint64_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i] == error)
            return i;
    return NOT_ONE;
}

static void tell_slot(const struct capability *slot)
{
    for (uint64_t pool = 0; pool < POOLS; pool++)
        for (uint64_t index = 0; index < CPOOL_SLOTS; index++)
            if (&pools[pool].slots[index] == slot) {
                tell(pool);
                tell(index);
                return;
            }
    tell(NOT_ONE);
    tell(NOT_ONE);
}

static void look_up(bool full)
{
    struct cpool *root = &pools[take() % POOLS];
    caddr_t address = {.hops = take()};
    struct capability *slot = NULL;
    uint64_t before = digest();

    address.length = (uint32_t)take();

    enum error error = full ? cpool_lookup_full(root, address, &slot)
                            : cpool_lookup(root, address, &slot);

    tell(code_of(error));
    tell(digest() != before);
    if (error == NO_ERROR)
        tell_slot(slot);
}

void check_step(uint64_t operation)
{
    switch (operation) {
    case BEGIN: begin(); break;
    case PUT: put(); break;
    case LOOKUP: look_up(false); break;
    case FULL: look_up(true); break;
    default: panic("the host asks for operation %lu", operation);
    }
}
