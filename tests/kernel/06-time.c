/* 06-time.c - firmware's tables, the interrupt controllers, the clock. */
#include "tests/kernel/test.h"

#include <stdbool.h>
#include <stddef.h>

#include "kernel/boot_info.h"
#include "kernel/image.h"
#include "kernel/interrupt.h"
#include "kernel/machine.h"
#include "kernel/x86/acpi.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/control.h"
#include "kernel/x86/io.h"
#include "kernel/x86/timer.h"
#include "lib/string.h"

static uint64_t instructions(void)
{
    return __builtin_ia32_rdtsc();
}

static unsigned wait_and_handle(void)
{
    unsigned vector = wait_for_interrupt();
    interrupt_handle(vector);
    return vector;
}

/* --- Waiting --------------------------------------------------------------- */

TEST(a_wait_returns_with_the_vector_and_interrupts_off)
{
    for (unsigned i = 0; i < 10; i++) {
        uint64_t before = timer_ticks;
        EXPECT_EQUAL(wait_for_interrupt(), VECTOR_TIMER);
        EXPECT(!(flags_read() & FLAGS_INTERRUPT));
        EXPECT_EQUAL(timer_ticks, before);
        interrupt_handle(VECTOR_TIMER);
        EXPECT_EQUAL(timer_ticks, before + 1);
        check_interrupts();
    }
}

TEST(a_wait_keeps_the_registers_that_c_expects_to_keep)
{
    uint64_t sum, stack_moved;
    __asm__ volatile(
        "push %%rbp\n"
        "mov %%rsp, %%rbx; mov %%rsp, %%rbp\n"
        "mov $3, %%r12; mov $5, %%r13; mov $7, %%r14; mov $11, %%r15\n"
        "and $-16, %%rsp\n"
        "call wait_for_interrupt\n"
        "mov %%rbp, %%rsp; sub %%rbx, %%rbp; mov %%rbp, %%rcx\n"
        "pop %%rbp\n"
        "imul %%r12, %%r13; imul %%r14, %%r15; add %%r13, %%r15\n"
        "mov %%r15, %%rdx"
        : "=c"(stack_moved), "=d"(sum)
        :
        : "rax", "rbx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
          "r14", "r15", "cc", "memory");
    interrupt_handle(VECTOR_TIMER);
    EXPECT_EQUAL(sum, 3 * 5 + 7 * 11);
    EXPECT_EQUAL(stack_moved, 0);
}

TEST(a_thousand_waits_use_no_stack)
{
    for (unsigned i = 0; i < 1000; i++)
        wait_and_handle();
    check_interrupts();
}

TEST(an_interrupt_that_is_waiting_ends_the_wait_at_once)
{
    wait_and_handle();
    uint64_t start = instructions();
    while (instructions() - start < 1500000)
        ;
    start = instructions();
    EXPECT_EQUAL(wait_and_handle(), VECTOR_TIMER);
    EXPECT(instructions() - start < 100000);
}

TEST_DIES(an_interrupt_must_be_acknowledged, "assertion failed")
{
    wait_for_interrupt();
    check_interrupts();
}

TEST_DIES(interrupts_must_be_off, "assertion failed")
{
    wait_and_handle();
    apic_timer_start(0, false); /* or a tick would come in the panic */
    __asm__ volatile("sti");
    check_interrupts();
}

TEST(a_spurious_interrupt_is_not_acknowledged)
{
    EXPECT_EQUAL(wait_for_interrupt(), VECTOR_TIMER);
    EXPECT(apic_in_service());
    interrupt_handle(VECTOR_SPURIOUS);
    interrupt_handle(VECTOR_LEGACY + 7);
    EXPECT(apic_in_service());
    interrupt_handle(VECTOR_TIMER);
    EXPECT(!apic_in_service());
}

/* --- The clock ------------------------------------------------------------- */

/* The host counts a nanosecond of the machine for each unit of the TSC. */
TEST(a_tick_is_a_millisecond)
{
    wait_and_handle();
    uint64_t start = instructions(), ticks = timer_ticks;
    for (unsigned i = 0; i < 100; i++)
        wait_and_handle();
    EXPECT_EQUAL(timer_ticks - ticks, 100);
    uint64_t elapsed = instructions() - start;
    EXPECT(elapsed > 99000000 && elapsed < 101000000);
}

/* --- Lines ----------------------------------------------------------------- */

enum { VECTOR_PIT = VECTOR_IRQ_BASE + 0, VECTOR_KEYBOARD, LINE_KEYBOARD = 1 };

static void start_pit(void)
{
    port_out8(0x43, 0x34);
    port_out8(0x40, 11932 & 0xff);
    port_out8(0x40, 11932 >> 8);
}

/* How often line 0 interrupts in 100 ticks. */
static unsigned count_pit(void)
{
    unsigned seen = 0;
    for (uint64_t end = timer_ticks + 100; timer_ticks < end;)
        seen += wait_and_handle() == VECTOR_PIT;
    return seen;
}

TEST(a_line_interrupts_between_unmask_and_mask)
{
    start_pit();
    EXPECT(irq_route(0));
    EXPECT_EQUAL(count_pit(), 0);
    irq_unmask(0);
    unsigned seen = count_pit();
    EXPECT(seen >= 9 && seen <= 11);
    irq_mask(0);
    EXPECT_EQUAL(count_pit(), 0);
    check_interrupts();
}

TEST(a_key_arrives_on_line_1)
{
    EXPECT(irq_route(LINE_KEYBOARD));
    irq_unmask(LINE_KEYBOARD);
    while (port_in8(0x64) & 1)
        port_in8(0x60);
    port_out8(0x64, 0xd2); /* as if the next byte came from the keyboard */
    port_out8(0x60, 0x1e);
    unsigned vector = wait_and_handle();
    if (vector == VECTOR_TIMER)
        vector = wait_and_handle();
    EXPECT_EQUAL(vector, VECTOR_KEYBOARD);
    EXPECT_EQUAL(port_in8(0x60), 0x1e);
    irq_mask(LINE_KEYBOARD);
}

TEST(a_level_is_held_back_and_an_edge_is_not)
{
    start_pit();
    irq_route(0);
    acpi.lines[0].level = true;
    irq_unmask(0);
    while (wait_and_handle() != VECTOR_PIT)
        ;
    EXPECT_EQUAL(count_pit(), 0);
    irq_unmask(0);
    while (wait_and_handle() != VECTOR_PIT)
        ;
    irq_mask(0);
    acpi.lines[0].level = false;
}

TEST(lines_without_a_wire_are_refused)
{
    struct acpi kept = acpi;
    acpi.lines[2].input = NO_INPUT;
    EXPECT(!irq_route(2));
    acpi.lines[2].input = 5000;
    EXPECT(!irq_route(2));
    acpi = kept;
    for (unsigned line = ISA_LINES; line < IRQ_LINES; line++)
        EXPECT(irq_route(line));
}

/* --- Firmware's tables ----------------------------------------------------- */

TEST(the_wiring_of_a_pc_is_found)
{
    EXPECT_EQUAL(acpi.io_apic_count, 1);
    EXPECT_EQUAL(acpi.io_apics[0].address.value, 0xfec00000);
    EXPECT_EQUAL(acpi.lines[0].input, 2);
    EXPECT_EQUAL(acpi.lines[1].input, 1);
    EXPECT_EQUAL(acpi.lines[2].input, NO_INPUT);
    EXPECT(!acpi.lines[1].level && acpi.lines[9].level);
}

static _Alignas(4096) uint8_t firmware[3 * 4096];
enum { ROOT = 1024, MADT = 4096 - 60 }; /* across the end of a page */

static uint64_t place(uint32_t offset)
{
    return image_physical(firmware + offset).value;
}

static void put(uint32_t at, uint64_t value, uint32_t bytes)
{
    memcpy(firmware + at, &value, bytes);
}

static uint8_t complement(const uint8_t *bytes, uint32_t size)
{
    uint8_t sum = 0;
    while (size--)
        sum = (uint8_t)(sum - *bytes++);
    return sum;
}

static void finish_table(uint32_t at, const char *name, uint32_t size)
{
    memcpy(firmware + at, name, 4);
    put(at + 4, size, 4);
    put(at + 9, 0, 1);
    put(at + 9, complement(firmware + at, size), 1);
}

static struct acpi kept_acpi;
static uint8_t kept_rsdp[36];

/* An old root pointer, an RSDT with two addresses, and an empty MADT. */
static void begin_tables(void)
{
    kept_acpi = acpi;
    memcpy(kept_rsdp, boot_info.rsdp, sizeof kept_rsdp);
    memset(&acpi, 0, sizeof acpi);
    memset(firmware, 0, sizeof firmware);
    memset(boot_info.rsdp, 0, sizeof boot_info.rsdp);
    memcpy(boot_info.rsdp, "RSD PTR ", 8);
    uint32_t root = (uint32_t)place(ROOT);
    memcpy(boot_info.rsdp + 16, &root, 4);
    boot_info.rsdp[8] = complement(boot_info.rsdp, 20);
    put(ROOT + 36, image_physical(text_start).value, 4); /* not mapped */
    put(ROOT + 40, place(MADT), 4);
    finish_table(ROOT, "RSDT", 44);
    finish_table(MADT, "APIC", 44);
}

/* Gives the table of wiring one I/O APIC, which is not the usual one. */
static void add_unusual_io_apic(void)
{
    put(MADT + 44, 0xc01, 2);
    put(MADT + 48, 0xfec01000, 4);
    finish_table(MADT, "APIC", 56);
}

static void read_tables(void)
{
    acpi_read();
    memcpy(boot_info.rsdp, kept_rsdp, sizeof kept_rsdp);
}

static void expect_defaults(void)
{
    EXPECT_EQUAL(acpi.io_apic_count, 1);
    EXPECT_EQUAL(acpi.io_apics[0].address.value, 0xfec00000);
    EXPECT_EQUAL(acpi.lines[0].input, 2);
    for (uint32_t line = 3; line < ISA_LINES; line++) {
        EXPECT_EQUAL(acpi.lines[line].input, line);
        EXPECT(!acpi.lines[line].level && !acpi.lines[line].low);
    }
    acpi = kept_acpi;
}

TEST(an_empty_table_means_the_usual_wiring)
{
    begin_tables();
    read_tables();
    expect_defaults();
}

TEST(wiring_is_read_from_a_table_across_pages)
{
    begin_tables();
    uint32_t at = MADT + 44;
    put(at, 0xc01, 2); /* an I/O APIC, 12 bytes */
    put(at + 4, 0xfec01000, 4);
    put(at + 8, 24, 4);
    at += 12;
    put(at, 0x602, 2); /* too short for an override */
    at += 6;
    put(at, 0xa02, 2);
    put(at + 3, 7, 1);
    put(at + 4, 33, 4);
    put(at + 8, 0xf, 2);
    at += 10;
    put(at, 0xa02, 2);
    put(at + 3, 16, 1); /* there is no such line */
    put(at + 4, 44, 4);
    at += 10;
    finish_table(MADT, "APIC", at - MADT);
    read_tables();
    EXPECT_EQUAL(acpi.io_apic_count, 1);
    EXPECT_EQUAL(acpi.io_apics[0].address.value, 0xfec01000);
    EXPECT_EQUAL(acpi.io_apics[0].first, 24);
    EXPECT_EQUAL(acpi.lines[7].input, 33);
    EXPECT(acpi.lines[7].low && acpi.lines[7].level);
    EXPECT_EQUAL(acpi.lines[8].input, 8);
    acpi = kept_acpi;
}

TEST(entries_without_a_size_or_beyond_the_end_stop_the_reading)
{
    for (uint64_t size = 0; size < 256; size += 255) {
        begin_tables();
        put(MADT + 44, 1 | size << 8, 2);
        put(MADT + 46, 0xc01, 2);
        put(MADT + 50, 0xfec05000, 4);
        finish_table(MADT, "APIC", 58);
        read_tables();
        expect_defaults();
    }
}

/* A reader who steps by 1 finds an I/O APIC there. */
TEST(an_entry_has_at_least_type_and_length)
{
    begin_tables();
    put(MADT + 44, 0x0c0100, 3);
    put(MADT + 49, 0xfec05000, 4);
    finish_table(MADT, "APIC", 58);
    read_tables();
    expect_defaults();
}

TEST(more_io_apics_than_we_have_room_for_are_passed_over)
{
    begin_tables();
    for (uint32_t i = 0; i < 12; i++) {
        put(MADT + 44 + 12 * i, 0xc01, 2);
        put(MADT + 44 + 12 * i + 4, 0xfec00000 + 4096 * i, 4);
    }
    finish_table(MADT, "APIC", 44 + 12 * 12);
    read_tables();
    EXPECT_EQUAL(acpi.io_apic_count, IO_APICS);
    acpi = kept_acpi;
}

TEST(a_wrong_sum_makes_a_table_unbelievable)
{
    begin_tables();
    add_unusual_io_apic();
    firmware[MADT + 30]++;
    read_tables();
    expect_defaults();
}

TEST(an_absurd_length_makes_a_table_unbelievable)
{
    static const uint32_t lengths[] = {0, 35, 1 << 21, UINT32_MAX};
    for (unsigned i = 0; i < 4; i++) {
        begin_tables();
        put(MADT + 4, lengths[i], 4);
        read_tables();
        expect_defaults();
        begin_tables();
        add_unusual_io_apic();
        put(ROOT + 4, lengths[i], 4);
        read_tables();
        expect_defaults();
    }
}

TEST(an_address_of_64_bits_is_not_followed_blindly)
{
    static const uint64_t addresses[] = {
        0, 0xfffff000, 0x100000000000, PHYSICAL_LIMIT, UINT64_MAX - 8};
    for (unsigned i = 0; i < 5; i++) {
        begin_tables();
        boot_info.rsdp[15] = 2;
        memcpy(boot_info.rsdp + 24, &addresses[i], 8);
        boot_info.rsdp[8] = 0;
        boot_info.rsdp[8] = complement(boot_info.rsdp, 36);
        read_tables();
        expect_defaults();
    }
}
