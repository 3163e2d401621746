/* Names of functions: found where they are, and a file whose numbers are
   damaged is never read beyond its end (the sanitizer would tell). */
#include "host.h"

#include <string.h>

#include "lib/symbol.h"

enum { SECTIONS_AT = 64, SYMBOLS_AT = 256, NAMES_AT = 400, SIZE = 416 };
enum { LIST = 40, ITEM = 58, COUNT = 60 }; /* in the header */

static uint8_t file[SIZE];

static void store(size_t at, uint64_t value, size_t size)
{
    memcpy(file + at, &value, size);
}

static void symbol(unsigned n, uint32_t name, uint8_t info, uint64_t value,
    uint64_t size)
{
    size_t at = SYMBOLS_AT + n * 24;

    store(at, name, 4);
    store(at + 4, info, 1);
    store(at + 8, value, 8);
    store(at + 16, size, 8);
}

/* Three sections: none, symbols, strings; of six symbols three count. */
static int good_file(void **state)
{
    memset(file, 0, sizeof file);
    memcpy(file, "\177ELF\2\1\1", 7);
    store(LIST, SECTIONS_AT, 8);
    store(ITEM, 64, 2);
    store(COUNT, 3, 2);
    store(SECTIONS_AT + 64 + 4, 2, 4);
    store(SECTIONS_AT + 64 + 24, SYMBOLS_AT, 8);
    store(SECTIONS_AT + 64 + 32, 6 * 24, 8);
    store(SECTIONS_AT + 64 + 40, 2, 4);
    store(SECTIONS_AT + 128 + 24, NAMES_AT, 8);
    store(SECTIONS_AT + 128 + 32, SIZE - NAMES_AT, 8);
    memcpy(file + NAMES_AT, "\0main\0list\0last", 16);
    symbol(1, 6, 2, 0x401000, 0x20);
    symbol(2, 1, 0x12, 0x400000, 0x123);
    symbol(3, 11, 1, 0x400200, 0x100); /* data */
    symbol(4, 11, 2, 0x400300, 0);     /* of no size */
    symbol(5, 11, 2, UINT64_MAX - 7, 8);
    return seed_random(state);
}

/* In a copy that ends where the file ends. */
static const char *find(size_t size, uint64_t address, uint64_t *offset)
{
    static char name[SIZE];
    uint8_t *copy = malloc(size ? size : 1);

    memcpy(copy, file, size);
    const char *found = symbol_find(copy, size, address, offset);
    if (found) {
        assert_true((const uint8_t *)found >= copy &&
            (const uint8_t *)found < copy + size);
        strcpy(name, found);
    }
    free(copy);
    return found ? name : NULL;
}

static void expect(uint64_t address, const char *name, uint64_t offset)
{
    uint64_t at = 0;

    assert_string_equal(find(SIZE, address, &at), name);
    assert_int_equal(at, offset);
}

static void an_address_has_the_name_of_its_function(void **state)
{
    uint64_t at;

    (void)state;
    expect(0x400000, "main", 0);
    expect(0x400122, "main", 0x122);
    expect(0x401000, "list", 0);
    expect(0x40101f, "list", 0x1f);
    expect(UINT64_MAX, "last", 7);
    assert_null(find(SIZE, 0x400123, &at));
    assert_null(find(SIZE, 0x401020, &at));
    assert_null(find(SIZE, 0x400210, &at));
    assert_null(find(SIZE, 0x400300, &at));
    assert_null(find(SIZE, 0, &at));
}

static void a_cut_file_has_no_names(void **state)
{
    uint64_t at;

    (void)state;
    for (size_t size = 0; size < SIZE; size++)
        assert_null(find(size, 0x400000, &at));
}

#define NAMELESS(change) \
    do { \
        change; \
        assert_null(find(SIZE, 0x400000, &at)); \
        good_file(NULL); \
    } while (0)

static void a_damaged_number_finds_nothing(void **state)
{
    uint64_t at;

    (void)state;
    NAMELESS(file[0] = 0);
    NAMELESS(file[4] = 1);
    NAMELESS(file[5] = 2);
    NAMELESS(store(ITEM, 40, 2));
    NAMELESS(store(COUNT, 1, 2));
    NAMELESS(store(COUNT, 0xffff, 2));
    NAMELESS(store(LIST, SIZE - 191, 8));
    NAMELESS(store(LIST, UINT64_MAX - 63, 8));
    NAMELESS(store(SECTIONS_AT + 64 + 4, 3, 4));
    NAMELESS(store(SECTIONS_AT + 64 + 24, SIZE, 8));
    NAMELESS(store(SECTIONS_AT + 64 + 24, UINT64_MAX - 100, 8));
    NAMELESS(store(SECTIONS_AT + 64 + 32, UINT64_MAX, 8));
    NAMELESS(store(SECTIONS_AT + 64 + 40, 3, 4));
    NAMELESS(store(SECTIONS_AT + 64 + 40, UINT32_MAX, 4));
    NAMELESS(store(SECTIONS_AT + 128 + 24, UINT64_MAX, 8));
    NAMELESS(store(SECTIONS_AT + 128 + 32, 15, 8)); /* "las" has no end */
    NAMELESS(store(SECTIONS_AT + 128 + 32, 0, 8));
    NAMELESS(symbol(2, 16, 2, 0x400000, 0x123));
    NAMELESS(symbol(2, UINT32_MAX, 2, 0x400000, 0x123));
    NAMELESS(symbol(2, 1, 2, 0x400001, UINT64_MAX));
}

static void random_damage_leads_nowhere(void **state)
{
    static const uint64_t values[] = { 0, 1, 2, 3, 15, 16, SIZE, SIZE - 1,
        NAMES_AT, 0x400000, UINT32_MAX, 1ULL << 63, UINT64_MAX };

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t at;

        for (unsigned n = random_below(4) + 1; n > 0; n--)
            store(random_below(SIZE - 8),
                values[random_below(sizeof values / sizeof *values)],
                1u << random_below(4));
        find(SIZE - random_below(2) * random_below(SIZE), 0x400000 +
            random_below(0x1200), &at);
        if (round % 8 == 0) {
            uint64_t kept = random_state;
            good_file(NULL);
            random_state = kept;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_address_has_the_name_of_its_function,
            good_file),
        cmocka_unit_test_setup(a_cut_file_has_no_names, good_file),
        cmocka_unit_test_setup(a_damaged_number_finds_nothing, good_file),
        cmocka_unit_test_setup(random_damage_leads_nowhere, good_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
