/* ground.h - fresh memory for a test that makes objects, and short ways
 * to make them. Everything is made from one untyped of 8 MiB, which
 * fresh_ground() resets, so no test sees the objects of another.
 */
#pragma once

#include "kernel/assert.h"
#include "kernel/cap/page.h"
#include "kernel/cap/space.h"
#include "kernel/check.h"
#include "kernel/first_untyped.h"
#include "kernel/kernel_pool.h"
#include "tests/kernel/test.h"

enum { GROUND_SLOT = 255, GROUND_SIZE = 8 << 20 };

/* For a long test that gets on: the watchdog (test.c) counts anew. */
static inline void still_alive(void)
{
    __asm__ volatile("outb %0, %1" : : "a"((uint8_t)13), "Nd"((uint16_t)0x443));
}

/* The ground, with nothing on it. */
static inline struct untyped *fresh_ground(void)
{
    struct capability *slot = &kernel_pool.slots[GROUND_SLOT];
    if (!slot->weak.object)
        EXPECT_EQUAL(untyped_retype(first_untyped[0], OBJECT_UNTYPED,
                                    GROUND_SIZE, &kernel_pool.pool,
                                    GROUND_SLOT),
                     NO_ERROR);
    struct untyped *ground = untyped_from(slot->weak.object);
    while (!untyped_reset(ground))
        continue;
    return ground;
}

/* Makes an object of a fixed size into a slot of the kernel's pool. */
static inline struct capability *make(struct untyped *memory,
                                      enum object_type type, unsigned slot)
{
    EXPECT_EQUAL(untyped_retype(memory, type, 0, &kernel_pool.pool, slot),
                 NO_ERROR);
    return &kernel_pool.slots[slot];
}

static inline struct table *make_table(struct untyped *memory,
                                       enum object_type type, unsigned slot)
{
    return table_from(make(memory, type, slot)->weak.object);
}

/* A small untyped, whose reset destroys what is made of it. */
static inline struct untyped *make_island(struct untyped *memory,
                                          unsigned slot)
{
    EXPECT_EQUAL(untyped_retype(memory, OBJECT_UNTYPED, 64 * PAGE_SIZE,
                                &kernel_pool.pool, slot),
                 NO_ERROR);
    return untyped_from(kernel_pool.slots[slot].weak.object);
}

/* A space whose tables go to the kernel's pool from slot on. */
static inline struct space make_space(struct untyped *memory, unsigned slot)
{
    struct table *top = make_table(memory, OBJECT_PML4, slot);
    return (struct space){top, memory, &kernel_pool, slot + 1};
}
