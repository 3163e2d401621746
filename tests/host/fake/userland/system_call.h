/* There is no kernel to call: a test says what it answers. */
#pragma once
#include <stdint.h>

#include <rux/error.h>

struct answer {
    enum error error;
    uint64_t value, badge;
};

struct answer system_call(uint64_t word, uint64_t first, uint64_t second,
                          uint64_t third, uint64_t fourth, uint64_t fifth,
                          uint64_t sixth);
