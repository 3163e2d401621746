/* Weak lists against a model that a child could write: each slot of the
   model remembers which slot it was derived from. */
#include "host.h"

#include <string.h>

#include "kernel/cap/log.h"
#include "kernel/cap/weak.h"
#include "kernel/check.h"

enum {
    OBJECTS = 4,
    PER_POOL = 13,
    POOLS = 3, /* the last one holds leaves */
    SLOTS = POOLS * PER_POOL,
    EMPTY = -2,
    ORIGINAL = -1
};

struct capabilities {
    struct weak_pool pool;
    struct capability slots[PER_POOL];
};

struct leaves {
    struct weak_pool pool;
    struct weak slots[PER_POOL];
};

static struct log objects[OBJECTS];
static struct capabilities capabilities[POOLS - 1];
static struct leaves leaves;

static struct slot {
    int parent; /* slot, ORIGINAL or EMPTY */
    int object;
    unsigned rights;
    uint32_t badge;
} model[SLOTS];

static unsigned told[SLOTS], expected_told[SLOTS];

static struct weak_pool *pool_of(int slot)
{
    if (slot / PER_POOL == POOLS - 1)
        return &leaves.pool;
    return &capabilities[slot / PER_POOL].pool;
}

static struct weak *node_of(int slot)
{
    return weak_node(pool_of(slot), (unsigned)slot % PER_POOL);
}

static bool is_leaf(int slot)
{
    return slot / PER_POOL == POOLS - 1;
}

static struct capability *capability_of(int slot)
{
    return &capabilities[slot / PER_POOL].slots[slot % PER_POOL];
}

static int slot_of(const struct weak_pool *pool, unsigned index)
{
    for (int slot = 0; slot < SLOTS; slot += PER_POOL)
        if (pool_of(slot) == pool)
            return slot + (int)index;
    fail();
    return 0;
}

static void tell(struct weak_pool *pool, unsigned index)
{
    int slot = slot_of(pool, index);

    assert_null(node_of(slot)->object);
    told[slot]++;
}

static const struct pool_class capability_class = {
    .kind = WEAK_CAPABILITY, .forget = tell
};
static const struct pool_class leaf_class = {
    .kind = WEAK_LEAF, .forget = tell
};

static int start(void **state)
{
    seed_random(state);
    memset(objects, 0, sizeof objects);
    memset(capabilities, 0, sizeof capabilities);
    memset(&leaves, 0, sizeof leaves);
    memset(told, 0, sizeof told);
    memset(expected_told, 0, sizeof expected_told);
    for (int n = 0; n < OBJECTS; n++)
        object_init(&objects[n].object, OBJECT_LOG);
    for (int n = 0; n < POOLS - 1; n++)
        weak_pool_init(&capabilities[n].pool, NULL, &capability_class,
            PER_POOL);
    weak_pool_init(&leaves.pool, NULL, &leaf_class, PER_POOL);
    for (int slot = 0; slot < SLOTS; slot++)
        model[slot] = (struct slot){ .parent = EMPTY };
    return 0;
}

/* --- The model ----------------------------------------------------------- */

static bool full(int slot)
{
    return model[slot].parent != EMPTY;
}

static bool descends(int slot, int from)
{
    while (full(slot) && (slot = model[slot].parent) >= 0)
        if (slot == from)
            return true;
    return false;
}

static void reparent(int from, int to)
{
    for (int slot = 0; slot < SLOTS; slot++)
        if (model[slot].parent == from)
            model[slot].parent = to;
}

static void model_delete(int slot)
{
    int parent = model[slot].parent;

    model[slot].parent = EMPTY;
    reparent(slot, parent);
    expected_told[slot]++;
}

static void model_revoke(int from)
{
    bool goes[SLOTS];

    for (int slot = 0; slot < SLOTS; slot++)
        goes[slot] = descends(slot, from);
    for (int slot = 0; slot < SLOTS; slot++)
        if (goes[slot])
            model_delete(slot);
}

static void model_clear(int object)
{
    for (int slot = 0; slot < SLOTS; slot++)
        if (full(slot) && model[slot].object == object)
            model_delete(slot);
}

/* --- Comparing ----------------------------------------------------------- */

/* Whose link this is: its slot; and whether it opens or closes. */
static int owner_of(const struct link *link, bool *opens)
{
    for (int pool = 0; pool < POOLS; pool++) {
        size_t size = pool == POOLS - 1 ? sizeof(struct weak)
                                        : sizeof(struct capability);
        uintptr_t start = (uintptr_t)node_of(pool * PER_POOL);
        uintptr_t offset = (uintptr_t)link - start;

        if (offset >= PER_POOL * size)
            continue;
        *opens = offset % size == 0;
        if (!*opens)
            assert_int_equal(offset % size,
                offsetof(struct capability, close));
        return pool * PER_POOL + (int)(offset / size);
    }
    fail();
    return 0;
}

/* Reads an object's list as parentheses and compares it with the model. */
static int compare_list(int object)
{
    const struct link *head = &objects[object].object.weak;
    int around[SLOTS + 1] = { ORIGINAL }, depth = 0, seen = 0;

    for (const struct link *at = head->next; at != head; at = at->next) {
        bool opens;
        int slot = owner_of(at, &opens);

        assert_ptr_equal(at->next->prev, at);
        if (opens) {
            const struct weak *node = node_of(slot);

            assert_int_equal(model[slot].parent, around[depth]);
            assert_int_equal(model[slot].object, object);
            assert_ptr_equal(node->object, &objects[object].object);
            assert_int_equal(node->rights, model[slot].rights);
            assert_int_equal(node->badge, model[slot].badge);
            assert_ptr_equal(weak_pool_of(node), pool_of(slot));
            seen++;
        }
        if (opens && !is_leaf(slot))
            around[++depth] = slot;
        if (!opens)
            assert_int_equal(around[depth--], slot);
    }
    assert_int_equal(depth, 0);
    return seen;
}

static void compare(void)
{
    int seen = 0, in_model = 0;

    for (int object = 0; object < OBJECTS; object++) {
        seen += compare_list(object);
        check_object(&objects[object].object);
    }
    for (int slot = 0; slot < SLOTS; slot++) {
        in_model += full(slot);
        assert_int_equal(node_of(slot)->object != NULL, full(slot));
        assert_int_equal(told[slot], expected_told[slot]);
    }
    assert_int_equal(seen, in_model);
    for (int slot = 0; slot < SLOTS; slot += PER_POOL)
        check_pool(pool_of(slot));
}

/* --- Operations, on the kernel and on the model --------------------------- */

static void do_original(int slot)
{
    int object = (int)random_below(OBJECTS);
    uint32_t badge = random_below(1000);

    if (full(slot))
        return;
    weak_original(pool_of(slot), (unsigned)slot % PER_POOL,
        &objects[object].object, RIGHT_ALL, badge);
    model[slot] = (struct slot){ ORIGINAL, object, RIGHT_ALL, badge };
}

static void do_derive(int slot, int parent)
{
    unsigned rights = random_below(16);
    uint32_t badge = random_below(1000);

    if (full(slot) || !full(parent) || is_leaf(parent))
        return;
    weak_derive(pool_of(slot), (unsigned)slot % PER_POOL,
        capability_of(parent), rights, badge);
    model[slot] = (struct slot){ parent, model[parent].object,
        rights & model[parent].rights, badge };
}

static void do_delete(int slot)
{
    if (!full(slot))
        return;
    weak_delete(node_of(slot));
    model_delete(slot);
}

static void do_move(int from, int to)
{
    if (!full(from) || full(to) || is_leaf(from) || is_leaf(to))
        return;
    weak_move(pool_of(to), (unsigned)to % PER_POOL, node_of(from));
    model[to] = model[from];
    model[from].parent = EMPTY;
    reparent(from, to);
}

static void do_revoke(int slot)
{
    if (!full(slot) || is_leaf(slot))
        return;
    weak_revoke(capability_of(slot));
    model_revoke(slot);
}

static void do_clear(int object)
{
    weak_clear(&objects[object].object);
    model_clear(object);
}

static void do_upgrade(int slot)
{
    struct object *object = weak_upgrade(node_of(slot));

    if (!full(slot)) {
        assert_null(object);
        return;
    }
    assert_ptr_equal(object, &objects[model[slot].object].object);
    assert_int_equal(object->strong, 2);
    object_release(object);
}

static void random_operations_follow_the_model(void **state)
{
    (void)state;
    for (int n = 0; n < 300000; n++) {
        int a = (int)random_below(SLOTS), b = (int)random_below(SLOTS);
        uint32_t choice = random_below(1000);

        if (choice < 80)
            do_original(a);
        else if (choice < 560)
            do_derive(a, b);
        else if (choice < 760)
            do_delete(a);
        else if (choice < 880)
            do_move(a, b);
        else if (choice < 950)
            do_upgrade(a);
        else if (choice < 996)
            do_revoke(a);
        else
            do_clear((int)random_below(OBJECTS));
        compare();
    }
}

/* --- Single facts --------------------------------------------------------- */

static void put(int slot, int parent)
{
    weak_derive(pool_of(slot), (unsigned)slot % PER_POOL,
        capability_of(parent), RIGHT_ALL, 0);
}

/* Also the deepest chain and the widest family that fit. */
static void revoke_stops_at_its_own_close(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        start(state);
        weak_original(pool_of(0), 0, &objects[0].object, RIGHT_ALL, 0);
        put(1, 0);
        put(2, 0);
        for (int slot = 3; slot < SLOTS; slot++)
            put(slot, wide || slot > 2 * PER_POOL ? 2 : slot - 1);
        weak_revoke(capability_of(2));
        for (int slot = 0; slot < SLOTS; slot++)
            assert_int_equal(node_of(slot)->object != NULL, slot < 3);
    }
}

/* The end of an object empties what refers to it, and nothing else. */
static void the_end_of_an_object_is_the_end_of_its_list(void **state)
{
    (void)state;
    weak_original(pool_of(0), 0, &objects[0].object, RIGHT_ALL, 0);
    weak_original(pool_of(1), 1, &objects[1].object, RIGHT_ALL, 0);
    put(2, 0);
    put(SLOTS - 1, 2);
    object_release(&objects[0].object);
    assert_null(node_of(0)->object);
    assert_null(node_of(2)->object);
    assert_null(node_of(SLOTS - 1)->object);
    assert_ptr_equal(node_of(1)->object, &objects[1].object);
    assert_true(link_alone(&objects[0].object.weak));
    assert_int_equal(told[SLOTS - 1], 1);
}

/* --- Hooks that delete more ----------------------------------------------- */

static int victim_of[SLOTS]; /* deleted when this slot is; EMPTY: none */

static void tell_and_delete(struct weak_pool *pool, unsigned index)
{
    int slot = slot_of(pool, index);
    int victim = victim_of[slot];

    tell(pool, index);
    if (victim != EMPTY && node_of(victim)->object)
        weak_delete(node_of(victim));
}

static const struct pool_class deleting_capabilities = {
    .kind = WEAK_CAPABILITY, .forget = tell_and_delete
};
static const struct pool_class deleting_leaves = {
    .kind = WEAK_LEAF, .forget = tell_and_delete
};

static void build_random_trees(void)
{
    for (int slot = 0; slot < SLOTS; slot++)
        victim_of[slot] = random_below(2) ? (int)random_below(SLOTS) : EMPTY;
    for (int n = 0; n < 2 * SLOTS; n++) {
        do_derive((int)random_below(SLOTS), (int)random_below(SLOTS));
        if (random_below(3) == 0)
            do_original((int)random_below(SLOTS));
    }
    for (int n = 0; n < POOLS - 1; n++)
        capabilities[n].pool.class = &deleting_capabilities;
    leaves.pool.class = &deleting_leaves;
}

static void hooks_may_delete_while_a_list_is_cleared(void **state)
{
    for (int n = 0; n < 2000; n++) {
        int object = (int)random_below(OBJECTS);
        uint64_t randoms = random_state;

        start(state);
        random_state = randoms;
        build_random_trees();
        weak_clear(&objects[object].object);
        assert_true(link_alone(&objects[object].object.weak));
        for (int slot = 0; slot < SLOTS; slot++)
            assert_ptr_not_equal(node_of(slot)->object,
                &objects[object].object);
        for (int slot = 0; slot < SLOTS; slot++)
            assert_int_equal(told[slot],
                full(slot) && !node_of(slot)->object);
        for (int other = 0; other < OBJECTS; other++)
            check_object(&objects[other].object);
        for (int slot = 0; slot < SLOTS; slot += PER_POOL)
            check_pool(pool_of(slot));
    }
}

/* An object that ends is out of reach even for those who are told. */
static struct object *upgraded;

static void tell_and_upgrade(struct weak_pool *pool, unsigned index)
{
    (void)pool;
    (void)index;
    upgraded = weak_upgrade(node_of(1));
}

static void an_ending_object_cannot_be_upgraded(void **state)
{
    static const struct pool_class upgrading = {
        .kind = WEAK_CAPABILITY, .forget = tell_and_upgrade
    };

    (void)state;
    capabilities[0].pool.class = &upgrading;
    weak_original(pool_of(1), 1, &objects[0].object, RIGHT_ALL, 0);
    weak_original(pool_of(0), 0, &objects[0].object, RIGHT_ALL, 0);
    upgraded = &objects[1].object;
    object_release(&objects[0].object);
    assert_null(upgraded);
}

/* --- What callers must not do ---------------------------------------------- */

static void misuse_is_an_assertion(void **state)
{
    (void)state;
    weak_original(pool_of(0), 0, &objects[0].object, RIGHT_ALL, 0);
    expect_assert_failure(
        weak_original(pool_of(0), 0, &objects[1].object, RIGHT_ALL, 0));
    expect_assert_failure(weak_original(pool_of(0), PER_POOL,
        &objects[1].object, RIGHT_ALL, 0));
    expect_assert_failure(
        weak_derive(pool_of(2), 2, capability_of(1), RIGHT_ALL, 0));
    expect_assert_failure(weak_delete(node_of(1)));
    expect_assert_failure(weak_revoke(capability_of(1)));
    expect_assert_failure(weak_move(pool_of(2), 2, node_of(1)));
    expect_assert_failure(weak_move(pool_of(0), 0, node_of(0)));
    expect_assert_failure(weak_move(&leaves.pool, 0, node_of(0)));
    expect_assert_failure(weak_pool_init(&leaves.pool, NULL, &leaf_class,
        UINT16_MAX + 1));
}

/* --- The checks themselves -------------------------------------------------- */

static void checks_see(void (*spoil)(void))
{
    start(NULL);
    weak_original(pool_of(0), 0, &objects[0].object, RIGHT_READ, 0);
    put(1, 0);
    put(2, 1);
    spoil();
    if (setjmp(global_expect_assert_env) == 0) {
        global_expecting_assert = 1;
        check_pool(pool_of(0));
        check_object(&objects[0].object);
        global_expecting_assert = 0;
        fail_msg("a broken list passed the checks");
    }
    global_expecting_assert = 0;
}

static void spoil_prev(void)
{
    node_of(1)->link.prev = &node_of(2)->link;
}

static void spoil_object(void)
{
    node_of(2)->object = &objects[1].object;
}

static void spoil_rights(void)
{
    node_of(2)->rights = RIGHT_WRITE;
}

static void spoil_index(void)
{
    node_of(1)->index = 2;
}

static void spoil_close(void)
{
    link_remove(&capability_of(2)->close);
    link_insert_after(&capability_of(0)->close, &capability_of(2)->close);
}

static void spoil_kind(void)
{
    node_of(2)->kind = WEAK_LEAF;
}

static void the_checks_see_what_is_broken(void **state)
{
    (void)state;
    checks_see(spoil_prev);
    checks_see(spoil_object);
    checks_see(spoil_rights);
    checks_see(spoil_index);
    checks_see(spoil_close);
    checks_see(spoil_kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(random_operations_follow_the_model, start),
        cmocka_unit_test_setup(revoke_stops_at_its_own_close, start),
        cmocka_unit_test_setup(the_end_of_an_object_is_the_end_of_its_list,
            start),
        cmocka_unit_test_setup(hooks_may_delete_while_a_list_is_cleared,
            start),
        cmocka_unit_test_setup(an_ending_object_cannot_be_upgraded, start),
        cmocka_unit_test_setup(misuse_is_an_assertion, start),
        cmocka_unit_test_setup(the_checks_see_what_is_broken, start),
    };

    return cmocka_run_group_tests_name("weak lists", tests, NULL, NULL);
}
