/* Objects, their strong references, rings of links and errors. */
#include "host.h"

#include <string.h>

#include <rux/error.h>

#include "kernel/cap/log.h"
#include "kernel/cap/object.h"
#include "kernel/cap/ports.h"
#include "kernel/check.h"

static void count_follows_acquire_and_release(void **state)
{
    static struct ports ports;
    struct object *object = &ports.object;
    uint32_t model = 1;

    (void)state;
    object_init(object, OBJECT_PORTS);
    for (int n = 0; n < 5000; n++) {
        if (model > 1 && random_below(2)) {
            object_release(object);
            model--;
        } else {
            object_acquire(object);
            model++;
        }
        assert_int_equal(object->strong, model);
        assert_int_equal(object->type, OBJECT_PORTS);
    }
    while (model--)
        object_release(object);
    assert_int_equal(object->strong, 0);
    assert_int_equal(object->type, OBJECT_NONE);
}

static void nothing_revives_an_object(void **state)
{
    static struct log log;

    (void)state;
    object_init(&log.object, OBJECT_LOG);
    object_release(&log.object);
    expect_assert_failure(object_acquire(&log.object));
    expect_assert_failure(object_release(&log.object));
}

static void a_count_never_wraps(void **state)
{
    static struct log log;

    (void)state;
    object_init(&log.object, OBJECT_LOG);
    log.object.strong = UINT16_MAX;
    expect_assert_failure(object_acquire(&log.object));
}

static void only_real_types_have_a_class(void **state)
{
    static struct log log;

    (void)state;
    assert_null(object_class(OBJECT_NONE));
    for (unsigned type = 1; type < OBJECT_TYPES; type++)
        assert_non_null(object_class(type)->name);
    assert_null(object_class(OBJECT_TYPES));
    assert_null(object_class(UINT32_MAX));
    expect_assert_failure(object_init(&log.object, OBJECT_NONE));
    expect_assert_failure(object_init(&log.object, OBJECT_TYPES));
}

static void a_downcast_knows_its_type_only(void **state)
{
    struct object object = { .type = 0 };

    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        object.type = (uint8_t)type;
        assert_int_equal(log_from(&object) != NULL, type == OBJECT_LOG);
        assert_int_equal(ports_from(&object) != NULL,
            type == OBJECT_PORTS);
    }
}

/* Against a definition that cannot overflow: every port of the access. */
static void ports_include_whole_accesses_only(void **state)
{
    static const uint16_t ends[] = { 0, 1, 0x60, 0x64, 0x3f8, 0x3ff,
        0xfffd, 0xfffe, 0xffff };
    enum { ENDS = sizeof ends / sizeof *ends };

    (void)state;
    for (size_t f = 0; f < ENDS; f++)
        for (size_t l = f; l < ENDS; l++)
            for (uint32_t n = 0; n < 3000; n++) {
                struct ports ports = { .first = ends[f], .last = ends[l] };
                uint64_t port = ends[random_below(ENDS)] + random_below(5) - 2u;
                uint64_t width = random_below(6);
                bool expected = width > 0;

                for (uint64_t p = 0; p < width; p++)
                    expected = expected && port + p >= ports.first &&
                               port + p <= ports.last;
                if (random_below(4) == 0) {
                    width = UINT64_MAX - random_below(3);
                    expected = false;
                }
                if (random_below(4) == 0) {
                    port = UINT64_MAX - random_below(3);
                    expected = false;
                }
                assert_int_equal(ports_include(&ports, port, width), expected);
            }
}

/* Rings against an array in which the items stand in order. */
static void rings_keep_their_order(void **state)
{
    enum { ITEMS = 12 };
    static struct link head, items[ITEMS];
    unsigned order[ITEMS], count = 0;
    bool in[ITEMS] = { false };

    (void)state;
    link_init(&head);
    for (unsigned i = 0; i < ITEMS; i++)
        link_init(&items[i]);
    for (int n = 0; n < 20000; n++) {
        unsigned item = random_below(ITEMS);
        unsigned place = random_below(count + 1);

        if (in[item]) {
            link_remove(&items[item]);
            assert_true(link_alone(&items[item]));
            for (place = 0; order[place] != item; place++)
                ;
            count--;
            memmove(order + place, order + place + 1,
                (count - place) * sizeof *order);
        } else if (random_below(2)) {
            link_insert_after(place ? &items[order[place - 1]] : &head,
                &items[item]);
        } else {
            link_insert_before(
                place < count ? &items[order[place]] : &head, &items[item]);
        }
        if (!in[item]) {
            memmove(order + place + 1, order + place,
                (count - place) * sizeof *order);
            order[place] = item;
            count++;
        }
        in[item] = !in[item];

        struct link *at = &head;
        for (unsigned i = 0; i < count; i++) {
            assert_ptr_equal(at->next, &items[order[i]]);
            assert_ptr_equal(at->next->prev, at);
            at = at->next;
        }
        assert_ptr_equal(at->next, &head);
        assert_ptr_equal(head.prev, at);
        assert_int_equal(link_alone(&head), count == 0);
    }
}

static void the_walk_meets_what_the_kernel_keeps(void **state)
{
    static struct log logs[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        object_init(&logs[i].object, OBJECT_LOG);
        object_keep(&logs[i].object);
    }

    struct object *at = NULL;
    for (int i = 0; i < 3; i++) {
        at = object_next(at);
        assert_ptr_equal(at, &logs[i].object);
    }
    assert_null(object_next(at));
    check_all();

    object_acquire(&logs[1].object);
    expect_assert_failure(check_all());
    object_release(&logs[1].object);
    check_all();

    for (int i = 0; i < 3; i++)
        object_release(&logs[i].object);
    assert_null(object_next(NULL));
}

static void every_error_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    for (unsigned error = 0; error < ERRORS; error++) {
        const char *message = error_message(error);

        assert_true(strlen(error_name(error)) > 5);
        assert_int_equal(message[strlen(message) - 1], '.');
        for (unsigned other = 0; other < error; other++)
            assert_string_not_equal(error_name(error), error_name(other));
    }
    assert_non_null(error_name(ERRORS));
    assert_non_null(error_message(UINT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(count_follows_acquire_and_release, seed_random),
        cmocka_unit_test(nothing_revives_an_object),
        cmocka_unit_test(a_count_never_wraps),
        cmocka_unit_test(only_real_types_have_a_class),
        cmocka_unit_test(a_downcast_knows_its_type_only),
        cmocka_unit_test_setup(ports_include_whole_accesses_only, seed_random),
        cmocka_unit_test_setup(rings_keep_their_order, seed_random),
        cmocka_unit_test(the_walk_meets_what_the_kernel_keeps),
        cmocka_unit_test(every_error_has_a_name_and_a_sentence),
    };

    return cmocka_run_group_tests_name("objects", tests, NULL, NULL);
}
