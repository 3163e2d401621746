/* test.c - runs the tests of a test image, and reports to the host.
 *
 * Each test is a demonstration; this file is linked last, so its own comes
 * after all of them. Records leave through QEMU's debug port, a line each:
 *
 *   begin NAME [dies: TEXT]    ok NAME    fail NAME FILE:LINE: TEXT    end
 *
 * The console belongs to the kernel under test and proves nothing.
 */
#include "tests/kernel/test.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PORT_DEBUG = 0xe9,
    PORT_EXIT = 0xf4, /* isa-debug-exit: QEMU ends with 2 * value + 1 */
    EXIT_PASSED = 0x10,
    EXIT_FAILED = 0x12,
    PORT_WATCHDOG_OFF = 0x441, /* ib700 */
    PORT_WATCHDOG_ON = 0x443,
    WATCHDOG_4_SECONDS = 13, /* of the machine's time, not of ours */
};

static const struct test *running;
static uint64_t to_skip; /* tests that an earlier run has seen */
static bool started;

static void out(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void say(const char *text)
{
    while (*text)
        out(PORT_DEBUG, (uint8_t)*text++);
}

static void say_number(uint64_t number, uint64_t base)
{
    if (number >= base)
        say_number(number / base, base);
    out(PORT_DEBUG, (uint8_t) "0123456789abcdef"[number % base]);
}

static _Noreturn void end_machine(uint8_t value)
{
    out(PORT_EXIT, value);
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* --- How many tests to skip: the host says it through QEMU's fw_cfg -------- */

enum {
    PORT_CONFIG = 0x510, /* selects an item; its bytes come from 0x511 */
    PORT_CONFIG_DATA = 0x511,
    CONFIG_DIRECTORY = 0x19,
    CONFIG_NAME = 56,
};

static void config_select(uint16_t item)
{
    __asm__ volatile("outw %0, %1" : : "a"(item), "Nd"((uint16_t)PORT_CONFIG));
}

static uint32_t config_big_endian(unsigned bytes)
{
    uint32_t value = 0;
    while (bytes--)
        value = value << 8 | in(PORT_CONFIG_DATA);
    return value;
}

static bool config_name_is(const char *wanted)
{
    bool same = true;
    for (unsigned i = 0; i < CONFIG_NAME; i++) {
        char c = (char)in(PORT_CONFIG_DATA);
        same = same && c == *wanted;
        wanted += *wanted != 0;
    }
    return same;
}

/* The number in a file of fw_cfg as decimal digits; 0 if there is none. */
static uint64_t config_number(const char *name)
{
    uint64_t number = 0;
    config_select(CONFIG_DIRECTORY);
    for (uint32_t files = config_big_endian(4); files; files--) {
        uint32_t size = config_big_endian(4);
        uint16_t item = (uint16_t)config_big_endian(2);
        config_big_endian(2); /* reserved */
        if (!config_name_is(name))
            continue;
        config_select(item);
        while (size--)
            number = number * 10 + in(PORT_CONFIG_DATA) - '0';
        break;
    }
    return number;
}

/* --- Running --------------------------------------------------------------- */

void test_run(const struct test *test)
{
    if (!started) {
        started = true;
        to_skip = config_number("opt/rux/skip");
    }
    if (to_skip) {
        to_skip--;
        return;
    }
    running = test;
    say("begin ");
    say(test->name);
    if (test->last_words) {
        say(" dies: ");
        say(test->last_words);
    }
    say("\n");
    out(PORT_WATCHDOG_ON, WATCHDOG_4_SECONDS);
    test->body();
    out(PORT_WATCHDOG_OFF, 0);
    say("ok ");
    say(test->name);
    say("\n");
    running = NULL;
}

static void say_failure(const char *file, uint32_t line, const char *text)
{
    say("fail ");
    say(running ? running->name : "-");
    say(" ");
    say(file);
    say(":");
    say_number(line, 10);
    say(": ");
    say(text);
}

void test_fail(const char *file, uint32_t line, const char *text)
{
    say_failure(file, line, text);
    say("\n");
    end_machine(EXIT_FAILED);
}

void test_expect_equal(uint64_t actual, uint64_t expected, const char *file,
                       uint32_t line, const char *text)
{
    if (actual == expected)
        return;
    say_failure(file, line, text);
    say(": 0x");
    say_number(actual, 16);
    say(" is not 0x");
    say_number(expected, 16);
    say("\n");
    end_machine(EXIT_FAILED);
}

static void test_end(void)
{
    say("end\n");
    end_machine(EXIT_PASSED);
}
DEMONSTRATION(test_end);
