/* In the search a failed assertion is a violation: the state that has been
   reached is wrong, and the way to it is printed. */
#pragma once

_Noreturn void violation(const char *what, const char *file, int line);

#define assert(condition) \
    ((condition) ? (void)0 : violation(#condition, __FILE__, __LINE__))
