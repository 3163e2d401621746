/* 08-weakpools.c - weak lists in the kernel. The tests on the host
 * (tests/host/08-weak.c) compare them with a model. */
#include "tests/kernel/test.h"

#include <stddef.h>

#include "kernel/cap/log.h"
#include "kernel/cap/weak.h"
#include "kernel/check.h"

enum { SLOTS = 200 };

static struct log subject;

static struct {
    struct weak_pool pool;
    struct capability slots[SLOTS];
} here;

static struct {
    struct weak_pool pool;
    struct weak slots[SLOTS];
} leaves;

static unsigned forgotten, full_when_told;

static void forget(struct weak_pool *pool, unsigned index)
{
    forgotten++;
    full_when_told += weak_used(pool, index);
}

static const struct pool_class capability_class = {
    .kind = WEAK_CAPABILITY, .forget = forget};
static const struct pool_class leaf_class = {
    .kind = WEAK_LEAF, .forget = forget};

static void begin(void)
{
    forgotten = 0;
    full_when_told = 0;
    object_init(&subject.object, OBJECT_LOG);
    weak_pool_init(&here.pool, NULL, &capability_class, SLOTS);
    weak_pool_init(&leaves.pool, NULL, &leaf_class, SLOTS);
    weak_original(&here.pool, 0, &subject.object, RIGHT_ALL, 0);
}

static void check(void)
{
    check_object(&subject.object);
    check_pool(&here.pool);
    check_pool(&leaves.pool);
}

/* Slot n from slot n - 1, and a leaf from each. */
static void derive_a_chain(void)
{
    for (unsigned n = 1; n < SLOTS; n++) {
        weak_derive(&here.pool, n, &here.slots[n - 1], RIGHT_ALL, n);
        weak_derive(&leaves.pool, n, &here.slots[n], RIGHT_READ, 0);
    }
    check();
}

TEST(the_end_of_an_object_empties_every_slot)
{
    begin();
    derive_a_chain();
    object_release(&subject.object);
    for (unsigned n = 0; n < SLOTS; n++) {
        EXPECT(!weak_used(&here.pool, n));
        EXPECT(!weak_used(&leaves.pool, n));
    }
    EXPECT_EQUAL(forgotten, 2 * SLOTS - 1);
    EXPECT_EQUAL(full_when_told, 0);
}

TEST(revoking_takes_the_descendants_and_nothing_else)
{
    begin();
    derive_a_chain();
    while (!weak_revoke(&here.slots[100]))
        continue;
    for (unsigned n = 0; n < SLOTS; n++) {
        EXPECT_EQUAL(weak_used(&here.pool, n), n <= 100);
        EXPECT_EQUAL(weak_used(&leaves.pool, n), n > 0 && n < 100);
    }
    check();
    object_release(&subject.object);
}

TEST(deleting_leaves_the_children_to_the_parent)
{
    begin();
    derive_a_chain();
    for (unsigned n = 1; n < SLOTS - 1; n++)
        weak_delete(&here.slots[n].weak);
    check();
    EXPECT(weak_used(&here.pool, SLOTS - 1));
    while (!weak_revoke(&here.slots[0]))
        continue;
    EXPECT(!weak_used(&here.pool, SLOTS - 1));
    EXPECT(!weak_used(&leaves.pool, 1));
    check();
    object_release(&subject.object);
}

TEST(moving_keeps_what_was_derived)
{
    begin();
    weak_derive(&here.pool, 1, &here.slots[0], RIGHT_ALL, 7);
    weak_derive(&here.pool, 2, &here.slots[1], RIGHT_ALL, 0);
    weak_move(&here.pool, 3, &here.slots[1].weak);
    EXPECT(!weak_used(&here.pool, 1));
    EXPECT_EQUAL(here.slots[3].weak.badge, 7);
    EXPECT_EQUAL(forgotten, 0);
    check();
    while (!weak_revoke(&here.slots[3]))
        continue;
    EXPECT(!weak_used(&here.pool, 2));
    EXPECT(weak_used(&here.pool, 3));
    object_release(&subject.object);
}

TEST(rights_only_shrink)
{
    begin();
    weak_derive(&here.pool, 1, &here.slots[0], RIGHT_READ | RIGHT_WRITE, 0);
    weak_derive(&here.pool, 2, &here.slots[1], RIGHT_ALL, 0);
    weak_derive(&here.pool, 3, &here.slots[2], RIGHT_WRITE | RIGHT_GRANT, 0);
    EXPECT_EQUAL(here.slots[2].weak.rights, RIGHT_READ | RIGHT_WRITE);
    EXPECT_EQUAL(here.slots[3].weak.rights, RIGHT_WRITE);
    check();
    object_release(&subject.object);
}

TEST(upgrading_holds_the_object)
{
    begin();
    EXPECT(weak_upgrade(&here.slots[1].weak) == NULL);
    EXPECT(weak_upgrade(&here.slots[0].weak) == &subject.object);
    object_release(&subject.object);
    EXPECT(log_from(&subject.object) == &subject);
    object_release(&subject.object);
    EXPECT(weak_upgrade(&here.slots[0].weak) == NULL);
}

TEST_DIES(a_slot_is_not_filled_twice, "assertion failed: index < pool->size")
{
    begin();
    weak_derive(&here.pool, 0, &here.slots[0], RIGHT_ALL, 0);
}

TEST_DIES(a_stolen_right_is_found, "assertion failed: (node->rights & ~rights)")
{
    begin();
    weak_derive(&here.pool, 1, &here.slots[0], RIGHT_READ, 0);
    weak_derive(&here.pool, 2, &here.slots[1], RIGHT_READ, 0);
    here.slots[2].weak.rights = RIGHT_ALL;
    check();
}
