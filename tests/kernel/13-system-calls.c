/* 13-system-calls.c - entry, exit, every error, and hostile registers. */
#include "tests/kernel/program.h"

#include "kernel/cap/untyped.h"
#include "kernel/syscall.h"
#include "lib/string.h"

enum { VECTOR_DEBUG = 1, VECTOR_GENERAL_PROTECTION = 13 };

/* --- In and out ------------------------------------------------------------ */

PROGRAM(call, "syscall; jmp program_call")

static uint64_t state = 2463534242;

static uint64_t random_word(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void fill(struct frame *frame)
{
    uint64_t *word = &frame->r15;
    for (unsigned i = 0; i < 15; i++)
        word[i] = random_word();
}

TEST(the_entry_saves_every_register)
{
    struct process p = start_program(fresh_ground(), 1, PROGRAM_OF(call));
    for (unsigned i = 0; i < 3000; i++) {
        struct frame before, *frame = &p.task->frame;
        fill(frame);
        frame->rip = TEXT;
        frame->rsp = random_word() >> 1;
        frame->vector = i & 1 ? 0 : VECTOR_SYSCALL; /* iretq or sysret */
        before = *frame;
        do {
            switch_to(p.task);
            if (frame->vector < VECTORS)
                interrupt_handle((unsigned)frame->vector);
        } while (frame->vector != VECTOR_SYSCALL);
        before.rcx = before.rip = TEXT + 2;
        before.r11 = before.rflags;
        before.vector = VECTOR_SYSCALL;
        before.error = 0;
        EXPECT_EQUAL(memcmp(&before, frame, sizeof before), 0);
    }
    check_all();
}

PROGRAM(odd_flags, "push 0x244ed5; popf; syscall; ud2")

TEST(the_entry_clears_the_flags)
{
    struct process p =
        start_program(fresh_ground(), 1, PROGRAM_OF(odd_flags));
    EXPECT_EQUAL(run_to_entry(p.task), VECTOR_SYSCALL);
    uint64_t flags;
    __asm__ volatile("pushf; pop %0" : "=r"(flags));
    EXPECT_EQUAL(flags & 0x47700, 0);
    EXPECT_EQUAL(p.task->frame.rflags, 0x244ed7);
    EXPECT_EQUAL(run_to_entry(p.task), 6);
    EXPECT_EQUAL(p.task->frame.rflags & 0x44e00, 0x44e00);
}

PROGRAM(step_into_call, "push 0x302; popf; syscall; nop; ud2")

TEST(single_steps_do_not_lead_into_the_kernel)
{
    struct process p =
        start_program(fresh_ground(), 1, PROGRAM_OF(step_into_call));
    EXPECT_EQUAL(run_to_entry(p.task), VECTOR_SYSCALL);
    EXPECT_EQUAL(run_to_entry(p.task), VECTOR_DEBUG);
    EXPECT(p.task->frame.rip >= TEXT + 8);
}

PROGRAM(sysret, ".byte 0x48, 0x0f, 0x07")

TEST(ring_3_cannot_return_from_a_system_call)
{
    struct process p = start_program(fresh_ground(), 1, PROGRAM_OF(sysret));
    EXPECT_EQUAL(run_to_entry(p.task), VECTOR_GENERAL_PROTECTION);
}

PROGRAM(yield, "mov rbx, rsp; mov r12, 77; mov eax, 0; syscall;"
               "cmp rbx, rsp; jne 1f; cmp r12, 77; jne 1f; test rax, rax;"
               "jne 1f; ud2\n1: hlt")

TEST(a_call_returns_behind_itself)
{
    struct process p = start_program(fresh_ground(), 1, PROGRAM_OF(yield));
    EXPECT_EQUAL(run_to_entry(p.task), VECTOR_SYSCALL);
    system_call(p.task);
    EXPECT_EQUAL(run_to_entry(p.task), 6);
}

/* --- Calls, made by hand --------------------------------------------------- */

/* What the tests of calls stand on: a task that makes them, whose pool
   holds itself, its task, memory, its PML4, and one of each thing. */
enum {
    OWN_POOL = PROCESS_POOL,
    OWN_TASK = PROCESS_TASK,
    MEMORY = PROCESS_MEMORY,
    OWN_PML4 = PROCESS_TABLE,
    PT = 20,
    PAGE,
    POOL,
    TASK,
    BUFFER,
    PML4,
    READ_ONLY, /* + one of the above: a copy with RIGHT_READ alone */
    FREE = 100,
};

static struct process caller;

static void derive(unsigned slot, unsigned from, unsigned rights)
{
    weak_derive(&caller.pool->pool, slot, &caller.pool->slots[from], rights,
                0);
}

static void set_stage(void)
{
    static const enum object_type types[] = {OBJECT_PT,     OBJECT_PAGE,
                                             OBJECT_CPOOL,  OBJECT_TASK,
                                             OBJECT_BUFFER, OBJECT_PML4};
    struct untyped *ground = fresh_ground();
    caller = start_program(ground, 1, PROGRAM_OF(call));
    struct weak_pool *pool = &caller.pool->pool;
    EXPECT_EQUAL(untyped_retype(ground, OBJECT_UNTYPED, 32 * PAGE_SIZE, pool,
                                MEMORY),
                 NO_ERROR);
    for (unsigned i = 0; i < 6; i++)
        EXPECT_EQUAL(untyped_retype(ground, types[i], 0, pool, PT + i),
                     NO_ERROR);
    for (unsigned i = PT; i <= PML4; i++)
        derive(i - PT + READ_ONLY, i, RIGHT_READ);
    derive(40, MEMORY, RIGHT_READ);
    derive(41, OWN_POOL, RIGHT_READ);
}

/* One call; the lengths are those of addresses of one hop. */
static enum error call(uint64_t number, unsigned addresses, uint64_t a,
                       uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    struct frame *frame = &caller.task->frame;
    frame->rax = number | (0x111u & ((1u << 4 * addresses) - 1)) << 8;
    frame->rdi = a;
    frame->rsi = b;
    frame->rdx = c;
    frame->r8 = d;
    frame->r9 = e;
    frame->r10 = 0;
    system_call(caller.task);
    return (enum error)frame->rax;
}

/* A sum over everything on the ground but arguments and answers. */
static uint64_t sum_of_everything(void)
{
    struct frame *frame = &caller.task->frame;
    struct frame saved = *frame;
    frame->rax = frame->rdx = frame->rsi = 0;
    frame->rdi = frame->r8 = frame->r9 = frame->r10 = 0;
    struct untyped *ground =
        untyped_from(kernel_pool.slots[GROUND_SLOT].weak.object);
    uint64_t sum = 0, *word, *end = physical_pointer(ground->low);
    for (word = physical_pointer(ground->start); word < end; word++)
        sum = (sum << 5 | sum >> 59) ^ *word;
    end = physical_pointer(ground->end);
    for (word = physical_pointer(ground->high); word < end; word++)
        sum = (sum << 5 | sum >> 59) ^ *word;
    *frame = saved;
    return sum;
}

#define REFUSED(wanted, ...)                                                  \
    do {                                                                      \
        uint64_t before = sum_of_everything();                                \
        EXPECT_EQUAL(call(__VA_ARGS__), wanted);                              \
        EXPECT_EQUAL(sum_of_everything(), before);                            \
    } while (0)

TEST(identify_tells_what_one_has)
{
    set_stage();
    EXPECT_EQUAL(call(CALL_IDENTIFY, 1, PT, 0, 0, 0, 0), NO_ERROR);
    EXPECT_EQUAL(caller.task->frame.rdx, OBJECT_PT | RIGHT_ALL << 8);
    EXPECT_EQUAL(caller.task->frame.rsi, 0);
    EXPECT_EQUAL(call(CALL_IDENTIFY, 1, READ_ONLY, 0, 0, 0, 0), NO_ERROR);
    EXPECT_EQUAL(caller.task->frame.rdx, OBJECT_PT | RIGHT_READ << 8);
    REFUSED(ERROR_NO_CAPABILITY, CALL_IDENTIFY, 1, FREE, 0, 0, 0, 0);
}

TEST(calls_that_do_not_exist_are_refused)
{
    set_stage();
    REFUSED(ERROR_BAD_CALL, CALLS, 0, 0, 0, 0, 0, 0);
    REFUSED(ERROR_BAD_CALL, 255, 0, 0, 0, 0, 0, 0);
    REFUSED(ERROR_BAD_CALL, CALL_YIELD | 1ULL << 20, 0, 0, 0, 0, 0, 0);
    REFUSED(ERROR_BAD_CALL, CALL_YIELD | 1ULL << 63, 0, 0, 0, 0, 0, 0);
    REFUSED(ERROR_BAD_CALL, CALL_YIELD, 1, 0, 0, 0, 0, 0);
    REFUSED(ERROR_BAD_CALL, CALL_IDENTIFY, 2, PT, 0, 0, 0, 0);
    REFUSED(ERROR_BAD_ADDRESS, CALL_IDENTIFY, 0, PT, 0, 0, 0, 0);
    REFUSED(ERROR_BAD_ADDRESS, CALL_IDENTIFY | 9 << 8, 0, PT, 0, 0, 0, 0);
    REFUSED(ERROR_BAD_ADDRESS, CALL_IDENTIFY | 15 << 8, 0, PT, 0, 0, 0, 0);
    REFUSED(ERROR_WRONG_TYPE, CALL_IDENTIFY | 2 << 8, 0, PT, 0, 0, 0, 0);
    REFUSED(ERROR_NO_CAPABILITY, CALL_IDENTIFY | 8 << 8, 0, FREE, 0, 0, 0,
            0);
}

TEST(retype_checks_everything)
{
    set_stage();
    const uint64_t big = 1ULL << 32;
    REFUSED(ERROR_WRONG_TYPE, CALL_RETYPE, 2, PAGE, OWN_POOL, FREE,
            OBJECT_PAGE, 0);
    REFUSED(ERROR_WRONG_TYPE, CALL_RETYPE, 2, MEMORY, PAGE, FREE,
            OBJECT_PAGE, 0);
    REFUSED(ERROR_NO_RIGHT, CALL_RETYPE, 2, 40, OWN_POOL, FREE, OBJECT_PAGE,
            0);
    REFUSED(ERROR_NO_RIGHT, CALL_RETYPE, 2, MEMORY, 41, FREE, OBJECT_PAGE,
            0);
    REFUSED(ERROR_BAD_SLOT, CALL_RETYPE, 2, MEMORY, OWN_POOL, 256,
            OBJECT_PAGE, 0);
    REFUSED(ERROR_BAD_SLOT, CALL_RETYPE, 2, MEMORY, OWN_POOL, big + FREE,
            OBJECT_PAGE, 0);
    REFUSED(ERROR_SLOT_IN_USE, CALL_RETYPE, 2, MEMORY, OWN_POOL, PT,
            OBJECT_PAGE, 0);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
            OBJECT_NONE, 0);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
            OBJECT_TYPES, 0);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
            big + OBJECT_PAGE, 0);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
            OBJECT_LOG, 0);
    REFUSED(ERROR_BAD_SIZE, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
            OBJECT_PAGE, PAGE_SIZE);
    REFUSED(ERROR_BAD_SIZE, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
            OBJECT_UNTYPED, 0);
    REFUSED(ERROR_NO_MEMORY, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
            OBJECT_UNTYPED, 33 * PAGE_SIZE);
    REFUSED(ERROR_NO_MEMORY, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
            OBJECT_UNTYPED, UINT64_MAX - PAGE_SIZE + 1);
    EXPECT_EQUAL(call(CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE, OBJECT_PAGE,
                      0),
                 NO_ERROR);
    EXPECT(page_from(caller.pool->slots[FREE].weak.object));
}

TEST(mapping_by_call_checks_everything)
{
    set_stage();
    REFUSED(ERROR_WRONG_TYPE, CALL_MAP, 2, PAGE, PAGE, 0, RIGHT_READ, 0);
    REFUSED(ERROR_WRONG_TYPE, CALL_MAP, 2, PT, PT, 0, RIGHT_READ, 0);
    REFUSED(ERROR_WRONG_TYPE, CALL_MAP, 2, OWN_PML4, OWN_PML4, 1, RIGHT_READ,
            0);
    REFUSED(ERROR_NO_RIGHT, CALL_MAP, 2, READ_ONLY, PAGE, 0, RIGHT_READ, 0);
    REFUSED(ERROR_BAD_SLOT, CALL_MAP, 2, PT, PAGE, 512, RIGHT_READ, 0);
    REFUSED(ERROR_BAD_SLOT, CALL_MAP, 2, OWN_PML4, PAGE, 255, RIGHT_READ, 0);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_MAP, 2, PT, PAGE, 0, 1ULL << 32, 0);
    REFUSED(ERROR_NO_RIGHT, CALL_MAP, 2, PT, READ_ONLY + PAGE - PT, 0,
            RIGHT_READ | RIGHT_WRITE, 0);
    EXPECT_EQUAL(call(CALL_MAP, 2, PT, PAGE, 9, RIGHT_READ, 0), NO_ERROR);
    REFUSED(ERROR_SLOT_IN_USE, CALL_MAP, 2, PT, PAGE, 9, RIGHT_READ, 0);
    REFUSED(ERROR_BAD_SLOT, CALL_UNMAP, 1, PT, 512, 0, 0, 0);
    REFUSED(ERROR_NO_CAPABILITY, CALL_UNMAP, 1, PT, 8, 0, 0, 0);
    REFUSED(ERROR_NO_RIGHT, CALL_UNMAP, 1, READ_ONLY, 9, 0, 0, 0);
    REFUSED(ERROR_WRONG_TYPE, CALL_UNMAP, 1, PAGE, 9, 0, 0, 0);
    EXPECT_EQUAL(call(CALL_UNMAP, 1, PT, 9, 0, 0, 0), NO_ERROR);
    REFUSED(ERROR_NO_CAPABILITY, CALL_UNMAP, 1, PT, 9, 0, 0, 0);
}

TEST(tasks_are_set_up_by_calls)
{
    set_stage();
    REFUSED(ERROR_WRONG_TYPE, CALL_TASK_SET, 2, PT, POOL, TASK_CPOOL, 0, 0);
    REFUSED(ERROR_WRONG_TYPE, CALL_TASK_SET, 2, TASK, PT, TASK_CPOOL, 0, 0);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_TASK_SET, 2, TASK, POOL,
            TASK_USER_REFERENCES, 0, 0);
    REFUSED(ERROR_NO_RIGHT, CALL_TASK_SET, 2, READ_ONLY + TASK - PT, POOL,
            TASK_CPOOL, 0, 0);
    REFUSED(ERROR_ACTIVE, CALL_TASK_SET, 2, OWN_TASK, POOL, TASK_CPOOL, 0,
            0);
    REFUSED(ERROR_NOT_READY, CALL_TASK_START, 1, TASK, 0, 0, 0, 0);
    EXPECT_EQUAL(call(CALL_TASK_SET, 2, TASK, POOL, TASK_CPOOL, 0, 0),
                 NO_ERROR);
    EXPECT_EQUAL(call(CALL_TASK_SET, 2, TASK, PML4, TASK_TABLE, 0, 0),
                 NO_ERROR);
    EXPECT_EQUAL(call(CALL_TASK_SET, 2, TASK, BUFFER, TASK_BUFFER, 0, 0),
                 NO_ERROR);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_TASK_SET_REGISTER, 1, TASK,
            TASK_INSTRUCTION, USER_END, 0, 0);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_TASK_SET_REGISTER, 1, TASK, 2, TEXT, 0,
            0);
    REFUSED(ERROR_WRONG_TYPE, CALL_TASK_SET_REGISTER, 1, PT, 0, TEXT, 0, 0);
    REFUSED(ERROR_ACTIVE, CALL_TASK_SET_REGISTER, 1, OWN_TASK, 0, TEXT, 0,
            0);
    EXPECT_EQUAL(call(CALL_TASK_SET_REGISTER, 1, TASK, TASK_STACK, 0x1000,
                      0, 0),
                 NO_ERROR);
    EXPECT_EQUAL(call(CALL_TASK_START, 1, TASK, 0, 0, 0, 0), NO_ERROR);
    struct task *other = task_from(caller.pool->slots[TASK].weak.object);
    EXPECT_EQUAL(other->frame.rsp, 0x1000);
    EXPECT_EQUAL(other->state, TASK_READY);
    EXPECT_EQUAL(call(CALL_TASK_STOP, 1, TASK, 0, 0, 0, 0), NO_ERROR);
    EXPECT_EQUAL(other->state, TASK_INACTIVE);
    REFUSED(ERROR_WRONG_TYPE, CALL_TASK_START, 1, PT, 0, 0, 0, 0);
    REFUSED(ERROR_WRONG_TYPE, CALL_TASK_STOP, 1, PT, 0, 0, 0, 0);
    REFUSED(ERROR_NO_RIGHT, CALL_TASK_STOP, 1, READ_ONLY + TASK - PT, 0, 0,
            0, 0);
}

TEST(a_task_can_stop_itself_and_finds_the_answer)
{
    set_stage();
    EXPECT_EQUAL(call(CALL_TASK_STOP, 1, OWN_TASK, 0, 0, 0, 0), NO_ERROR);
    EXPECT_EQUAL(caller.task->state, TASK_INACTIVE);
    caller.task->frame.rip = TEXT;
    EXPECT_EQUAL(task_start(caller.task), NO_ERROR);
    EXPECT_EQUAL(call(CALL_EXIT, 0, 0, 0, 0, 0, 0), NO_ERROR);
    EXPECT_EQUAL(caller.task->state, TASK_INACTIVE);
}

/* --- Hostile registers ------------------------------------------------------ */

/* Numbers that are likely to be wrong in an interesting way. */
static uint64_t hostile_number(void)
{
    uint64_t power = 1ULL << (random_word() % 64);
    switch (random_word() % 8) {
    case 0: return power;
    case 1: return power - 1;
    case 2: return power + random_word() % 64;
    case 3: return random_word();
    default: return random_word() % 64;
    }
}

/* A number that is likely to be right: a slot of the stage, a small one. */
static uint64_t friendly_number(void)
{
    uint64_t number = random_word() % 40;
    return number < 20 ? number % 6 : number;
}

/* A call word that mostly fits its call: which of the first arguments
   are capabilities is as in the table of calls. */
static uint64_t hostile_word(bool friendly)
{
    static const uint8_t capabilities[] = {0, 0, 1, 2, 2, 1, 2, 1, 1, 1};
    uint64_t number = random_word() % (CALLS + 1);
    if (friendly)
        number = random_word() % sizeof capabilities;
    uint64_t word = number;
    for (unsigned n = 0; n < 3; n++) {
        uint64_t length = random_word() % 3;
        if (number < sizeof capabilities && random_word() % 16)
            length = n < capabilities[number];
        word |= length << (8 + 4 * n);
    }
    return random_word() % 64 ? word : word ^ random_word();
}

static void hostile_registers(struct frame *frame)
{
    bool friendly = random_word() % 4;
    uint64_t *registers[] = {&frame->rdi, &frame->rsi, &frame->rdx,
                             &frame->r8,  &frame->r9,  &frame->r10};
    frame->rax = hostile_word(friendly);
    for (unsigned i = 0; i < 6; i++)
        *registers[i] = friendly && random_word() % 8 ? friendly_number()
                                                      : hostile_number();
}

/* Each call ends with check_all(), which takes its time. */
static void be_hostile(uint64_t seed)
{
    enum { CALLS_MADE = 500 };
    state = seed;
    set_stage();
    unsigned refusals = 0;
    for (unsigned i = 0; i < CALLS_MADE; i++) {
        struct frame *frame = &caller.task->frame;
        hostile_registers(frame);
        still_alive();
        bool look = i % 16 == 0;
        uint64_t before = look ? sum_of_everything() : 0;
        system_call(caller.task);
        EXPECT(frame->rax < ERRORS);
        if (look && frame->rax != NO_ERROR)
            EXPECT_EQUAL(sum_of_everything(), before);
        refusals += frame->rax != NO_ERROR;
        frame->rip = TEXT;
        if (caller.task->state == TASK_INACTIVE &&
            task_start(caller.task) != NO_ERROR)
            set_stage();
    }
    EXPECT(refusals > CALLS_MADE / 4 && refusals < CALLS_MADE * 15 / 16);
}

TEST(hostile_calls_leave_the_kernel_whole)
{
    be_hostile(2463534242);
}
