/* 05-paging.c - the kernel's own page tables, and what they refuse. */
#include "tests/kernel/test.h"

#include <stdbool.h>

#include "kernel/boot_info.h"
#include "kernel/image.h"
#include "kernel/machine.h"
#include "kernel/x86/control.h"
#include "kernel/x86/entry.h"
#include "kernel/x86/features.h"
#include "kernel/x86/paging.h"
#include "kernel/x86/stack.h"
#include "lib/string.h"

/* Bit 0: writable, bit 1: executable; -1: nothing there. */
static int rights_at(uint64_t address)
{
    uint64_t entry = paging_lookup(address);
    if (!entry)
        return -1;
    return (entry & ENTRY_WRITABLE ? 1 : 0) |
           (entry & ENTRY_NO_EXECUTE ? 0 : 2);
}

static void expect_rights(const char *start, const char *end, int rights)
{
    for (const char *page = start; page < end; page += PAGE_SIZE) {
        EXPECT_EQUAL(rights_at((uint64_t)page), rights);
        EXPECT_EQUAL(paging_lookup((uint64_t)page) & ENTRY_FRAME,
                     image_physical(page).value);
    }
}

TEST(every_page_obeys_the_invariants)
{
    check_paging();
}

TEST(each_part_of_the_image_has_its_rights)
{
    expect_rights(text_start, text_end, 2);
    expect_rights(rodata_start, rodata_end, 0);
    expect_rights(data_start, data_end, 1);
}

TEST(below_each_stack_there_is_nothing)
{
    const char *stack = stacks_start;
    for (; stack < stacks_end; stack += sizeof(struct kernel_stack)) {
        EXPECT_EQUAL(rights_at((uint64_t)stack), -1);
        expect_rights(stack + PAGE_SIZE,
                      stack + sizeof(struct kernel_stack), 1);
    }
}

TEST(the_map_of_memory_has_a_hole_where_the_code_is)
{
    uint64_t start = image_physical(text_start).value;
    uint64_t end = image_physical(rodata_end).value;
    EXPECT_EQUAL(rights_at(PHYSICAL_MAP + start - PAGE_SIZE), 1);
    for (uint64_t page = start; page < end; page += PAGE_SIZE)
        EXPECT_EQUAL(rights_at(PHYSICAL_MAP + page), -1);
    EXPECT_EQUAL(rights_at(PHYSICAL_MAP + end), 1);
}

TEST(all_memory_is_in_the_map)
{
    for (unsigned i = 0; i < boot_info.memory.count; i++) {
        const struct region *region = &boot_info.memory.at[i];
        EXPECT_EQUAL(rights_at(PHYSICAL_MAP + region->start.value), 1);
        EXPECT_EQUAL(rights_at(PHYSICAL_MAP + region->end.value - 1), 1);
    }
    EXPECT_EQUAL(rights_at(PHYSICAL_MAP + (UINT64_C(1) << 32) - 1), 1);
    uint64_t end = align_up(boot_info.memory_end.value, 2 << 20);
    if (end < UINT64_C(1) << 32)
        end = UINT64_C(1) << 32;
    EXPECT_EQUAL(rights_at(PHYSICAL_MAP + end), -1);
}

TEST(nothing_is_left_of_the_lower_half)
{
    const uint64_t *pml4 = physical_pointer(paging_kernel_pml4);
    for (unsigned i = 0; i < TABLE_ENTRIES / 2; i++)
        EXPECT_EQUAL(pml4[i], 0);
}

TEST(the_processor_has_been_told)
{
    EXPECT(cr0_read() & CR0_WP);
    EXPECT_EQUAL(!!(cr4_read() & CR4_SMEP), features.smep);
    EXPECT_EQUAL(!!(cr4_read() & CR4_SMAP), features.smap);
    EXPECT_EQUAL(!!(cr4_read() & CR4_UMIP), features.umip);
    EXPECT_EQUAL(!!(cr4_read() & CR4_PGE), features.global_pages);
}

/* --- Other tables ---------------------------------------------------------- */

static _Alignas(4096) uint64_t tables[4][512], pages[2][512];
static uint64_t *const leaf = &tables[3][0];

static uint64_t entry_for(const void *page, uint64_t rights)
{
    return image_physical(page).value | ENTRY_PRESENT | rights;
}

/* A top table of its own whose address 0 is pages[0], for a program. */
static void enter_other_tables(uint64_t rights)
{
    const uint64_t all = ENTRY_WRITABLE | ENTRY_USER;
    memset(tables, 0, sizeof tables);
    paging_copy_kernel_half(tables[0]);
    for (unsigned i = 0; i < 3; i++)
        tables[i][0] = entry_for(tables[i + 1], all);
    *leaf = entry_for(pages[0], rights);
    paging_load(image_physical(tables[0]));
}

TEST(a_copied_half_is_the_same_kernel)
{
    memset(tables, 0xff, sizeof tables);
    EXPECT(!paging_has_kernel_half(tables[0]));
    paging_copy_kernel_half(tables[0]);
    EXPECT(paging_has_kernel_half(tables[0]));
    for (unsigned i = 0; i < 256; i++)
        EXPECT_EQUAL(tables[0][i], UINT64_MAX);
}

TEST(another_table_is_entered_and_left)
{
    enter_other_tables(ENTRY_NO_EXECUTE);
    EXPECT_EQUAL(paging_lookup(0) & ENTRY_FRAME,
                 image_physical(pages[0]).value);
    check_paging();
    paging_leave(physical(0x1000));
    EXPECT_EQUAL(cr3_read(), image_physical(tables[0]).value);
    paging_leave(image_physical(tables[0]));
    EXPECT_EQUAL(cr3_read(), paging_kernel_pml4.value);
}

/* Not in C, where nobody may use address 0. */
static uint64_t read_zero(void)
{
    uint64_t value;
    __asm__ volatile("mov (%1), %0" : "=r"(value) : "r"(0UL) : "memory");
    return value;
}

TEST(a_flush_forgets_the_old_page)
{
    pages[0][0] = 17;
    pages[1][0] = 18;
    enter_other_tables(ENTRY_NO_EXECUTE);
    *leaf = entry_for(pages[0], 0);
    tlb_flush();
    EXPECT_EQUAL(read_zero(), 17);
    *leaf = entry_for(pages[1], 0);
    tlb_flush();
    EXPECT_EQUAL(read_zero(), 18);
    paging_load(paging_kernel_pml4);
}

/* --- What is refused ------------------------------------------------------- */

static void write_to(uint64_t address)
{
    __asm__ volatile("movb $1, (%0)" : : "r"(address) : "memory");
}

static void execute(uint64_t address)
{
    __asm__ volatile("call *%0" : : "r"(address) : "memory");
}

TEST_DIES(code_cannot_be_written, "the page forbids it")
{
    write_to((uint64_t)text_start);
}

TEST_DIES(constants_cannot_be_written, "the page forbids it")
{
    write_to((uint64_t)rodata_start);
}

TEST_DIES(data_cannot_be_executed, "The kernel was executing 0x")
{
    execute((uint64_t)data_start);
}

TEST_DIES(constants_cannot_be_executed, "The kernel was executing 0x")
{
    execute((uint64_t)rodata_start);
}

TEST_DIES(code_has_no_second_address, "there is no page")
{
    write_to(PHYSICAL_MAP + image_physical(text_start).value);
}

TEST_DIES(the_map_of_memory_cannot_be_executed, "the page forbids it")
{
    execute(PHYSICAL_MAP + image_physical(data_start).value);
}

TEST_DIES(the_null_pointer_leads_nowhere, "writing 0x0: there is no page")
{
    write_to(0);
}

static uint64_t sink;

__attribute__((noinline)) static void recurse(uint64_t depth)
{
    volatile uint8_t bulk[512];
    bulk[0] = (uint8_t)depth;
    if (depth < UINT64_MAX)
        recurse(depth + 1);
    sink += bulk[0];
}

TEST_DIES(a_stack_that_overflows_is_named, "stack has overflowed")
{
    recurse(0);
}

TEST_DIES(smap_keeps_the_kernel_from_reading_a_program, "the page forbids it")
{
    enter_other_tables(ENTRY_USER | ENTRY_WRITABLE | ENTRY_NO_EXECUTE);
    write_to(8);
}

TEST_DIES(smep_keeps_the_kernel_from_executing_a_program,
          "The kernel was executing 0x0: the page forbids it")
{
    enter_other_tables(ENTRY_USER);
    execute(0);
}

/* --- The check itself ------------------------------------------------------ */

/* The entry of the lowest level for an address of the image. */
static uint64_t *image_entry(const char *address)
{
    uint64_t *table = physical_pointer(paging_kernel_pml4);
    for (unsigned shift = 39; shift > 12; shift -= 9)
        table = physical_pointer(physical(
            table[(uint64_t)address >> shift & 511] & ENTRY_FRAME));
    return &table[(uint64_t)address >> 12 & 511];
}

TEST_DIES(the_check_sees_writable_code, "assertion failed")
{
    *image_entry(text_start) |= ENTRY_WRITABLE;
    check_paging();
}

TEST_DIES(the_check_sees_executable_data, "assertion failed")
{
    *image_entry(data_start) &= ~ENTRY_NO_EXECUTE;
    check_paging();
}

TEST_DIES(the_check_sees_a_second_address, "assertion failed")
{
    uint64_t *entry = image_entry(data_start);
    *entry = (*entry & ~ENTRY_FRAME) | image_physical(text_start).value;
    check_paging();
}

TEST_DIES(the_check_sees_a_door_for_programs, "assertion failed")
{
    *image_entry((const char *)pages[0]) |= ENTRY_USER;
    uint64_t *pml4 = physical_pointer(paging_kernel_pml4);
    uint64_t *pdpt = physical_pointer(physical(pml4[511] & ENTRY_FRAME));
    uint64_t *pd = physical_pointer(physical(pdpt[510] & ENTRY_FRAME));
    uint64_t large = (uint64_t)pages[0] >> 21 & 511;
    pml4[511] |= ENTRY_USER;
    pdpt[510] |= ENTRY_USER;
    pd[large] |= ENTRY_USER;
    check_paging();
}
