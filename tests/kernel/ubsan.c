/* ubsan.c - what the code that -fsanitize=undefined adds calls when it finds
 * undefined behaviour: the running test fails, with the place in the book.
 *
 * The names and arguments are the compiler's. Every block of data begins with
 * the place, and that is all we read.
 */
#include "tests/kernel/test.h"

struct place {
    const char *file;
    uint32_t line, column;
};

#define HANDLER1(kind, text)                                                  \
    void __ubsan_handle_##kind(const struct place *);                         \
    void __ubsan_handle_##kind(const struct place *place)                     \
    {                                                                         \
        test_fail(place->file, place->line, "undefined: " text);              \
    }
#define HANDLER2(kind, text)                                                  \
    void __ubsan_handle_##kind(const struct place *, uintptr_t);              \
    void __ubsan_handle_##kind(const struct place *place, uintptr_t a)        \
    {                                                                         \
        (void)a;                                                              \
        test_fail(place->file, place->line, "undefined: " text);              \
    }
#define HANDLER3(kind, text)                                                  \
    void __ubsan_handle_##kind(const struct place *, uintptr_t, uintptr_t);   \
    void __ubsan_handle_##kind(const struct place *place, uintptr_t a,        \
                               uintptr_t b)                                   \
    {                                                                         \
        (void)a, (void)b;                                                     \
        test_fail(place->file, place->line, "undefined: " text);              \
    }

HANDLER1(builtin_unreachable, "reached what cannot be reached")
HANDLER1(missing_return, "a function ended without its value")
HANDLER1(nonnull_arg, "NULL passed where it must not be")
HANDLER2(nonnull_return_v1, "NULL returned where it must not be")
HANDLER1(invalid_builtin, "zero passed to a builtin")
HANDLER2(type_mismatch_v1, "a pointer is NULL, misaligned or too near an end")
HANDLER2(out_of_bounds, "an index beyond the array")
HANDLER2(load_invalid_value, "a value that its type does not have")
HANDLER2(negate_overflow, "a negation overflows")
HANDLER2(vla_bound_not_positive, "an array of no size")
HANDLER3(add_overflow, "an addition overflows")
HANDLER3(sub_overflow, "a subtraction overflows")
HANDLER3(mul_overflow, "a multiplication overflows")
HANDLER3(divrem_overflow, "a division overflows or is by zero")
HANDLER3(shift_out_of_bounds, "a shift by too much or of a negative value")
HANDLER3(pointer_overflow, "a pointer leaves the address space")
