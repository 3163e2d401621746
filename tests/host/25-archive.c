/* The ustar reader: what the build packs is found again, each field that can
   be wrong is refused with a sentence, and whatever is accepted after random
   damage lies within the archive. */
#include "host.h"

#include <string.h>

#include "userland/archive.c"

enum { BLOCK = 512, FILES = 3 };

static const size_t sizes[FILES] = { 0, 512, 1300 };
static uint8_t bytes[(FILES + 2 + 4) * BLOCK];

static struct archive_header *header_at(size_t at)
{
    return (struct archive_header *)(bytes + at);
}

/* Makes the checksum of a header right again. */
static void seal(struct archive_header *header)
{
    unsigned sum = 0;

    memset(header->checksum, ' ', 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += ((uint8_t *)header)[i];
    snprintf(header->checksum, 7, "%06o", sum);
}

static size_t put_file(size_t at, const char *name, size_t size)
{
    struct archive_header *header = header_at(at);

    strcpy(header->name, name);
    snprintf(header->size, 12, "%011o", (unsigned)size);
    memcpy(header->magic, "ustar\0" "00", 8);
    header->type = '0';
    seal(header);
    memset(bytes + at + BLOCK, 'a' + (int)size % 26, size);
    return at + BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
}

/* Three files, of no, of one and of more than two blocks, and the end. */
static int good_archive(void **state)
{
    size_t at = 0;

    memset(bytes, 0, sizeof bytes);
    at = put_file(at, "empty", sizes[0]);
    at = put_file(at, "block", sizes[1]);
    at = put_file(at, "more", sizes[2]);
    assert_int_equal(at, sizeof bytes - 2 * BLOCK);
    return seed_random(state);
}

/* Reads all; the sentence that ended it, or NULL and how many there were. */
static const char *read_all(size_t size, unsigned *count)
{
    struct archive archive = { bytes, size };
    struct archive_file file = { 0 };
    const char *wrong;

    *count = 0;
    while (!(wrong = archive_next(&archive, &file)) && file.name) {
        ++*count;
        assert_true(file.bytes >= bytes && file.size <= size);
        assert_true(file.bytes + file.size <= bytes + size);
        assert_true(strnlen(file.name, 100) < 100);
        assert_true(*count <= sizeof bytes / BLOCK);
    }
    return wrong;
}

static void files_are_found_in_their_order(void **state)
{
    static const char *const names[FILES] = { "empty", "block", "more" };
    struct archive archive = { bytes, sizeof bytes };
    struct archive_file file;

    (void)state;
    for (int i = 0; i < FILES; i++) {
        assert_null(archive_next(&archive, &file));
        assert_string_equal(file.name, names[i]);
        assert_int_equal(file.size, sizes[i]);
        for (size_t j = 0; j < file.size; j++)
            assert_int_equal(file.bytes[j], 'a' + sizes[i] % 26);
    }
    for (int i = 0; i < 3; i++) { /* the end stays the end */
        assert_null(archive_next(&archive, &file));
        assert_null(file.name);
    }
}

static void a_cut_archive_is_refused(void **state)
{
    unsigned count;

    (void)state;
    for (size_t size = 0; size <= sizeof bytes; size++) {
        const char *wrong = read_all(size, &count);
        assert_true((wrong == NULL) == (size >= sizeof bytes - BLOCK));
    }
}

static void expect_refusal(const char *words)
{
    unsigned count;
    const char *wrong = read_all(sizeof bytes, &count);

    assert_non_null(wrong);
    assert_non_null(strstr(wrong, words));
    assert_int_equal(count, 1);
    good_archive(NULL);
}

/* Changes the second header; with a right checksum and with a wrong one. */
#define REFUSED(change, words) \
    do { \
        struct archive_header *header = header_at(BLOCK); \
        change; \
        expect_refusal("damaged"); \
        change; \
        seal(header); \
        expect_refusal(words); \
    } while (0)

static void a_wrong_header_is_refused(void **state)
{
    (void)state;
    REFUSED(header->magic[0] = 'v', "ustar");
    REFUSED(header->magic[7] = '1', "ustar");
    REFUSED(header->type = '5', "more than files");
    REFUSED(header->type = '1', "more than files");
    REFUSED(header->prefix[0] = 'x', "too long");
    REFUSED(memset(header->name, 'n', 100), "too long");
    REFUSED(header->size[0] = '8', "no number");
    REFUSED(header->size[0] = '-', "no number");
    REFUSED(memset(header->size, '7', 12), "no number");
    REFUSED(memset(header->size, 0, 12), "no number");
    REFUSED(memset(header->size, '7', 11), "beyond");
    REFUSED(memcpy(header->size, "00000040000", 11), "beyond");
}

static void a_wrong_checksum_is_refused(void **state)
{
    (void)state;
    memset(header_at(BLOCK)->checksum, '7', 8);
    expect_refusal("damaged");
    memset(header_at(BLOCK)->checksum, 0, 8);
    expect_refusal("damaged");
}

static void damaged_archives_are_harmless(void **state)
{
    unsigned accepted = 0, refused = 0, count;

    (void)state;
    for (int n = 0; n < 100000; n++) {
        uint64_t seed = random_state;

        good_archive(NULL);
        random_state = seed + 0x9e3779b97f4a7c15ULL;
        for (unsigned k = random_below(3); k < 3; k++) {
            size_t at = random_below(3) * BLOCK;
            size_t field = random_below(3) ? random_below(BLOCK)
                                           : 124 + random_below(12);
            bytes[at + field] = (uint8_t)random_below(256);
            seal(header_at(at));
        }
        if (read_all(sizeof bytes, &count))
            refused++;
        else
            accepted++;
    }
    assert_true(accepted > 1000 && refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(files_are_found_in_their_order, good_archive),
        cmocka_unit_test_setup(a_cut_archive_is_refused, good_archive),
        cmocka_unit_test_setup(a_wrong_header_is_refused, good_archive),
        cmocka_unit_test_setup(a_wrong_checksum_is_refused, good_archive),
        cmocka_unit_test_setup(damaged_archives_are_harmless, good_archive),
    };

    return cmocka_run_group_tests_name("archives", tests, NULL, NULL);
}
