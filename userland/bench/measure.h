/* A call that only the kernel with tests/bench/measure.nw has. */
#pragma once

enum { MEASURE_CALL = 0xfe };

/* What rdi asks for. */
enum measure {
    MEASURE_BOOT,    /* -> the clock at the kernel's first instruction,
                        and so much later as it only waited since */
    MEASURE_LONGEST, /* -> the longest stretch with interrupts off since
                        the last question; why the kernel was entered */
    MEASURE_TIMER,   /* rsi: instructions from tick to tick */
};

/* Why: the number of a call, or this and a vector. */
enum { MEASURE_VECTOR = 0x100 };
