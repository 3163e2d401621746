/* The keyboard driver's decoder: sequences of codes against what was typed,
   and any bytes at all without harm. */
#include "host.h"

#include <string.h>

#include "userland/keyboard.c"

/* No device: a read finds an empty bus. */
struct answer system_call(uint64_t word, uint64_t first, uint64_t second,
    uint64_t third, uint64_t fourth, uint64_t fifth, uint64_t sixth)
{
    (void)word, (void)first, (void)second, (void)third, (void)fourth;
    (void)fifth, (void)sixth;
    return (struct answer){ .error = ERROR_NO_CAPABILITY };
}

static char typed[64];

static const char *decode(const uint8_t *codes, size_t count)
{
    struct keys keys = { 0 };
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        char c = keyboard_decode(&keys, codes[i]);
        if (c)
            typed[length++] = c;
    }
    typed[length] = 0;
    return typed;
}

#define TYPED(expected, ...) \
    do { \
        static const uint8_t codes[] = { __VA_ARGS__ }; \
        assert_string_equal(decode(codes, sizeof codes), expected); \
    } while (0)

static void keys_make_their_characters(void **state)
{
    (void)state;
    TYPED("echo", 0x12, 0x92, 0x2e, 0xae, 0x23, 0xa3, 0x18, 0x98);
    TYPED("1=-0 \n\b\t", 0x02, 0x0d, 0x0c, 0x0b, 0x39, 0x1c, 0x0e, 0x0f);
    TYPED("zx.,/\\`';", 0x2c, 0x2d, 0x34, 0x33, 0x35, 0x2b, 0x29, 0x28, 0x27);
}

static void shift_holds_while_it_is_held(void **state)
{
    (void)state;
    TYPED("aAa", 0x1e, 0x2a, 0x1e, 0x9e, 0xaa, 0x1e);
    TYPED("!@?:\"~|", 0x36, 0x02, 0x03, 0x35, 0x27, 0x28, 0x29, 0x2b);
    /* both are held, one is let go */
    TYPED("AAa", 0x2a, 0x36, 0x1e, 0xaa, 0x1e, 0xb6, 0x1e);
}

static void capitals_are_not_shift(void **state)
{
    (void)state;
    TYPED("A1a", 0x3a, 0xba, 0x1e, 0x02, 0x3a, 0xba, 0x1e);
    TYPED("a!", 0x3a, 0xba, 0x2a, 0x1e, 0x02);
}

static void control_makes_control_characters(void **state)
{
    (void)state;
    TYPED("\x15", 0x1d, 0x16);
    TYPED("\x03", 0xe0, 0x1d, 0x2e);
    TYPED("u", 0x1d, 0x9d, 0x16);
    TYPED("u", 0xe0, 0x1d, 0xe0, 0x9d, 0x16);
    TYPED("", 0x1d, 0x02);
}

static void extended_keys_are_told_apart(void **state)
{
    (void)state;
    TYPED("\n/", 0xe0, 0x1c, 0xe0, 0x9c, 0xe0, 0x35, 0xe0, 0xb5);
    /* page up with its made-up shifts */
    TYPED("a", 0xe0, 0x2a, 0xe0, 0x49, 0xe0, 0xc9, 0xe0, 0xaa, 0x1e);
    /* a made-up release must not end a real shift */
    TYPED("A", 0x2a, 0xe0, 0xaa, 0xe0, 0x49, 0xe0, 0xc9, 0x1e);
    /* pause: control and num lock, but not really */
    TYPED("a", 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0x1e);
    /* alt, function keys, keypad: nothing */
    TYPED("", 0x38, 0xb8, 0x3b, 0x44, 0x57, 0x58, 0xe0, 0x5b, 0xe0, 0x38);
}

static void any_bytes_are_harmless(void **state)
{
    struct keys keys = { 0 };

    (void)state;
    for (int i = 0; i < 1000000; i++) {
        char c = keyboard_decode(&keys, (uint8_t)random_below(256));
        assert_true((unsigned char)c < 127);
    }
}

static void without_a_controller_there_is_no_keyboard(void **state)
{
    (void)state;
    assert_false(keyboard_open());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_make_their_characters),
        cmocka_unit_test(shift_holds_while_it_is_held),
        cmocka_unit_test(capitals_are_not_shift),
        cmocka_unit_test(control_makes_control_characters),
        cmocka_unit_test(extended_keys_are_told_apart),
        cmocka_unit_test_setup(any_bytes_are_harmless, seed_random),
        cmocka_unit_test(without_a_controller_there_is_no_keyboard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
