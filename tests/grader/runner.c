/* runner.c - boots in the place of a demonstration, does the steps that the
 * host has sent, and sends a record of each.
 *
 * The input is a file of QEMU's fw_cfg: words of 64 bits, a key, the number of
 * steps, and the steps. Records leave through the debug port, a line each:
 *
 *   WORD WORD ... #TAG        and at the end     end #TAG
 *
 * A tag depends on the key and on every word since the beginning, so a line
 * that somebody else writes, leaves out or repeats is noticed. The code under
 * test runs in the same machine and could find the key; that would not help,
 * because the words have to be right as well.
 */
#include "tests/grader/check.h"

#include <stdbool.h>
#include <stddef.h>

#include "kernel/demonstration.h"
#include "kernel/panic.h"
#include "tests/kernel/test.h"

enum {
    PORT_RECORDS = 0xe9,
    PORT_EXIT = 0xf4,
    EXIT_DONE = 0x10,
    PORT_WATCHDOG_ON = 0x443, /* ib700 */
    WATCHDOG_4_SECONDS = 13,  /* of the machine's time: instructions */
    PORT_CONFIG = 0x510,
    PORT_CONFIG_DATA = 0x511,
    CONFIG_DIRECTORY = 0x19,
    CONFIG_NAME = 56,
    INPUT_WORDS = 32768,
};

static uint64_t input[INPUT_WORDS];
static size_t input_count, taken;
static uint64_t tag;

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

/* --- What the host has sent ------------------------------------------------ */

static void config_select(uint16_t item)
{
    uint16_t port = PORT_CONFIG;

    __asm__ volatile("outw %0, %1" : : "a"(item), "Nd"(port));
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

static void read_words(size_t bytes)
{
    if (bytes > sizeof input)
        panic("the input of this check is too long");
    input_count = bytes / sizeof input[0];
    for (size_t i = 0; i < input_count; i++)
        for (unsigned byte = 0; byte < 8; byte++)
            input[i] |= (uint64_t)in(PORT_CONFIG_DATA) << 8 * byte;
}

static void read_input(void)
{
    config_select(CONFIG_DIRECTORY);
    for (uint32_t files = config_big_endian(4); files; files--) {
        uint32_t size = config_big_endian(4);
        uint16_t item = (uint16_t)config_big_endian(2);

        config_big_endian(2); /* reserved */
        if (!config_name_is("opt/rux/input"))
            continue;
        config_select(item);
        read_words(size);
        return;
    }
    panic("this kernel is started by make grade");
}

uint64_t take(void)
{
    if (taken == input_count)
        panic("a step takes more words than the host has sent");
    return input[taken++];
}

/* --- What we send ---------------------------------------------------------- */

static void send_hex(uint64_t word)
{
    if (word >= 16)
        send_hex(word / 16);
    out(PORT_RECORDS, (uint8_t) "0123456789abcdef"[word % 16]);
}

static void mix(uint64_t word)
{
    uint64_t x = (tag ^ word) * UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    tag = x ^ x >> 29;
}

void tell(uint64_t word)
{
    mix(word);
    send_hex(word);
    out(PORT_RECORDS, ' ');
}

/* The number of what is closed goes into the tag. */
static void close_record(uint64_t number)
{
    mix(~number);
    out(PORT_RECORDS, '#');
    send_hex(tag);
    out(PORT_RECORDS, '\n');
}

static _Noreturn void end_machine(uint8_t value)
{
    out(PORT_EXIT, value);
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* Undefined behaviour, as the compiler's checks find it (ubsan.c). */
void test_fail(const char *file, uint32_t line, const char *text)
{
    panic("%s:%u: %s", file, line, text);
}

static void grade(void)
{
    read_input();
    tag = take();
    out(PORT_WATCHDOG_ON, WATCHDOG_4_SECONDS);

    uint64_t steps = take();

    for (uint64_t step = 0; step < steps; step++) {
        check_step(take());
        close_record(step);
    }
    for (const char *c = "end "; *c; c++)
        out(PORT_RECORDS, (uint8_t)*c);
    close_record(steps);
    end_machine(EXIT_DONE);
}
DEMONSTRATION(grade);
