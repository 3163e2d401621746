/* map_page_free, the library's: the library runs here, and what it asks of
   the kernel is done by the core itself. */
#include "host.h"

#include <string.h>

#include "kernel/cap/cpool.h"
#include "kernel/cap/table.h"
#include "kernel/cap/untyped.h"
#include "kernel/check.h"
#include "kernel/machine.h"

#include "userland/space.c"

enum { TOP = 1, MEMORY = 2, PAGE = 3, NEXT = 10 };

static struct cpool root;
static struct untyped *ram;

static struct capability *slot_of(uint64_t hops, unsigned length)
{
    struct capability *slot;
    caddr_t address = { hops, length };

    return cpool_lookup_full(&root, address, &slot) ? NULL : slot;
}

/* Plays the kernel for the three calls that the library makes. */
struct answer system_call(uint64_t word, uint64_t first, uint64_t second,
    uint64_t third, uint64_t fourth, uint64_t fifth, uint64_t sixth)
{
    struct capability *a = slot_of(first, word >> 8 & 15);
    struct capability *b = slot_of(second, word >> 12 & 15);
    struct answer answer = { 0 };
    bool again = false;

    if ((word & 255) == CALL_RETYPE) {
        struct retype what = { fourth, fifth,
            &cpool_from(b->weak.object)->pool, third, sixth };
        answer.error = untyped_retype_many(untyped_from(a->weak.object),
            &what, &again);
    } else if ((word & 255) == CALL_MAP) {
        answer.error =
            table_map(table_from(a->weak.object), third, b, fourth);
    } else {
        assert_int_equal(word & 255, CALL_FREE);
        answer.error = untyped_free(untyped_from(a->weak.object), &again);
    }
    assert_false(again);
    check_all();
    return answer;
}

static struct space space;

static int start(void **state)
{
    memset(arena, 0xa5, sizeof arena);
    memset(&root, 0, sizeof root);
    memset(&space, 0, sizeof space);
    ram = untyped_of_ram(physical(0x10000), physical(0x10000 + (3 << 20)));
    object_init(&root.object, OBJECT_CPOOL);
    cpool_construct(&root.object, physical(0), 0);
    object_keep(&root.object);
    weak_original(&root.pool, 0, &root.object, RIGHT_ALL, 0);
    untyped_retype(ram, OBJECT_PML4, 0, &root.pool, TOP);
    untyped_retype(ram, OBJECT_PAGE, 0, &root.pool, PAGE);
    untyped_retype(ram, OBJECT_UNTYPED, 1 << 20, &root.pool, MEMORY);
    space.top = caddr(TOP);
    space.memory = caddr(MEMORY);
    space.pool = caddr(0);
    space.next = NEXT;
    return seed_random(state);
}

static int stop(void **state)
{
    (void)state;
    object_release(&root.object);
    object_release(&ram->object);
    return object_next(NULL) != NULL;
}

/* The frame that an address leads to, by the processor's side of the tables. */
static uint64_t frame_at(uint64_t address)
{
    struct table *table = table_from(root.slots[TOP].weak.object);
    uint64_t entry = 0;
    uint64_t *frame = physical_pointer(table->page);

    for (int level = 4; level; level--) {
        entry = frame[address >> (3 + 9 * level) & 511];
        if (!(entry & ENTRY_PRESENT))
            return 0;
        frame = physical_pointer(physical(entry & ENTRY_FRAME));
    }
    return entry & ENTRY_FRAME;
}

static void missing_tables_are_made_once(void **state)
{
    const struct {
        uint64_t address;
        unsigned made; /* tables after it */
    } pages[] = {
        { 0x400000, 3 }, { 0x401000, 3 }, { 0x5ff000, 3 }, { 0x600000, 4 },
        { 0x40000000, 6 }, { 1ULL << 39, 9 }, { (1ULL << 39) + 0x200000, 10 },
        { 0x402000, 10 },
    };

    (void)state;
    for (size_t n = 0; n < sizeof pages / sizeof *pages; n++) {
        assert_int_equal(map_page_free(&space, pages[n].address, caddr(PAGE),
                             RIGHT_READ), NO_ERROR);
        assert_int_equal(space.count, pages[n].made);
        assert_int_equal(space.next, NEXT + pages[n].made);
        assert_true(frame_at(pages[n].address));
    }
    assert_int_equal(map_page_free(&space, 0x400000, caddr(PAGE), RIGHT_READ),
        ERROR_SLOT_IN_USE);
    assert_int_equal(frame_at(0x403000), 0);
}

/* The new table cannot be mapped, and so its memory is free again. */
static void a_table_in_the_way_gives_everything_back(void **state)
{
    struct untyped *memory = untyped_from(root.slots[MEMORY].weak.object);
    struct table *top = table_from(root.slots[TOP].weak.object);
    struct untyped before;

    (void)state;
    untyped_retype(ram, OBJECT_PDPT, 0, &root.pool, 5);
    assert_int_equal(table_map(top, 0, &root.slots[5], RIGHT_READ), NO_ERROR);
    before = *memory;
    assert_int_equal(map_page_free(&space, 0x400000, caddr(PAGE), RIGHT_READ),
        ERROR_SLOT_IN_USE);
    assert_memory_equal(memory, &before, sizeof before);
    assert_int_equal(space_know(&space, 0, 3, caddr(5)), NO_ERROR);
    assert_int_equal(map_page_free(&space, 0x400000, caddr(PAGE), RIGHT_READ),
        NO_ERROR);
    assert_int_equal(space.next, NEXT + 2);
}

/* Misaligned, in the kernel's half, in neither half, and in the last entry
   of the user's, where nothing may be mapped. */
static void a_wrong_address_is_refused(void **state)
{
    const uint64_t wrong[] = { 1, 0x400800, 0x400fff, 1ULL << 47,
        255ULL << 39, 0x1000000400000, 0xffff800000000000,
        0xffffffff80100000, UINT64_MAX - 4095, UINT64_MAX };

    (void)state;
    for (size_t n = 0; n < sizeof wrong / sizeof *wrong; n++)
        assert_int_equal(map_page_free(&space, wrong[n], caddr(PAGE),
                             RIGHT_READ), ERROR_BAD_ARGUMENT);
    assert_int_equal(space.next, NEXT);
    check_all();
}

static void there_is_an_end_to_what_is_known(void **state)
{
    enum error error = NO_ERROR;

    (void)state;
    for (uint64_t n = 0; n < 20 && !error; n++)
        error = map_page_free(&space, n << 39, caddr(PAGE), RIGHT_READ);
    assert_int_equal(error, ERROR_NO_MEMORY);
    check_all();
}

#define WITH_MEMORY(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MEMORY(missing_tables_are_made_once),
        WITH_MEMORY(a_table_in_the_way_gives_everything_back),
        WITH_MEMORY(a_wrong_address_is_refused),
        WITH_MEMORY(there_is_an_end_to_what_is_known),
    };

    return cmocka_run_group_tests_name("spaces", tests, NULL, NULL);
}
