/* probe - tests that end in every way a test can end, to see that the runner
 * tells them apart (tests/boot/test_runner.py). */
#include "tests/kernel/test.h"

#include "kernel/panic.h"

static volatile int three = 3, many = 35;

TEST(passes)
{
    EXPECT(three == 3);
    EXPECT_EQUAL(three, 3);
}

TEST(fails)
{
    EXPECT(three == 4);
}

TEST(fails_with_values)
{
    EXPECT_EQUAL(three, 17);
}

TEST(is_undefined)
{
    EXPECT(1 << many != 7);
}

TEST(hangs)
{
    for (;;)
        __asm__ volatile("nop");
}

TEST(halts)
{
    __asm__ volatile("cli; hlt");
}

TEST(panics)
{
    panic("nobody asked for this");
}

TEST_DIES(dies_as_it_should, "these are the last words")
{
    panic("and these are the last words");
}

TEST_DIES(dies_otherwise, "these are the last words")
{
    panic("something else");
}

TEST_DIES(lives, "these are the last words")
{
    EXPECT(three == 3);
}

TEST(resets)
{
    static const struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } no_table = {0, 0};
    __asm__ volatile("lidt %0; ud2" : : "m"(no_table));
}

TEST(prints_what_a_pass_looks_like)
{
    for (const char *c = "ok 01_fails\nend\n"; *c; c++)
        __asm__ volatile("outb %0, %1" : : "a"(*c), "Nd"((uint16_t)0x3f8));
    EXPECT(three == 4);
}

TEST(passes_at_the_end)
{
    EXPECT(three == 3);
}
