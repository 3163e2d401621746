/* On the host no line interrupts. */
#pragma once

static inline void irq_mask(unsigned line)
{
    (void)line;
}

static inline void irq_unmask(unsigned line)
{
    (void)line;
}
