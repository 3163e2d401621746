/* From a device to the task that drives it. */
#include <rux/rinit.h>

#include "userland/bench/bench.h"
#include "userland/bench/count.h"

enum { SERIAL_BASE = 0x3f8, INTERRUPT_ENABLE = 1, IDENTIFICATION };
enum { WHEN_EMPTY = 2 }; /* its queue to the line, and it is */
enum { LOWEST = 1 };     /* priority: below the driver's */

static volatile uint64_t arrived;

static _Noreturn void drive(void)
{
    for (;;) {
        system_channel_take(caddr(AT_CHANNEL));
        arrived = now();
        system_irq_acknowledge(caddr(SLOT_SERIAL_LINE));
    }
}

/* Chooses when the device shall interrupt, by a system call that begins
   at *start, and tells how long that takes. */
static uint64_t choose(uint8_t when, uint64_t *start)
{
    uint64_t low = call_word(CALL_PORT_OUT, 1, 0, 0), high = when;
    uint64_t port = SERIAL_BASE + INTERRUPT_ENABLE;

    *start = begin_count();
    __asm__ volatile("syscall; rdtsc"
                     : "+a"(low), "+d"(high), "+S"(port)
                     : "D"(caddr(SLOT_SERIAL_PORTS).hops)
                     : "rcx", "r11", "memory");
    return (high << 32 | low) - *start;
}

/* The device interrupts during the call, the processor takes it behind
   the call: the call's own time does not count. */
void bench_interrupt(void)
{
    make(AT_CHANNEL, OBJECT_CHANNEL, 0);
    must(system_irq_bind(caddr(SLOT_SERIAL_LINE), caddr(AT_CHANNEL)),
        "bind the line");
    begin_other(drive);
    must(system_task_set_priority(caddr(SLOT_TASK), LOWEST), "priority");
    system_irq_acknowledge(caddr(SLOT_SERIAL_LINE));
    uint64_t start;
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t call = choose(0, &start);
        choose(WHEN_EMPTY, &start);
        sample(start + call, arrived + PAIR);
        system_port_in(caddr(SLOT_SERIAL_PORTS),
            SERIAL_BASE + IDENTIFICATION);
    }
    choose(0, &start);
    report_median("interrupt");
    must(system_reset(caddr(AT_BENCH)), "reset");
}
