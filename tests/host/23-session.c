/* Arguments: what is typed behind a command, by its pattern. */
#include "host.h"

#include <string.h>

#include "userland/arguments.c"

static char said[1024];
static size_t length;

void console_put(char c)
{
    assert_true(length < sizeof said - 1);
    said[length++] = c;
    said[length] = 0;
}

void console_print(const char *template, ...)
{
    va_list arguments;

    va_start(arguments, template);
    length += (size_t)vsnprintf(said + length, sizeof said - length, template, arguments);
    va_end(arguments);
    assert_true(length < sizeof said);
}

static uint64_t value[ARGUMENTS];

static bool reads(const char *pattern, const char *typed)
{
    for (int i = 0; i < ARGUMENTS; i++)
        value[i] = 1000 + (uint64_t)i;
    length = 0;
    said[0] = 0;
    return arguments_read(pattern, typed, value);
}

static void numbers_are_what_was_typed(void **state)
{
    static const struct {
        const char *typed;
        uint64_t value;
    } good[] = {
        { "0", 0 }, { "5", 5 }, { "007", 7 }, { "0x0", 0 },
        { "0xff", 255 }, { "0xAbCdEf", 0xabcdef }, { "1879064572", 0x70003ffc },
        { "18446744073709551615", UINT64_MAX },
        { "0xffffffffffffffff", UINT64_MAX },
        { "0x00000000000000000000001", 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(reads("VALUE", good[i].typed));
        assert_int_equal(value[0], good[i].value);
        assert_string_equal(said, "");
    }
}

static void what_is_no_number_is_refused(void **state)
{
    static const char *const bad[] = { "-1", "+1", "1.5", "0x", "x1", "0X1",
        "12a", "0xg", "1,000", "18446744073709551616", "0x10000000000000000",
        "99999999999999999999999", "five", "5\t" };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(reads("VALUE", bad[i]));
        assert_non_null(strstr(said, bad[i]));
        assert_non_null(strstr(said, "VALUE: a number"));
    }
}

static void limits_are_exact(void **state)
{
    (void)state;
    assert_true(reads("TASK", "255"));
    assert_false(reads("TASK", "256"));
    assert_false(reads("TASK", "0x100000001"));
    assert_true(reads("BADGE", "4294967295"));
    assert_false(reads("BADGE", "4294967296"));
}

static void choices_are_whole_words(void **state)
{
    (void)state;
    assert_true(reads("TYPE", "pt"));
    assert_int_equal(value[0], OBJECT_PT);
    assert_true(reads("TYPE", "pml4"));
    assert_int_equal(value[0], OBJECT_PML4);
    assert_false(reads("TYPE", "p"));
    assert_false(reads("TYPE", "ptt"));
    assert_false(reads("TYPE", "11"));
    assert_true(reads("SETTING", "table"));
    assert_int_equal(value[0], TASK_TABLE);
}

static void rights_are_letters(void **state)
{
    (void)state;
    assert_true(reads("RIGHTS", "rwgx"));
    assert_int_equal(value[0], RIGHT_ALL);
    assert_true(reads("RIGHTS", "-w--"));
    assert_int_equal(value[0], RIGHT_WRITE);
    assert_true(reads("RIGHTS", "xr"));
    assert_int_equal(value[0], RIGHT_READ | RIGHT_EXECUTE);
    assert_true(reads("RIGHTS", "-"));
    assert_int_equal(value[0], 0);
    assert_false(reads("RIGHTS", "rwq"));
}

static void as_many_as_the_pattern_has(void **state)
{
    (void)state;
    assert_true(reads("TYPE SOURCE TARGET [BYTES]", "task  2   249"));
    assert_int_equal(value[1], 2);
    assert_int_equal(value[2], 249);
    assert_int_equal(value[3], 1003); /* left as it was */
    assert_true(reads("TYPE SOURCE TARGET [BYTES]", "page 2 9 0x200000 "));
    assert_int_equal(value[3], 0x200000);
    assert_false(reads("TYPE SOURCE TARGET [BYTES]", "task 2"));
    assert_string_equal(said, "TARGET is missing.\nTARGET: a slot, 0 to 255.\n");
    assert_false(reads("SLOT", "1 2 3"));
    assert_string_equal(said, "\"2 3\" is too much.\n");
    assert_false(reads("TYPE SOURCE TARGET [BYTES]", "task 2 9 0 0"));
    assert_true(reads("", ""));
    assert_false(reads("", "x"));
}

static void any_text_is_harmless(void **state)
{
    static const char *const patterns[] = { "TYPE SOURCE TARGET [BYTES]",
        "SOURCE TARGET RIGHTS BADGE", "SETTING TASK VALUE", "child", "" };
    char text[24];

    (void)state;
    for (int i = 0; i < 300000; i++) {
        uint32_t n = random_below(sizeof text);
        for (uint32_t j = 0; j < n; j++)
            text[j] = "  0123456789abxptlrw-["[random_below(22)];
        text[n] = 0;
        const char *typed = text;
        while (*typed == ' ')
            typed++;
        bool read = reads(patterns[random_below(5)], typed);
        assert_int_equal(read, said[0] == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_what_was_typed),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(choices_are_whole_words),
        cmocka_unit_test(rights_are_letters),
        cmocka_unit_test(as_many_as_the_pattern_has),
        cmocka_unit_test_setup(any_text_is_harmless, seed_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
