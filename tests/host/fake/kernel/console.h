/* On the host the kernel's console is the standard output. */
#pragma once
#include <stdio.h>

#define log_line(...) (printf(__VA_ARGS__), putchar('\n'))
