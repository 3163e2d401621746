/* Call and reply, between tasks in different address spaces. */
#include <stdbool.h>

#include <rux/reply.h>

#include "userland/bench/bench.h"
#include "userland/bench/count.h"

enum { WORDS = 10, GIVEN = AT_MANY };

static volatile uint64_t arrived;

/* All that a system call can take and give, in registers from end to end. */
static inline uint64_t exchange(uint64_t word, uint64_t capability,
    uint64_t words[4])
{
    register uint64_t r8 __asm__("r8") = words[1];
    register uint64_t r9 __asm__("r9") = words[2];
    register uint64_t r10 __asm__("r10") = words[3];

    __asm__ volatile("syscall"
                     : "+a"(word), "+S"(capability), "+d"(words[0]),
                       "+r"(r8), "+r"(r9), "+r"(r10)
                     : "D"(caddr(AT_CHANNEL).hops)
                     : "rcx", "r11", "memory");
    words[1] = r8;
    words[2] = r9;
    words[3] = r10;
    return word;
}

/* The same for a message whose words mean nothing. */
static inline uint64_t exchange_nothing(uint64_t word)
{
    uint64_t capability = 0;

    __asm__ volatile("syscall"
                     : "+a"(word), "+S"(capability)
                     : "D"(caddr(AT_CHANNEL).hops)
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
    return word;
}

static uint64_t word_of(enum call_number number)
{
    return call_word(number, caddr(AT_CHANNEL).length, 0, 0);
}

static const uint64_t PAYLOAD = (uint64_t)(WORDS * sizeof(uint64_t)) << 20;

static _Noreturn void serve_nothing(void)
{
    for (;;)
        exchange_nothing(word_of(CALL_REPLY_TAKE));
}

static _Noreturn void serve_four(void)
{
    uint64_t words[4] = { 0 };

    for (;;)
        exchange(word_of(CALL_REPLY_TAKE), 0, words);
}

static void write_payload(uintptr_t buffer)
{
    volatile uint64_t *words = (volatile uint64_t *)buffer;

    for (unsigned i = 0; i < WORDS; i++)
        words[i] = i;
}

static _Noreturn void serve_payload(void)
{
    exchange_nothing(word_of(CALL_REPLY_TAKE));
    for (;;) {
        write_payload(WINDOW);
        exchange_nothing(word_of(CALL_REPLY_TAKE) | PAYLOAD);
    }
}

static _Noreturn void serve_capability(void)
{
    const uint64_t slot = (uint64_t)1 << 48 | (uint64_t)GIVEN << 40;

    for (;;) {
        exchange_nothing(word_of(CALL_REPLY_TAKE) | slot);
        arrived = now();
        must(system_delete(caddr(GIVEN)), "delete what was given");
    }
}

static void call_nothing(void)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        uint64_t error = exchange_nothing(word_of(CALL_CHANNEL_CALL));
        sample(start, now());
        must((enum error)error, "call");
    }
    report_median("call-0");
}

static void call_four(void)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        uint64_t words[4] = { 1, 2, 3, i };
        uint64_t error = exchange(word_of(CALL_CHANNEL_CALL), 0, words);
        sample(start, now());
        must((enum error)error, "call with four words");
        must(words[3] == i ? NO_ERROR : ERROR_BAD_ARGUMENT, "words");
    }
    report_median("call-4");
}

static void call_payload(void)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = begin_count();
        write_payload(RINIT_BUFFER);
        uint64_t error =
            exchange_nothing(word_of(CALL_CHANNEL_CALL) | PAYLOAD);
        sample(start, now());
        must((enum error)error, "call with a payload");
    }
    report_median("call-10");
}

static void call_capability(void)
{
    const uint64_t rights = (uint64_t)RIGHT_READ << 32;
    const caddr_t given = caddr(AT_OTHER);

    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t words[4] = { 0 };
        uint64_t start = begin_count();
        uint64_t error = exchange(call_word(CALL_CHANNEL_CALL,
            caddr(AT_CHANNEL).length, given.length, 0) | rights,
            given.hops, words);
        sample(start, arrived);
        must((enum error)error, "call with a capability");
    }
    report_median("call-capability");
}

static void between(void (*server)(void), void (*client)(void))
{
    make(AT_CHANNEL, OBJECT_CHANNEL, 0);
    make_window();
    make(AT_BUFFER, OBJECT_BUFFER, 0);
    must(system_map(caddr(AT_TABLE), caddr(AT_BUFFER), 0,
             RIGHT_READ | RIGHT_WRITE),
        "map a buffer");
    prepare_other(server);
    must(system_task_set(caddr(AT_OTHER), caddr(AT_BUFFER), TASK_BUFFER),
        "buffer");
    must(system_task_start(caddr(AT_OTHER)), "start");
    system_yield(); /* so that it waits */
    client();
    must(system_reset(caddr(AT_BENCH)), "reset");
}

/* A task that faults for ever, at a page that its handler maps. */
enum { FAULT_INDEX = 1, PAGE_BYTES = 4096 };

static volatile uint64_t left, came_back;
static volatile bool from_fault; /* what is measured: until the handler
                                    runs, or from there on */

static _Noreturn void fault_for_ever(void)
{
    volatile uint8_t *page = (volatile uint8_t *)(WINDOW + PAGE_BYTES);

    for (;;) {
        left = from_fault ? begin_count() : now();
        *page = 1;
        came_back = now();
        must(system_unmap(caddr(AT_TABLE), FAULT_INDEX), "unmap");
    }
}

static void map_for_it(void)
{
    must(system_map(caddr(AT_TABLE), caddr(AT_PAGE), FAULT_INDEX,
             RIGHT_READ | RIGHT_WRITE),
        "map for who faults");
}

/* The handler, as often as there are samples. */
static void handle_faults(const char *row)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        arrived = now();
        if (from_fault)
            sample(left, arrived);
        map_for_it();
        uint64_t start = from_fault ? now() : begin_count();
        uint64_t words[4] = { 0 };
        uint64_t error = exchange(word_of(CALL_REPLY_TAKE), 0, words);
        must((enum error)error, "reply and take");
        if (!from_fault)
            sample(start, came_back);
    }
    report_median(row);
}

static void faults(void)
{
    make(AT_CHANNEL, OBJECT_CHANNEL, 0);
    make(AT_PAGE, OBJECT_PAGE, 0);
    make_window();
    prepare_other(fault_for_ever);
    must(system_task_set(caddr(AT_OTHER), caddr(AT_CHANNEL), TASK_FAULT),
        "fault channel");
    must(system_task_start(caddr(AT_OTHER)), "start");
    from_fault = true;
    exchange_nothing(word_of(CALL_REPLY_TAKE));
    handle_faults("fault");
    from_fault = false;
    handle_faults("fault-back");
    must(system_reset(caddr(AT_BENCH)), "reset");
}

void bench_exchange(void)
{
    faults();
    between(serve_nothing, call_nothing);
    between(serve_four, call_four);
    between(serve_payload, call_payload);
    between(serve_capability, call_capability);
}
