/* The ELF reader: each field that can be wrong is refused with a sentence,
   and whatever is accepted after random damage satisfies L1. */
#include "host.h"

#include <string.h>

#include "lib/elf.c"

enum { CODE_AT = 0x1000, DATA_AT = 0x2000, FILE_SIZE = 0x2800 };

static uint8_t file[FILE_SIZE];
static struct elf_header *header = (struct elf_header *)file;
static struct elf_entry *entry = (struct elf_entry *)(file + 64);

/* A good file: code, data with a zero tail, a stack entry. */
static int good_file(void **state)
{
    memset(file, 0x90, sizeof file);
    *header = (struct elf_header){
        .magic = { 0x7f, 'E', 'L', 'F', 2, 1, 1 },
        .type = 2,
        .machine = 62,
        .version = 1,
        .entry = 0x400010,
        .list = 64,
        .size = 64,
        .entry_size = 56,
        .entries = 3,
    };
    entry[0] = (struct elf_entry){ .type = 1, .flags = 5, .offset = CODE_AT,
        .address = 0x400000, .length = 0x123, .size = 0x123,
        .align = 0x1000 };
    entry[1] = (struct elf_entry){ .type = 1, .flags = 6, .offset = DATA_AT,
        .address = 0x401000, .length = 0x700, .size = 0x3000,
        .align = 0x1000 };
    entry[2] = (struct elf_entry){ .type = 0x6474e551, .flags = 6 };
    return seed_random(state);
}

static void expect_refusal(const char *words)
{
    struct elf_program program;
    const char *wrong = elf_read(file, sizeof file, &program);

    assert_non_null(wrong);
    assert_non_null(strstr(wrong, words));
    good_file(NULL);
}

static void a_good_file_is_described(void **state)
{
    struct elf_program program;

    (void)state;
    assert_null(elf_read(file, sizeof file, &program));
    assert_int_equal(program.entry, 0x400010);
    assert_int_equal(program.count, 2);
    assert_int_equal(program.segments[0].rights,
        RIGHT_READ | RIGHT_EXECUTE);
    assert_int_equal(program.segments[1].rights, RIGHT_READ | RIGHT_WRITE);
    assert_ptr_equal(program.segments[1].bytes, file + DATA_AT);
    assert_int_equal(program.segments[1].length, 0x700);
    assert_int_equal(program.segments[1].size, 0x3000);
}

/* Every length from 0 to the end; only what holds all bytes passes. */
static void a_cut_file_is_refused(void **state)
{
    struct elf_program program;

    (void)state;
    for (size_t size = 0; size <= sizeof file; size++) {
        uint8_t *cut = malloc(size + 1); /* so that ASan sees its end */

        memcpy(cut, file, size);
        cut = realloc(cut, size ? size : 1);
        const char *wrong = elf_read(cut, size, &program);
        assert_true((wrong == NULL) == (size >= DATA_AT + 0x700));
        free(cut);
    }
}

#define REFUSED(change, words) \
    do { \
        change; \
        expect_refusal(words); \
    } while (0)

static void a_wrong_header_is_refused(void **state)
{
    (void)state;
    REFUSED(header->magic[0] = 0x7e, "does not begin like an ELF file");
    REFUSED(header->magic[4] = 1, "64-bit");
    REFUSED(header->magic[5] = 2, "little-endian");
    REFUSED(header->magic[6] = 0, "little-endian");
    REFUSED(header->type = 1, "fixed addresses");
    REFUSED(header->type = 3, "fixed addresses");
    REFUSED(header->version = 2, "fixed addresses");
    REFUSED(header->machine = 3, "another processor");
    REFUSED(header->flags = 1, "another processor");
    REFUSED(header->size = 52, "wrong size");
    REFUSED(header->entry_size = 32, "wrong size");
    REFUSED(header->entries = 0, "no segments");
    REFUSED(header->entries = 0xffff, "list of segments");
    REFUSED(header->list = sizeof file - 56, "list of segments");
    REFUSED(header->list = UINT64_MAX - 55, "list of segments");
    REFUSED(header->list = 1ULL << 63, "list of segments");
}

static void a_wrong_segment_is_refused(void **state)
{
    (void)state;
    REFUSED(entry[0].offset = sizeof file, "beyond the end");
    REFUSED(entry[0].offset = UINT64_MAX - 0x100, "beyond the end");
    REFUSED(entry[0].length = UINT64_MAX, "beyond the end");
    REFUSED(entry[0].length = 0x124, "more bytes than memory");
    REFUSED(entry[0].align = 0x1001, "power of two");
    REFUSED(entry[0].align = 1ULL << 63, "breaks its alignment");
    REFUSED(entry[0].address += 8, "breaks its alignment");
    REFUSED((entry[0].address = 0xffffffff80100000), "outside the memory");
    REFUSED((entry[0].address = USER_END), "outside the memory");
    REFUSED((entry[1].size = UINT64_MAX - 0x400000), "outside the memory");
    REFUSED((entry[1].size = USER_END), "outside the memory");
    REFUSED((entry[0].address = 0), "null pointer");
    REFUSED(entry[0].flags = 7, "both writable and executable");
    REFUSED(entry[0].flags = 1, "strange rights");
    REFUSED(entry[0].flags = 0xd, "strange rights");
    REFUSED(entry[1].address = 0x400000, "share a page");
    REFUSED((entry[1].align = 1, entry[1].address = 0x400fff),
        "share a page");
    REFUSED((entry[1].align = 1, entry[1].address = 0x3fe001),
        "share a page");
}

static void what_we_cannot_serve_is_refused(void **state)
{
    (void)state;
    REFUSED(entry[2].type = 2, "dynamic linker");
    REFUSED(entry[2].type = 3, "dynamic linker");
    REFUSED(entry[2].type = 7, "thread-local");
    REFUSED(entry[2].flags = 7, "stack that can be executed");
    REFUSED(header->entry = 0x400123, "first instruction");
    REFUSED(header->entry = 0x401000, "first instruction");
    REFUSED(header->entry = 0, "first instruction");
    REFUSED(header->entry = UINT64_MAX, "first instruction");
    REFUSED((entry[0].type = 4, entry[1].type = 4), "first instruction");
}

static void a_ninth_segment_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9; i++)
        entry[i] = (struct elf_entry){ .type = 1, .flags = 5,
            .offset = CODE_AT, .address = 0x400000 + 0x1000 * i,
            .length = 8, .size = 0x100 };
    header->entries = 8;
    struct elf_program program;
    assert_null(elf_read(file, sizeof file, &program));
    assert_int_equal(program.count, 8);
    header->entries = 9;
    expect_refusal("more than eight");
}

/* --- Random damage ---------------------------------------------------------- */

/* L1, said in another way than in the book: byte by byte and page by page. */
static void expect_harmless(const struct elf_program *program)
{
    bool entry_found = false;

    assert_true(program->count <= ELF_SEGMENTS);
    for (unsigned i = 0; i < program->count; i++) {
        const struct elf_segment *s = &program->segments[i];
        __uint128_t end = (__uint128_t)s->address + s->size;

        assert_true(s->size > 0 && s->length <= s->size);
        assert_true(s->address >= PAGE_SIZE && end <= USER_END);
        assert_true(s->bytes >= file &&
            s->bytes + s->length <= file + sizeof file);
        assert_true((s->rights & (RIGHT_WRITE | RIGHT_EXECUTE)) !=
            (RIGHT_WRITE | RIGHT_EXECUTE));
        entry_found |= (s->rights & RIGHT_EXECUTE) &&
            program->entry >= s->address && program->entry < end;
        for (unsigned j = 0; j < i; j++) {
            const struct elf_segment *t = &program->segments[j];
            uint64_t s1 = s->address >> 12, s2 = (uint64_t)(end - 1) >> 12;
            uint64_t t1 = t->address >> 12;
            uint64_t t2 = (t->address + t->size - 1) >> 12;

            assert_true(s2 < t1 || t2 < s1);
        }
    }
    assert_true(entry_found);
}

static uint64_t interesting(void)
{
    static const uint64_t values[] = { 0, 1, 0xfff, 0x1000, 0x400000,
        0x401000, 0x7fffffff, 0x80000000, 1ULL << 47, 1ULL << 63,
        UINT64_MAX, UINT64_MAX - 0xfff, FILE_SIZE, FILE_SIZE - 1,
        0x7f8000000000 };
    uint64_t value = values[random_below(sizeof values / 8)];

    return random_below(3) ? value : value + random_below(0x2000);
}

static void damaged_files_are_harmless(void **state)
{
    unsigned accepted = 0, refused = 0;

    (void)state;
    for (int n = 0; n < 300000; n++) {
        struct elf_program program;

        good_file(NULL);
        random_state += (uint64_t)n * 0x9e3779b97f4a7c15ULL | 1;
        for (unsigned k = random_below(3); k < 3; k++) {
            size_t at = random_below(64 + 3 * 56 - 8);

            if (random_below(2)) {
                uint64_t value = interesting();
                memcpy(file + (at & ~7UL), &value, 8);
            } else {
                file[at] = (uint8_t)random_below(256);
            }
        }
        if (elf_read(file, sizeof file, &program)) {
            refused++;
        } else {
            accepted++;
            expect_harmless(&program);
        }
    }
    assert_true(accepted > 10000 && refused > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_good_file_is_described, good_file),
        cmocka_unit_test_setup(a_cut_file_is_refused, good_file),
        cmocka_unit_test_setup(a_wrong_header_is_refused, good_file),
        cmocka_unit_test_setup(a_wrong_segment_is_refused, good_file),
        cmocka_unit_test_setup(what_we_cannot_serve_is_refused, good_file),
        cmocka_unit_test_setup(a_ninth_segment_is_refused, good_file),
        cmocka_unit_test_setup(damaged_files_are_harmless, good_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
