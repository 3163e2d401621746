/* 09-untyped.c - all memory as untyped objects, on the real machine. The
 * tests on the host (tests/host/09-untyped.c) search for overlaps. */
#include "tests/kernel/test.h"

#include <stddef.h>

#include "kernel/boot_info.h"
#include "kernel/cap/weak.h"
#include "kernel/check.h"
#include "kernel/first_untyped.h"
#include "kernel/machine.h"
#include "lib/string.h"

enum { SLOTS = 8, ISLAND = 64 };

static struct {
    struct weak_pool pool;
    struct capability slots[SLOTS];
} here;

static const struct pool_class slot_class = {.kind = WEAK_CAPABILITY};

static struct untyped *in_slot(unsigned slot)
{
    return untyped_from(here.slots[slot].weak.object);
}

static enum error make(struct untyped *from, size_t pages, unsigned slot)
{
    return untyped_retype(from, OBJECT_UNTYPED, pages * PAGE_SIZE,
                          &here.pool, slot);
}

/* An empty untyped of 64 pages, to which no capability is left. */
static struct untyped *island(void)
{
    static struct untyped *made;
    if (!made) {
        weak_pool_init(&here.pool, NULL, &slot_class, SLOTS);
        EXPECT_EQUAL(make(first_untyped[0], ISLAND, 0), NO_ERROR);
        made = in_slot(0);
        weak_delete(&here.slots[0].weak);
    }
    while (!untyped_reset(made))
        continue;
    return made;
}

TEST(every_free_page_is_given_away)
{
    const struct regions *memory = &boot_info.memory;
    uint64_t given = 0;
    EXPECT_EQUAL(first_untyped_count, memory->count);
    for (unsigned i = 0; i < first_untyped_count; i++) {
        struct untyped *untyped = first_untyped[i];
        uint64_t place = (uint64_t)untyped - PHYSICAL_MAP;
        given += untyped->end.value - place;
        EXPECT(untyped->object.parent == NULL);
        EXPECT(untyped->end.value - untyped->first.value <=
               first_untyped[0]->end.value - first_untyped[0]->first.value);
    }
    EXPECT_EQUAL(given, regions_size(memory));
}

TEST(the_screen_is_device_memory)
{
    EXPECT(vga_untyped->device);
    EXPECT_EQUAL(vga_untyped->start.value, 0xa0000);
    EXPECT_EQUAL(vga_untyped->end.value, 0xc0000);
    EXPECT_EQUAL(make(vga_untyped, 1, 1), ERROR_BAD_ARGUMENT);
    for (unsigned i = 0; i < boot_info.memory.count; i++) {
        uint64_t end = align_up(vga_untyped->first.value, PAGE_SIZE);
        EXPECT(end <= boot_info.memory.at[i].start.value ||
               end > boot_info.memory.at[i].end.value);
    }
}

/* The structures of 62 untypeds of 128 bytes fill less than two pages. */
TEST(retype_fills_an_untyped_to_the_last_page)
{
    struct untyped *memory = island();
    unsigned made = 0;
    while (make(memory, 1, 1) == NO_ERROR) {
        EXPECT(in_slot(1)->object.parent == memory);
        check_object(&memory->object);
        weak_delete(&here.slots[1].weak);
        made++;
    }
    EXPECT_EQUAL(made, ISLAND - 2);
    EXPECT_EQUAL(make(memory, 1, 1), ERROR_NO_MEMORY);
    island();
}

TEST(a_refusal_changes_nothing)
{
    struct untyped *memory = island(), before = *memory;
    EXPECT_EQUAL(make(memory, ISLAND + 1, 1), ERROR_NO_MEMORY);
    EXPECT_EQUAL(make(memory, (SIZE_MAX >> 12), 1), ERROR_NO_MEMORY);
    EXPECT_EQUAL(make(memory, 0, 1), ERROR_BAD_SIZE);
    EXPECT_EQUAL(make(memory, 1, SLOTS), ERROR_BAD_SLOT);
    EXPECT_EQUAL(make(memory, 1, UINT32_MAX), ERROR_BAD_SLOT);
    for (unsigned type = OBJECT_TYPES; type < 300; type++)
        EXPECT_EQUAL(untyped_retype(memory, type, 0, &here.pool, 1),
                     ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(untyped_retype(memory, OBJECT_LOG, 0, &here.pool, 1),
                 ERROR_BAD_ARGUMENT);
    EXPECT(memcmp(&before, memory, sizeof before) == 0);
    EXPECT(!weak_used(&here.pool, 1));
}

TEST(a_reset_ends_what_lies_below)
{
    struct untyped *memory = island(), before = *memory;
    EXPECT_EQUAL(make(memory, 20, 1), NO_ERROR);
    EXPECT_EQUAL(make(in_slot(1), 10, 2), NO_ERROR);
    EXPECT_EQUAL(make(in_slot(2), 5, 3), NO_ERROR);
    EXPECT_EQUAL(make(in_slot(2), 4, 4), NO_ERROR);
    weak_derive(&here.pool, 5, &here.slots[4], RIGHT_READ, 0);
    EXPECT_EQUAL(make(memory, 1, 4), ERROR_SLOT_IN_USE);
    while (!untyped_reset(memory))
        continue;
    for (unsigned slot = 0; slot < SLOTS; slot++)
        EXPECT(!weak_used(&here.pool, slot));
    EXPECT(memcmp(&before, memory, sizeof before) == 0);
}

TEST_DIES(what_is_held_is_not_reset, "assertion failed: child->strong <= 1")
{
    struct untyped *memory = island();
    EXPECT_EQUAL(make(memory, 1, 1), NO_ERROR);
    weak_upgrade(&here.slots[1].weak);
    while (!untyped_reset(memory))
        continue;
}

TEST_DIES(a_gap_between_children_is_found,
          "assertion failed: child == physical_pointer")
{
    struct untyped *memory = island();
    EXPECT_EQUAL(make(memory, 1, 1), NO_ERROR);
    memory->low = physical_add(memory->low, STRUCTURE_ALIGN);
    check_object(&memory->object);
}
