/* 04-memory-map.c - lists of regions, and what loaders say. */
#include "tests/kernel/test.h"

#include <stdbool.h>
#include <stddef.h>

#include "kernel/boot_info.h"
#include "kernel/image.h"
#include "kernel/machine.h"
#include "kernel/x86/loader.h"
#include "kernel/x86/multiboot.h"
#include "lib/string.h"

/* --- Regions --------------------------------------------------------------- */

static struct regions set;

static void add(uint64_t start, uint64_t end)
{
    regions_add(&set, physical(start), physical(end));
    check_regions(&set);
}

static void take(uint64_t start, uint64_t end)
{
    regions_remove(&set, physical(start), physical(end));
    check_regions(&set);
}

static void expect_region(unsigned i, uint64_t start, uint64_t end)
{
    EXPECT(i < set.count);
    EXPECT_EQUAL(set.at[i].start.value, start);
    EXPECT_EQUAL(set.at[i].end.value, end);
}

TEST(adding_rounds_inwards_and_removing_outwards)
{
    set.count = 0;
    add(0x1001, 0x4fff);
    expect_region(0, 0x2000, 0x4000);
    add(0x8001, 0x8fff);
    EXPECT_EQUAL(set.count, 1);
    take(0x2fff, 0x3001);
    EXPECT_EQUAL(set.count, 0);
}

TEST(regions_that_touch_become_one)
{
    set.count = 0;
    add(0x1000, 0x2000);
    add(0x3000, 0x4000);
    EXPECT_EQUAL(set.count, 2);
    add(0x2000, 0x3000);
    EXPECT_EQUAL(set.count, 1);
    expect_region(0, 0x1000, 0x4000);
    EXPECT_EQUAL(regions_size(&set), 0x3000);
}

TEST(removing_from_the_middle_leaves_both_ends)
{
    set.count = 0;
    add(0x1000, 0x9000);
    take(0x3000, 0x3000);
    EXPECT_EQUAL(set.count, 1);
    take(0x3000, 0x5000);
    EXPECT_EQUAL(set.count, 2);
    expect_region(0, 0x1000, 0x3000);
    expect_region(1, 0x5000, 0x9000);
}

enum { MODEL_PAGES = 96 };
static bool model[MODEL_PAGES];

/* The list that the model calls for; M1 leaves only one. */
static void compare_with_model(void)
{
    unsigned region = 0;
    for (unsigned page = 0; page < MODEL_PAGES;) {
        unsigned start = page;
        while (page < MODEL_PAGES && model[page] == model[start])
            page++;
        if (model[start])
            expect_region(region++, start * 4096UL, page * 4096UL);
    }
    EXPECT_EQUAL(set.count, region);
}

TEST(random_ranges_agree_with_a_bitmap)
{
    uint64_t seed = 4;
    set.count = 0;
    memset(model, 0, sizeof model);
    for (unsigned i = 0; i < 2000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t start = (seed >> 32) % (MODEL_PAGES * 4096);
        uint64_t size = (seed >> 40) % (12 * 4096);
        uint64_t end = start + size;
        if (end > MODEL_PAGES * 4096)
            end = MODEL_PAGES * 4096;
        bool adding = seed >> 63;
        for (uint64_t page = 0; page < MODEL_PAGES; page++) {
            uint64_t left = page * 4096, right = left + 4096;
            if (adding && left >= start && right <= end)
                model[page] = true;
            if (!adding && left < end && right > start && start < end)
                model[page] = false;
        }
        if (adding)
            add(start, end);
        else
            take(start, end);
        compare_with_model();
    }
}

TEST(a_full_list_loses_the_highest_memory_only)
{
    set.count = 0;
    for (uint64_t i = 0; i < REGIONS + 3; i++)
        add(i * 0x4000, i * 0x4000 + 0x3000);
    EXPECT_EQUAL(set.count, REGIONS);
    expect_region(REGIONS - 1, (REGIONS - 1) * 0x4000UL,
                  (REGIONS - 1) * 0x4000UL + 0x3000);
    take(0x1000, 0x2000);
    EXPECT_EQUAL(set.count, REGIONS);
    expect_region(0, 0, 0x1000);
    expect_region(1, 0x2000, 0x3000);
    expect_region(REGIONS - 1, (REGIONS - 2) * 0x4000UL,
                  (REGIONS - 2) * 0x4000UL + 0x3000);
}

/* --- What we stand on ------------------------------------------------------ */

TEST(what_the_kernel_stands_on_is_not_free)
{
    check_boot_info();
    EXPECT(boot_info.memory_end.value >= image_physical(kernel_end).value);
}

static struct boot_info kept;

static void begin_anew(void)
{
    kept = boot_info;
    memset(&boot_info, 0, sizeof boot_info);
}

TEST(ranges_beyond_every_address_are_clipped)
{
    begin_anew();
    boot_info_add(UINT64_MAX - 10, UINT64_MAX);
    EXPECT_EQUAL(boot_info.memory.count, 0);
    boot_info_add(0x100000, UINT64_MAX);
    EXPECT_EQUAL(boot_info.memory.count, 1);
    EXPECT_EQUAL(boot_info.memory.at[0].end.value, PHYSICAL_LIMIT);
    boot_info_reserve(0x200000, UINT64_MAX);
    EXPECT_EQUAL(regions_size(&boot_info.memory), 0x100000);
    boot_info = kept;
}

/* --- Multiboot2 ------------------------------------------------------------ */

static _Alignas(4096) uint8_t block[4096];
static uint32_t used;

static void put(const void *bytes, size_t size)
{
    memcpy(block + used, bytes, size);
    used += (uint32_t)size;
}

static void put32(uint32_t value)
{
    put(&value, sizeof value);
}

static void put64(uint64_t value)
{
    put(&value, sizeof value);
}

static void begin_block(void)
{
    begin_anew();
    memset(block, 0xa5, sizeof block);
    used = 0;
    put32(0);
    put32(0);
}

static uint32_t begin_tag(uint32_t type)
{
    used = (used + 7) & ~7u;
    uint32_t start = used;
    put32(type);
    put32(0);
    return start;
}

static void end_tag(uint32_t start)
{
    uint32_t size = used - start;
    memcpy(block + start + 4, &size, sizeof size);
}

static void read_block(void)
{
    used = (used + 7) & ~7u;
    memcpy(block, &used, sizeof used);
    multiboot_read(LOADED_BY_MULTIBOOT2,
                   (uint32_t)image_physical(block).value);
}

static void put_range(uint64_t base, uint64_t length, uint32_t kind)
{
    put64(base);
    put64(length);
    put32(kind);
    put32(0);
}

static void put_text_tag(uint32_t type, const char *text, size_t size)
{
    uint32_t tag = begin_tag(type);
    put(text, size);
    end_tag(tag);
}

TEST(multiboot2_is_read_and_unknown_tags_are_passed_over)
{
    begin_block();
    put_text_tag(99, "?????", 5);
    put_text_tag(1, "one two", 8);
    put_text_tag(2, "a loader", 8); /* without its zero */
    uint32_t tag = begin_tag(3);
    put32(0x300000);
    put32(0x300801);
    put("rinit x", 8);
    end_tag(tag);
    put_text_tag(0, "", 0);
    read_block();
    EXPECT_EQUAL(memcmp(boot_info.command_line, "one two", 8), 0);
    EXPECT_EQUAL(memcmp(boot_info.loader, "a loader", 9), 0);
    EXPECT_EQUAL(boot_info.module_count, 1);
    EXPECT_EQUAL(boot_info.modules[0].start.value, 0x300000);
    EXPECT_EQUAL(boot_info.modules[0].size, 0x801);
    EXPECT_EQUAL(memcmp(boot_info.modules[0].name, "rinit x", 8), 0);
    boot_info = kept;
}

TEST(a_reserved_range_wins_over_a_free_one_in_any_order)
{
    begin_block();
    uint32_t tag = begin_tag(6);
    put32(24);
    put32(0);
    put_range(0x204000, 0x1000, 2);
    put_range(0x200000, 0x10000, 1);
    put_range(0x208800, 0x100, 3);
    put_range(0x400000, 0x1000, 4);
    end_tag(tag);
    read_block();
    EXPECT_EQUAL(boot_info.memory.count, 3);
    EXPECT_EQUAL(boot_info.memory.at[1].start.value, 0x205000);
    EXPECT_EQUAL(boot_info.memory.at[1].end.value, 0x208000);
    EXPECT_EQUAL(boot_info.memory_end.value, 0x401000);
    boot_info = kept;
}

TEST(a_long_text_is_cut_off)
{
    static char text[BOOT_TEXT + 10];
    memset(text, 'x', sizeof text);
    begin_block();
    put_text_tag(1, text, sizeof text);
    read_block();
    EXPECT_EQUAL(strlen(boot_info.command_line), BOOT_TEXT - 1);
    boot_info = kept;
}

TEST(of_two_acpi_pointers_the_longer_is_kept)
{
    static const char zeros[20];
    begin_block();
    put_text_tag(15, "new new new new new new new new new!", 36);
    put_text_tag(14, zeros, sizeof zeros);
    read_block();
    EXPECT_EQUAL(memcmp(boot_info.rsdp, "new new ", 8), 0);
    boot_info = kept;
}

TEST(tags_that_are_too_short_are_passed_over)
{
    begin_block();
    put_text_tag(3, "1234", 4);
    put_text_tag(6, "1234", 4);
    read_block();
    EXPECT_EQUAL(boot_info.module_count, 0);
    EXPECT_EQUAL(boot_info.memory.count, 0);
    boot_info = kept;
}

TEST_DIES(a_tag_without_a_size_is_damage, "tag 1 at byte 8 is damaged")
{
    begin_block();
    begin_tag(1);
    put64(0);
    read_block();
}

TEST_DIES(a_tag_beyond_the_block_is_damage, "tag 7 at byte 8 is damaged")
{
    begin_block();
    uint32_t tag = begin_tag(7);
    put64(0);
    end_tag(tag);
    block[tag + 4] = 17;
    read_block();
}

TEST_DIES(a_memory_map_needs_a_stride, "memory map in steps of 0")
{
    begin_block();
    uint32_t tag = begin_tag(6);
    put32(0);
    put32(0);
    put_range(0x200000, 0x10000, 1);
    end_tag(tag);
    read_block();
}

TEST_DIES(too_many_modules_are_refused, "more than 8 modules")
{
    begin_block();
    for (uint32_t i = 0; i < 9; i++) {
        uint32_t tag = begin_tag(3);
        put32(0x300000 + i * 0x1000);
        put32(0x300001 + i * 0x1000);
        end_tag(tag);
    }
    read_block();
}

TEST_DIES(a_module_ends_after_it_starts, "ends before it starts")
{
    begin_block();
    uint32_t tag = begin_tag(3);
    put32(0x300001);
    put32(0x300000);
    end_tag(tag);
    read_block();
}

TEST_DIES(information_beyond_4_gib_is_refused, "pass 4 GiB")
{
    multiboot_read(LOADED_BY_MULTIBOOT2, 0xfffffffc);
}

/* --- Multiboot 1 ----------------------------------------------------------- */

enum { TEXT = 1024, MODULES = 2048, MAP = 3072 };

static uint32_t block_address(uint32_t offset)
{
    return (uint32_t)image_physical(block + offset).value;
}

/* A table with a loader's name, a command line, one module and a map. */
static void begin_table1(const char *loader)
{
    static const char line[] = "rux.elf  one two";
    begin_anew();
    memset(block, 0, sizeof block);
    memcpy(block + TEXT, loader, strlen(loader));
    memcpy(block + TEXT + 64, line, sizeof line);
    used = MODULES;
    put32(0x300000);
    put32(0x300800);
    put32(block_address(TEXT + 64));
    const uint32_t table[17] = {
        1 << 2 | 1 << 3 | 1 << 6 | 1 << 9, 0, 0, 0,
        block_address(TEXT + 64), 1, block_address(MODULES), 0, 0, 0, 0,
        48, block_address(MAP), 0, 0, 0, block_address(TEXT)};
    memcpy(block, table, sizeof table);
    used = MAP;
    put32(20);
    put64(0x204000);
    put64(0x1000);
    put32(2);
    put32(20);
    put64(0x200000);
    put64(0x8000);
    put32(1);
}

static void read_table1(void)
{
    multiboot_read(LOADED_BY_MULTIBOOT1, block_address(0));
}

TEST(multiboot1_of_qemu_loses_the_paths)
{
    begin_table1("qemu");
    read_table1();
    EXPECT_EQUAL(memcmp(boot_info.command_line, "one two", 8), 0);
    EXPECT_EQUAL(boot_info.module_count, 1);
    EXPECT_EQUAL(boot_info.modules[0].size, 0x800);
    EXPECT_EQUAL(memcmp(boot_info.modules[0].name, "one two", 8), 0);
    EXPECT_EQUAL(boot_info.memory.count, 2);
    EXPECT_EQUAL(regions_size(&boot_info.memory), 0x7000);
    boot_info = kept;
}

TEST(multiboot1_of_others_has_no_paths)
{
    begin_table1("another");
    read_table1();
    EXPECT_EQUAL(memcmp(boot_info.command_line, "rux.elf  one", 12), 0);
    boot_info = kept;
}

TEST_DIES(a_step_in_the_old_map_has_a_least_size, "memory map is damaged")
{
    begin_table1("qemu");
    block[MAP] = 0;
    read_table1();
}

TEST_DIES(a_step_in_the_old_map_stays_in_it, "memory map is damaged")
{
    begin_table1("qemu");
    block[MAP + 24] = 21;
    read_table1();
}

TEST_DIES(the_old_count_of_modules_is_bounded, "1073741824 modules")
{
    begin_table1("qemu");
    block[20] = 0;
    block[23] = 0x40;
    read_table1();
}
