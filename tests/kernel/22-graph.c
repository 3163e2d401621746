/* 22-graph.c - the call that writes about an object: what it asks for, and
 * that hostile cursors write nothing. What the lines say is tested by the
 * runs that the book prints. */
#include "tests/kernel/ground.h"

#include <rux/calls.h>

#include "kernel/calls.h"
#include "kernel/cap/log.h"
#include "kernel/graph.h"

enum { LOG = 100, POOL, OTHER };

static struct log log;

static enum error ask(unsigned log_slot, unsigned slot, uint64_t cursor,
                      uint64_t *next)
{
    uint64_t argument[6] = {0, 0, cursor};
    struct call call = {.argument = argument};
    call.slot[0] = &kernel_pool.slots[log_slot];
    call.slot[1] = &kernel_pool.slots[slot];
    enum error error = call_log_graph(NULL, &call);
    *next = call.value;
    return error;
}

static struct cpool *begin(void)
{
    struct untyped *ground = fresh_ground();
    if (log.object.type == OBJECT_NONE) {
        object_init(&log.object, OBJECT_LOG);
        object_keep(&log.object);
        weak_original(&kernel_pool.pool, LOG, &log.object, RIGHT_ALL, 0);
    }
    return cpool_from(make(ground, OBJECT_CPOOL, POOL)->weak.object);
}

TEST(the_loop_meets_every_slot_once_and_ends)
{
    struct cpool *pool = begin();
    weak_derive(&pool->pool, 7, &kernel_pool.slots[POOL], RIGHT_READ, 0);
    weak_derive(&pool->pool, 255, &kernel_pool.slots[POOL], RIGHT_READ, 9);
    uint64_t cursor = 0, calls = 0;
    do {
        EXPECT_EQUAL(ask(LOG, POOL, cursor, &cursor), NO_ERROR);
        calls++;
        EXPECT(cursor == 0 || cursor == calls);
    } while (cursor != 0);
    EXPECT_EQUAL(calls, 1 + CPOOL_SLOTS);
    check_all();
}

TEST(an_object_without_slots_is_one_line)
{
    uint64_t next = 1;
    begin();
    EXPECT_EQUAL(ask(LOG, LOG, 0, &next), NO_ERROR);
    EXPECT_EQUAL(next, 0);
}

TEST(a_cursor_can_be_any_number)
{
    static const uint64_t cursors[] = {
        CPOOL_SLOTS + 1, UINT32_MAX, 1ull << 32, (1ull << 32) + 1,
        1ull << 63, UINT64_MAX - 1, UINT64_MAX};
    uint64_t next;
    begin();
    for (unsigned i = 0; i < sizeof cursors / sizeof *cursors; i++) {
        EXPECT_EQUAL(ask(LOG, POOL, cursors[i], &next), NO_ERROR);
        EXPECT_EQUAL(next, 0);
    }
    EXPECT_EQUAL(ask(LOG, POOL, CPOOL_SLOTS, &next), NO_ERROR);
    EXPECT_EQUAL(next, 0);
}

TEST(without_a_log_nothing_is_written)
{
    uint64_t next;
    begin();
    EXPECT_EQUAL(ask(POOL, POOL, 0, &next), ERROR_WRONG_TYPE);
}

TEST(numbers_of_objects_only_rise)
{
    struct untyped *ground = fresh_ground();
    struct object *first = make(ground, OBJECT_CPOOL, POOL)->weak.object;
    uint32_t number = first->number;
    EXPECT_EQUAL(make(ground, OBJECT_CPOOL, OTHER)->weak.object->number,
                 number + 1);
    while (!untyped_reset(ground))
        continue;
    EXPECT_EQUAL(make(ground, OBJECT_CPOOL, POOL)->weak.object->number,
                 number + 2);
}
