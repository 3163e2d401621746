/* 12-tasks.c - tasks, the switch, and what ring 3 may not do. */
#include "tests/kernel/program.h"

#include "kernel/x86/control.h"
#include "kernel/x86/descriptor.h"
#include "kernel/x86/paging.h"
#include "lib/string.h"

enum {
    VECTOR_DEBUG = 1,
    VECTOR_INVALID_OPCODE = 6,
    VECTOR_GENERAL_PROTECTION = 13,
};

/* --- The switch ------------------------------------------------------------ */

/* Adds a different number to each register: none can be lost or swapped. */
PROGRAM(add_to_all,
        "again: lea rax, [rax + 1]; lea rbx, [rbx + 2]; lea rcx, [rcx + 3];"
        "lea rdx, [rdx + 4]; lea rsi, [rsi + 5]; lea rdi, [rdi + 6];"
        "lea rbp, [rbp + 7]; lea rsp, [rsp + 8]; lea r8, [r8 + 9];"
        "lea r9, [r9 + 10]; lea r10, [r10 + 11]; lea r11, [r11 + 12];"
        "lea r12, [r12 + 13]; lea r13, [r13 + 14]; lea r14, [r14 + 15];"
        "lea r15, [r15 + 16]; ud2")

static uint64_t state = 88172645463325252;

static uint64_t random_word(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* The registers of a frame in the order in which the program adds. */
static void registers(struct frame *f, uint64_t *of[16])
{
    uint64_t *all[16] = {&f->rax, &f->rbx, &f->rcx, &f->rdx,
                         &f->rsi, &f->rdi, &f->rbp, &f->rsp,
                         &f->r8,  &f->r9,  &f->r10, &f->r11,
                         &f->r12, &f->r13, &f->r14, &f->r15};
    memcpy(of, all, sizeof all);
}

static void add_once(struct task *task)
{
    uint64_t *of[16], expected[16];
    registers(&task->frame, of);
    for (unsigned i = 0; i < 16; i++) {
        *of[i] = random_word();
        expected[i] = *of[i] + i + 1;
    }
    task->frame.rip = TEXT;
    EXPECT_EQUAL(run_to_entry(task), VECTOR_INVALID_OPCODE);
    for (unsigned i = 0; i < 16; i++)
        EXPECT_EQUAL(*of[i], expected[i]);
}

TEST(every_register_survives_ten_thousand_switches)
{
    struct untyped *ground = fresh_ground();
    struct process a = start_program(ground, 1, PROGRAM_OF(add_to_all));
    struct process b = start_program(ground, 2, PROGRAM_OF(add_to_all));
    for (unsigned i = 0; i < 5000; i++) {
        add_once(a.task);
        add_once(b.task);
    }
    check_all();
}

/* Calls switch_to with sentinels in the registers that it must keep;
   returns the bits of those that it lost. */
uint64_t switch_with_sentinels(struct task *task);
__asm__(".pushsection .text; .intel_syntax noprefix\n"
        "switch_with_sentinels: push rbp; push rbx; push r12; push r13;"
        "push r14; push r15; sub rsp, 8; mov rbp, 11; mov rbx, 12;"
        "mov r12, 13; mov r13, 14; mov r14, 15; mov r15, 16;"
        "call switch_to; xor eax, eax;"
        "cmp rbp, 11; setne dl; or al, dl; cmp rbx, 12; setne dl; or al, dl;"
        "cmp r12, 13; setne dl; or al, dl; cmp r13, 14; setne dl; or al, dl;"
        "cmp r14, 15; setne dl; or al, dl; cmp r15, 16; setne dl; or al, dl;"
        "add rsp, 8; pop r15; pop r14; pop r13; pop r12; pop rbx; pop rbp;"
        "ret\n.att_syntax; .popsection");

TEST(the_kernel_keeps_its_own_registers)
{
    struct process p =
        start_program(fresh_ground(), 1, PROGRAM_OF(add_to_all));
    for (unsigned i = 0; i < 100; i++) {
        p.task->frame.rip = TEXT;
        EXPECT_EQUAL(switch_with_sentinels(p.task), 0);
        if (p.task->frame.vector >= EXCEPTIONS)
            interrupt_handle((unsigned)p.task->frame.vector);
    }
}

PROGRAM(all_flags, "push 0x247cd5; popf; 1: jmp 1b")

TEST(flags_of_a_task_stay_out_of_the_kernel)
{
    struct process p = start_program(fresh_ground(), 1, PROGRAM_OF(all_flags));
    uint64_t flags;
    while (p.task->frame.rip < TEXT + 6) {
        switch_to(p.task);
        __asm__ volatile("pushf; pop %0" : "=r"(flags));
        EXPECT_EQUAL(flags & 0x47700, 0); /* AC, NT, IOPL, DF, IF, TF */
        EXPECT(p.task->frame.vector >= EXCEPTIONS);
        interrupt_handle((unsigned)p.task->frame.vector);
    }
    /* popf has left IF and IOPL alone and taken the others. */
    EXPECT_EQUAL(p.task->frame.rflags, 0x244ed7);
    check_all();
}

PROGRAM(single_step, "push 0x302; popf; nop; nop; ud2")

TEST(the_trap_flag_brings_it_back)
{
    struct process p =
        start_program(fresh_ground(), 1, PROGRAM_OF(single_step));
    EXPECT_EQUAL(run_to_entry(p.task), VECTOR_DEBUG);
    EXPECT_EQUAL(p.task->frame.rip, TEXT + 7);
    EXPECT_EQUAL(run_to_entry(p.task), VECTOR_DEBUG);
    EXPECT_EQUAL(p.task->frame.rip, TEXT + 8);
}

PROGRAM(spin, "1: jmp 1b")

TEST(no_stack_pointer_of_a_task_disturbs_the_kernel)
{
    struct process p = start_program(fresh_ground(), 1, PROGRAM_OF(spin));
    static const uint64_t pointers[] = {0, 1, 7, TEXT, USER_END,
                                        0x800000000000, 0xffff800000001000,
                                        0xffffffff80100008, UINT64_MAX};
    for (unsigned i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        p.task->frame.rsp = pointers[i];
        switch_to(p.task);
        interrupt_handle((unsigned)p.task->frame.vector);
        EXPECT_EQUAL(p.task->frame.rsp, pointers[i]);
    }
    check_all();
}

TEST(only_another_space_changes_cr3)
{
    struct untyped *ground = fresh_ground();
    struct process a = start_program(ground, 1, PROGRAM_OF(spin));
    struct process b = start_program(ground, 2, PROGRAM_OF(spin));
    switch_to(a.task);
    EXPECT_EQUAL(cr3_read(), a.space.top->page.value);
    interrupt_handle((unsigned)a.task->frame.vector);
    switch_to(b.task);
    EXPECT_EQUAL(cr3_read(), b.space.top->page.value);
    interrupt_handle((unsigned)b.task->frame.vector);
}

/* --- What ring 3 may not do ------------------------------------------------ */

enum {
    EITHER = 0,   /* 6 or 13: processors differ */
    VECTOR = 255, /* 7 in a kernel that lends the registers, otherwise 6 */
};

static const struct {
    uint8_t bytes[5];
    uint8_t vector;
} refused[] = {
    {{0xf4}, 13},                         /* hlt */
    {{0xfa}, 13},                         /* cli */
    {{0xfb}, 13},                         /* sti */
    {{0x0f, 0x01, 0x10}, 13},             /* lgdt [rax] */
    {{0x0f, 0x01, 0x18}, 13},             /* lidt [rax] */
    {{0x0f, 0x00, 0xd0}, 13},             /* lldt ax */
    {{0x0f, 0x00, 0xd8}, 13},             /* ltr ax */
    {{0x0f, 0x20, 0xc0}, 13},             /* mov rax, cr0 */
    {{0x0f, 0x20, 0xd0}, 13},             /* mov rax, cr2 */
    {{0x0f, 0x20, 0xd8}, 13},             /* mov rax, cr3 */
    {{0x0f, 0x22, 0xc0}, 13},             /* mov cr0, rax */
    {{0x0f, 0x22, 0xd8}, 13},             /* mov cr3, rax */
    {{0x0f, 0x22, 0xe0}, 13},             /* mov cr4, rax */
    {{0x44, 0x0f, 0x22, 0xc0}, 13},       /* mov cr8, rax */
    {{0x0f, 0x21, 0xf8}, 13},             /* mov rax, dr7 */
    {{0x0f, 0x23, 0xf8}, 13},             /* mov dr7, rax */
    {{0x0f, 0x32}, 13},                   /* rdmsr */
    {{0x0f, 0x30}, 13},                   /* wrmsr */
    {{0x0f, 0x33}, 13},                   /* rdpmc */
    {{0x0f, 0x08}, 13},                   /* invd */
    {{0x0f, 0x09}, 13},                   /* wbinvd */
    {{0x0f, 0x01, 0x38}, 13},             /* invlpg [rax] */
    {{0x0f, 0x06}, 13},                   /* clts */
    {{0x0f, 0x01, 0xf0}, 13},             /* lmsw ax */
    {{0x0f, 0x01, 0xf8}, 13},             /* swapgs */
    {{0x0f, 0x34}, EITHER},               /* sysenter: by vendor */
    {{0x0f, 0x35}, EITHER},               /* sysexit */
    {{0xe4, 0x60}, 13},                   /* in al, 0x60 */
    {{0xe6, 0x60}, 13},                   /* out 0x60, al */
    {{0xec}, 13},                         /* in al, dx */
    {{0xee}, 13},                         /* out dx, al */
    {{0x6c}, 13},                         /* insb */
    {{0x6e}, 13},                         /* outsb */
    {{0xcd, 0x20}, 13},                   /* int 32: the timer's */
    {{0xcd, 0x80}, 13},                   /* int 128 */
    {{0xcd, 0x08}, 13},                   /* int 8 */
    {{0xcd, 0x02}, 13},                   /* int 2 */
    {{0x0f, 0x01, 0xd1}, EITHER},         /* xsetbv */
    {{0x0f, 0x01, 0xd0}, 6},              /* xgetbv */
    {{0x0f, 0x01, 0xca}, 6},              /* clac */
    {{0x0f, 0x01, 0xcb}, 6},              /* stac */
    {{0x0f, 0x01, 0xee}, 6},              /* rdpkru */
    {{0x0f, 0x01, 0xc8}, 6},              /* monitor */
    {{0xf3, 0x48, 0x0f, 0xae, 0xc0}, 6},  /* rdfsbase rax */
    {{0xf3, 0x48, 0x0f, 0xae, 0xd8}, 6},  /* wrgsbase rax */
    {{0x0f, 0x28, 0xc0}, VECTOR},         /* movaps xmm0, xmm0: lent? */
    {{0xc5, 0xf8, 0x77}, 6},              /* vzeroupper */
    {{0xdb, 0xe3}, 7},                    /* fninit */
    {{0x9b}, 7},                          /* fwait */
    {{0x0f, 0xef, 0xc0}, 7},              /* pxor mm0, mm0 */
    {{0xcc}, 3},                          /* int3 */
    {{0x0f, 0x0b}, 6},                    /* ud2 */
};

PROGRAM(nothing, "nop; ud2")

TEST(ring_3_is_refused_every_instruction_of_the_kernel)
{
    struct untyped *ground = fresh_ground();
    struct process p = start_program(ground, 1, PROGRAM_OF(nothing));
    const struct capability *text = &p.pool->slots[PROCESS_TABLE + 1];
    uint8_t *bytes =
        physical_pointer(page_from(text->weak.object)->frame);
    for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
        memset(bytes, 0x90, 16);
        memcpy(bytes, refused[i].bytes, sizeof refused[i].bytes);
        p.task->frame.rip = TEXT;
        p.task->frame.rax = DATA;
        p.task->frame.rcx = 0;
        p.task->frame.rdx = 0x60;
        p.task->frame.rsi = p.task->frame.rdi = DATA;
        uint64_t vector = run_to_entry(p.task);
        if (refused[i].vector == EITHER && vector == VECTOR_INVALID_OPCODE)
            vector = EITHER;
        if (refused[i].vector == EITHER &&
            vector == VECTOR_GENERAL_PROTECTION)
            vector = EITHER;
        uint64_t expected = refused[i].vector;
        if (expected == VECTOR)
            expected = cr4_read() & 1 << 9 ? VECTOR_NO_DEVICE
                                           : VECTOR_INVALID_OPCODE;
        test_expect_equal(vector, expected, "refused[]", i,
                          "vector");
    }
    check_all();
}

PROGRAM(load, "mov rbx, [rax]; ud2")
PROGRAM(store, "mov [rax], rbx; ud2")
PROGRAM(jump, "jmp rax")
PROGRAM(to_ring_0, "push 8; push rax; retfq")
PROGRAM(stack_of_ring_0, "mov eax, 0x10; mov ss, eax")

/* Runs a program with an address in rax; expects a page fault with this
   error code (SDM 3A, Page-Fault Exceptions). */
static void expect_fault(struct program program, uint64_t address,
                         uint64_t error)
{
    struct untyped *ground = fresh_ground();
    struct process p = start_program(ground, 1, program);
    p.task->frame.rax = address;
    EXPECT_EQUAL(run_to_entry(p.task), VECTOR_PAGE_FAULT);
    EXPECT_EQUAL(p.task->frame.error, error);
}

TEST(ring_3_cannot_touch_the_kernel)
{
    uint64_t kernel = (uint64_t)&kernel_pool;
    expect_fault(PROGRAM_OF(load), kernel, 5);
    expect_fault(PROGRAM_OF(store), kernel, 7);
    expect_fault(PROGRAM_OF(load), PHYSICAL_MAP + 0x100000, 5);
    expect_fault(PROGRAM_OF(store), PHYSICAL_MAP + 0x100000, 7);
    expect_fault(PROGRAM_OF(jump), (uint64_t)switch_to, 0x15);
}

TEST(write_and_execute_exclude_each_other_in_ring_3)
{
    expect_fault(PROGRAM_OF(store), TEXT, 7);
    expect_fault(PROGRAM_OF(jump), DATA, 0x15);
    expect_fault(PROGRAM_OF(load), 0x600000, 4);
    expect_fault(PROGRAM_OF(load), USER_END, 4);
}

TEST(segments_of_the_kernel_are_refused)
{
    struct untyped *ground = fresh_ground();
    struct process p = start_program(ground, 1, PROGRAM_OF(to_ring_0));
    /* Under SMAP QEMU 7.2 lets retf trip over the stack before the check. */
    uint64_t vector = run_to_entry(p.task);
    EXPECT(vector == VECTOR_GENERAL_PROTECTION ||
           vector == VECTOR_PAGE_FAULT);
    p = start_program(ground, 2, PROGRAM_OF(stack_of_ring_0));
    EXPECT_EQUAL(run_to_entry(p.task), VECTOR_GENERAL_PROTECTION);
}

TEST(a_jump_to_no_address_does_not_harm_the_kernel)
{
    static const uint64_t targets[] = {0x800000000000, 0xffff7fffffffffff,
                                       0x8000000000000000};
    for (unsigned i = 0; i < 3; i++) {
        struct untyped *ground = fresh_ground();
        struct process p = start_program(ground, 1, PROGRAM_OF(jump));
        p.task->frame.rax = targets[i];
        EXPECT(run_to_entry(p.task) < EXCEPTIONS);
        task_stop(p.task);
        p.task->frame.rip = targets[i];
        EXPECT_EQUAL(task_start(p.task), ERROR_NOT_READY);
    }
}

/* --- Losing what one has ---------------------------------------------------- */

PROGRAM(read_for_ever, "1: mov rbx, [rax]; jmp 1b")

TEST(a_destroyed_page_is_gone_for_the_task_that_reads_it)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 1);
    struct capability *page = make(island, OBJECT_PAGE, 2);
    struct process p = start_program(ground, 3, PROGRAM_OF(read_for_ever));
    EXPECT_EQUAL(space_map(&p.space, 0x700000, page, RIGHT_READ), NO_ERROR);
    p.task->frame.rax = 0x700000;
    *(uint64_t *)physical_pointer(page_from(page->weak.object)->frame) = 99;
    while (p.task->frame.rbx != 99) { /* then the translation is cached */
        switch_to(p.task);
        EXPECT(p.task->frame.vector >= EXCEPTIONS);
        interrupt_handle((unsigned)p.task->frame.vector);
    }
    EXPECT_EQUAL(cr3_read(), p.space.top->page.value);
    while (!untyped_reset(island))
        continue;
    EXPECT_EQUAL(run_to_entry(p.task), VECTOR_PAGE_FAULT);
    EXPECT_EQUAL(p.task->frame.error, 4);
    check_all();
}

/* A process whose pool and top table lie on an island each. */
static struct task *task_on_islands(struct untyped *ground,
                                    struct untyped *island[2])
{
    struct capability *task = make(ground, OBJECT_TASK, 3);
    for (unsigned i = 0; i < 2; i++) {
        island[i] = make_island(ground, 4 + i);
        enum object_type type = i ? OBJECT_PML4 : OBJECT_CPOOL;
        struct capability *made = make(island[i], type, 6 + i);
        EXPECT_EQUAL(task_set(task_from(task->weak.object), i, made),
                     NO_ERROR);
    }
    return task_from(task->weak.object);
}

TEST(a_task_without_pool_or_table_stops)
{
    for (unsigned i = 0; i < 2; i++) {
        struct untyped *island[2];
        struct task *task = task_on_islands(fresh_ground(), island);
        EXPECT_EQUAL(task_start(task), NO_ERROR);
        EXPECT_EQUAL(task->state, TASK_READY);
        check_all();
        while (!untyped_reset(island[i]))
            continue;
        EXPECT_EQUAL(task->state, TASK_INACTIVE);
        EXPECT_EQUAL(task_start(task), ERROR_NOT_READY);
        check_all();
    }
}

TEST(revoking_the_pool_stops_the_task)
{
    struct untyped *island[2];
    struct task *task = task_on_islands(fresh_ground(), island);
    EXPECT_EQUAL(task_start(task), NO_ERROR);
    while (!weak_revoke(&kernel_pool.slots[6]))
        continue;
    EXPECT_EQUAL(task->state, TASK_INACTIVE);
    check_all();
}

TEST(the_table_that_was_last_in_use_can_be_destroyed)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 2);
    struct process p = start_program(island, 1, PROGRAM_OF(spin));
    switch_to(p.task);
    interrupt_handle((unsigned)p.task->frame.vector);
    EXPECT_EQUAL(cr3_read(), p.space.top->page.value);
    while (!untyped_reset(island))
        continue;
    EXPECT_EQUAL(cr3_read(), paging_kernel_pml4.value);
    memset(physical_pointer(island->start), 0xff, 64 * PAGE_SIZE);
    check_all();
    p = start_program(fresh_ground(), 1, PROGRAM_OF(spin));
    switch_to(p.task);
    interrupt_handle((unsigned)p.task->frame.vector);
}

/* --- Setting a task up ------------------------------------------------------- */

TEST(references_are_checked)
{
    struct untyped *island[2], *ground = fresh_ground();
    struct task *task = task_on_islands(ground, island);
    struct capability *slots = kernel_pool.slots;
    make(ground, OBJECT_PAGE, 10);
    make(ground, OBJECT_BUFFER, 11);
    weak_derive(&kernel_pool.pool, 12, &slots[11], RIGHT_READ, 0);
    weak_derive(&kernel_pool.pool, 13, &slots[6], RIGHT_WRITE, 0);
    EXPECT_EQUAL(task_set(task, TASK_USER_REFERENCES, &slots[6]),
                 ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(task_set(task, 1ULL << 32, &slots[6]), ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(task_set(task, TASK_CPOOL, &slots[7]), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(task_set(task, TASK_TABLE, &slots[6]), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(task_set(task, TASK_BUFFER, &slots[10]), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(task_set(task, TASK_BUFFER, &slots[12]), ERROR_NO_RIGHT);
    EXPECT_EQUAL(task_set(task, TASK_CPOOL, &slots[13]), ERROR_NO_RIGHT);
    EXPECT_EQUAL(task_set(task, TASK_CPOOL, &slots[20]),
                 ERROR_NO_CAPABILITY);
    EXPECT_EQUAL(task_set(task, TASK_BUFFER, &slots[11]), NO_ERROR);
    EXPECT_EQUAL(task_start(task), NO_ERROR);
    EXPECT_EQUAL(task_set(task, TASK_BUFFER, &slots[11]), ERROR_ACTIVE);
    EXPECT_EQUAL(task->state, TASK_READY);
    check_all();
}

TEST(a_reference_can_be_replaced)
{
    struct untyped *island[2], *ground = fresh_ground();
    struct task *task = task_on_islands(ground, island);
    struct capability *pool = make(ground, OBJECT_CPOOL, 10);
    EXPECT_EQUAL(task_set(task, TASK_CPOOL, pool), NO_ERROR);
    EXPECT(task->references[TASK_CPOOL].object == pool->weak.object);
    while (!untyped_reset(island[0]))
        continue;
    EXPECT(task->references[TASK_CPOOL].object == pool->weak.object);
    EXPECT_EQUAL(task_start(task), NO_ERROR);
    check_all();
}

TEST(pointers_of_a_task_are_checked)
{
    struct untyped *island[2];
    struct task *task = task_on_islands(fresh_ground(), island);
    static const uint64_t bad[] = {USER_END, 0x7fffffffffff,
                                   0x800000000000, 0xffff800000000000,
                                   UINT64_MAX};
    for (unsigned i = 0; i < 5; i++) {
        EXPECT_EQUAL(task_set_register(task, TASK_INSTRUCTION, bad[i]),
                     ERROR_BAD_ARGUMENT);
        EXPECT_EQUAL(task_set_register(task, TASK_STACK, bad[i]),
                     ERROR_BAD_ARGUMENT);
    }
    EXPECT_EQUAL(task_set_register(task, 2, TEXT), ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(task_set_register(task, 1ULL << 32, TEXT),
                 ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(task_set_register(task, TASK_STACK, USER_END - 1),
                 NO_ERROR);
    EXPECT_EQUAL(task_start(task), NO_ERROR);
    EXPECT_EQUAL(task_set_register(task, TASK_STACK, 0), ERROR_ACTIVE);
}

TEST(a_task_starts_only_with_pool_and_table)
{
    struct untyped *ground = fresh_ground();
    struct task *task =
        task_from(make(ground, OBJECT_TASK, 1)->weak.object);
    EXPECT_EQUAL(task_start(task), ERROR_NOT_READY);
    EXPECT_EQUAL(task_set(task, TASK_CPOOL, make(ground, OBJECT_CPOOL, 2)),
                 NO_ERROR);
    EXPECT_EQUAL(task_start(task), ERROR_NOT_READY);
    EXPECT_EQUAL(task_set(task, TASK_TABLE, make(ground, OBJECT_PML4, 3)),
                 NO_ERROR);
    EXPECT_EQUAL(task_start(task), NO_ERROR);
    EXPECT_EQUAL(task_start(task), NO_ERROR);
    task_stop(task);
    task_stop(task);
    EXPECT_EQUAL(task->state, TASK_INACTIVE);
    check_all();
}

TEST_DIES(an_active_task_without_a_table_is_found, "TASK_TABLE")
{
    struct untyped *ground = fresh_ground();
    struct task *task =
        task_from(make(ground, OBJECT_TASK, 1)->weak.object);
    EXPECT_EQUAL(task_set(task, TASK_CPOOL, make(ground, OBJECT_CPOOL, 2)),
                 NO_ERROR);
    task->state = TASK_READY;
    check_task(task);
}
