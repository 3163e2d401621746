/* 10-pools.c - pools made of untyped memory, and addresses. The tests on
 * the host (tests/host/10-pools.c) compare lookups with a model. */
#include "tests/kernel/test.h"

#include <stddef.h>

#include "kernel/cap/cpool.h"
#include "kernel/check.h"
#include "kernel/first_untyped.h"
#include "kernel/machine.h"

enum { ISLAND = 64 * PAGE_SIZE };

static struct cpool root;

/* A root that the kernel keeps, with an empty untyped in slot 0. */
static struct untyped *begin(void)
{
    if (root.object.type == OBJECT_NONE) {
        object_init(&root.object, OBJECT_CPOOL);
        cpool_construct(&root.object, physical(0), 0);
        object_keep(&root.object);
        EXPECT_EQUAL(untyped_retype(first_untyped[0], OBJECT_UNTYPED,
                                    ISLAND, &root.pool, 0),
                     NO_ERROR);
    }
    struct untyped *memory = untyped_from(root.slots[0].weak.object);
    while (!untyped_reset(memory))
        continue;
    return memory;
}

static struct cpool *make(struct untyped *memory, struct cpool *in,
                          unsigned index)
{
    EXPECT_EQUAL(untyped_retype(memory, OBJECT_CPOOL, 0, &in->pool, index),
                 NO_ERROR);
    return cpool_from(in->slots[index].weak.object);
}

TEST(a_new_pool_is_empty)
{
    struct untyped *memory = begin();
    unsigned char *bytes = (unsigned char *)physical_pointer(memory->low);
    for (unsigned n = 0; n < sizeof(struct cpool); n++)
        bytes[n] = 0xa5;
    struct cpool *pool = make(memory, &root, 1);
    EXPECT((unsigned char *)pool == bytes);
    for (unsigned n = 0; n < CPOOL_SLOTS; n++)
        EXPECT(!weak_used(&pool->pool, n));
    check_all();
}

TEST(eight_hops_lead_to_a_slot)
{
    struct untyped *memory = begin();
    struct cpool *pool = &root;
    caddr_t address = caddr(255);
    for (unsigned n = 1; n < CADDR_HOPS; n++) {
        pool = make(memory, pool, 256 - n);
        address = caddr_append(address, (uint8_t)(255 - n));
    }
    struct capability *slot = NULL;
    EXPECT_EQUAL(cpool_lookup(&root, address, &slot), NO_ERROR);
    EXPECT(slot == &pool->slots[248]);
    EXPECT_EQUAL(cpool_lookup_full(&root, address, &slot),
                 ERROR_NO_CAPABILITY);
    EXPECT_EQUAL(cpool_lookup(&root, caddr_append(address, 1), &slot),
                 ERROR_BAD_ADDRESS);
    check_all();
}

TEST(each_way_to_fail_has_its_error)
{
    struct untyped *memory = begin();
    struct cpool *pool = make(memory, &root, 1);
    struct capability *slot;
    make(memory, pool, 2);
    weak_derive(&root.pool, 3, &root.slots[1], RIGHT_WRITE, 0);
    EXPECT_EQUAL(cpool_lookup(&root, caddr_of2(1, 2), &slot), NO_ERROR);
    EXPECT_EQUAL(cpool_lookup(&root, caddr_of2(0, 2), &slot),
                 ERROR_WRONG_TYPE);
    EXPECT_EQUAL(cpool_lookup(&root, caddr_of2(2, 2), &slot),
                 ERROR_NO_CAPABILITY);
    EXPECT_EQUAL(cpool_lookup(&root, caddr_of2(3, 2), &slot),
                 ERROR_NO_RIGHT);
    for (unsigned length = 9; length; length <<= 1) {
        caddr_t address = {.hops = 0x201, .length = length};
        EXPECT_EQUAL(cpool_lookup(&root, address, &slot),
                     ERROR_BAD_ADDRESS);
    }
    EXPECT_EQUAL(cpool_lookup(&root, (caddr_t){.length = 0}, &slot),
                 ERROR_BAD_ADDRESS);
    check_all();
}

TEST(a_pool_that_holds_itself_can_end)
{
    struct untyped *memory = begin();
    struct cpool *pool = make(memory, &root, 1);
    struct cpool *other = make(memory, pool, 2);
    weak_derive(&pool->pool, 0, &root.slots[1], RIGHT_ALL, 0);
    weak_derive(&other->pool, 0, &pool->slots[0], RIGHT_ALL, 0);
    weak_derive(&root.pool, 5, &other->slots[0], RIGHT_ALL, 0);
    weak_derive(&pool->pool, 9, &root.slots[0], RIGHT_ALL, 0);
    weak_derive(&root.pool, 6, &pool->slots[9], RIGHT_READ, 0);
    check_all();
    while (!untyped_reset(memory))
        continue;
    EXPECT(!weak_used(&root.pool, 1));
    EXPECT(!weak_used(&root.pool, 5));
    EXPECT(untyped_from(root.slots[6].weak.object) == memory);
    check_all();
    weak_delete(&root.slots[6].weak);
}

TEST_DIES(a_slot_that_is_off_its_list_is_found,
          "assertion failed: on_lists == in_pools")
{
    make(begin(), &root, 1);
    link_remove(&root.slots[1].weak.link);
    link_remove(&root.slots[1].close);
    link_insert_after(&root.slots[1].weak.link, &root.slots[1].close);
    check_all();
}
