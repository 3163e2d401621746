/* The keys that have no character type the control characters of editing. */
#include "host.h"

#include <string.h>

#include "userland/keyboard.c"

struct answer system_call(uint64_t word, uint64_t first, uint64_t second,
    uint64_t third, uint64_t fourth, uint64_t fifth, uint64_t sixth)
{
    (void)word, (void)first, (void)second, (void)third, (void)fourth;
    (void)fifth, (void)sixth;
    return (struct answer){ .error = ERROR_NO_CAPABILITY };
}

static void extended_keys_edit(void **state)
{
    static const struct {
        uint8_t code;
        char key;
    } table[] = {
        { 0x47, EDIT_HOME }, { 0x48, EDIT_UP }, { 0x4b, EDIT_LEFT },
        { 0x4d, EDIT_RIGHT }, { 0x4f, EDIT_END }, { 0x50, EDIT_DOWN },
        { 0x53, EDIT_DELETE }, { 0x1c, '\n' }, { 0x35, '/' },
        { 0x49, 0 }, { 0x51, 0 }, { 0x52, 0 }, { 0x7f, 0 }, { 0, 0 },
    };
    struct keys keys = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(keyboard_decode(&keys, 0xe0), 0);
        assert_int_equal(keyboard_decode(&keys, table[i].code), table[i].key);
        assert_int_equal(keyboard_decode(&keys, 0xe0), 0);
        assert_int_equal(keyboard_decode(&keys, table[i].code | 0x80), 0);
    }
}

static void the_number_pad_does_not_edit(void **state)
{
    struct keys keys = { 0 };

    (void)state;
    for (uint8_t code = 0x47; code <= 0x53; code++)
        assert_int_equal(keyboard_decode(&keys, code), 0);
}

static void control_and_a_letter_do_the_same(void **state)
{
    struct keys keys = { 0 };

    (void)state;
    keyboard_decode(&keys, 0x1d);
    assert_int_equal(keyboard_decode(&keys, 0x1e), EDIT_HOME);
    assert_int_equal(keyboard_decode(&keys, 0x12), EDIT_END);
    assert_int_equal(keyboard_decode(&keys, 0x25), EDIT_CUT);
    assert_int_equal(keyboard_decode(&keys, 0x16), EDIT_CLEAR);
    assert_int_equal(keyboard_decode(&keys, 0x11), EDIT_WORD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extended_keys_edit),
        cmocka_unit_test(the_number_pad_does_not_edit),
        cmocka_unit_test(control_and_a_letter_do_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
