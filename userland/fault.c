/*
 * A program that does what it must not, in one of four ways, or just ends,
 * or does not even that:
 *
 *     run fault            writes where nothing is mapped
 *     run fault code       writes over its own code
 *     run fault jump       jumps into its data
 *     run fault deep       calls itself until its stack is used up
 *     run fault end        ends, and says that something went wrong
 *     run fault stop       stops its own task, so that it never ends
 */
#include <rux/buffer.h>
#include <rux/rinit.h>

#include "userland/start.h"
#include "userland/system.h"
#include "userland/words.h"

/* Functions of their own, so that the shell can name them. */
__attribute__((noipa)) void write_to(uint64_t address);
__attribute__((noipa)) void go_deeper(unsigned depth);

void write_to(uint64_t address)
{
    *(volatile uint64_t *)address = 1;
}

/* The variable is used after the call, so no jump can take its place. */
void go_deeper(unsigned depth)
{
    volatile unsigned left = depth;

    if (left > 0)
        go_deeper(depth - 1);
    left++;
}

static void jump_to(uint64_t address)
{
    __asm__ volatile("jmp *%0" ::"r"(address));
}

_Noreturn void rinit_main(void)
{
    const char *how = (const char *)(RINIT_BUFFER + BUFFER_BYTES);
    size_t length = word_length(how);

    if (is_word(how, length, "code"))
        write_to((uint64_t)rinit_main);
    else if (is_word(how, length, "jump"))
        jump_to(RINIT_BUFFER);
    else if (is_word(how, length, "deep"))
        go_deeper(UINT32_MAX);
    else if (is_word(how, length, "end"))
        system_exit_with(7);
    else if (is_word(how, length, "stop"))
        system_task_stop(caddr(SLOT_TASK));
    else
        write_to(0x1234567890);
    system_exit();
}
