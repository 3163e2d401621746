/* Untyped memory: what retype refuses, where it puts things, what a reset
   gives back. */
#include "host.h"

#include <string.h>

#include "kernel/cap/untyped.h"
#include "kernel/check.h"
#include "kernel/machine.h"

enum { SLOTS = 48, RAM = 0x10000, DEVICE = 0x300000 };

static struct {
    struct weak_pool pool;
    struct capability slots[SLOTS];
} here;

static const struct pool_class slot_class = { .kind = WEAK_CAPABILITY };
static struct untyped *ram;

static void make_ram(size_t size)
{
    if (ram) {
        untyped_reset(ram);
        object_release(&ram->object);
    }
    memset(arena, 0xa5, sizeof arena);
    memset(&here, 0, sizeof here);
    weak_pool_init(&here.pool, NULL, &slot_class, SLOTS);
    ram = untyped_of_ram(physical(RAM), physical(RAM + size));
}

static int start(void **state)
{
    make_ram(64 * PAGE_SIZE);
    return seed_random(state);
}

static struct untyped *at(unsigned slot)
{
    return untyped_from(here.slots[slot].weak.object);
}

static void check_objects(void)
{
    struct object *object;

    for (object = object_next(NULL); object; object = object_next(object))
        check_object(object);
    check_pool(&here.pool);
}

static enum error make(struct untyped *from, size_t bytes, unsigned slot)
{
    return untyped_retype(from, OBJECT_UNTYPED, bytes, &here.pool, slot);
}

/* --- Refusals -------------------------------------------------------------- */

static void refuses(enum error error, unsigned type, size_t bytes,
    unsigned slot)
{
    struct untyped before = *ram;

    assert_int_equal(untyped_retype(ram, type, bytes, &here.pool, slot),
        error);
    assert_memory_equal(&before, ram, sizeof before);
    for (unsigned n = 0; n < SLOTS; n++)
        assert_int_equal(here.slots[n].weak.object != NULL, n == 7);
}

static void a_refusal_changes_nothing(void **state)
{
    size_t room;

    (void)state;
    assert_int_equal(make(ram, PAGE_SIZE, 7), NO_ERROR);
    room = ram->high.value - ram->low.value;

    refuses(ERROR_BAD_ARGUMENT, OBJECT_NONE, 0, 1);
    refuses(ERROR_BAD_ARGUMENT, OBJECT_LOG, 0, 1);
    refuses(ERROR_BAD_ARGUMENT, OBJECT_TYPES, PAGE_SIZE, 1);
    refuses(ERROR_BAD_ARGUMENT, UINT32_MAX, PAGE_SIZE, 1);
    refuses(ERROR_BAD_SIZE, OBJECT_UNTYPED, 0, 1);
    refuses(ERROR_BAD_SIZE, OBJECT_UNTYPED, 1, 1);
    refuses(ERROR_BAD_SIZE, OBJECT_UNTYPED, PAGE_SIZE + 1, 1);
    refuses(ERROR_BAD_SIZE, OBJECT_UNTYPED, SIZE_MAX, 1);
    refuses(ERROR_BAD_SLOT, OBJECT_UNTYPED, PAGE_SIZE, SLOTS);
    refuses(ERROR_BAD_SLOT, OBJECT_UNTYPED, PAGE_SIZE, UINT32_MAX);
    refuses(ERROR_SLOT_IN_USE, OBJECT_UNTYPED, PAGE_SIZE, 7);
    refuses(ERROR_NO_MEMORY, OBJECT_UNTYPED, 64 * PAGE_SIZE, 1);
    refuses(ERROR_NO_MEMORY, OBJECT_UNTYPED, SIZE_MAX - PAGE_SIZE + 1, 1);
    refuses(ERROR_NO_MEMORY, OBJECT_UNTYPED, (size_t)1 << 63, 1);
    refuses(ERROR_NO_MEMORY, OBJECT_UNTYPED,
        align_down(room, PAGE_SIZE) + PAGE_SIZE, 1);
}

/* --- Placement ------------------------------------------------------------- */

static void memory_is_used_to_the_last_page(void **state)
{
    unsigned slot = 0;

    (void)state;
    make_ram(32 * PAGE_SIZE);
    while (make(ram, PAGE_SIZE, slot) == NO_ERROR)
        slot++;
    /* The first page holds the structures. */
    assert_int_equal(slot, 31);
    assert_int_equal(ram->high.value, RAM + PAGE_SIZE);
    assert_int_equal(make(ram, PAGE_SIZE, slot), ERROR_NO_MEMORY);
    check_objects();
}

static void structures_may_fill_the_last_page(void **state)
{
    size_t structure = untyped_structure(object_class(OBJECT_UNTYPED));
    size_t room;

    (void)state;
    make_ram(2 * PAGE_SIZE);
    ram->low.value = ram->high.value - PAGE_SIZE - structure + 1;
    assert_int_equal(make(ram, PAGE_SIZE, 0), ERROR_NO_MEMORY);
    ram->low.value--;
    ram->low.value = align_down(ram->low.value, STRUCTURE_ALIGN);
    room = ram->high.value - PAGE_SIZE - ram->low.value;
    assert_true(room >= structure && room < 2 * structure);
    assert_int_equal(make(ram, PAGE_SIZE, 0), NO_ERROR);
    ram->low = ram->first;
    object_release(&at(0)->object);
    ram->high = ram->end;
}

/* Bytes from start up to end. */
struct run {
    uint64_t start, end;
};

static void apart(struct run a, struct run b)
{
    assert_true(a.end <= b.start || b.end <= a.start);
}

/* No two structures overlap, and no memory overlaps what is not its own. */
static void everything_is_apart(void)
{
    struct run structure[SLOTS], memory[SLOTS];
    unsigned count = 0;

    for (unsigned n = 0; n < SLOTS; n++) {
        struct untyped *untyped = here.slots[n].weak.object ? at(n) : NULL;

        if (!untyped)
            continue;
        uint64_t place = pointer_physical(untyped).value;
        structure[count] = (struct run){ place, place + sizeof *untyped };
        memory[count] = (struct run){ untyped->start.value,
            untyped->end.value };
        apart(structure[count], memory[count]);
        for (unsigned m = 0; m < count; m++) {
            apart(structure[count], structure[m]);
            bool inside = memory[count].start >= memory[m].start &&
                          memory[count].end <= memory[m].end;
            bool around = memory[m].start >= memory[count].start &&
                          memory[m].end <= memory[count].end;
            if (!inside && !around)
                apart(memory[count], memory[m]);
        }
        count++;
    }
}

static void scribble_on_the_free_memory(struct untyped *untyped)
{
    memset(physical_pointer(untyped->low), 0x5a,
        untyped->high.value - untyped->low.value);
}

static void random_retypes_never_overlap(void **state)
{
    unsigned made = 0, refused = 0, resets = 0;

    (void)state;
    make_ram(64 * PAGE_SIZE);
    for (int n = 0; n < 40000; n++) {
        unsigned slot = random_below(SLOTS), other = random_below(SLOTS);
        struct untyped *from = here.slots[other].weak.object ? at(other) : ram;
        size_t bytes = (1 + random_below(random_below(8) ? 4 : 40)) * PAGE_SIZE;

        if (random_below(30) == 0) {
            untyped_reset(from);
            scribble_on_the_free_memory(from);
            assert_true(link_alone(&from->children));
            resets++;
        } else if (make(from, bytes, slot) == NO_ERROR) {
            assert_ptr_equal(at(slot)->object.parent, from);
            assert_int_equal(at(slot)->end.value - at(slot)->start.value,
                bytes);
            assert_int_equal(here.slots[slot].weak.rights, RIGHT_ALL);
            scribble_on_the_free_memory(at(slot));
            made++;
        } else {
            refused++;
        }
        everything_is_apart();
        check_objects();
    }
    assert_true(made > 2000 && refused > 2000 && resets > 500);
}

/* Every type that the book has by then; memory was full of other bytes.
   (The upper half of a top page table is the kernel's, and not zero.) */
static void what_is_made_is_clean(void **state)
{
    (void)state;
    for (unsigned type = 1; type < OBJECT_TYPES; type++) {
        const struct object_class *class = object_class(type);

        if (class->size == 0 || class->any_size)
            continue;
        make_ram(64 * PAGE_SIZE);
        for (size_t bytes = PAGE_SIZE; bytes; bytes <<= 1)
            if (!class->large || (bytes != class->large && bytes != PAGE_SIZE))
                assert_int_equal(
                    untyped_retype(ram, type, bytes, &here.pool, 0),
                    ERROR_BAD_SIZE);
        assert_int_equal(untyped_retype(ram, type, 0, &here.pool, 0),
            NO_ERROR);
        assert_int_equal(ram->end.value - ram->high.value, class->memory);
        for (uint64_t n = 0; n < class->memory / 2; n++)
            assert_int_equal(arena[ram->high.value + n], 0);
        check_objects();
    }
}

/* --- The end --------------------------------------------------------------- */

static void a_reset_gives_everything_back(void **state)
{
    struct untyped before;

    (void)state;
    before = *ram;
    for (int n = 0; n < 20; n++) {
        assert_int_equal(make(ram, 20 * PAGE_SIZE, 0), NO_ERROR);
        assert_int_equal(make(at(0), 5 * PAGE_SIZE, 1), NO_ERROR);
        assert_int_equal(make(at(0), 5 * PAGE_SIZE, 2), NO_ERROR);
        assert_int_equal(make(at(2), PAGE_SIZE, 3), NO_ERROR);
        weak_derive(&here.pool, 4, &here.slots[3], RIGHT_READ, 0);
        untyped_reset(ram);
        for (unsigned slot = 0; slot < SLOTS; slot++)
            assert_null(here.slots[slot].weak.object);
        assert_memory_equal(&before, ram, sizeof before);
    }
}

static void a_reset_spares_what_is_not_below(void **state)
{
    (void)state;
    assert_int_equal(make(ram, 20 * PAGE_SIZE, 0), NO_ERROR);
    assert_int_equal(make(ram, 20 * PAGE_SIZE, 1), NO_ERROR);
    assert_int_equal(make(at(0), PAGE_SIZE, 2), NO_ERROR);
    assert_int_equal(make(at(1), PAGE_SIZE, 3), NO_ERROR);
    untyped_reset(at(0));
    assert_non_null(here.slots[0].weak.object);
    assert_non_null(here.slots[1].weak.object);
    assert_null(here.slots[2].weak.object);
    assert_non_null(here.slots[3].weak.object);
    check_objects();
}

/* Each level lies in the one before. */
static void depth_is_limited(void **state)
{
    struct untyped *deepest;

    (void)state;
    deepest = ram;
    for (int level = 0; level < UNTYPED_DEPTH; level++) {
        size_t room = deepest->high.value - deepest->low.value;
        size_t bytes = align_down(room - sizeof *deepest, PAGE_SIZE);

        assert_int_equal(make(deepest, bytes, 0), NO_ERROR);
        deepest = at(0);
        weak_delete(&here.slots[0].weak);
    }
    assert_int_equal(make(deepest, PAGE_SIZE, 0), ERROR_TOO_DEEP);
    check_objects();
    untyped_reset(ram);
    assert_true(link_alone(&ram->children));
    assert_int_equal(deepest->object.type, OBJECT_NONE);
    check_objects();
}

static void an_untyped_that_ends_takes_its_children_along(void **state)
{
    (void)state;
    assert_int_equal(make(ram, 20 * PAGE_SIZE, 0), NO_ERROR);
    assert_int_equal(make(at(0), 5 * PAGE_SIZE, 1), NO_ERROR);
    assert_int_equal(make(at(1), PAGE_SIZE, 2), NO_ERROR);
    object_release(&at(0)->object);
    for (unsigned slot = 0; slot < SLOTS; slot++)
        assert_null(here.slots[slot].weak.object);
    assert_true(link_alone(&ram->children));
}

static void nobody_resets_what_is_held(void **state)
{
    struct object *held;

    (void)state;
    assert_int_equal(make(ram, PAGE_SIZE, 0), NO_ERROR);
    held = weak_upgrade(&here.slots[0].weak);
    expect_assert_failure(untyped_reset(ram));
    object_release(held);
}

/* --- Devices --------------------------------------------------------------- */

/* As many as there are pages; their structures all fit. */
static void fill_with(struct untyped *device, unsigned type)
{
    unsigned made = 0;

    while (untyped_retype(device, type, 0, &here.pool, 0) == NO_ERROR) {
        assert_true((unsigned char *)here.slots[0].weak.object <
                    arena + align_up(device->first.value, PAGE_SIZE));
        weak_delete(&here.slots[0].weak);
        made++;
    }
    assert_int_equal(made, 32);
    check_objects();
    untyped_reset(device);
}

static void device_memory_is_never_touched(void **state)
{
    struct untyped *device;
    paddr_t page = physical(0x8000), start = physical(DEVICE);

    (void)state;
    device = untyped_of_device(start, physical_add(start, 32 * PAGE_SIZE),
        page);
    assert_true(device->device);
    assert_int_equal(make(device, PAGE_SIZE, 0), ERROR_BAD_ARGUMENT);
    for (unsigned type = 1; type < OBJECT_TYPES; type++)
        if (object_class(type)->device)
            fill_with(device, type);
        else
            assert_int_equal(untyped_retype(device, type, 0, &here.pool, 0),
                ERROR_BAD_ARGUMENT);
    check_objects();
    for (size_t n = 0; n < 32 * PAGE_SIZE; n++)
        assert_int_equal(arena[DEVICE + n], 0xa5);
    object_release(&device->object);
}

/* --- Several at once -------------------------------------------------------- */

static enum error make_many(struct untyped *from, unsigned type,
    uint64_t bytes, uint64_t index, uint64_t count)
{
    struct retype what = { type, bytes, &here.pool, index, count };
    bool again = true;
    enum error error = NO_ERROR;

    while (again && !error)
        error = untyped_retype_many(from, &what, &again);
    return error;
}

static void several_are_made_or_none(void **state)
{
    struct untyped before;
    const uint64_t page = PAGE_SIZE;

    (void)state;
    assert_int_equal(make(ram, page, 7), NO_ERROR);
    before = *ram;
    const struct {
        uint64_t index, count, bytes;
        enum error error;
    } wrong[] = {
        { 0, 0, page, ERROR_BAD_ARGUMENT },
        { 0, RETYPE_MAX + 1, page, ERROR_BAD_ARGUMENT },
        { 0, UINT64_MAX, page, ERROR_BAD_ARGUMENT },
        { SLOTS - 3, 4, page, ERROR_BAD_SLOT },
        { UINT64_MAX, 2, page, ERROR_BAD_SLOT },
        { (1ULL << 32) + 9, 2, page, ERROR_BAD_SLOT },
        { 4, 4, page, ERROR_SLOT_IN_USE },
        { 8, 4, 16 * page, ERROR_NO_MEMORY },
        { 8, 16, 1ULL << 60, ERROR_NO_MEMORY },
        { 8, 16, 1ULL << 63, ERROR_NO_MEMORY },
        { 8, 2, UINT64_MAX, ERROR_BAD_SIZE },
        { 8, 2, 0, ERROR_BAD_SIZE },
    };
    for (size_t n = 0; n < sizeof wrong / sizeof *wrong; n++) {
        assert_int_equal(make_many(ram, OBJECT_UNTYPED, wrong[n].bytes,
                             wrong[n].index, wrong[n].count),
            wrong[n].error);
        assert_memory_equal(&before, ram, sizeof before);
    }
    assert_int_equal(make_many(ram, OBJECT_UNTYPED, 2 * page, SLOTS - 16, 16),
        NO_ERROR);
    everything_is_apart();
    check_objects();
}

/* --- The one made last -------------------------------------------------------- */

static void the_last_made_can_be_freed(void **state)
{
    struct untyped one, two;
    bool again;

    (void)state;
    assert_int_equal(untyped_free(ram, &again), ERROR_EMPTY);
    assert_int_equal(make(ram, 2 * PAGE_SIZE, 0), NO_ERROR);
    one = *ram;
    assert_int_equal(make(ram, 3 * PAGE_SIZE, 1), NO_ERROR);
    two = *ram;
    assert_int_equal(make(at(1), PAGE_SIZE, 2), NO_ERROR);
    assert_int_equal(untyped_free(ram, &again), ERROR_NOT_EMPTY);
    assert_memory_equal(ram, &two, sizeof two);
    assert_int_equal(untyped_free(at(1), &again), NO_ERROR);
    assert_null(here.slots[2].weak.object);
    assert_int_equal(untyped_free(ram, &again), NO_ERROR);
    assert_null(here.slots[1].weak.object);
    assert_memory_equal(ram, &one, sizeof one);
    assert_int_equal(untyped_free(ram, &again), NO_ERROR);
    assert_int_equal(untyped_free(ram, &again), ERROR_EMPTY);
    check_objects();
}

/* --- Stopping --------------------------------------------------------------- */

static unsigned stop_at; /* the look that finds an interrupt waiting */
static unsigned chance;

static bool at_one_look(void)
{
    return looks == stop_at;
}

static bool by_chance(void)
{
    return random_below(100) < chance;
}

static bool always(void)
{
    return true;
}

/* Pools and untypeds, with slots filled by far more than is looked at once. */
static void build(void)
{
    enum { WIDE = 40 };

    make_ram(64 * PAGE_SIZE);
    assert_int_equal(make(ram, 30 * PAGE_SIZE, 0), NO_ERROR);
    assert_int_equal(make(at(0), 20 * PAGE_SIZE, 1), NO_ERROR);
    assert_int_equal(make(at(1), PAGE_SIZE, 2), NO_ERROR);
    assert_int_equal(make(at(0), PAGE_SIZE, 3), NO_ERROR);
    for (unsigned slot = 4; slot < WIDE; slot++)
        weak_derive(&here.pool, slot, &here.slots[slot % 2 ? 2 : slot / 2],
            RIGHT_ALL, 0);
    check_objects();
}

/* What holds of a state in which a reset has stopped. */
static void look_at_a_stopped_reset(void)
{
    check_objects();
    assert_true(ram->busy);
    assert_int_equal(make(ram, PAGE_SIZE, SLOTS - 1), ERROR_BUSY);
    for (unsigned slot = 0; slot < 4; slot++)
        if (here.slots[slot].weak.object &&
            here.slots[slot].weak.object->strong)
            assert_int_equal(make(at(slot), PAGE_SIZE, SLOTS - 1),
                ERROR_BUSY);
}

static void a_reset_can_stop_at_every_look(void **state)
{
    (void)state;
    build();
    looks = 0;
    assert_true(untyped_reset(ram));
    unsigned all = looks;

    assert_true(all > 5);
    for (stop_at = 1; stop_at <= all; stop_at++) {
        build();
        looks = 0;
        interrupt_script = at_one_look;
        assert_false(untyped_reset(ram));
        interrupt_script = NULL;
        look_at_a_stopped_reset();
        assert_true(untyped_reset(ram));
        assert_true(link_alone(&ram->children));
        assert_int_equal(ram->low.value, ram->first.value);
        assert_int_equal(ram->high.value, ram->end.value);
        assert_false(ram->busy);
        check_objects();
    }
}

/* An interrupt at every look: each attempt gets on nevertheless. */
static void a_reset_gets_on_under_a_storm(void **state)
{
    unsigned attempts = 1;

    (void)state;
    build();
    interrupt_script = always;
    while (!untyped_reset(ram)) {
        check_objects();
        attempts++;
        assert_true(attempts < 100);
    }
    interrupt_script = NULL;
    assert_true(attempts > 4);
    check_objects();
}

static void a_revocation_can_stop_at_every_look(void **state)
{
    (void)state;
    for (stop_at = 1; stop_at <= 2; stop_at++) {
        build();
        looks = 0;
        interrupt_script = at_one_look;
        assert_false(weak_revoke(&here.slots[2]));
        interrupt_script = NULL;
        check_objects();
        assert_true(here.slots[2].weak.link.next != &here.slots[2].close);
        while (!weak_revoke(&here.slots[2]))
            continue;
        assert_ptr_equal(here.slots[2].weak.link.next, &here.slots[2].close);
        check_objects();
        if (looks < stop_at)
            return;
    }
}

/* Zeroing that stops leaves a clean part, and others may go on with it. */
static void cleaning_can_stop_anywhere(void **state)
{
    (void)state;
    for (int n = 0; n < 300; n++) {
        struct retype what = { OBJECT_UNTYPED, PAGE_SIZE, &here.pool, 0, 1 };
        unsigned type = OBJECT_UNTYPED;
        bool again;

        make_ram((1 + random_below(900)) * PAGE_SIZE);
        chance = random_below(100);
        interrupt_script = by_chance;
        for (int step = 0; step < 40; step++) {
            type = 1 + random_below(OBJECT_TYPES - 1);
            const struct object_class *class = object_class(type);

            what.type = type;
            what.bytes = class->any_size ? (1 + random_below(9)) * PAGE_SIZE
                         : class->large && random_below(2) ? class->large : 0;
            what.index = random_below(SLOTS);
            what.count = 1 + random_below(RETYPE_MAX);
            for (unsigned slot = 0; slot < SLOTS; slot++)
                if (here.slots[slot].weak.object && random_below(3))
                    weak_delete(&here.slots[slot].weak);
            if (random_below(6) == 0)
                untyped_free(ram, &again);
            if (random_below(30) == 0)
                untyped_reset(ram);
            untyped_retype_many(ram, &what, &again);
            check_objects();
        }
        interrupt_script = NULL;
        while (!untyped_reset(ram))
            continue;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_refusal_changes_nothing, start),
        cmocka_unit_test_setup(memory_is_used_to_the_last_page, start),
        cmocka_unit_test_setup(structures_may_fill_the_last_page, start),
        cmocka_unit_test_setup(random_retypes_never_overlap, start),
        cmocka_unit_test_setup(what_is_made_is_clean, start),
        cmocka_unit_test_setup(a_reset_gives_everything_back, start),
        cmocka_unit_test_setup(a_reset_spares_what_is_not_below, start),
        cmocka_unit_test_setup(depth_is_limited, start),
        cmocka_unit_test_setup(an_untyped_that_ends_takes_its_children_along, start),
        cmocka_unit_test_setup(nobody_resets_what_is_held, start),
        cmocka_unit_test_setup(device_memory_is_never_touched, start),
        cmocka_unit_test_setup(several_are_made_or_none, start),
        cmocka_unit_test_setup(the_last_made_can_be_freed, start),
        cmocka_unit_test_setup(a_reset_can_stop_at_every_look, start),
        cmocka_unit_test_setup(a_reset_gets_on_under_a_storm, start),
        cmocka_unit_test_setup(a_revocation_can_stop_at_every_look, start),
        cmocka_unit_test_setup(cleaning_can_stop_anywhere, start),
    };

    return cmocka_run_group_tests_name("untyped", tests, NULL, NULL);
}
