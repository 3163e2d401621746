/* operation.h - what is asked of the kernel, and what it answers: registers.
 *
 * Shared by the model, by the host's program and by the one that runs on the
 * kernel (userland/model.c), so it needs no library. */
#pragma once
#include <stdint.h>

#include <rux/error.h>

struct operation {
    uint64_t word;        /* rax: the call word */
    uint64_t argument[6]; /* rdi, rsi, rdx, r8, r9, r10 */
    uint32_t stop;        /* on the host the look that finds an interrupt
                             waiting; 0: none does */
};

struct outcome {
    uint64_t error, value, badge; /* rax, rdx, rsi */
};

/* FNV-1a over the words of an outcome. */
static const uint64_t DIGEST_START = 0xcbf29ce484222325;

static inline uint64_t digest(uint64_t sum, const struct outcome *outcome)
{
    const uint64_t words[] = { outcome->error, outcome->value,
        outcome->badge };

    for (unsigned n = 0; n < 3; n++)
        for (unsigned byte = 0; byte < 8; byte++)
            sum = (sum ^ (words[n] >> 8 * byte & 0xff)) * 0x100000001b3;
    return sum;
}
