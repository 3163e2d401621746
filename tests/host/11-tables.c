/* Page tables: random mapping, unmapping, revoking and destroying, against
   a model that knows which entry was made from which slot. */
#include "host.h"

#include <string.h>

#include "kernel/cap/cpool.h"
#include "kernel/cap/page.h"
#include "kernel/cap/table.h"
#include "kernel/cap/untyped.h"
#include "kernel/check.h"
#include "kernel/machine.h"

enum {
    ROOT = 1024 * 1024, /* 1 MiB of RAM */
    PAGES = 4,          /* each on an island of its own */
    COPIES = 4,         /* copy n is derived from page n % PAGES */
    TABLES = 3,
    ISLAND = 10, /* slots */
    PAGE = 20,
    COPY = 30,
    TABLE = 40,
    TABLE_ISLAND = 50,
    INDICES = 5,
};

static const uint64_t indices[INDICES] = { 0, 1, 255, 256, 511 };

static struct untyped *ram;
static struct cpool root;

/* The slot that an entry was mapped from, and with which rights; 0: none. */
static struct {
    unsigned slot;
    uint64_t rights;
} model[TABLES][INDICES];

static struct object *object_in(unsigned slot)
{
    return root.slots[slot].weak.object;
}

static void make(struct untyped *from, unsigned type, size_t bytes,
    unsigned slot)
{
    assert_int_equal(untyped_retype(from, type, bytes, &root.pool, slot),
        NO_ERROR);
}

static void make_page(unsigned n)
{
    make(untyped_from(object_in(ISLAND + n)), OBJECT_PAGE, 0, PAGE + n);
}

static void make_copy(unsigned n)
{
    weak_derive(&root.pool, COPY + n, &root.slots[PAGE + n % PAGES],
        RIGHT_READ | RIGHT_WRITE, 0);
}

static void make_table(unsigned n)
{
    make(untyped_from(object_in(TABLE_ISLAND + n)), OBJECT_PT, 0, TABLE + n);
}

static int start(void **state)
{
    memset(arena, 0xa5, sizeof arena);
    memset(&root, 0, sizeof root);
    memset(model, 0, sizeof model);
    ram = untyped_of_ram(physical(0x10000), physical(0x10000 + ROOT));
    object_init(&root.object, OBJECT_CPOOL);
    cpool_construct(&root.object, physical(0), 0);
    object_keep(&root.object);
    for (unsigned n = 0; n < PAGES; n++) {
        make(ram, OBJECT_UNTYPED, 4 * PAGE_SIZE, ISLAND + n);
        make_page(n);
    }
    for (unsigned n = 0; n < COPIES; n++)
        make_copy(n);
    for (unsigned n = 0; n < TABLES; n++) {
        make(ram, OBJECT_UNTYPED, 8 * PAGE_SIZE, TABLE_ISLAND + n);
        make_table(n);
    }
    check_all();
    return seed_random(state);
}

static int stop(void **state)
{
    (void)state;
    object_release(&root.object);
    untyped_reset(ram);
    object_release(&ram->object);
    check_all();
    return object_next(NULL) != NULL;
}

static struct table *table(unsigned n)
{
    return table_from(object_in(TABLE + n));
}

/* --- The operations, on the tables and on the model -------------------------- */

static void map(unsigned n, unsigned i)
{
    bool copy = random_below(2);
    unsigned slot = copy ? COPY + random_below(COPIES)
                         : PAGE + random_below(PAGES);
    uint64_t rights = random_below(16);
    bool both = (rights & RIGHT_WRITE) && (rights & RIGHT_EXECUTE);
    enum error wanted = NO_ERROR;

    if (model[n][i].slot)
        wanted = ERROR_SLOT_IN_USE;
    else if (!object_in(slot))
        wanted = ERROR_NO_CAPABILITY;
    else if (!(rights & RIGHT_READ) || (rights & RIGHT_GRANT))
        wanted = ERROR_BAD_ARGUMENT;
    else if (both || (copy && (rights & RIGHT_EXECUTE)))
        wanted = ERROR_NO_RIGHT;
    assert_int_equal(
        table_map(table(n), indices[i], &root.slots[slot], rights), wanted);
    if (wanted == NO_ERROR) {
        model[n][i].slot = slot;
        model[n][i].rights = rights;
    }
}

static void unmap(unsigned n, unsigned i)
{
    assert_int_equal(table_unmap(table(n), indices[i]),
        model[n][i].slot ? NO_ERROR : ERROR_NO_CAPABILITY);
    model[n][i].slot = 0;
}

static void forget_slot(unsigned slot)
{
    for (unsigned n = 0; n < TABLES; n++)
        for (unsigned i = 0; i < INDICES; i++)
            if (model[n][i].slot == slot)
                model[n][i].slot = 0;
}

static void revoke(unsigned slot)
{
    if (!object_in(slot))
        return;
    weak_revoke(&root.slots[slot]);
    forget_slot(slot);
    for (unsigned n = 0; slot < COPY && n < COPIES; n++)
        if (n % PAGES == slot - PAGE) {
            forget_slot(COPY + n);
            assert_null(object_in(COPY + n));
            make_copy(n);
        }
}

static void destroy_page(unsigned page)
{
    untyped_reset(untyped_from(object_in(ISLAND + page)));
    forget_slot(PAGE + page);
    for (unsigned n = page; n < COPIES; n += PAGES)
        forget_slot(COPY + n);
    make_page(page);
    for (unsigned n = page; n < COPIES; n += PAGES)
        make_copy(n);
}

static void destroy_table(unsigned n)
{
    untyped_reset(untyped_from(object_in(TABLE_ISLAND + n)));
    memset(model[n], 0, sizeof model[n]);
    make_table(n);
}

static uint64_t wanted_entry(unsigned n, unsigned i)
{
    if (!model[n][i].slot)
        return 0;
    uint64_t rights = model[n][i].rights;
    struct page *page = page_from(object_in(model[n][i].slot));
    return page->frame.value | ENTRY_PRESENT | ENTRY_USER |
           (rights & RIGHT_WRITE ? ENTRY_WRITABLE : 0) |
           (rights & RIGHT_EXECUTE ? 0 : ENTRY_NO_EXECUTE);
}

static void tables_follow_the_model(void **state)
{
    (void)state;
    for (unsigned step = 0; step < 100000; step++) {
        unsigned n = random_below(TABLES), i = random_below(INDICES);
        switch (random_below(24)) {
        case 0: revoke(PAGE + random_below(PAGES)); break;
        case 1: revoke(COPY + random_below(COPIES)); break;
        case 2: destroy_page(random_below(PAGES)); break;
        case 3: destroy_table(n); break;
        case 4:
        case 5:
        case 6:
        case 7: unmap(n, i); break;
        default: map(n, i);
        }
        for (n = 0; n < TABLES; n++)
            for (i = 0; i < INDICES; i++)
                assert_int_equal(*table_entry(table(n), (unsigned)indices[i]),
                    wanted_entry(n, i));
        if (step % 100 == 0)
            check_all();
    }
}

/* --- The flush ---------------------------------------------------------------- */

static void every_entry_that_goes_is_flushed(void **state)
{
    (void)state;
    struct capability *page = &root.slots[PAGE];
    unsigned before = tlb_flushes;

    assert_int_equal(table_map(table(0), 3, page, RIGHT_READ), NO_ERROR);
    assert_int_equal(tlb_flushes, before);
    assert_int_equal(table_unmap(table(0), 3), NO_ERROR);
    assert_true(tlb_flushes > before);
    assert_int_equal(table_map(table(0), 3, page, RIGHT_READ), NO_ERROR);
    before = tlb_flushes;
    weak_revoke(page);
    assert_true(tlb_flushes > before);
    make_copy(0);
    assert_int_equal(table_map(table(0), 3, page, RIGHT_READ), NO_ERROR);
    before = tlb_flushes;
    destroy_table(0);
    assert_true(tlb_flushes > before);
}

static void the_check_sees_an_entry_that_was_changed(void **state)
{
    (void)state;
    assert_int_equal(
        table_map(table(0), 3, &root.slots[PAGE], RIGHT_READ), NO_ERROR);
    uint64_t *entry = table_entry(table(0), 3), saved = *entry;

    *entry |= ENTRY_WRITABLE;
    *entry &= ~ENTRY_NO_EXECUTE;
    expect_assert_failure(check_all());
    *entry = saved + PAGE_SIZE;
    expect_assert_failure(check_all());
    *entry = saved;
    check_all();
}

#define WITH_MEMORY(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MEMORY(tables_follow_the_model),
        WITH_MEMORY(every_entry_that_goes_is_flushed),
        WITH_MEMORY(the_check_sees_an_entry_that_was_changed),
    };

    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
