/* Calls that do nothing, and calls on capabilities. */
#include "userland/bench/bench.h"
#include "userland/bench/count.h"

enum { POOLS = 4, IN_EACH = 250 };

/* A number that no call has: in, decoded, refused, out. */
void bench_calls(void)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        system_call(0xff, 0, 0, 0, 0, 0, 0);
        sample(start, now());
    }
    report_median("null");
}

static uint8_t slot_of(unsigned i)
{
    return (uint8_t)(AT_MANY + i);
}

static void copy_and_delete(void)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        enum error error = system_copy(caddr(AT_CHANNEL),
            caddr(SLOT_POOL), slot_of(i), RIGHT_READ);
        sample(start, now());
        must(error, "copy");
    }
    report_median("copy");
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        enum error error = system_delete(caddr(slot_of(i)));
        sample(start, now());
        must(error, "delete");
    }
    report_median("delete");
}

static void mint(void)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        enum error error = system_mint(caddr(AT_CHANNEL),
            caddr(SLOT_POOL), slot_of(i), RIGHT_READ, i + 1);
        sample(start, now());
        must(error, "mint");
    }
    report_median("mint");
}

static uint64_t revoke(void)
{
    uint64_t start = now();
    enum error error = system_revoke(caddr(AT_CHANNEL));
    uint64_t end = now();

    must(error, "revoke");
    return end - start;
}

/* A thousand, in four pools; what a revocation costs by itself counts
   as nothing. */
static void revoke_many(void)
{
    revoke();
    uint64_t none = revoke();

    for (uint8_t pool = 0; pool < POOLS; pool++) {
        make(AT_POOLS + pool, OBJECT_CPOOL, 0);
        for (unsigned i = 0; i < IN_EACH; i++)
            must(system_copy(caddr(AT_CHANNEL),
                     caddr(AT_POOLS + pool), (uint8_t)i, RIGHT_READ),
                "copy into a pool");
    }
    report("revoke", (revoke() - none) / (POOLS * IN_EACH));
}

void bench_capabilities(void)
{
    make(AT_CHANNEL, OBJECT_CHANNEL, 0);
    copy_and_delete();
    mint();
    revoke_many();
    must(system_reset(caddr(AT_BENCH)), "reset");
}
