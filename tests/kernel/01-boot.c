/* 01-boot.c - what the way into C must have left behind. */
#include "tests/kernel/test.h"

#include "kernel/x86/layout.h"
#include "kernel/x86/serial.h"
#include "kernel/x86/stack.h"

static volatile uint64_t variable = 1;

TEST(physical_memory_is_mapped_a_second_time)
{
    uint64_t physical = (uint64_t)&variable - KERNEL_BASE;
    volatile uint64_t *other = (volatile uint64_t *)(PHYSICAL_MAP + physical);
    variable = 0x5a5a;
    EXPECT_EQUAL(*other, 0x5a5a);
    *other = 0xa5a5;
    EXPECT_EQUAL(variable, 0xa5a5);
}

TEST(the_kernel_runs_on_its_own_stack)
{
    uint64_t here = (uint64_t)__builtin_frame_address(0);
    EXPECT(here > (uint64_t)kernel_stack.bytes);
    EXPECT(here < (uint64_t)(&kernel_stack + 1));
    EXPECT_EQUAL(here % 16, 0);
}

static uint8_t zeroed[5000];

TEST(the_loader_has_zeroed_what_has_no_value)
{
    for (unsigned i = 0; i < sizeof zeroed; i++)
        EXPECT_EQUAL(((volatile uint8_t *)zeroed)[i], 0);
}

TEST(the_serial_port_is_found)
{
    EXPECT(serial_present());
}
