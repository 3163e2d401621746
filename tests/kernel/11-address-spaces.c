/* 11-address-spaces.c - page tables and their twins. */
#include "tests/kernel/ground.h"

#include "kernel/x86/control.h"
#include "kernel/x86/paging.h"
#include "lib/string.h"

enum { READ = RIGHT_READ, WRITE = RIGHT_WRITE, EXECUTE = RIGHT_EXECUTE };

/* What an address means to a task of this space; 0: nothing. */
static uint64_t look_up(const struct space *space, uint64_t address)
{
    paging_load(space->top->page);
    uint64_t entry = paging_lookup(address);
    paging_load(paging_kernel_pml4);
    return entry;
}

static uint64_t frame_of(struct capability *page)
{
    return page_from(page->weak.object)->frame.value;
}

TEST(a_mapping_is_a_leaf_and_an_entry)
{
    struct untyped *ground = fresh_ground();
    struct table *pt = make_table(ground, OBJECT_PT, 1);
    struct capability *page = make(ground, OBJECT_PAGE, 2);
    EXPECT(!table_holds(pt, 7));
    EXPECT_EQUAL(table_map(pt, 7, page, READ | WRITE), NO_ERROR);
    EXPECT_EQUAL(*table_entry(pt, 7), frame_of(page) | ENTRY_PRESENT |
                                          ENTRY_USER | ENTRY_WRITABLE |
                                          ENTRY_NO_EXECUTE);
    EXPECT(pt->leaves[7].object == page->weak.object);
    check_all();
    EXPECT_EQUAL(table_unmap(pt, 7), NO_ERROR);
    EXPECT_EQUAL(*table_entry(pt, 7), 0);
    EXPECT_EQUAL(table_unmap(pt, 7), ERROR_NO_CAPABILITY);
    check_all();
}

TEST(rights_become_bits)
{
    struct untyped *ground = fresh_ground();
    struct table *pt = make_table(ground, OBJECT_PT, 1);
    struct capability *page = make(ground, OBJECT_PAGE, 2);
    EXPECT_EQUAL(table_map(pt, 0, page, READ), NO_ERROR);
    EXPECT_EQUAL(table_map(pt, 1, page, READ | EXECUTE), NO_ERROR);
    EXPECT_EQUAL(table_map(pt, 511, page, READ | WRITE), NO_ERROR);
    const uint64_t bits = ENTRY_WRITABLE | ENTRY_NO_EXECUTE;
    EXPECT_EQUAL(*table_entry(pt, 0) & bits, ENTRY_NO_EXECUTE);
    EXPECT_EQUAL(*table_entry(pt, 1) & bits, 0);
    EXPECT_EQUAL(*table_entry(pt, 511) & bits, bits);
    check_all();
}

/* Maps, expecting a refusal that leaves the table as it was. */
static void refuse(struct table *table, uint64_t index,
                   struct capability *child, uint64_t rights,
                   enum error wanted)
{
    static uint8_t before[sizeof(struct table)], twin[PAGE_SIZE];
    memcpy(before, table, sizeof before);
    memcpy(twin, physical_pointer(table->page), sizeof twin);
    EXPECT_EQUAL(table_map(table, index, child, rights), wanted);
    EXPECT_EQUAL(memcmp(before, table, sizeof before), 0);
    EXPECT_EQUAL(memcmp(twin, physical_pointer(table->page), sizeof twin), 0);
}

TEST(a_refused_mapping_changes_nothing)
{
    struct untyped *ground = fresh_ground();
    struct table *pml4 = make_table(ground, OBJECT_PML4, 1);
    struct table *pt = make_table(ground, OBJECT_PT, 2);
    struct capability *page = make(ground, OBJECT_PAGE, 3);
    struct capability *pdpt = make(ground, OBJECT_PDPT, 4);
    struct capability *weak = &kernel_pool.slots[5];
    weak_derive(&kernel_pool.pool, 5, page, READ, 0);
    refuse(pt, 512, page, READ, ERROR_BAD_SLOT);
    refuse(pt, 0x100000003, page, READ, ERROR_BAD_SLOT);
    refuse(pt, UINT64_MAX, page, READ, ERROR_BAD_SLOT);
    refuse(pml4, 255, pdpt, READ, ERROR_BAD_SLOT);
    refuse(pml4, 256, pdpt, READ, ERROR_BAD_SLOT);
    refuse(pml4, 511, pdpt, READ, ERROR_BAD_SLOT);
    refuse(pt, 3, &kernel_pool.slots[6], READ, ERROR_NO_CAPABILITY);
    refuse(pt, 3, page, 0, ERROR_BAD_ARGUMENT);
    refuse(pt, 3, page, WRITE, ERROR_BAD_ARGUMENT);
    refuse(pt, 3, page, READ | RIGHT_GRANT, ERROR_BAD_ARGUMENT);
    refuse(pt, 3, page, READ | 1ULL << 40, ERROR_BAD_ARGUMENT);
    refuse(pt, 3, page, READ | WRITE | EXECUTE, ERROR_NO_RIGHT);
    refuse(pt, 3, weak, READ | WRITE, ERROR_NO_RIGHT);
    refuse(pt, 3, weak, READ | EXECUTE, ERROR_NO_RIGHT);
    EXPECT_EQUAL(table_map(pt, 3, page, READ), NO_ERROR);
    refuse(pt, 3, page, READ, ERROR_SLOT_IN_USE);
    check_all();
}

TEST(only_the_next_level_fits)
{
    struct untyped *ground = fresh_ground();
    static const enum object_type types[] = {
        OBJECT_PML4, OBJECT_PDPT, OBJECT_PD,  OBJECT_PT,
        OBJECT_PAGE, OBJECT_BUFFER, OBJECT_CPOOL};
    struct capability *made[7];
    for (unsigned i = 0; i < 7; i++)
        made[i] = make(ground, types[i], i);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j < 7; j++) {
            bool fits = j == i + 1 || (i == 3 && j == 5);
            struct table *table = table_from(made[i]->weak.object);
            EXPECT_EQUAL(table_map(table, j, made[j], READ),
                         fits ? NO_ERROR : ERROR_WRONG_TYPE);
        }
    check_all();
}

TEST(a_destroyed_page_leaves_both_spaces)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 1);
    struct capability *page = make(island, OBJECT_PAGE, 2);
    struct capability *other = make(ground, OBJECT_PAGE, 3);
    struct space a = make_space(ground, 10), b = make_space(ground, 20);
    EXPECT_EQUAL(space_map(&a, 0x400000, page, READ), NO_ERROR);
    EXPECT_EQUAL(space_map(&b, 0x7fff0000, page, READ | WRITE), NO_ERROR);
    EXPECT_EQUAL(space_map(&b, 0x7fff1000, other, READ), NO_ERROR);
    EXPECT_EQUAL(look_up(&a, 0x400000) & ENTRY_FRAME, frame_of(page));
    EXPECT_EQUAL(look_up(&b, 0x7fff0000) & ENTRY_FRAME, frame_of(page));
    EXPECT(!look_up(&a, 0x7fff0000));
    check_all();
    while (!untyped_reset(island))
        continue;
    EXPECT(!look_up(&a, 0x400000));
    EXPECT(!look_up(&b, 0x7fff0000));
    EXPECT_EQUAL(look_up(&b, 0x7fff1000) & ENTRY_FRAME, frame_of(other));
    check_all();
}

TEST(a_destroyed_table_lets_go_of_its_pages)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 1);
    struct capability *page = make(ground, OBJECT_PAGE, 2);
    struct table *pd = make_table(ground, OBJECT_PD, 3);
    struct capability *pt = make(island, OBJECT_PT, 4);
    struct table *table = table_from(pt->weak.object);
    for (unsigned i = 0; i < TABLE_ENTRIES; i++)
        EXPECT_EQUAL(table_map(table, i, page, READ), NO_ERROR);
    EXPECT_EQUAL(table_map(pd, 5, pt, READ), NO_ERROR);
    EXPECT_EQUAL(table_map(pd, 6, pt, READ), NO_ERROR);
    check_all();
    while (!untyped_reset(island))
        continue;
    EXPECT(!table_holds(pd, 5) && !table_holds(pd, 6));
    EXPECT(page->weak.link.next == &page->close);
    check_all();
}

TEST(revoking_unmaps_what_was_mapped_from_there)
{
    struct untyped *ground = fresh_ground();
    struct capability *page = make(ground, OBJECT_PAGE, 1);
    struct table *pt = make_table(ground, OBJECT_PT, 2);
    weak_derive(&kernel_pool.pool, 3, page, READ, 0);
    struct capability *copy = &kernel_pool.slots[3];
    EXPECT_EQUAL(table_map(pt, 1, page, READ | WRITE), NO_ERROR);
    EXPECT_EQUAL(table_map(pt, 2, copy, READ), NO_ERROR);
    while (!weak_revoke(copy))
        continue;
    EXPECT(table_holds(pt, 1) && !table_holds(pt, 2));
    while (!weak_revoke(page))
        continue;
    EXPECT(!table_holds(pt, 1));
    EXPECT(!copy->weak.object);
    check_all();
}

TEST(rights_of_all_levels_are_combined)
{
    struct untyped *ground = fresh_ground();
    struct space space = make_space(ground, 10);
    struct capability *page = make(ground, OBJECT_PAGE, 1);
    EXPECT_EQUAL(space_map(&space, 0x1000, page, READ | WRITE), NO_ERROR);
    EXPECT(look_up(&space, 0x1000) & ENTRY_WRITABLE);
    EXPECT_EQUAL(table_unmap(space.top, 0), NO_ERROR);
    EXPECT(!look_up(&space, 0x1000));
    EXPECT_EQUAL(table_map(space.top, 0, &kernel_pool.slots[11], READ),
                 NO_ERROR);
    EXPECT(look_up(&space, 0x1000));
    EXPECT(!(look_up(&space, 0x1000) & ENTRY_WRITABLE));
    check_all();
}

TEST(a_space_adds_only_the_tables_that_are_missing)
{
    struct untyped *ground = fresh_ground();
    struct space space = make_space(ground, 10);
    struct capability *page = make(ground, OBJECT_PAGE, 1);
    EXPECT_EQUAL(space_map(&space, 0x400000, page, READ), NO_ERROR);
    EXPECT_EQUAL(space.next, 14);
    EXPECT_EQUAL(space_map(&space, 0x5ff000, page, READ), NO_ERROR);
    EXPECT_EQUAL(space.next, 14);
    EXPECT_EQUAL(space_map(&space, 0x600000, page, READ), NO_ERROR);
    EXPECT_EQUAL(space.next, 15);
    EXPECT_EQUAL(space_map(&space, USER_END - PAGE_SIZE, page, READ),
                 NO_ERROR);
    EXPECT_EQUAL(space.next, 18);
    EXPECT_EQUAL(space_map(&space, USER_END, page, READ),
                 ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(space_map(&space, 0x400800, page, READ),
                 ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(space_map(&space, 0x400000, page, READ),
                 ERROR_SLOT_IN_USE);
    check_all();
}

/* The page is cut from the middle of its untyped, and comes back whole. */
TEST(a_large_page_stands_where_a_table_would)
{
    struct untyped *ground = fresh_ground();
    struct space space = make_space(ground, 10);
    struct capability *small = make(ground, OBJECT_PAGE, 1);
    struct capability *large = &kernel_pool.slots[2];
    uint64_t high = ground->high.value;
    EXPECT_EQUAL(untyped_retype(ground, OBJECT_PAGE, LARGE_PAGE_SIZE,
                                &kernel_pool.pool, 2),
                 NO_ERROR);
    EXPECT_EQUAL(frame_of(large) % LARGE_PAGE_SIZE, 0);
    EXPECT_EQUAL(space_map(&space, 0x400000, small, READ), NO_ERROR);
    struct table *pd = table_from(kernel_pool.slots[12].weak.object);
    struct table *pt = table_from(kernel_pool.slots[13].weak.object);
    refuse(pt, 5, large, READ, ERROR_WRONG_TYPE);
    refuse(pd, 5, small, READ, ERROR_WRONG_TYPE);
    refuse(pd, 2, large, READ, ERROR_SLOT_IN_USE);
    refuse(pd, 3, large, READ | WRITE | EXECUTE, ERROR_NO_RIGHT);
    EXPECT_EQUAL(table_map(pd, 3, large, READ | WRITE), NO_ERROR);
    EXPECT_EQUAL(*table_entry(pd, 3),
                 frame_of(large) | ENTRY_PRESENT | ENTRY_USER | ENTRY_LARGE |
                     ENTRY_WRITABLE | ENTRY_NO_EXECUTE);
    EXPECT(look_up(&space, 0x600000) && look_up(&space, 0x7ff000));
    EXPECT_EQUAL(space_map(&space, 0x601000, small, READ),
                 ERROR_SLOT_IN_USE);
    check_all();
    while (!weak_revoke(large))
        continue;
    EXPECT(!look_up(&space, 0x600000));
    EXPECT_EQUAL(table_map(pd, 3, large, READ), NO_ERROR);
    check_all();
    fresh_ground();
    EXPECT(!large->weak.object);
    EXPECT(ground->high.value > high);
}

TEST(a_space_without_memory_is_an_error)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 1);
    struct capability *page = make(ground, OBJECT_PAGE, 2);
    struct space space = make_space(island, 10);
    enum error error = NO_ERROR;
    for (uint64_t i = 0; i < 64 && !error; i++)
        error = space_map(&space, i << 39, page, READ);
    EXPECT_EQUAL(error, ERROR_NO_MEMORY);
    check_all();
}

TEST(the_table_in_use_is_left_when_it_is_destroyed)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 1);
    struct table *pml4 = make_table(island, OBJECT_PML4, 2);
    paging_load(pml4->page);
    while (!untyped_reset(island))
        continue;
    EXPECT_EQUAL(cr3_read(), paging_kernel_pml4.value);
    memset(physical_pointer(physical(island->start.value)), 0xff,
           island->end.value - island->start.value);
    check_all();
}

TEST_DIES(a_damaged_twin_is_found, "(entry & ENTRY_FRAME) == memory_of")
{
    struct untyped *ground = fresh_ground();
    struct table *pt = make_table(ground, OBJECT_PT, 1);
    struct capability *page = make(ground, OBJECT_PAGE, 2);
    EXPECT_EQUAL(table_map(pt, 7, page, READ), NO_ERROR);
    *table_entry(pt, 7) += PAGE_SIZE;
    check_all();
}
