/* The library's heap against a model that knows every byte; its mistaken
   users; and what happens when there are no more pages. */
#include "host.h"

#include <string.h>

#include "userland/heap.c"

enum { PAGES = 64, HELD = 200 };

static _Alignas(4096) uint8_t memory[PAGES * HEAP_PAGE];
static struct heap heap;
static size_t pages, most_pages;

/* Pages come one behind the other, clean, until there are no more. */
static enum error map_page(uintptr_t page)
{
    assert_int_equal(page, (uintptr_t)memory + pages * HEAP_PAGE);
    if (pages == most_pages)
        return ERROR_NO_MEMORY;
    memset((void *)page, 0, HEAP_PAGE);
    pages++;
    return NO_ERROR;
}

static int start(void **state)
{
    memset(memory, 0xa5, sizeof memory);
    pages = 0;
    most_pages = PAGES;
    heap_init(&heap, (uintptr_t)memory, sizeof memory, map_page);
    return seed_random(state);
}

static int stop(void **state)
{
    (void)state;
    check_heap(&heap);
    return 0;
}

/* --- The model: what is held, and what was written into it ----------------- */

static struct {
    uint8_t *bytes;
    size_t size;
    uint8_t mark;
} held[HELD];

static void expect_mark(size_t n)
{
    for (size_t i = 0; i < held[n].size; i++)
        assert_int_equal(held[n].bytes[i], held[n].mark);
}

static void give_up(size_t n)
{
    expect_mark(n);
    assert_int_equal(heap_release(&heap, held[n].bytes), NO_ERROR);
    held[n].bytes = NULL;
}

/* Sizes as programs ask for them: many small ones, a few large. */
static size_t some_size(void)
{
    switch (random_below(8)) {
    case 0: return random_below(20000);
    case 1: return random_below(2000);
    default: return random_below(100);
    }
}

static void get(size_t n)
{
    size_t size = some_size();
    uint8_t *bytes = heap_allocate(&heap, size);

    if (!bytes)
        return; /* the arena is full: a block will be released */
    assert_int_equal((uintptr_t)bytes % 16, 0);
    assert_true(bytes >= memory && bytes + size <= memory + sizeof memory);
    held[n].bytes = bytes;
    held[n].size = size;
    held[n].mark = (uint8_t)random_below(256);
    memset(bytes, held[n].mark, size);
}

static void random_sequences_keep_every_byte(void **state)
{
    (void)state;
    memset(held, 0, sizeof held);
    for (unsigned step = 0; step < 300000; step++) {
        size_t n = random_below(HELD);
        if (held[n].bytes)
            give_up(n);
        else
            get(n);
        if (step % 64 == 0)
            check_heap(&heap);
    }
    for (size_t n = 0; n < HELD; n++)
        if (held[n].bytes)
            give_up(n);
    check_heap(&heap);
    struct block *first = (struct block *)heap.start;
    assert_true(is_free(first)); /* all is one block again */
    assert_int_equal(size_of(first), pages * HEAP_PAGE - sizeof *first);
}

static void a_block_is_not_released_twice(void **state)
{
    (void)state;
    for (unsigned step = 0; step < 3000; step++) {
        void *blocks[8];
        for (unsigned i = 0; i < 8; i++)
            blocks[i] = heap_allocate(&heap, random_below(200));
        for (unsigned i = 0; i < 8; i++) {
            unsigned n = (i * 5 + step) % 8; /* in varying order */
            assert_int_equal(heap_release(&heap, blocks[n]), NO_ERROR);
            assert_int_equal(heap_release(&heap, blocks[n]),
                ERROR_BAD_ADDRESS);
            check_heap(&heap);
        }
    }
}

static void foreign_pointers_are_refused(void **state)
{
    int on_the_stack[8] = { 0 };
    uint8_t *block = heap_allocate(&heap, 4000);

    (void)state;
    for (unsigned fill = 0; fill < 256; fill++) {
        memset(block, (int)fill, 4000);
        for (size_t i = 1; i < 4000; i++)
            assert_int_equal(heap_release(&heap, block + i),
                ERROR_BAD_ADDRESS);
    }
    assert_int_equal(heap_release(&heap, on_the_stack + 4),
        ERROR_BAD_ADDRESS);
    assert_int_equal(heap_release(&heap, memory), ERROR_BAD_ADDRESS);
    assert_int_equal(heap_release(&heap, (void *)heap.end),
        ERROR_BAD_ADDRESS);
    assert_int_equal(heap_release(&heap, (void *)16), ERROR_BAD_ADDRESS);
    assert_int_equal(heap_release(&heap, (void *)~(uintptr_t)15),
        ERROR_BAD_ADDRESS);
    assert_int_equal(heap_release(&heap, NULL), NO_ERROR);
    assert_int_equal(heap_release(&heap, block), NO_ERROR);
}

/* Words that look almost like headers, and pointers to all of them. */
static void random_words_are_no_headers(void **state)
{
    size_t *words = heap_allocate(&heap, 4096);

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        for (size_t i = 0; i < 512; i++)
            words[i] = random_below(2) ? random_below(600) * 8 + 1
                                       : (size_t)0 - random_below(600);
        for (size_t i = 2; i < 512; i += 2) {
            struct block *block = (struct block *)(words + i) - 1;
            if (!is_allocated(&heap, block))
                continue; /* the rare ones that fit are true headers */
            assert_true(behind(block)->before == size_of(block));
            assert_true(size_of(in_front(block)) == block->before);
        }
    }
    heap_release(&heap, words);
}

static void exhaustion_is_told_and_passes(void **state)
{
    void *blocks[PAGES];
    size_t count = 0;

    (void)state;
    most_pages = 20;
    while ((blocks[count] = heap_allocate(&heap, 3000)))
        count++;
    assert_in_range(count, 20, 28);
    check_heap(&heap);
    assert_null(heap_allocate(&heap, 3000));
    assert_non_null(heap_allocate(&heap, 1)); /* something smaller fits */
    heap_release(&heap, blocks[count / 2]);
    blocks[count / 2] = heap_allocate(&heap, 3000);
    assert_non_null(blocks[count / 2]);
    most_pages = PAGES; /* somebody has given more */
    assert_non_null(heap_allocate(&heap, 3000));
}

static void sizes_beyond_the_heap_are_refused(void **state)
{
    static const size_t sizes[] = { sizeof memory, sizeof memory + 1,
        SIZE_MAX / 2, SIZE_MAX - 47, SIZE_MAX - 16, SIZE_MAX - 15, SIZE_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_null(heap_allocate(&heap, sizes[i]));
        check_heap(&heap);
    }
    assert_non_null(heap_allocate(&heap, 0));
    assert_ptr_not_equal(heap_allocate(&heap, 0), heap_allocate(&heap, 0));
}

static void a_heap_that_was_never_begun_is_empty(void **state)
{
    static struct heap none;

    (void)state;
    assert_null(heap_allocate(&none, 1));
    assert_int_equal(heap_release(&none, memory), ERROR_BAD_ADDRESS);
}

#define TEST_OF(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_OF(random_sequences_keep_every_byte),
        TEST_OF(a_block_is_not_released_twice),
        TEST_OF(foreign_pointers_are_refused),
        TEST_OF(random_words_are_no_headers),
        TEST_OF(exhaustion_is_told_and_passes),
        TEST_OF(sizes_beyond_the_heap_are_refused),
        TEST_OF(a_heap_that_was_never_begun_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
