/* program.h - programs for ring 3, written as a line of assembly in a test:
 *
 *   PROGRAM(spin, "1: jmp 1b")
 *
 *   struct process process = load_program(ground, 1, PROGRAM_OF(spin));
 *
 * Text is at TEXT, a page of data at DATA.
 */
#pragma once

#include "kernel/interrupt.h"
#include "kernel/process.h"
#include "kernel/x86/switch.h"
#include "tests/kernel/ground.h"

enum { TEXT = 0x400000, DATA = 0x500000, STACK_END = DATA + PAGE_SIZE };

struct program {
    const uint8_t *start, *end;
};

#define PROGRAM(name, text)                                                   \
    extern const uint8_t program_##name[], program_##name##_end[];            \
    __asm__(".pushsection .rodata; .intel_syntax noprefix\n"                  \
            "program_" #name ":\n" text "\nprogram_" #name "_end:\n"          \
            ".att_syntax; .popsection");

#define PROGRAM_OF(name)                                                      \
    ((struct program){program_##name, program_##name##_end})

/* A process made in a slot of the kernel's pool, ready to be started. */
static inline struct process load_program(struct untyped *memory,
                                          unsigned slot,
                                          struct program program)
{
    struct process process;
    void *view;
    EXPECT_EQUAL(process_begin(&process, memory, &kernel_pool, slot),
                 NO_ERROR);
    EXPECT_EQUAL(process_load(&process, TEXT, program.start,
                              (size_t)(program.end - program.start),
                              RIGHT_READ | RIGHT_EXECUTE),
                 NO_ERROR);
    EXPECT_EQUAL(process_page(&process, DATA, RIGHT_READ | RIGHT_WRITE,
                              &view),
                 NO_ERROR);
    return process;
}

/* Where the kernel sees the page of data. */
static inline uint64_t *data_of(const struct process *process)
{
    const struct capability *page =
        &process->pool->slots[process->space.next - 1];
    return physical_pointer(page_from(page->weak.object)->frame);
}

static inline struct process start_program(struct untyped *memory,
                                           unsigned slot,
                                           struct program program)
{
    struct process process = load_program(memory, slot, program);
    EXPECT_EQUAL(process_start(&process, TEXT, STACK_END), NO_ERROR);
    return process;
}

/* Runs the task until it enters the kernel other than by an interrupt. */
static inline uint64_t run_to_entry(struct task *task)
{
    do {
        switch_to(task);
        if (task->frame.vector >= EXCEPTIONS && task->frame.vector < VECTORS)
            interrupt_handle((unsigned)task->frame.vector);
    } while (task->frame.vector >= EXCEPTIONS &&
             task->frame.vector < VECTORS);
    return task->frame.vector;
}
