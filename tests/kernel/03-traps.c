/* 03-traps.c - descriptors, stubs and what a trap reports. */
#include "tests/kernel/test.h"

#include <stdbool.h>

#include "kernel/x86/cpu.h"
#include "kernel/x86/idt.h"
#include "kernel/x86/msr.h"
#include "kernel/x86/trap.h"
#include "lib/string.h"

TEST(the_processor_finds_its_structure)
{
    EXPECT(this_cpu() == this_cpu()->self);
    EXPECT_EQUAL(msr_read(MSR_GS_BASE), (uint64_t)this_cpu());
}

TEST(segments_are_the_ones_of_the_table)
{
    uint16_t cs, ss, task;
    __asm__("mov %%cs, %0" : "=r"(cs));
    __asm__("mov %%ss, %0" : "=r"(ss));
    __asm__("str %0" : "=r"(task));
    EXPECT_EQUAL(cs, SELECTOR_KERNEL_CODE);
    EXPECT_EQUAL(ss, SELECTOR_KERNEL_DATA);
    EXPECT_EQUAL(task, SELECTOR_TSS);
}

TEST(a_breakpoint_leaves_every_register_as_it_was)
{
    uint64_t low, high, flags;
    __asm__ volatile(
        "mov $1, %%rax; mov $2, %%rbx; mov $3, %%rcx; mov $4, %%rdx\n"
        "mov $5, %%rsi; mov $6, %%rdi; mov $7, %%r8;  mov $8, %%r9\n"
        "mov $9, %%r10; mov $10, %%r11; mov $11, %%r12; mov $12, %%r13\n"
        "mov $13, %%r14; mov $14, %%r15\n"
        "stc; int3\n"
        "pushfq\n"
        "shl $4, %%rbx; or %%rbx, %%rax; shl $8, %%rcx; or %%rcx, %%rax\n"
        "shl $12, %%rdx; or %%rdx, %%rax; shl $16, %%rsi; or %%rsi, %%rax\n"
        "shl $20, %%rdi; or %%rdi, %%rax; shl $24, %%r8; or %%r8, %%rax\n"
        "shl $4, %%r10; or %%r10, %%r9; shl $8, %%r11; or %%r11, %%r9\n"
        "shl $12, %%r12; or %%r12, %%r9; shl $16, %%r13; or %%r13, %%r9\n"
        "shl $20, %%r14; or %%r14, %%r9; shl $24, %%r15; or %%r15, %%r9\n"
        "mov %%r9, %%rbx; pop %%rcx"
        : "=a"(low), "=b"(high), "=c"(flags)
        :
        : "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
          "r15", "cc", "memory");
    EXPECT_EQUAL(low, 0x7654321);
    EXPECT_EQUAL(high, 0xedcba98);
    EXPECT_EQUAL(flags & 1, 1);
}

extern const uint8_t trap_stubs[VECTORS][16];

/* SDM 3A, "Exceptions and Interrupts"; 29 and 30 are AMD's. */
static bool comes_with_an_error_code(unsigned vector)
{
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 ||
           vector == 21 || vector == 29 || vector == 30;
}

TEST(a_stub_pushes_what_the_processor_does_not)
{
    enum { PUSH_8 = 0x6a, PUSH_32 = 0x68 };
    for (unsigned vector = 0; vector < VECTORS; vector++) {
        const uint8_t *code = trap_stubs[vector];
        if (!comes_with_an_error_code(vector)) {
            EXPECT_EQUAL(code[0], PUSH_8);
            EXPECT_EQUAL(code[1], 0);
            code += 2;
        }
        EXPECT_EQUAL(code[0], vector < 128 ? PUSH_8 : PUSH_32);
        EXPECT_EQUAL(code[1], vector);
    }
}

TEST(gates_flags_and_stacks_are_as_they_should_be)
{
    check_traps();
}

TEST_DIES(a_direction_flag_that_is_left_set_is_found, "assertion failed: (flags")
{
    __asm__ volatile("std");
    check_traps();
}

TEST_DIES(an_interrupt_stack_that_is_none_is_found, "assertion failed: stack_place")
{
    this_cpu()->tss.ist[1] -= 16384;
    check_traps();
}

TEST(every_exception_has_a_name)
{
    for (uint64_t vector = 0; vector < VECTORS; vector++)
        EXPECT(strlen(trap_name(vector)) > 0);
    EXPECT(memcmp(trap_name(VECTOR_PAGE_FAULT), "page fault", 11) == 0);
}

TEST_DIES(an_invalid_opcode_is_reported, "invalid opcode in the kernel")
{
    __asm__ volatile("ud2");
}

/* Gives each register a number of its own and executes an invalid opcode. */
static void die_with_numbers(void)
{
    __asm__ volatile(
        "mov $0xa1, %%rax; mov $0xb2, %%rbx; mov $0xc3, %%rcx\n"
        "mov $0xd4, %%rdx; mov $0xe5, %%rsi; mov $0xf6, %%rdi\n"
        "mov $8, %%r8;   mov $9, %%r9;   mov $10, %%r10; mov $11, %%r11\n"
        "mov $12, %%r12; mov $13, %%r13; mov $14, %%r14; mov $15, %%r15\n"
        "ud2"
        :
        :
        : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
          "r12", "r13", "r14", "r15");
}

#define SHOWS(name, left, right)                                              \
    TEST_DIES(a_report_shows_##name, left "    " right)                       \
    {                                                                         \
        die_with_numbers();                                                   \
    }

SHOWS(rax_and_rbx, "rax 0x00000000000000a1", "rbx    0x00000000000000b2")
SHOWS(rcx_and_rdx, "rcx 0x00000000000000c3", "rdx    0x00000000000000d4")
SHOWS(rsi_and_rdi, "rsi 0x00000000000000e5", "rdi    0x00000000000000f6")
SHOWS(r8_and_r9, "r8  0x0000000000000008", "r9     0x0000000000000009")
SHOWS(r10_and_r11, "r10 0x000000000000000a", "r11    0x000000000000000b")
SHOWS(r12_and_r13, "r12 0x000000000000000c", "r13    0x000000000000000d")
SHOWS(r14_and_r15, "r14 0x000000000000000e", "r15    0x000000000000000f")

TEST_DIES(a_division_by_zero_is_reported, "divide error in the kernel")
{
    __asm__ volatile("xor %%edx, %%edx; div %%edx" : : : "rax", "rdx", "cc");
}

TEST_DIES(a_read_where_nothing_is_names_the_address,
          "The kernel was reading 0x7fff00000000: there is no page.")
{
    *(volatile uint64_t *)0x7fff00000000;
}

TEST_DIES(a_write_where_nothing_is_names_the_address,
          "The kernel was writing 0x7fff00000008: there is no page.")
{
    *(volatile uint64_t *)0x7fff00000008 = 1;
}

TEST_DIES(an_address_that_cannot_be_is_reported,
          "general protection in the kernel")
{
    __asm__ volatile("mov (%0), %%al" : : "r"(UINT64_C(1) << 63) : "al");
}

TEST_DIES(a_selector_is_explained, "Error code 0x38: entry 7 of the GDT.")
{
    __asm__ volatile("mov %0, %%fs" : : "r"(0x38));
}

/* The stub's push faults, and so does the processor's for that fault. */
TEST_DIES(a_stack_that_is_not_there_is_a_double_fault,
          "double fault in the kernel")
{
    __asm__ volatile("mov %0, %%rsp; push %%rax"
                     :
                     : "r"(UINT64_C(0x7fff00000000)));
}
