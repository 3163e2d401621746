/* 02-console.c - formatting, strings, the screen, and dying. */
#include "tests/kernel/test.h"

#include <stdbool.h>

#include "kernel/assert.h"
#include "kernel/console.h"
#include "kernel/image.h"
#include "kernel/x86/layout.h"
#include "kernel/x86/stack.h"
#include "kernel/x86/vga.h"
#include "lib/format.h"
#include "lib/string.h"

struct page_of_text {
    char text[200];
    size_t length;
};

static void append(void *context, const char *text, size_t length)
{
    struct page_of_text *page = context;
    for (size_t i = 0; i < length; i++)
        page->text[page->length++] = text[i];
}

static bool same(const char *left, const char *right)
{
    return strlen(left) == strlen(right) &&
           memcmp(left, right, strlen(left)) == 0;
}

#define EXPECT_TEXT(expected, ...)                                            \
    do {                                                                      \
        struct page_of_text page = {.length = 0};                             \
        format(append, &page, __VA_ARGS__);                                   \
        page.text[page.length] = 0;                                           \
        if (!same(page.text, expected))                                       \
            test_fail(__FILE__, __LINE__, page.text);                         \
    } while (0)

TEST(numbers_are_formatted)
{
    EXPECT_TEXT("0 7 -7", "%d %d %d", 0, 7, -7);
    EXPECT_TEXT("-2147483648", "%d", -2147483647 - 1);
    EXPECT_TEXT("-9223372036854775808", "%ld", INT64_MIN);
    EXPECT_TEXT("18446744073709551615", "%lu", UINT64_MAX);
    EXPECT_TEXT("4294967295 ffffffff", "%u %x", ~0u, ~0u);
    EXPECT_TEXT("ffffffffffffffff", "%lx", UINT64_MAX);
    EXPECT_TEXT("18446744073709551615", "%zu", (size_t)-1);
    EXPECT_TEXT("0xb8000", "%p", (void *)0xb8000);
}

TEST(fields_are_padded)
{
    EXPECT_TEXT("[   -5]", "[%5d]", -5);
    EXPECT_TEXT("[-5   ]", "[%-5d]", -5);
    EXPECT_TEXT("[-0005]", "[%05d]", -5);
    EXPECT_TEXT("[12345]", "[%3d]", 12345);
    EXPECT_TEXT("[  0xb8000][0xb8000  ]", "[%9p][%-9p]", (void *)0xb8000,
                (void *)0xb8000);
    EXPECT_TEXT("[  Rux][Rux  ]", "[%5s][%-5s]", "Rux", "Rux");
    EXPECT_TEXT("[   R]", "[%4c]", 'R');
}

TEST(text_is_passed_on)
{
    EXPECT_TEXT("", "%s", "");
    EXPECT_TEXT("100%", "100%%");
    const char *volatile nothing = 0;
    EXPECT_TEXT("(null)", "%s", nothing);
    EXPECT_TEXT("a b", "%c %s", 'a', "b");
}

static uint8_t bytes[100], copy[100];

/* Fills both with numbers, moves in one as told and in the other by hand. */
static void check_move(size_t to, size_t from, size_t size)
{
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = copy[i] = (uint8_t)i;
    memmove(bytes + to, bytes + from, size);
    for (unsigned i = 0; i < size; i++)
        copy[to + i] = (uint8_t)(from + i);
    EXPECT_EQUAL(memcmp(bytes, copy, sizeof bytes), 0);
}

TEST(overlapping_bytes_are_moved)
{
    for (size_t size = 0; size < 40; size++)
        for (size_t to = 0; to < 30; to++)
            check_move(to, 15, size);
}

TEST(exactly_the_bytes_asked_for_are_set_and_copied)
{
    for (size_t size = 0; size < 40; size++) {
        memset(bytes, 0xee, sizeof bytes);
        memset(bytes + 3, 0x1c7, size);
        EXPECT_EQUAL(bytes[2], 0xee);
        EXPECT_EQUAL(bytes[3 + size], 0xee);
        for (size_t i = 0; i < size; i++)
            EXPECT_EQUAL(bytes[3 + i], 0xc7);
        memset(copy, 0, sizeof copy);
        memcpy(copy + 1, bytes + 3, size);
        EXPECT_EQUAL(copy[0], 0);
        EXPECT_EQUAL(copy[1 + size], 0);
        EXPECT_EQUAL(memcmp(copy + 1, bytes + 3, size), 0);
    }
}

TEST(bytes_are_compared_without_sign)
{
    EXPECT(memcmp("\x7f", "\x80", 1) < 0);
    EXPECT(memcmp("ab", "aa", 2) > 0);
    EXPECT_EQUAL(memcmp("ab", "ac", 1), 0);
}

static uint16_t cell(unsigned row, unsigned column)
{
    volatile uint16_t *cells = (volatile uint16_t *)(PHYSICAL_MAP + 0xb8000);
    return cells[row * 80 + column];
}

TEST(the_screen_scrolls)
{
    if (!vga_clear(VGA_PLAIN))
        return;
    for (char c = 'a'; c < 'a' + 25; c++) {
        vga_put(c);
        if (c < 'a' + 24)
            vga_put('\n');
    }
    EXPECT_EQUAL(cell(0, 0), VGA_PLAIN << 8 | 'a');
    EXPECT_EQUAL(cell(24, 0), VGA_PLAIN << 8 | ('a' + 24));
    for (unsigned i = 0; i < 79; i++)
        vga_put('-');
    EXPECT_EQUAL(cell(0, 0), VGA_PLAIN << 8 | 'b');
    EXPECT_EQUAL(cell(23, 79), VGA_PLAIN << 8 | '-');
    EXPECT_EQUAL(cell(24, 0), VGA_PLAIN << 8 | ' ');
    vga_put('x');
    EXPECT_EQUAL(cell(24, 0), VGA_PLAIN << 8 | 'x');
    vga_clear(VGA_PLAIN);
}

TEST(a_released_screen_is_left_alone_until_it_is_claimed)
{
    if (!vga_clear(VGA_PLAIN))
        return;
    console_release_screen();
    log_line("not on the screen");
    EXPECT_EQUAL(cell(0, 0), VGA_PLAIN << 8 | ' ');
    console_claim_screen();
    EXPECT_EQUAL(cell(24, 79), VGA_ALARM << 8 | ' ');
    kprintf("R");
    EXPECT_EQUAL(cell(0, 0), VGA_ALARM << 8 | 'R');
    vga_clear(VGA_PLAIN);
}

TEST(addresses_on_stacks_are_known)
{
    EXPECT_EQUAL(stack_place((uintptr_t)kernel_stack.guard), STACK_GUARD);
    EXPECT_EQUAL(stack_place((uintptr_t)kernel_stack.bytes), STACK_USED);
    EXPECT_EQUAL(stack_place((uintptr_t)kernel_stack.bytes - 1), STACK_GUARD);
    EXPECT_EQUAL(stack_place((uintptr_t)stacks_start - 1), STACK_NONE);
    EXPECT_EQUAL(stack_place((uintptr_t)stacks_end), STACK_NONE);
    EXPECT_EQUAL(stack_place((uintptr_t)stacks_end - 1), STACK_USED);
}

TEST_DIES(a_panic_names_its_place, "PANIC in tests/kernel/02-console.c:")
{
    panic("as wanted");
}

TEST_DIES(a_panic_names_its_callers, "called from 0xffffffff8")
{
    panic("as wanted");
}

TEST_DIES(a_failed_assertion_is_quoted, "assertion failed: variable == 2")
{
    volatile int variable = 1;
    assert(variable == 2);
}

__attribute__((noinline, no_sanitize("undefined"))) static void
overflow(volatile size_t size)
{
    volatile char array[16];
    for (size_t i = 0; i < size; i++)
        ((volatile char *)array)[i] = 1;
}

TEST_DIES(an_array_does_not_reach_the_return_address,
          "a stack frame was overwritten")
{
    overflow(40);
}
