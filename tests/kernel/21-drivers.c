/* 21-drivers.c - what a driver may reach, and what rinit is given for it.
 * A person at keyboard and screen is in tests/boot. */
#include "tests/kernel/rinit.h"

#include "kernel/cap/irq.h"
#include "kernel/cap/log.h"
#include "kernel/cap/ports.h"
#include "kernel/syscall.h"
#include "kernel/x86/io.h"
#include "kernel/x86/paging.h"
#include "tests/kernel/program.h"

PROGRAM(port_call, "1: syscall; jmp 1b")

enum { PORTS = 100, READ_ONLY = 101, SCRATCH = 0x3ff, STATUS = 0x3fd };

static struct process driver;

static enum error port_call(uint64_t number, uint64_t slot, uint64_t port,
                            uint64_t value)
{
    struct frame *frame = &driver.task->frame;
    frame->rax = number | 0x100;
    frame->rdi = slot;
    frame->rsi = port;
    frame->rdx = value;
    EXPECT_EQUAL(run_to_entry(driver.task), VECTOR_SYSCALL);
    system_call(driver.task);
    return (enum error)frame->rax;
}

static void start_driver(void)
{
    static struct ports ports = {.first = 0x3f8, .last = 0x3ff};
    if (ports.object.type == OBJECT_NONE) {
        object_init(&ports.object, OBJECT_PORTS);
        object_keep(&ports.object);
    }
    driver = start_program(fresh_ground(), 1, PROGRAM_OF(port_call));
    weak_original(&driver.pool->pool, PORTS, &ports.object, RIGHT_ALL, 0);
    weak_derive(&driver.pool->pool, READ_ONLY, &driver.pool->slots[PORTS],
                RIGHT_READ, 0);
}

TEST(ports_of_the_range_can_be_used)
{
    start_driver();
    for (uint64_t value = 0; value < 256; value += 51) {
        EXPECT_EQUAL(port_call(CALL_PORT_OUT, PORTS, SCRATCH, value),
                     NO_ERROR);
        EXPECT_EQUAL(port_in8(SCRATCH), value);
        EXPECT_EQUAL(port_call(CALL_PORT_IN, PORTS, SCRATCH, 0), NO_ERROR);
        EXPECT_EQUAL(driver.task->frame.rdx, value);
        still_alive();
    }
}

TEST(ports_outside_are_refused)
{
    static const uint64_t outside[] = {
        0, 0x3f7, 0x400, 0x60, 0xf4, 0xffff, 0x10000 + SCRATCH,
        (UINT64_C(1) << 32) + SCRATCH, UINT64_MAX,
    };
    start_driver();
    port_out8(SCRATCH, 0x5a);
    for (unsigned i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        EXPECT_EQUAL(port_call(CALL_PORT_IN, PORTS, outside[i], 0),
                     ERROR_BAD_ARGUMENT);
        EXPECT_EQUAL(port_call(CALL_PORT_OUT, PORTS, outside[i], 0),
                     ERROR_BAD_ARGUMENT);
        still_alive();
    }
    EXPECT_EQUAL(port_call(CALL_PORT_OUT, PORTS, SCRATCH, 256),
                 ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(port_call(CALL_PORT_OUT, PORTS, SCRATCH, UINT64_MAX),
                 ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(port_call(CALL_PORT_IN, READ_ONLY, SCRATCH, 0),
                 ERROR_NO_RIGHT);
    EXPECT_EQUAL(port_call(CALL_PORT_OUT, READ_ONLY, SCRATCH, 0),
                 ERROR_NO_RIGHT);
    EXPECT_EQUAL(port_call(CALL_PORT_IN, 0, SCRATCH, 0), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(port_call(CALL_PORT_OUT, 1, SCRATCH, 0), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(port_in8(SCRATCH), 0x5a);
}

TEST(rinit_has_the_devices)
{
    struct capability *slots = rinit_pool()->slots;
    static const struct {
        unsigned slot;
        uint16_t first, last;
    } ranges[] = {
        {SLOT_KEYBOARD_PORTS, 0x60, 0x64},
        {SLOT_SERIAL_PORTS, 0x3f8, 0x3ff},
        {SLOT_SCREEN_PORTS, 0x3d4, 0x3d5},
    };
    for (unsigned i = 0; i < 3; i++) {
        struct ports *ports = ports_from(slots[ranges[i].slot].weak.object);
        EXPECT(ports);
        EXPECT_EQUAL(ports->first, ranges[i].first);
        EXPECT_EQUAL(ports->last, ranges[i].last);
    }
    EXPECT_EQUAL(irq_from(slots[SLOT_KEYBOARD_LINE].weak.object)->line, 1);
    EXPECT_EQUAL(irq_from(slots[SLOT_SERIAL_LINE].weak.object)->line, 4);
    EXPECT(channel_from(slots[SLOT_INTERRUPTS].weak.object));
    EXPECT(slots[SLOT_VIDEO_MEMORY].weak.object == &vga_untyped->object);
    check_all();
}

TEST(the_screen_is_the_frame_that_holds_the_text)
{
    struct capability *slots = rinit_pool()->slots;
    struct object *pml4 = slots[SLOT_SPACE].weak.object;
    struct page *page = page_from(slots[SLOT_SCREEN].weak.object);
    EXPECT_EQUAL(page->frame.value, 0xb8000);
    paging_load(table_from(pml4)->page);
    uint64_t entry = paging_lookup(RINIT_SCREEN);
    paging_load(paging_kernel_pml4);
    EXPECT_EQUAL(entry & ENTRY_FRAME, 0xb8000);
    EXPECT(entry & ENTRY_WRITABLE);
    EXPECT(entry & ENTRY_NO_EXECUTE);
}

/* --- Any call with any arguments ---------------------------------------------- */

static uint64_t state = 88172645463325252;

static uint64_t random_word(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Mostly what almost makes sense, else anything. */
static uint64_t random_argument(void)
{
    switch (random_word() % 8) {
    case 0: return random_word();
    case 1: return UINT64_MAX - random_word() % 4;
    case 2: return random_word() % 2000;
    case 3: return SCRATCH - random_word() % 2;
    default: return 96 + random_word() % 16;
    }
}

static void furnish(struct untyped *ground, struct weak_pool *pool)
{
    static const enum object_type types[] = {OBJECT_CHANNEL, OBJECT_CHANNEL,
                                             OBJECT_BUFFER, OBJECT_TASK};
    static struct log log;
    if (log.object.type == OBJECT_NONE) {
        object_init(&log.object, OBJECT_LOG);
        object_keep(&log.object);
    }
    for (unsigned i = 0; i < 4; i++)
        EXPECT_EQUAL(untyped_retype(ground, types[i], 0, pool, 102 + i),
                     NO_ERROR);
    struct capability *slots = driver.pool->slots;
    struct object *line =
        rinit_pool()->slots[SLOT_KEYBOARD_LINE].weak.object;
    weak_original(pool, 106, line, RIGHT_ALL, 0);
    weak_derive(pool, 107, &slots[102], RIGHT_READ, 5);
    weak_derive(pool, 108, &slots[102], RIGHT_WRITE, 6);
    weak_derive(pool, 109, &slots[106], RIGHT_READ, 0);
    weak_original(pool, 110, &log.object, RIGHT_READ, 0);
}

TEST(hostile_calls_leave_the_kernel_whole)
{
    rinit_pool();
    start_driver();
    struct untyped *ground =
        untyped_from(kernel_pool.slots[GROUND_SLOT].weak.object);
    furnish(ground, &driver.pool->pool);
    struct task *task = driver.task;
    unsigned seen[ERRORS] = {0};
    for (unsigned i = 0; i < 1000; i++) {
        struct frame *frame = &task->frame;
        uint64_t number = random_word() % (CALLS + 1);
        frame->rax = number | (random_word() % 3 ? 0x100 : 0x1100);
        if (random_word() % 8 == 0)
            frame->rax = random_word() % 0x40000;
        frame->rdi = random_argument();
        frame->rsi = random_argument();
        frame->rdx = random_argument();
        frame->r8 = random_argument();
        frame->r9 = random_argument();
        system_call(task);
        if (task->state == TASK_READY && frame->rax < ERRORS)
            seen[frame->rax]++;
        if (task->state != TASK_READY) {
            task_stop(task);
            EXPECT_EQUAL(task_start(task), NO_ERROR);
        }
        if (i % 8 == 0)
            still_alive();
    }
    EXPECT(seen[NO_ERROR] > 10);
    EXPECT(seen[ERROR_WRONG_TYPE] > 10);
    EXPECT(seen[ERROR_NO_RIGHT] > 0);
    check_all();
}
