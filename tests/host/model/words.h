/* words.h - operations as lines that a person can read. */
#pragma once
#include "tests/host/model/operation.h"

/* Into `to`, which has room for `size` characters. */
void words_of(const struct operation *operation, char *to, unsigned size);

/* The name of a call, or of its lack. */
void name_of_call(unsigned number, char *to, unsigned size);
