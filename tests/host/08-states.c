/* Every state of a small world that any sequence of operations reaches, and
 * every operation in each of them: the world is copied back and forth, the
 * operations are the kernel's own.
 *
 * A world has two objects, a few capability slots and a leaf. A state is its
 * bytes; since the world never moves, the links in a copy stay right. In
 * each state the invariants are checked, and each step is compared with what
 * a model says: who is derived from whom afterwards. */
#include "host.h"

#include <string.h>

#include "kernel/cap/log.h"
#include "kernel/cap/weak.h"
#include "kernel/check.h"

enum { OBJECTS = 2, CAPABILITIES = 4, LEAVES = 1, SLOTS = 5 };
enum { EMPTY = -10, ROOT = -1 /* minus the number of the object */ };

static struct world {
    struct log objects[OBJECTS];
    struct {
        struct weak_pool pool;
        struct capability slots[CAPABILITIES];
    } capabilities;
    struct {
        struct weak_pool pool;
        struct weak slots[LEAVES];
    } leaves;
} world;

_Static_assert(SLOTS == CAPABILITIES + LEAVES, "all slots");

static const struct pool_class capability_class = {
    .kind = WEAK_CAPABILITY
};
static const struct pool_class leaf_class = { .kind = WEAK_LEAF };

static bool is_leaf(int slot)
{
    return slot >= CAPABILITIES;
}

static struct weak_pool *pool_of(int slot)
{
    return is_leaf(slot) ? &world.leaves.pool : &world.capabilities.pool;
}

static unsigned index_of(int slot)
{
    return (unsigned)(is_leaf(slot) ? slot - CAPABILITIES : slot);
}

static struct weak *node_of(int slot)
{
    return weak_node(pool_of(slot), index_of(slot));
}

static struct capability *capability_of(int slot)
{
    return &world.capabilities.slots[slot];
}

/* Each slot is used once, so that an empty one looks the same for ever. */
static void begin_world(void)
{
    memset(&world, 0, sizeof world);
    for (int object = 0; object < OBJECTS; object++)
        object_init(&world.objects[object].object, OBJECT_LOG);
    weak_pool_init(&world.capabilities.pool, NULL, &capability_class,
        CAPABILITIES);
    weak_pool_init(&world.leaves.pool, NULL, &leaf_class, LEAVES);
    for (int slot = 0; slot < SLOTS; slot++) {
        weak_original(pool_of(slot), index_of(slot),
            &world.objects[0].object, RIGHT_ALL, 0);
        weak_delete(node_of(slot));
    }
}

/* --- The model: of each slot, what it was derived from --------------------- */

struct tree {
    int parent[SLOTS];
};

/* Reads the tree from the lists, with a stack. */
static struct tree read_tree(void)
{
    struct tree tree;
    int around[SLOTS + 1], depth = 0, full = 0, seen = 0;

    for (int slot = 0; slot < SLOTS; slot++) {
        tree.parent[slot] = EMPTY;
        full += node_of(slot)->object != NULL;
    }
    for (int object = 0; object < OBJECTS; object++) {
        const struct link *head = &world.objects[object].object.weak;

        around[0] = ROOT - object;
        for (const struct link *at = head->next; at != head; at = at->next)
            for (int slot = 0; slot < SLOTS; slot++) {
                if (at == &node_of(slot)->link) {
                    assert_int_equal(tree.parent[slot], EMPTY);
                    tree.parent[slot] = around[depth];
                    seen++;
                    if (!is_leaf(slot))
                        around[++depth] = slot;
                } else if (!is_leaf(slot) && at == &capability_of(slot)->close) {
                    assert_int_equal(around[depth--], slot);
                }
            }
        assert_int_equal(depth, 0);
    }
    assert_int_equal(seen, full);
    return tree;
}

static void reparent(struct tree *tree, int from, int to)
{
    for (int slot = 0; slot < SLOTS; slot++)
        if (tree->parent[slot] == from)
            tree->parent[slot] = to;
}

static void model_delete(struct tree *tree, int slot)
{
    int parent = tree->parent[slot];

    tree->parent[slot] = EMPTY;
    reparent(tree, slot, parent);
}

static bool comes_from(const struct tree *tree, int slot, int from)
{
    while (slot >= 0 && tree->parent[slot] != EMPTY) {
        slot = tree->parent[slot];
        if (slot == from)
            return true;
    }
    return false;
}

static void model_delete_all_from(struct tree *tree, int from)
{
    struct tree before = *tree;

    for (int slot = 0; slot < SLOTS; slot++)
        if (comes_from(&before, slot, from))
            model_delete(tree, slot);
}

/* --- Operations: false if it cannot be done in this state ------------------- */

static bool step(struct tree *tree, int operation, int a, int b)
{
    bool full_a = tree->parent[a] != EMPTY, full_b = tree->parent[b] != EMPTY;

    switch (operation) {
    case 0:
        if (full_a || b >= OBJECTS)
            return false;
        weak_original(pool_of(a), index_of(a), &world.objects[b].object,
            RIGHT_ALL, 0);
        tree->parent[a] = ROOT - b;
        return true;
    case 1:
        if (full_a || !full_b || is_leaf(b))
            return false;
        weak_derive(pool_of(a), index_of(a), capability_of(b), RIGHT_ALL, 0);
        tree->parent[a] = b;
        return true;
    case 2:
        if (!full_a || full_b || is_leaf(a) || is_leaf(b))
            return false;
        weak_move(pool_of(b), index_of(b), node_of(a));
        tree->parent[b] = tree->parent[a];
        tree->parent[a] = EMPTY;
        reparent(tree, a, b);
        return true;
    case 3:
        if (!full_a || b)
            return false;
        weak_delete(node_of(a));
        model_delete(tree, a);
        return true;
    case 4:
        if (!full_a || b || is_leaf(a))
            return false;
        weak_revoke(capability_of(a));
        model_delete_all_from(tree, a);
        return true;
    default:
        if (a >= OBJECTS || b)
            return false;
        weak_clear(&world.objects[a].object);
        model_delete_all_from(tree, ROOT - a);
        return true;
    }
}

/* --- The search --------------------------------------------------------------- */

enum { STATES = 1 << 16, TABLE = 1 << 18 };

static struct world *states;
static uint32_t count, table[TABLE]; /* number of a state plus one */

/* Adds the world as it is, unless it is there. */
static void add(void)
{
    const unsigned char *bytes = (const unsigned char *)&world;
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t n = 0; n < sizeof world; n++)
        hash = (hash ^ bytes[n]) * 0x100000001b3;
    hash ^= hash >> 32;
    while (table[hash % TABLE]) {
        if (!memcmp(&states[table[hash % TABLE] - 1], &world, sizeof world))
            return;
        hash++;
    }
    assert_true(count < STATES);
    states[count++] = world;
    table[hash % TABLE] = count;
}

static void check_world(void)
{
    for (int object = 0; object < OBJECTS; object++)
        check_object(&world.objects[object].object);
    check_pool(&world.capabilities.pool);
    check_pool(&world.leaves.pool);
}

/* How many states there should be, counted on paper. k capabilities can be
 * chosen and ordered in 4 * 3 * ... ways; their parentheses stand on two lists
 * in Catalan(k + 1) ways; the leaf is empty or in one of 2k + 2 gaps. */
static uint64_t number_of_trees(void)
{
    uint64_t sum = 0, ordered = 1, catalan = 1;

    for (uint64_t k = 0; k <= CAPABILITIES; k++) {
        sum += ordered * catalan * (1 + 2 * k + 2);
        ordered *= CAPABILITIES - k;
        catalan = catalan * 2 * (2 * k + 3) / (k + 3);
    }
    return sum;
}

static void every_reachable_state_is_right(void **state)
{
    uint64_t steps = 0;

    (void)state;
    states = malloc(STATES * sizeof *states);
    assert_non_null(states);
    begin_world();
    add();
    for (uint32_t n = 0; n < count; n++)
        for (int choice = 0; choice < 6 * SLOTS * SLOTS; choice++) {
            world = states[n];
            struct tree tree = read_tree(), after;

            if (!step(&tree, choice / (SLOTS * SLOTS),
                    choice / SLOTS % SLOTS, choice % SLOTS))
                continue;
            check_world();
            after = read_tree();
            assert_memory_equal(&after, &tree, sizeof tree);
            add();
            steps++;
        }
    assert_int_equal(count, number_of_trees());
    print_message("%u states, %llu steps\n", count,
        (unsigned long long)steps);
    free(states);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reachable_state_is_right),
    };

    return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}
