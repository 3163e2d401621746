/* Pools and addresses: lookup against a model, the end of a pool, and the
   whole core under random operations with every check after each. */
#include "host.h"

#include <string.h>

#include "kernel/cap/cpool.h"
#include "kernel/cap/log.h"
#include "kernel/cap/untyped.h"
#include "kernel/check.h"
#include "kernel/machine.h"

enum { PAGES = 256, POOLS = 7, PLACES = 5 };

/* The few slots that the tests use, so that addresses often hit. */
static const uint8_t places[PLACES] = { 0, 1, 7, 128, 255 };

static struct untyped *ram;
static struct cpool root;
static struct cpool *pools[POOLS]; /* the first is the root */
static struct log secret;

static int start(void **state)
{
    memset(arena, 0xa5, sizeof arena);
    memset(&root, 0, sizeof root);
    ram = untyped_of_ram(physical(0x10000),
        physical(0x10000 + PAGES * PAGE_SIZE));
    object_init(&root.object, OBJECT_CPOOL);
    cpool_construct(&root.object, physical(0), 0);
    object_keep(&root.object);
    object_init(&secret.object, OBJECT_LOG);
    object_keep(&secret.object);
    check_all();
    return seed_random(state);
}

static int stop(void **state)
{
    (void)state;
    object_release(&secret.object);
    object_release(&root.object);
    untyped_reset(ram);
    object_release(&ram->object);
    check_all();
    return object_next(NULL) != NULL;
}

static struct cpool *make_pool(struct cpool *in, unsigned slot)
{
    enum error error =
        untyped_retype(ram, OBJECT_CPOOL, 0, &in->pool, slot);

    assert_int_equal(error, NO_ERROR);
    return cpool_from(in->slots[slot].weak.object);
}

/* --- Addresses ------------------------------------------------------------- */

static void an_address_is_its_hops(void **state)
{
    (void)state;
    for (int n = 0; n < 10000; n++) {
        uint8_t hops[CADDR_HOPS + 2];
        unsigned length = 1 + random_below(CADDR_HOPS + 2);
        caddr_t address = { 0 };

        for (unsigned i = 0; i < length; i++) {
            hops[i] = (uint8_t)random_below(256);
            address = i ? caddr_append(address, hops[i]) : caddr(hops[i]);
        }
        assert_int_equal(address.length, length);
        for (unsigned i = 0; i < length && i < CADDR_HOPS; i++)
            assert_int_equal(caddr_hop(address, i), hops[i]);
    }
    assert_int_equal(caddr_of2(3, 7).hops, 0x703);
}

/* --- Lookup against a model -------------------------------------------------- */

enum { M_EMPTY, M_SECRET, M_POOL };

static struct place {
    int what, pool;
    unsigned rights;
} model[POOLS][PLACES];

static void build_random_graph(void)
{
    unsigned spare = 10;

    pools[0] = &root;
    for (int n = 1; n < POOLS; n++)
        pools[n] = make_pool(&root, spare++);
    for (int pool = 0; pool < POOLS; pool++)
        for (int place = 0; place < PLACES; place++) {
            struct place *m = &model[pool][place];
            struct weak_pool *target = &pools[pool]->pool;

            *m = (struct place){ .what = M_EMPTY };
            if (random_below(6) == 0)
                continue;
            m->rights = random_below(5) ? RIGHT_ALL : random_below(16);
            m->what = random_below(8) ? M_POOL : M_SECRET;
            m->pool = (int)random_below(POOLS);
            weak_original(target, places[place],
                m->what == M_POOL ? &pools[m->pool]->object : &secret.object,
                m->rights, 0);
        }
    check_all();
}

static enum error expect(const int *hops, unsigned length, int *pool)
{
    *pool = 0;
    if (length < 1 || length > 8)
        return ERROR_BAD_ADDRESS;
    for (unsigned n = 0; n + 1 < length; n++) {
        struct place m = model[*pool][hops[n]];

        if (m.what == M_EMPTY)
            return ERROR_NO_CAPABILITY;
        if (m.what == M_SECRET)
            return ERROR_WRONG_TYPE;
        if (!(m.rights & RIGHT_READ))
            return ERROR_NO_RIGHT;
        *pool = m.pool;
    }
    return NO_ERROR;
}

static void look_up(unsigned seen[ERRORS])
{
    int hops[10], pool;
    unsigned length = random_below(8) ? 1 + random_below(8) : random_below(11);
    caddr_t address = { .length = length };
    struct capability *slot = NULL, *full = NULL;

    for (unsigned n = 0; n < length && n < 10; n++) {
        hops[n] = (int)random_below(PLACES);
        if (n < 8)
            address.hops |= (uint64_t)places[hops[n]] << 8 * n;
    }
    if (random_below(50) == 0)
        length = address.length = UINT32_MAX - random_below(3);

    enum error error = expect(hops, length, &pool);

    seen[error]++;
    assert_int_equal(cpool_lookup(&root, address, &slot), error);
    if (error != NO_ERROR) {
        assert_null(slot);
        assert_int_equal(cpool_lookup_full(&root, address, &slot), error);
        return;
    }
    assert_ptr_equal(slot,
        &pools[pool]->slots[places[hops[length - 1]]]);
    if (model[pool][hops[length - 1]].what == M_EMPTY)
        error = ERROR_NO_CAPABILITY;
    assert_int_equal(cpool_lookup_full(&root, address, &full), error);
    if (error == NO_ERROR)
        assert_ptr_equal(full, slot);
}

static void lookup_follows_the_model(void **state)
{
    unsigned seen[ERRORS] = { 0 };

    for (int graph = 0; graph < 40; graph++) {
        uint64_t randoms = random_state;

        if (graph) {
            assert_int_equal(stop(state), 0);
            start(state);
        }
        random_state = randoms;
        build_random_graph();
        for (int n = 0; n < 5000; n++)
            look_up(seen);
    }
    assert_true(seen[NO_ERROR] > 1000 && seen[ERROR_BAD_ADDRESS] > 1000);
    assert_true(seen[ERROR_NO_CAPABILITY] > 1000);
    assert_true(seen[ERROR_WRONG_TYPE] > 1000);
    assert_true(seen[ERROR_NO_RIGHT] > 1000);
}

/* A pool that holds itself is a long way to itself. */
static void a_cycle_is_harmless(void **state)
{
    struct capability *slot;
    caddr_t address = caddr(3);

    (void)state;
    weak_original(&root.pool, 3, &root.object, RIGHT_ALL, 0);
    for (unsigned n = 1; n < CADDR_HOPS; n++) {
        assert_int_equal(cpool_lookup(&root, address, &slot), NO_ERROR);
        assert_ptr_equal(slot, &root.slots[3]);
        address = caddr_append(address, 3);
    }
    assert_int_equal(cpool_lookup(&root, address, &slot), NO_ERROR);
    address = caddr_append(address, 3);
    assert_int_equal(cpool_lookup(&root, address, &slot),
        ERROR_BAD_ADDRESS);
}

/* Every address of up to five hops that begins in a confined pool. */
static void a_confined_task_reaches_no_secret(void **state)
{
    struct cpool *inner = make_pool(&root, 0);
    struct cpool *cell = make_pool(inner, 1);

    (void)state;
    weak_original(&root.pool, 7, &secret.object, RIGHT_ALL, 0);
    /* The cell knows itself and a pool that is a way out but for a right. */
    weak_derive(&cell->pool, 0, &inner->slots[1], RIGHT_ALL, 0);
    weak_original(&cell->pool, 128, &root.object, RIGHT_ALL & ~RIGHT_READ, 0);

    for (unsigned n = 0; n < 5 * 5 * 5 * 5 * 5; n++) {
        unsigned digits = n;

        for (unsigned length = 1; length <= 5; length++) {
            struct capability *slot;
            caddr_t address = { .length = length };

            digits = n;
            for (unsigned i = 0; i < length; i++, digits /= PLACES)
                address.hops |= (uint64_t)places[digits % PLACES] << 8 * i;
            if (cpool_lookup_full(cell, address, &slot) == NO_ERROR)
                assert_ptr_not_equal(slot->weak.object, &secret.object);
        }
    }
}

/* --- The end of a pool -------------------------------------------------------- */

static void a_pool_that_ends_lets_go_of_everything(void **state)
{
    struct cpool *pool;

    (void)state;
    assert_int_equal(untyped_retype(ram, OBJECT_UNTYPED, 16 * PAGE_SIZE,
                         &root.pool, 0), NO_ERROR);
    assert_int_equal(untyped_retype(untyped_from(root.slots[0].weak.object),
                         OBJECT_CPOOL, 0, &root.pool, 1), NO_ERROR);
    pool = cpool_from(root.slots[1].weak.object);
    weak_original(&pool->pool, 5, &secret.object, RIGHT_ALL, 0);
    weak_derive(&root.pool, 2, &pool->slots[5], RIGHT_READ, 0);
    weak_derive(&pool->pool, 6, &root.slots[2], RIGHT_READ, 0);
    weak_derive(&pool->pool, 7, &root.slots[1], RIGHT_READ, 0);
    check_all();

    untyped_reset(untyped_from(root.slots[0].weak.object));
    assert_null(root.slots[1].weak.object);
    /* What was derived through the pool lives on: the secret does. */
    assert_ptr_equal(root.slots[2].weak.object, &secret.object);
    assert_ptr_equal(secret.object.weak.next, &root.slots[2].weak.link);
    check_all();
}

/* Who is told that an object ends may still look at it: it is what it was,
   held by nobody, and holds nothing any more. */
static struct object *looked_at;
static bool was_whole;

static void look_at_the_pool(struct weak_pool *pool, unsigned index)
{
    (void)pool;
    (void)index;
    was_whole = cpool_from(looked_at) && looked_at->strong == 0 &&
                link_alone(&secret.object.weak);
}

static void an_object_has_its_type_while_others_are_told(void **state)
{
    static const struct pool_class watching = {
        .kind = WEAK_LEAF, .forget = look_at_the_pool
    };
    static struct {
        struct weak_pool pool;
        struct weak slot;
    } watcher;
    struct cpool *pool = make_pool(&root, 1);

    (void)state;
    weak_original(&pool->pool, 0, &secret.object, RIGHT_ALL, 0);
    weak_pool_init(&watcher.pool, NULL, &watching, 1);
    weak_derive(&watcher.pool, 0, &root.slots[1], RIGHT_READ, 0);
    looked_at = &pool->object;
    was_whole = false;
    untyped_reset(ram);
    assert_true(was_whole);
    assert_true(link_alone(&secret.object.weak));
}

/* --- Everything at once --------------------------------------------------------- */

/* As system calls do, the steps look for objects that are not ending. */
static struct object *alive(const struct capability *slot)
{
    struct object *object = slot->weak.object;

    return object && object->strong ? object : NULL;
}

static struct cpool *random_pool(void)
{
    struct cpool *pool = &root;

    while (random_below(3)) {
        struct capability *slot = &pool->slots[places[random_below(PLACES)]];
        struct cpool *next = alive(slot) ? cpool_from(alive(slot)) : NULL;

        if (next)
            pool = next;
    }
    return pool;
}

static struct untyped *random_untyped(void)
{
    struct cpool *pool = random_pool();
    struct capability *slot = &pool->slots[places[random_below(PLACES)]];
    struct untyped *untyped =
        alive(slot) ? untyped_from(alive(slot)) : NULL;

    return untyped ? untyped : ram;
}

static void random_step(void)
{
    struct cpool *pool = random_pool(), *other = random_pool();
    unsigned index = places[random_below(PLACES)];
    unsigned place = places[random_below(PLACES)];
    struct capability *slot = &pool->slots[index];
    bool full = alive(slot), free = !other->slots[place].weak.object;
    uint32_t choice = random_below(100);

    if (choice < 8) /* whatever types the book has by then */
        untyped_retype(random_untyped(), random_below(OBJECT_TYPES + 1), 0,
            &pool->pool, index);
    else if (choice < 25)
        untyped_retype(random_untyped(), OBJECT_CPOOL, 0, &pool->pool, index);
    else if (choice < 45)
        untyped_retype(random_untyped(), OBJECT_UNTYPED,
            (1 + random_below(60)) * PAGE_SIZE, &pool->pool, index);
    else if (choice < 70 && full && free)
        weak_derive(&other->pool, place, slot, random_below(16), 0);
    else if (choice < 80 && full && free)
        weak_move(&other->pool, place, &slot->weak);
    else if (choice < 92 && full)
        weak_delete(&slot->weak);
    else if (choice < 97 && full)
        weak_revoke(slot);
    else if (choice >= 97)
        untyped_reset(random_untyped());
}

static void random_operations_keep_every_invariant(void **state)
{
    unsigned most = 0;

    (void)state;
    for (int n = 0; n < 40000; n++) {
        unsigned objects = 0;
        struct object *at;

        random_step();
        check_all();
        for (at = object_next(NULL); at; at = object_next(at))
            objects++;
        most = objects > most ? objects : most;
    }
    assert_true(most > 15);
}

/* The same, with operations that stop halfway while others go on; now and
   then none stops, so that what is busy comes to rest. */
static bool now_and_then(void)
{
    return random_below(3) == 0;
}

static void operations_that_stop_may_be_mixed(void **state)
{
    unsigned busy = 0, ending = 0;

    (void)state;
    for (int n = 0; n < 60000; n++) {
        struct object *at;

        interrupt_script = n % 500 < 400 ? now_and_then : NULL;
        random_step();
        if (random_below(20) == 0) {
            bool again;
            untyped_free(random_untyped(), &again);
        }
        check_all();
        busy += ram->busy;
        for (at = object_next(NULL); at; at = object_next(at))
            ending += at->strong == 0;
    }
    interrupt_script = NULL;
    assert_true(busy > 100 && ending > 1000);
}

/* --- Copy, mint, move -------------------------------------------------------- */

static void copies_never_gain_a_right_or_lose_a_badge(void **state)
{
    (void)state;
    weak_original(&root.pool, 0, &secret.object, RIGHT_ALL, 0);
    for (int n = 0; n < 50000; n++) {
        unsigned from = random_below(CPOOL_SLOTS), to = random_below(260);
        uint64_t rights = random_below(2) ? ~0ULL << random_below(64)
                                          : random_below(32);
        uint64_t badge = random_below(4) ? random_below(3)
                                         : 1ULL << random_below(64);
        struct capability *source = &root.slots[from];
        struct weak was = source->weak;
        bool mint = random_below(2);
        enum error wanted = NO_ERROR;

        if (random_below(8) == 0 && from)
            weak_delete(source->weak.object ? &source->weak
                                            : &root.slots[0].weak);
        if (!root.slots[0].weak.object)
            weak_original(&root.pool, 0, &secret.object, RIGHT_ALL, 0);
        if (!source->weak.object)
            continue;
        was = source->weak;
        if (to >= CPOOL_SLOTS)
            wanted = ERROR_BAD_SLOT;
        else if (root.slots[to].weak.object)
            wanted = ERROR_SLOT_IN_USE;
        else if (mint && (!badge || badge > UINT32_MAX || was.badge))
            wanted = ERROR_BAD_ARGUMENT;
        assert_int_equal(mint ? cpool_mint(&root, to, source, rights, badge)
                              : cpool_copy(&root, to, source, rights), wanted);
        if (wanted == NO_ERROR) {
            const struct weak *made = &root.slots[to].weak;

            assert_int_equal(made->rights, was.rights & rights);
            assert_int_equal(made->badge, mint ? badge : was.badge);
        }
        if (n % 64 == 0)
            check_all();
    }
}

static void the_rights_of_a_pool_are_those_of_the_last_way(void **state)
{
    static struct {
        struct weak_pool pool;
        struct weak reference;
    } held;
    static const struct pool_class leaf = { .kind = WEAK_LEAF };
    struct cpool *one = make_pool(&root, 1), *two = make_pool(one, 2);

    (void)state;
    weak_original(&root.pool, 0, &root.object, RIGHT_ALL, 0);
    weak_pool_init(&held.pool, NULL, &leaf, 1);
    weak_derive(&held.pool, 0, &root.slots[0], RIGHT_READ, 0);
    weak_derive(&one->pool, 3, &one->slots[2], RIGHT_READ | RIGHT_GRANT, 0);
    assert_non_null(two);
    assert_int_equal(cpool_rights(&held.reference, caddr(9)), RIGHT_READ);
    assert_int_equal(cpool_rights(&held.reference, caddr_of2(1, 9)), RIGHT_ALL);
    assert_int_equal(cpool_rights(&held.reference,
                         caddr_append(caddr_of2(1, 3), 9)),
        RIGHT_READ | RIGHT_GRANT);
    assert_int_equal(cpool_rights(&held.reference,
                         caddr_append(caddr_of2(1, 7), 9)), 0);
    weak_delete(&held.reference);
}

/* The whole-kernel check must not be content with a broken kernel. */
static void the_check_sees_a_slot_off_its_list(void **state)
{
    (void)state;
    weak_original(&root.pool, 0, &secret.object, RIGHT_ALL, 0);
    weak_original(&root.pool, 1, &secret.object, RIGHT_ALL, 0);
    check_all();
    link_remove(&root.slots[0].weak.link);
    link_remove(&root.slots[0].close);
    link_insert_after(&root.slots[0].weak.link, &root.slots[0].close);
    expect_assert_failure(check_all());
    root.slots[0].weak.object = NULL;
    check_all();
    ram->low.value += STRUCTURE_ALIGN;
    expect_assert_failure(check_all());
    ram->low.value -= STRUCTURE_ALIGN;
}

#define WITH_MEMORY(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_address_is_its_hops, seed_random),
        WITH_MEMORY(lookup_follows_the_model),
        WITH_MEMORY(a_cycle_is_harmless),
        WITH_MEMORY(a_confined_task_reaches_no_secret),
        WITH_MEMORY(a_pool_that_ends_lets_go_of_everything),
        WITH_MEMORY(an_object_has_its_type_while_others_are_told),
        WITH_MEMORY(random_operations_keep_every_invariant),
        WITH_MEMORY(operations_that_stop_may_be_mixed),
        WITH_MEMORY(copies_never_gain_a_right_or_lose_a_badge),
        WITH_MEMORY(the_rights_of_a_pool_are_those_of_the_last_way),
        WITH_MEMORY(the_check_sees_a_slot_off_its_list),
    };

    return cmocka_run_group_tests_name("pools", tests, NULL, NULL);
}
