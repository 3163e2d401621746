/* test.h - tests that run inside the kernel, before the first task.
 *
 *   TEST(a_new_object_is_held_once)
 *   {
 *       EXPECT(condition);
 *       EXPECT_EQUAL(actual, expected);
 *   }
 *
 *   TEST_DIES(an_assertion_panics, "what the last words contain") { ... }
 *
 * A test belongs to the chapter in its file's name (tests/kernel/08-weak.c)
 * and is in the test image of every prefix that has the chapter. The first
 * expectation that fails ends the machine; the host then starts it again
 * after that test, so a test never sees what another one broke.
 */
#pragma once

#include <stdint.h>

#include "kernel/demonstration.h"

struct test {
    const char *name;
    void (*body)(void);
    const char *last_words; /* NULL, or in what the kernel says and dies */
};

/* Runs a test; called once for each of them, in the order of linking. */
void test_run(const struct test *test);

/* Reports the running test as failed and ends the machine. */
_Noreturn void test_fail(const char *file, uint32_t line, const char *text);

void test_expect_equal(uint64_t actual, uint64_t expected, const char *file,
                       uint32_t line, const char *text);

#define EXPECT(condition)                                                     \
    ((condition) ? (void)0 : test_fail(__FILE__, __LINE__, #condition))

#define EXPECT_EQUAL(actual, expected)                                        \
    test_expect_equal((uint64_t)(actual), (uint64_t)(expected), __FILE__,     \
                      __LINE__, #actual " == " #expected)

#define TEST(name) TEST_IN(TEST_CHAPTER, name, 0)
#define TEST_DIES(name, last_words) TEST_IN(TEST_CHAPTER, name, last_words)

/* Two steps, so that the chapter's number is expanded before it is pasted. */
#define TEST_IN(chapter, name, last_words) TEST_AS(chapter, name, last_words)

/* The record is a global name: nm finds it, and no two tests share one. */
#define TEST_AS(chapter, name, last_words)                                    \
    static void test_body_##name(void);                                       \
    extern const struct test test_record_##chapter##_##name;                  \
    const struct test test_record_##chapter##_##name = {                      \
        #chapter "_" #name, test_body_##name, last_words};                    \
    static void test_start_##name(void)                                       \
    {                                                                         \
        test_run(&test_record_##chapter##_##name);                            \
    }                                                                         \
    DEMONSTRATION(test_start_##name);                                         \
    static void test_body_##name(void)
