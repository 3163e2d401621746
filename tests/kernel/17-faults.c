/* 17-faults.c - registers of other tasks; faults as messages. */
#include "tests/kernel/channels.h"

#include <rux/fault.h>

#include "kernel/cap/reply.h"
#include "kernel/x86/control.h"

/* --- Registers ----------------------------------------------------------------- */

/* Leaves all registers as they are, and stops; or counts in each step. */
PROGRAM(leave, "mov rax, 1; syscall")
PROGRAM(see_flags, "pushfq; pop rax; mov [0x500000], rax; mov [0x500008], rcx\n"
                   "mov [0x500010], r11; cld; mov eax, 1; syscall; jmp $")

static enum error set(const struct process *p, unsigned which, uint64_t value)
{
    return task_set_register(p->task, which, value);
}

static uint64_t get(const struct process *p, unsigned which)
{
    uint64_t value = 0;
    EXPECT_EQUAL(task_get_register(p->task, which, &value), NO_ERROR);
    return value;
}

TEST(each_register_is_written_and_read_in_its_place)
{
    struct process p = load_program(fresh_ground(), 1, PROGRAM_OF(call));
    const struct frame *frame = &p.task->frame;
    for (unsigned which = TASK_R15; which < TASK_REGISTERS; which++)
        EXPECT_EQUAL(set(&p, which, ~(uint64_t)which << 32), NO_ERROR);
    EXPECT_EQUAL(set(&p, TASK_INSTRUCTION, 0x1234), NO_ERROR);
    EXPECT_EQUAL(set(&p, TASK_STACK, USER_END - 1), NO_ERROR);
    EXPECT_EQUAL(set(&p, TASK_FLAGS, 0x8d5), NO_ERROR);
    EXPECT_EQUAL(frame->rax, ~(uint64_t)TASK_RAX << 32);
    EXPECT_EQUAL(frame->rcx, ~(uint64_t)TASK_RCX << 32);
    EXPECT_EQUAL(frame->rdi, ~(uint64_t)TASK_RDI << 32);
    EXPECT_EQUAL(frame->r15, ~(uint64_t)TASK_R15 << 32);
    EXPECT_EQUAL(frame->rip, 0x1234);
    EXPECT_EQUAL(frame->rsp, USER_END - 1);
    EXPECT_EQUAL(frame->rflags, 0xad7);
    for (unsigned which = TASK_R15; which < TASK_REGISTERS; which++)
        EXPECT_EQUAL(get(&p, which), ~(uint64_t)which << 32);
    EXPECT_EQUAL(get(&p, TASK_FLAGS), 0xad7);
    EXPECT_EQUAL(set(&p, TASK_FLAGS, get(&p, TASK_FLAGS)), NO_ERROR);
    check_all();
}

/* After a system call, when the way out would be sysret: that would give
   rcx and r11 the instruction pointer and the flags. */
TEST(what_is_set_after_a_call_is_what_the_task_has)
{
    struct untyped *ground = fresh_ground();
    struct process p = start_program(ground, 1, PROGRAM_OF(leave));
    next_call(p.task, CALL_EXIT, 0, 0);
    EXPECT_EQUAL(p.task->state, TASK_INACTIVE);
    struct process q = load_program(ground, 2,
                                    PROGRAM_OF(see_flags));
    EXPECT_EQUAL(process_start(&q, TEXT, STACK_END), NO_ERROR);
    for (unsigned round = 0; round < 2; round++) {
        task_stop(q.task);
        EXPECT_EQUAL(set(&q, TASK_INSTRUCTION, TEXT), NO_ERROR);
        EXPECT_EQUAL(set(&q, TASK_RCX, 0x1111), NO_ERROR);
        EXPECT_EQUAL(set(&q, TASK_R11, 0x2222), NO_ERROR);
        EXPECT_EQUAL(set(&q, TASK_FLAGS, 0x240cd5), NO_ERROR);
        EXPECT_EQUAL(task_start(q.task), NO_ERROR);
        EXPECT_EQUAL(run_to_entry(q.task), VECTOR_SYSCALL);
        EXPECT_EQUAL(data_of(&q)[0], 0x240ed7);
        EXPECT_EQUAL(data_of(&q)[1], 0x1111);
        EXPECT_EQUAL(data_of(&q)[2], 0x2222);
        system_call(q.task);
    }
}

/* A flag that a program has set itself does not reach the kernel, and does
   not come back through it either. */
PROGRAM(odd_flags, "mov eax, 0x254dd5; push rax; popfq; mov eax, 0; syscall\n"
                   "jmp $")

TEST(flags_that_a_program_sets_itself_do_not_reach_the_kernel)
{
    struct process p = start_program(fresh_ground(), 1, PROGRAM_OF(odd_flags));
    uint64_t vector = run_to_entry(p.task);
    EXPECT_EQUAL(vector, 1); /* TF: behind the popfq comes one instruction */
    task_stop(p.task);
    EXPECT_EQUAL(get(&p, TASK_FLAGS) & ~(uint64_t)0x240fd7, 0);
    EXPECT_EQUAL(set(&p, TASK_FLAGS, get(&p, TASK_FLAGS) & ~(1u << 8)),
                 NO_ERROR);
    EXPECT_EQUAL(task_start(p.task), NO_ERROR);
    EXPECT_EQUAL(run_to_entry(p.task), VECTOR_SYSCALL);
    check_all();
}

/* --- Faults -------------------------------------------------------------------- */

enum { WAY_IN = 20, CLIENT = 1, HANDLER = 2, SECOND = 3, ADDRESS = 0x600000 };

static const uint64_t TAKE_IT = CALL_CHANNEL_TAKE | ONE;
static const uint64_t SERVE = CALL_REPLY_TAKE | ONE;
static const uint64_t CALLED = 1ULL << 49;

static struct untyped *ground, *island, *clients, *handlers;
static struct capability *faults_at;

/* A channel that hears of faults, made of memory that a test can reset. */
static void set_stage(void)
{
    ground = fresh_ground();
    island = make_island(ground, WAY_IN + 1);
    clients = make_island(ground, WAY_IN + 2);
    handlers = make_island(ground, WAY_IN + 3);
    faults_at = make(island, OBJECT_CHANNEL, WAY_IN);
}

/* The fault channel comes through a capability of the task's own pool. */
static struct process faulter(unsigned slot, struct program program)
{
    struct process p = load_program(clients, slot, program);
    share(&p, faults_at, RIGHT_WRITE, slot);
    EXPECT_EQUAL(task_set(p.task, TASK_FAULT, &p.pool->slots[CHANNEL]),
                 NO_ERROR);
    EXPECT_EQUAL(process_start(&p, TEXT, STACK_END), NO_ERROR);
    return p;
}

static struct process handler(unsigned slot, const struct process *of)
{
    struct process p = start_program(handlers, slot, PROGRAM_OF(call));
    share(&p, faults_at, RIGHT_READ, 0);
    weak_derive(&p.pool->pool, OTHER, &of->pool->slots[PROCESS_TASK],
                RIGHT_READ | RIGHT_WRITE, 0);
    return p;
}

/* Runs until something goes wrong, and does as the scheduler does. */
static bool fails(const struct process *p)
{
    uint64_t vector = run_to_entry(p->task);
    EXPECT(vector < EXCEPTIONS);
    p->task->address = vector == VECTOR_PAGE_FAULT ? cr2_read() : 0;
    bool sent = fault_send(p->task, vector, p->task->frame.error);
    if (!sent)
        scheduler_fail(p->task);
    check_all();
    still_alive();
    return sent;
}

static enum error serve(const struct process *h, uint64_t word, uint64_t reply)
{
    h->task->frame.rdx = reply;
    return next_call(h->task, word, CHANNEL, 0);
}

static void expect_fault(const struct process *h, uint64_t vector,
                         uint64_t error, uint64_t address, uint64_t rip)
{
    EXPECT_EQUAL(h->task->state, TASK_READY);
    EXPECT_EQUAL(h->task->frame.rax, NO_ERROR);
    EXPECT_EQUAL(h->task->frame.rdx, vector);
    EXPECT_EQUAL(h->task->frame.r8, error);
    EXPECT_EQUAL(h->task->frame.r9, address);
    EXPECT_EQUAL(h->task->frame.r10, rip);
}

PROGRAM(touch, "mov rax, -1; mov ebx, 7; mov [0x600000], rbx\n"
               "mov [0x500000], rbx; mov edi, 33; mov eax, 1; syscall\n"
               "mov edi, 34; mov eax, 1; syscall; jmp $")
enum { TOUCHES = TEXT + 12, LEAVES = TEXT + 12 + 8 + 8 + 5 + 5 + 2 };
/* A handler that takes and then touches what is not there. */
PROGRAM(take_and_fail, "1: syscall; mov rbx, [0x600000]; jmp 1b")
PROGRAM(bad_code, "mov eax, 5; 1: ud2; mov [0x500000], rax; jmp 1b")

TEST(a_fault_is_a_call_with_four_words)
{
    for (unsigned late = 0; late < 2; late++) {
        set_stage();
        struct process c = faulter(CLIENT, PROGRAM_OF(touch));
        struct process h = handler(HANDLER, &c);
        if (!late)
            serve(&h, TAKE_IT, 0);
        EXPECT(fails(&c));
        EXPECT_EQUAL(c.task->state, late ? TASK_CALLING : TASK_AWAITING);
        if (late)
            EXPECT_EQUAL(serve(&h, TAKE_IT, 0), NO_ERROR);
        expect_fault(&h, VECTOR_PAGE_FAULT, 6, ADDRESS, TOUCHES);
        EXPECT_EQUAL(h.task->frame.rsi, CLIENT | CALLED);
        EXPECT_EQUAL(c.task->state, TASK_AWAITING);
        EXPECT_EQUAL(c.task->frame.rax, ~0ULL);
        EXPECT_EQUAL(c.task->frame.rbx, 7);
        EXPECT(reply_owed(h.task) == c.task);
    }
}

/* Its registers stay as they were at the fault, for who wants to know. */
TEST(a_handler_may_stop_the_task)
{
    set_stage();
    struct process c = faulter(CLIENT, PROGRAM_OF(touch));
    struct process h = handler(HANDLER, &c);
    EXPECT(fails(&c));
    EXPECT_EQUAL(serve(&h, TAKE_IT, 0), NO_ERROR);
    EXPECT_EQUAL(serve(&h, CALL_REPLY, FAULT_STOP), NO_ERROR);
    EXPECT_EQUAL(c.task->state, TASK_INACTIVE);
    EXPECT_EQUAL(c.task->frame.rip, TOUCHES);
    EXPECT_EQUAL(get(&c, TASK_RAX), ~0ULL);
    EXPECT_EQUAL(serve(&h, CALL_REPLY, FAULT_STOP), ERROR_NO_CALLER);
    EXPECT_EQUAL(task_start(c.task), NO_ERROR);
    EXPECT(fails(&c));
}

TEST(a_task_goes_on_where_it_was_and_faults_again_if_nothing_was_done)
{
    set_stage();
    struct process c = faulter(CLIENT, PROGRAM_OF(touch));
    struct process h = handler(HANDLER, &c);
    EXPECT(fails(&c));
    for (unsigned i = 0; i < 3; i++) {
        serve(&h, i ? SERVE : TAKE_IT, FAULT_RESUME);
        if (i) {
            EXPECT_EQUAL(h.task->state, TASK_TAKING);
            EXPECT(fails(&c));
        }
        expect_fault(&h, VECTOR_PAGE_FAULT, 6, ADDRESS, TOUCHES);
    }
    void *view;
    EXPECT_EQUAL(process_page(&c, ADDRESS, RIGHT_READ | RIGHT_WRITE, &view),
                 NO_ERROR);
    EXPECT_EQUAL(serve(&h, CALL_REPLY, FAULT_RESUME), NO_ERROR);
    EXPECT_EQUAL(c.task->state, TASK_READY);
    EXPECT_EQUAL(run_to_entry(c.task), VECTOR_SYSCALL);
    EXPECT_EQUAL(*(uint64_t *)view, 7);
    EXPECT_EQUAL(c.task->frame.rdi, 33);
}

/* Through the calls that a handler has. */
TEST(a_handler_reads_and_sets_registers)
{
    set_stage();
    struct process c = faulter(CLIENT, PROGRAM_OF(bad_code));
    struct process h = handler(HANDLER, &c);
    uint64_t read = CALL_TASK_GET_REGISTER | ONE;
    uint64_t write = CALL_TASK_SET_REGISTER | ONE;
    EXPECT(fails(&c));
    EXPECT_EQUAL(next_call(h.task, read, OTHER, TASK_RAX), ERROR_ACTIVE);
    EXPECT_EQUAL(next_call(h.task, write, OTHER, TASK_RAX), ERROR_ACTIVE);
    EXPECT_EQUAL(serve(&h, TAKE_IT, 0), NO_ERROR);
    expect_fault(&h, 6, 0, 0, TEXT + 5);
    EXPECT_EQUAL(next_call(h.task, read, OTHER, TASK_RAX), NO_ERROR);
    EXPECT_EQUAL(h.task->frame.rdx, 5);
    h.task->frame.rdx = 99;
    EXPECT_EQUAL(next_call(h.task, write, OTHER, TASK_RAX), NO_ERROR);
    h.task->frame.rdx = TEXT + 7;
    EXPECT_EQUAL(next_call(h.task, write, OTHER, TASK_INSTRUCTION), NO_ERROR);
    EXPECT_EQUAL(serve(&h, CALL_REPLY, FAULT_RESUME), NO_ERROR);
    EXPECT(fails(&c));
    EXPECT_EQUAL(data_of(&c)[0], 99);
    EXPECT_EQUAL(c.task->frame.rip, TEXT + 5);
}

/* What sysret could not bear, and what would hurt the kernel. */
TEST(nothing_that_hurts_can_be_set_while_a_fault_is_handled)
{
    static const uint64_t addresses[] = {USER_END, 1ULL << 47, 1ULL << 63,
                                         ~0ULL, 0xffff7fffffffffff};
    set_stage();
    struct process c = faulter(CLIENT, PROGRAM_OF(bad_code));
    struct process h = handler(HANDLER, &c);
    EXPECT(fails(&c));
    EXPECT_EQUAL(serve(&h, TAKE_IT, 0), NO_ERROR);
    for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        EXPECT_EQUAL(set(&c, TASK_INSTRUCTION, addresses[i]),
                     ERROR_BAD_ARGUMENT);
        EXPECT_EQUAL(set(&c, TASK_STACK, addresses[i]), ERROR_BAD_ARGUMENT);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        bool open = bit < 32 && (0x240fd7 >> bit & 1);
        EXPECT_EQUAL(set(&c, TASK_FLAGS, 1ULL << bit),
                     open ? NO_ERROR : ERROR_BAD_ARGUMENT);
        EXPECT_EQUAL(c.task->frame.rflags & 0x3202, 0x202);
        check_all();
    }
    EXPECT_EQUAL(set(&c, TASK_REGISTERS, 0), ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(set(&c, (unsigned)-1, 0), ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(c.task->frame.rip, TEXT + 5);
}

/* The last address that is allowed, with TF, AC, DF and what else is: the
   fault comes in ring 3, as any other. */
TEST(the_edge_of_memory_faults_in_ring_3)
{
    set_stage();
    struct process c = faulter(CLIENT, PROGRAM_OF(bad_code));
    struct process h = handler(HANDLER, &c);
    EXPECT(fails(&c));
    EXPECT_EQUAL(serve(&h, TAKE_IT, 0), NO_ERROR);
    EXPECT_EQUAL(set(&c, TASK_INSTRUCTION, USER_END - 1), NO_ERROR);
    EXPECT_EQUAL(set(&c, TASK_STACK, USER_END - 1), NO_ERROR);
    EXPECT_EQUAL(set(&c, TASK_FLAGS, 0x240fd7), NO_ERROR);
    serve(&h, SERVE, FAULT_RESUME);
    EXPECT(fails(&c));
    expect_fault(&h, VECTOR_PAGE_FAULT, 0x14, USER_END - 1, USER_END - 1);
    EXPECT_EQUAL(c.task->frame.rflags & 0x240fd7, 0x240fd7);
}

/* --- The end of a fault ---------------------------------------------------------- */

TEST(without_a_handler_a_task_stops)
{
    set_stage();
    struct process c = start_program(ground, CLIENT, PROGRAM_OF(touch));
    EXPECT(!fails(&c));
    EXPECT_EQUAL(c.task->state, TASK_INACTIVE);
}

enum end { CHANNEL_ENDS, CAPABILITY_ENDS, HANDLER_ENDS, HANDLER_STOPS,
           TAKES_ANOTHER, CLIENT_STOPS, CLIENT_ENDS, ENDS };

static void lay_waste(struct untyped *memory)
{
    while (!untyped_reset(memory))
        continue;
}

/* Each way to lose the handler, before it has taken the message and after;
   true: nobody replies any more, and the task has stopped. */
static bool lose(enum end end, struct process *c, struct process *h)
{
    switch (end) {
    case CHANNEL_ENDS: lay_waste(island); break;
    case CAPABILITY_ENDS:
        while (!weak_revoke(&c->pool->slots[CHANNEL]))
            continue;
        break;
    case HANDLER_ENDS: lay_waste(handlers); break;
    case HANDLER_STOPS: task_stop(h->task); break;
    case TAKES_ANOTHER: {
        struct process d = faulter(SECOND, PROGRAM_OF(touch));
        EXPECT(fails(&d));
        serve(h, TAKE_IT, 0);
        EXPECT(reply_owed(h->task) == d.task);
        break;
    }
    case CLIENT_STOPS: task_stop(c->task); break;
    case CLIENT_ENDS: lay_waste(clients); break;
    case ENDS: break;
    }
    check_all();
    return end != ENDS;
}

TEST(who_loses_its_handler_stops_with_its_registers)
{
    for (enum end end = CHANNEL_ENDS; end < ENDS; end++)
        for (unsigned taken = 0; taken < 2; taken++) {
            set_stage();
            struct process c = faulter(CLIENT, PROGRAM_OF(touch));
            struct process h = handler(HANDLER, &c);
            bool hurts = taken ? end > CAPABILITY_ENDS
                               : end < HANDLER_ENDS || end >= CLIENT_STOPS;
            if (!taken && end == TAKES_ANOTHER)
                continue;
            weak_delete(&h.pool->slots[OTHER].weak);
            EXPECT(fails(&c));
            if (taken)
                EXPECT_EQUAL(serve(&h, TAKE_IT, 0), NO_ERROR);
            EXPECT(lose(end, &c, &h));
            if (end == CLIENT_ENDS) {
                if (taken)
                    EXPECT_EQUAL(serve(&h, CALL_REPLY, 0), ERROR_NO_CALLER);
                continue;
            }
            EXPECT_EQUAL(c.task->state == TASK_INACTIVE, hurts);
            EXPECT_EQUAL(c.task->frame.rip, TOUCHES);
            EXPECT_EQUAL(c.task->frame.rax, ~0ULL);
            EXPECT_EQUAL(c.task->frame.rbx, 7);
            if (hurts || !taken)
                continue;
            EXPECT_EQUAL(serve(&h, CALL_REPLY, FAULT_RESUME), NO_ERROR);
            EXPECT(!fails(&c)); /* and there is no channel any more */
        }
}

/* --- Faults of handlers ------------------------------------------------------------ */

/* A handler that is itself handled: who waited for it stops (F1). */
TEST(a_handler_that_faults_gives_up_whose_fault_it_handles)
{
    for (unsigned handled = 0; handled < 2; handled++) {
        set_stage();
        struct process c = faulter(CLIENT, PROGRAM_OF(touch));
        struct process h = load_program(ground, HANDLER,
                                        PROGRAM_OF(take_and_fail));
        share(&h, faults_at, RIGHT_READ, 0);
        if (handled) {
            weak_derive(&h.pool->pool, OTHER, faults_at, RIGHT_WRITE, 50);
            EXPECT_EQUAL(task_set(h.task, TASK_FAULT, &h.pool->slots[OTHER]),
                         NO_ERROR);
        }
        EXPECT_EQUAL(process_start(&h, TEXT, STACK_END), NO_ERROR);
        EXPECT(fails(&c));
        next_call(h.task, TAKE_IT, CHANNEL, 0);
        EXPECT(reply_owed(h.task) == c.task);
        EXPECT_EQUAL(fails(&h), handled);
        EXPECT_EQUAL(c.task->state, TASK_INACTIVE);
        EXPECT_EQUAL(h.task->state, handled ? TASK_CALLING : TASK_INACTIVE);
        if (!handled)
            continue;
        struct process s = handler(SECOND, &h);
        EXPECT_EQUAL(serve(&s, TAKE_IT, 0), NO_ERROR);
        EXPECT_EQUAL(s.task->frame.rsi, 50 | CALLED);
        EXPECT_EQUAL(serve(&s, CALL_REPLY, FAULT_RESUME), NO_ERROR);
        EXPECT_EQUAL(h.task->state, TASK_READY);
    }
}

/* Who called it in the ordinary way waits on. */
TEST(a_server_whose_fault_is_repaired_still_owes_its_reply)
{
    set_stage();
    struct process h = load_program(ground, HANDLER, PROGRAM_OF(take_and_fail));
    struct capability *services = make(ground, OBJECT_CHANNEL, WAY_IN + 4);
    weak_derive(&h.pool->pool, OTHER, faults_at, RIGHT_WRITE, 50);
    EXPECT_EQUAL(task_set(h.task, TASK_FAULT, &h.pool->slots[OTHER]), NO_ERROR);
    share(&h, services, RIGHT_READ, 0);
    EXPECT_EQUAL(process_start(&h, TEXT, STACK_END), NO_ERROR);
    struct process c = start_program(ground, CLIENT, PROGRAM_OF(call));
    share(&c, services, RIGHT_WRITE, 0);
    next_call(c.task, CALL_CHANNEL_CALL | ONE, CHANNEL, 0);
    EXPECT_EQUAL(next_call(h.task, TAKE_IT, CHANNEL, 0), NO_ERROR);
    EXPECT(fails(&h));
    EXPECT_EQUAL(c.task->state, TASK_AWAITING);
    struct process s = handler(SECOND, &h);
    EXPECT_EQUAL(serve(&s, TAKE_IT, 0), NO_ERROR);
    EXPECT_EQUAL(set(&h, TASK_INSTRUCTION, TEXT), NO_ERROR);
    EXPECT_EQUAL(serve(&s, CALL_REPLY, FAULT_RESUME), NO_ERROR);
    EXPECT_EQUAL(serve(&h, CALL_REPLY, 88), NO_ERROR);
    EXPECT_EQUAL(c.task->frame.rax, NO_ERROR);
    EXPECT_EQUAL(c.task->frame.rdx, 88);
}

/* Everybody handles the faults of who came before; nobody's end is another's
   but the neighbour's. */
TEST(handlers_in_a_row_do_not_fall_like_dominoes)
{
    enum { ROW = 12 };
    struct process p[ROW];
    set_stage();
    for (unsigned i = 0; i < ROW; i++) {
        p[i] = load_program(ground, 1 + i, PROGRAM_OF(take_and_fail));
        EXPECT_EQUAL(untyped_retype(ground, OBJECT_CHANNEL, 0,
                                    &p[i].pool->pool, CHANNEL), NO_ERROR);
        if (i > 0) {
            weak_derive(&p[i - 1].pool->pool, OTHER,
                        &p[i].pool->slots[CHANNEL], RIGHT_WRITE, i);
            EXPECT_EQUAL(task_set(p[i - 1].task, TASK_FAULT,
                                  &p[i - 1].pool->slots[OTHER]), NO_ERROR);
        }
    }
    for (unsigned i = 0; i < ROW; i++) {
        EXPECT_EQUAL(process_start(&p[i], TEXT, STACK_END), NO_ERROR);
        p[i].task->frame.r10 = 1;
        next_call(p[i].task, TAKE_IT, CHANNEL, 0);
        EXPECT_EQUAL(fails(&p[i]), i + 1 < ROW);
        if (i > 0)
            EXPECT_EQUAL(p[i - 1].task->state, TASK_INACTIVE);
    }
}

PROGRAM(nothing_but_faults, "ud2")

TEST(who_is_its_own_handler_waits_for_somebody_else)
{
    set_stage();
    struct process c = faulter(CLIENT, PROGRAM_OF(nothing_but_faults));
    EXPECT(fails(&c));
    EXPECT_EQUAL(c.task->state, TASK_CALLING);
    struct process h = handler(HANDLER, &c);
    EXPECT_EQUAL(serve(&h, TAKE_IT, 0), NO_ERROR);
    expect_fault(&h, 6, 0, 0, TEXT);
}

/* --- What a reply may carry --------------------------------------------------------- */

TEST(a_reply_to_a_fault_gives_nothing_else)
{
    set_stage();
    struct process c = faulter(CLIENT, PROGRAM_OF(touch));
    struct process h = handler(HANDLER, &c);
    EXPECT_EQUAL(untyped_retype(ground, OBJECT_BUFFER, 0, &h.pool->pool,
                                BUFFER), NO_ERROR);
    task_stop(h.task);
    EXPECT_EQUAL(task_set(h.task, TASK_BUFFER, &h.pool->slots[BUFFER]),
                 NO_ERROR);
    EXPECT_EQUAL(task_start(h.task), NO_ERROR);
    EXPECT(fails(&c));
    EXPECT_EQUAL(serve(&h, TAKE_IT, 0), NO_ERROR);
    h.task->frame.rdx = FAULT_RESUME;
    h.task->frame.r8 = h.task->frame.r9 = h.task->frame.r10 = 77;
    EXPECT_EQUAL(next_call(h.task, CALL_REPLY | 0x1000 | 9 << 20 | 15ULL << 32,
                           0, PROCESS_TASK), NO_ERROR);
    EXPECT_EQUAL(c.task->state, TASK_READY);
    EXPECT_EQUAL(c.task->frame.rax, ~0ULL);
    EXPECT_EQUAL(c.task->frame.rbx, 7);
    EXPECT(c.task->frame.r8 != 77);
}

/* --- Exit ----------------------------------------------------------------------------- */

TEST(an_exit_is_told_like_a_fault)
{
    for (unsigned reply = FAULT_RESUME; reply <= FAULT_STOP; reply++) {
        set_stage();
        struct process c = faulter(CLIENT, PROGRAM_OF(touch));
        struct process h = handler(HANDLER, &c);
        void *view;
        EXPECT_EQUAL(process_page(&c, ADDRESS, RIGHT_READ | RIGHT_WRITE,
                                  &view), NO_ERROR);
        EXPECT_EQUAL(run_to_entry(c.task), VECTOR_SYSCALL);
        system_call(c.task);
        check_all();
        EXPECT_EQUAL(c.task->state, TASK_CALLING);
        EXPECT_EQUAL(serve(&h, TAKE_IT, 0), NO_ERROR);
        expect_fault(&h, FAULT_EXIT, 33, 0, LEAVES);
        EXPECT_EQUAL(serve(&h, CALL_REPLY, reply), NO_ERROR);
        EXPECT_EQUAL(c.task->state, reply ? TASK_INACTIVE : TASK_READY);
        EXPECT_EQUAL(task_start(c.task), NO_ERROR);
        EXPECT_EQUAL(run_to_entry(c.task), VECTOR_SYSCALL);
        EXPECT_EQUAL(c.task->frame.rdi, 34);
    }
}

TEST(an_exit_that_nobody_hears_of_is_an_exit)
{
    set_stage();
    struct process c = faulter(CLIENT, PROGRAM_OF(leave));
    EXPECT_EQUAL(run_to_entry(c.task), VECTOR_SYSCALL);
    system_call(c.task);
    EXPECT_EQUAL(c.task->state, TASK_CALLING);
    lay_waste(island);
    EXPECT_EQUAL(c.task->state, TASK_INACTIVE);
    check_all();
}

/* --- Which channel ---------------------------------------------------------------------- */

TEST(a_fault_channel_must_be_one_and_be_written_to)
{
    set_stage();
    struct process c = load_program(ground, CLIENT, PROGRAM_OF(touch));
    share(&c, faults_at, RIGHT_READ | RIGHT_GRANT, 0);
    EXPECT_EQUAL(task_set(c.task, TASK_FAULT, &c.pool->slots[CHANNEL]),
                 ERROR_NO_RIGHT);
    EXPECT_EQUAL(task_set(c.task, TASK_FAULT, &c.pool->slots[PROCESS_TASK]),
                 ERROR_WRONG_TYPE);
    EXPECT_EQUAL(task_set(c.task, TASK_FAULT, &c.pool->slots[OTHER]),
                 ERROR_NO_CAPABILITY);
    EXPECT_EQUAL(task_set(c.task, TASK_FAULT, faults_at), NO_ERROR);
    EXPECT_EQUAL(task_set(c.task, TASK_FAULT, faults_at), NO_ERROR);
    EXPECT_EQUAL(process_start(&c, TEXT, STACK_END), NO_ERROR);
    EXPECT_EQUAL(task_set(c.task, TASK_FAULT, faults_at), ERROR_ACTIVE);
    EXPECT(fails(&c));
    EXPECT_EQUAL(task_set(c.task, TASK_FAULT, faults_at), ERROR_ACTIVE);
}

/* --- Kinds of faults ---------------------------------------------------------------------- */

PROGRAM(divides, "xor ecx, ecx; 1: div ecx")
PROGRAM(breaks, "int3; ud2")
PROGRAM(halts, "hlt")
PROGRAM(goes_far, "mov rax, 0x800000000000; mov rax, [rax]")
PROGRAM(goes_up, "mov rax, 0xffff800000000000; mov rax, [rax]")
PROGRAM(jumps_up, "mov rax, 0x800000000000; jmp rax")
PROGRAM(writes_code, "mov [rip], eax")
PROGRAM(runs_data, "mov eax, 0x500000; jmp rax")
PROGRAM(asks_for_ports, "in al, 0x64")

TEST(each_kind_of_fault_is_told_with_its_numbers)
{
    const struct {
        struct program program;
        uint64_t vector, error, address, rip;
    } kinds[] = {
        {PROGRAM_OF(divides), 0, 0, 0, TEXT + 2},
        {PROGRAM_OF(breaks), 3, 0, 0, TEXT + 1},
        {PROGRAM_OF(nothing_but_faults), 6, 0, 0, TEXT},
        {PROGRAM_OF(halts), 13, 0, 0, TEXT},
        {PROGRAM_OF(goes_far), 13, 0, 0, TEXT + 10},
        {PROGRAM_OF(asks_for_ports), 13, 0, 0, TEXT},
        {PROGRAM_OF(goes_up), 14, 5, 0xffff800000000000, TEXT + 10},
        {PROGRAM_OF(writes_code), 14, 7, TEXT + 6, TEXT},
        {PROGRAM_OF(runs_data), 14, 0x15, DATA, DATA},
    };
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        set_stage();
        struct process c = faulter(CLIENT, kinds[i].program);
        struct process h = handler(HANDLER, &c);
        EXPECT(fails(&c));
        EXPECT_EQUAL(serve(&h, TAKE_IT, 0), NO_ERROR);
        expect_fault(&h, kinds[i].vector, kinds[i].error, kinds[i].address,
                     kinds[i].rip);
        EXPECT_EQUAL(serve(&h, CALL_REPLY, FAULT_RESUME), NO_ERROR);
        EXPECT(fails(&c));
    }
}

/* A jump there is refused by the processor or comes in as a fault; the
   address that is told may be either side of the jump. */
TEST(a_jump_out_of_the_lower_half_is_a_fault)
{
    set_stage();
    struct process c = faulter(CLIENT, PROGRAM_OF(jumps_up));
    EXPECT(fails(&c));
    EXPECT_EQUAL(c.task->frame.vector, 13);
    task_stop(c.task);
    EXPECT_EQUAL(task_start(c.task),
                 c.task->frame.rip < USER_END ? NO_ERROR : ERROR_NOT_READY);
    check_all();
}

/* --- Single steps ---------------------------------------------------------------------------- */

/* Three calls, each stepped over: exactly one fault for each instruction. */
PROGRAM(steps, "xor eax, eax; syscall; mov r12, rax\n"
               "mov eax, 255; syscall; mov r13, rax; xor eax, eax; syscall\n"
               "nop; mov eax, 1; syscall")

TEST(system_calls_may_be_single_stepped)
{
    set_stage();
    struct process c = faulter(CLIENT, PROGRAM_OF(steps));
    struct process h = handler(HANDLER, &c);
    task_stop(c.task);
    EXPECT_EQUAL(set(&c, TASK_FLAGS, 0x100), NO_ERROR);
    EXPECT_EQUAL(task_start(c.task), NO_ERROR);
    uint64_t steps = 0, calls = 0;
    serve(&h, TAKE_IT, 0);
    while (calls < 4) {
        uint64_t vector = run_to_entry(c.task);
        if (vector == VECTOR_SYSCALL) {
            EXPECT_EQUAL(c.task->frame.rflags & 0x100, 0x100);
            system_call(c.task);
            calls++;
            continue;
        }
        EXPECT_EQUAL(vector, 1);
        EXPECT(fault_send(c.task, vector, 0));
        EXPECT_EQUAL(h.task->frame.rdx, 1);
        steps++;
        serve(&h, SERVE, FAULT_RESUME);
    }
    EXPECT_EQUAL(h.task->frame.rdx, FAULT_EXIT);
    EXPECT_EQUAL(get(&c, TASK_R12), NO_ERROR);
    EXPECT_EQUAL(get(&c, TASK_R13), ERROR_BAD_CALL);
    EXPECT_EQUAL(steps, 10);
    check_all();
}
