/* 07-objects.c - strong references, classes and checks in the kernel. The
 * tests on the host (tests/host/07-objects.c) look closer. */
#include "tests/kernel/test.h"

#include <stddef.h>

#include <rux/error.h>

#include "kernel/cap/log.h"
#include "kernel/cap/ports.h"
#include "kernel/check.h"

static struct log a_log;

TEST(an_object_ends_with_its_last_reference)
{
    struct object *object = &a_log.object;
    object_init(object, OBJECT_LOG);
    object_acquire(object);
    object_release(object);
    EXPECT(log_from(object) == &a_log);
    EXPECT(ports_from(object) == NULL);
    object_release(object);
    EXPECT(log_from(object) == NULL);
    EXPECT_EQUAL(object->strong, 0);
}

TEST(the_walk_meets_what_the_kernel_keeps)
{
    struct object *at = NULL;
    unsigned met = 0;
    object_init(&a_log.object, OBJECT_LOG);
    object_keep(&a_log.object);
    while ((at = object_next(at)))
        met += at == &a_log.object;
    EXPECT_EQUAL(met, 1);
    check_all();
    object_release(&a_log.object);
    while ((at = object_next(at)))
        EXPECT(at != &a_log.object);
}

TEST(an_access_must_stay_inside_its_ports)
{
    struct ports ports = {.first = 0x60, .last = 0x64};
    EXPECT(ports_include(&ports, 0x60, 1));
    EXPECT(ports_include(&ports, 0x61, 4));
    EXPECT(!ports_include(&ports, 0x62, 4));
    EXPECT(!ports_include(&ports, 0x5f, 1));
    EXPECT(!ports_include(&ports, 0x60, 0));
    EXPECT(!ports_include(&ports, UINT64_MAX, 2));
    EXPECT(!ports_include(&ports, 0x61, UINT64_MAX));
}

TEST(every_error_has_a_name)
{
    for (unsigned error = 0; error <= ERRORS; error++) {
        EXPECT(error_name(error) != NULL);
        EXPECT(error_message(error) != NULL);
    }
}

TEST_DIES(an_ended_object_cannot_be_held,
          "assertion failed: object->strong > 0")
{
    object_init(&a_log.object, OBJECT_LOG);
    object_release(&a_log.object);
    object_acquire(&a_log.object);
}

TEST_DIES(a_forgotten_release_is_found,
          "assertion failed: object->strong <= 1")
{
    object_init(&a_log.object, OBJECT_LOG);
    object_keep(&a_log.object);
    object_acquire(&a_log.object);
    check_all();
}

/* The address comes through an integer: the compiler must not know. */
TEST_DIES(the_table_of_classes_cannot_be_written, "The kernel was writing")
{
    volatile uintptr_t place = (uintptr_t)object_class(OBJECT_LOG);
    ((struct object_class *)place)->name = "forged";
}
