/* 18-floating.c - the registers for numbers with a point, lent and back. */
#include "tests/kernel/program.h"

#include "kernel/scheduler.h"
#include "kernel/x86/control.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/floating.h"
#include "lib/string.h"

enum { XMM0 = 160, ST0 = 32 }; /* in the area (SDM 1, FXSAVE Area) */

static bool closed(void)
{
    return (cr0_read() & CR0_TS) && !this_cpu()->floating;
}

/* Runs the task until it enters the kernel other than by an interrupt or to
   be lent the registers; *lent counts how often it was. */
static uint64_t run_lending(struct task *task, unsigned *lent)
{
    while (run_to_entry(task) == VECTOR_NO_DEVICE) {
        EXPECT(closed());
        EXPECT(floating_lend(task));
        EXPECT(this_cpu()->floating == task && !(cr0_read() & CR0_TS));
        ++*lent;
        check_all();
    }
    return task->frame.vector;
}

/* Fills every register with rdi; then compares for ever. */
PROGRAM(keep_and_compare,
        "movq xmm0, rdi; punpcklqdq xmm0, xmm0;"
        ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15;"
        "movdqa xmm\\n, xmm0; .endr;"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7; movq mm\\n, rdi; .endr;"
        "again: inc qword ptr [0x500000];"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15;"
        "movq rax, xmm\\n; cmp rax, rdi; jne wrong;"
        "movhlps xmm\\n, xmm\\n; movq rax, xmm\\n; cmp rax, rdi; jne wrong;"
        ".endr;"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7;"
        "movq rax, mm\\n; cmp rax, rdi; jne wrong; .endr;"
        "jmp again; wrong: ud2")

TEST(two_tasks_that_are_interrupted_anywhere_keep_their_numbers)
{
    struct untyped *ground = fresh_ground();
    struct process p[2];
    for (unsigned i = 0; i < 2; i++) {
        p[i] = start_program(ground, 1 + i, PROGRAM_OF(keep_and_compare));
        p[i].task->frame.rdi = UINT64_C(0x0123456789abcdef) << i;
    }
    unsigned lent = 0;
    for (unsigned turn = 0; turn < 200; turn++) {
        struct task *task = p[turn % 2].task;
        do {
            switch_to(task);
            if (task->frame.vector == VECTOR_NO_DEVICE)
                lent += floating_lend(task);
        } while (task->frame.vector == VECTOR_NO_DEVICE);
        EXPECT(task->frame.vector >= EXCEPTIONS);
        interrupt_handle((unsigned)task->frame.vector);
        EXPECT(lent <= turn + 1); /* fewer if a tick was waiting */
        check_floating();
        still_alive();
    }
    EXPECT(lent > 100 && *data_of(&p[0]) > 100 && *data_of(&p[1]) > 100);
    check_all();
}

PROGRAM(look, "fxsave64 [0x500000]; ud2")

/* Everything that fxsave shows is as floating_begin() says. */
static void expect_fresh(struct task *task, const uint64_t *data)
{
    unsigned lent = 0;
    memset((void *)(uintptr_t)data, 0xff, 512);
    task->frame.rip = TEXT;
    EXPECT_EQUAL(run_lending(task, &lent), 6);
    EXPECT_EQUAL(lent, 1);
    EXPECT_EQUAL(data[0] << 16, (uint64_t)CONTROL_FRESH << 16); /* FOP aside */
    EXPECT_EQUAL(data[1], 0); /* where the last instruction was, */
    EXPECT_EQUAL(data[2], 0); /* and its operand */
    EXPECT_EQUAL((uint32_t)data[3], MXCSR_FRESH);
    for (unsigned word = ST0 / 8; word < XMM0 / 8; word += 2) {
        EXPECT_EQUAL(data[word], 0);
        EXPECT_EQUAL((uint16_t)data[word + 1], 0); /* ten bytes are used */
    }
    for (unsigned word = XMM0 / 8; word < 416 / 8; word++)
        EXPECT_EQUAL(data[word], 0);
}

PROGRAM(compute, "movq xmm0, rdi; movaps xmm15, xmm0; fld1; fldpi;"
                 "fst qword ptr [0x500000]; ud2")

TEST(a_new_task_sees_nobodys_numbers)
{
    struct untyped *ground = fresh_ground();
    struct process before = start_program(ground, 1, PROGRAM_OF(compute));
    unsigned lent = 0;
    before.task->frame.rdi = 4711;
    EXPECT_EQUAL(run_lending(before.task, &lent), 6);
    EXPECT(this_cpu()->floating == before.task);
    struct process after = start_program(ground, 2, PROGRAM_OF(look));
    expect_fresh(after.task, data_of(&after));
}

TEST(registers_that_nobody_has_hold_nobodys_numbers)
{
    struct process p =
        start_program(fresh_ground(), 1, PROGRAM_OF(compute));
    static struct floating seen;
    unsigned lent = 0;
    p.task->frame.rdi = 4711;
    EXPECT_EQUAL(run_lending(p.task, &lent), 6);
    floating_put_back(p.task);
    EXPECT(closed());
    __asm__ volatile("clts; fxsave64 %0" : "=m"(seen));
    cr0_write(cr0_read() | CR0_TS);
    EXPECT_EQUAL(seen.mxcsr, MXCSR_FRESH);
    for (unsigned i = 0; i < 416 - 32; i++)
        EXPECT_EQUAL(seen.registers[i], 0);
    EXPECT_EQUAL(p.task->floating.registers[XMM0 - 32], 4711 & 0xff);
}

PROGRAM(spin, "1: jmp 1b")

TEST(a_task_that_computes_keeps_them_until_another_runs)
{
    struct untyped *ground = fresh_ground();
    struct process a = start_program(ground, 1, PROGRAM_OF(compute));
    struct process b = start_program(ground, 2, PROGRAM_OF(spin));
    unsigned lent = 0;
    EXPECT_EQUAL(run_lending(a.task, &lent), 6);
    for (unsigned i = 0; i < 10; i++) {
        a.task->frame.rip = TEXT;
        EXPECT_EQUAL(run_lending(a.task, &lent), 6);
    }
    EXPECT_EQUAL(lent, 1);
    switch_to(b.task);
    EXPECT(closed());
    EXPECT(b.task->frame.vector >= EXCEPTIONS);
    interrupt_handle((unsigned)b.task->frame.vector);
    a.task->frame.rip = TEXT;
    EXPECT_EQUAL(run_lending(a.task, &lent), 6);
    EXPECT_EQUAL(lent, 2);
}

TEST(who_stops_has_its_numbers_and_finds_them_again)
{
    struct process p =
        start_program(fresh_ground(), 1, PROGRAM_OF(keep_and_compare));
    uint64_t number = p.task->frame.rdi = 0x7777777777777777;
    while (*data_of(&p) == 0) {
        switch_to(p.task);
        if (p.task->frame.vector == VECTOR_NO_DEVICE)
            EXPECT(floating_lend(p.task));
        else
            interrupt_handle((unsigned)p.task->frame.vector);
    }
    task_stop(p.task);
    EXPECT(closed());
    EXPECT_EQUAL(memcmp(&p.task->floating.registers[XMM0 - 32 + 15 * 16],
                        &number, 8), 0);
    EXPECT_EQUAL(task_start(p.task), NO_ERROR);
    for (uint64_t from = *data_of(&p); *data_of(&p) < from + 100;) {
        switch_to(p.task);
        if (p.task->frame.vector == VECTOR_NO_DEVICE)
            EXPECT(floating_lend(p.task));
        else
            interrupt_handle((unsigned)p.task->frame.vector);
    }
    check_all();
}

TEST(who_ends_with_the_registers_leaves_nothing)
{
    struct untyped *ground = fresh_ground();
    struct process p = start_program(ground, 1, PROGRAM_OF(compute));
    unsigned lent = 0;
    p.task->frame.rdi = 99;
    EXPECT_EQUAL(run_lending(p.task, &lent), 6);
    ground = fresh_ground(); /* the task and all that it had */
    EXPECT(closed());
    check_all();
    p = start_program(ground, 1, PROGRAM_OF(look)); /* in the same place */
    expect_fresh(p.task, data_of(&p));
}

/* --- Mistakes ---------------------------------------------------------------- */

PROGRAM(reserved_bits, "mov dword ptr [0x500000], 0x10000;"
                       "ldmxcsr [0x500000]; stmxcsr [0x500004]; ud2")
PROGRAM(reserved_in_area, "fxsave64 [0x500000];"
                          "mov dword ptr [0x500018], 0xffff0000;"
                          "fxrstor64 [0x500000]; stmxcsr [0x500004]; ud2")

/* QEMU 7.2 does not refuse reserved bits; then they are the task's own. */
static void expect_refused(struct program program)
{
    struct untyped *ground = fresh_ground();
    struct process p = start_program(ground, 1, program);
    unsigned lent = 0;
    EXPECT(run_lending(p.task, &lent) == 13 || p.task->frame.vector == 6);
    task_stop(p.task);
    p = start_program(ground, 2, PROGRAM_OF(look));
    expect_fresh(p.task, data_of(&p));
}

TEST(reserved_bits_harm_nobody)
{
    expect_refused(PROGRAM_OF(reserved_bits));
    expect_refused(PROGRAM_OF(reserved_in_area));
}

PROGRAM(divide_by_zero, "mov word ptr [0x500000], 0x37b;"
                        "fldcw [0x500000]; fld1; fldz; fdivp; fwait; ud2")

TEST(an_error_of_the_x87_is_a_fault_of_its_task)
{
    struct untyped *ground = fresh_ground();
    struct process p = start_program(ground, 1, PROGRAM_OF(divide_by_zero));
    unsigned lent = 0;
    EXPECT_EQUAL(run_lending(p.task, &lent), 16);
    floating_put_back(p.task); /* with the error pending: not ours */
    p = start_program(ground, 2, PROGRAM_OF(look));
    expect_fresh(p.task, data_of(&p));
}

PROGRAM(tell_and_exit, "movq xmm3, rdi; mov ecx, 200000; 1: movq xmm4, rcx;"
                       "paddq xmm3, xmm4; dec ecx; jnz 1b;"
                       "movq [0x500000], xmm3; mov eax, 1; syscall")

TEST(the_main_loop_lends_them)
{
    struct untyped *ground = fresh_ground();
    struct process p[3];
    for (unsigned i = 0; i < 3; i++) {
        p[i] = start_program(ground, 1 + i, PROGRAM_OF(tell_and_exit));
        p[i].task->frame.rdi = i;
        p[i].task->slice = 1; /* so that each is interrupted */
    }
    scheduler_run();
    for (unsigned i = 0; i < 3; i++)
        EXPECT_EQUAL(*data_of(&p[i]), i + UINT64_C(200000) * 200001 / 2);
    EXPECT(closed());
}

TEST_DIES(open_registers_that_nobody_has_are_found, "assertion failed")
{
    __asm__ volatile("clts");
    check_all();
    check_scheduler();
}
