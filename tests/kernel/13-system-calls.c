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

static uint64_t sixth = 1; /* r10: how many, for a retype */

/* Carries out a call to its end, however often it is stopped. */
static void carry_out(void)
{
    struct frame *frame = &caller.task->frame;
    uint64_t rip = frame->rip;
    do {
        frame->rip = rip;
        system_call(caller.task);
    } while (caller.task->object.type == OBJECT_TASK &&
             frame->rip == rip - 2);
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
    frame->r10 = sixth;
    carry_out();
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
    EXPECT_EQUAL(call(CALL_IDENTIFY, 1, FREE, 0, 0, 0, 0), NO_ERROR);
    EXPECT_EQUAL(caller.task->frame.rdx, OBJECT_NONE);
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
    REFUSED(ERROR_NO_CAPABILITY, CALL_REVOKE, 1, FREE, 0, 0, 0, 0);
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
            OBJECT_PAGE, 2 * PAGE_SIZE);
    REFUSED(ERROR_BAD_SIZE, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
            OBJECT_PT, PAGE_SIZE);
    REFUSED(ERROR_BAD_SIZE, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
            OBJECT_BUFFER, LARGE_PAGE_SIZE);
    REFUSED(ERROR_BAD_SIZE, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
            OBJECT_PAGE, UINT64_MAX);
    REFUSED(ERROR_NO_MEMORY, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
            OBJECT_PAGE, LARGE_PAGE_SIZE);
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

TEST(several_are_made_by_one_call_or_none)
{
    set_stage();
    const uint64_t wrong[] = {0, RETYPE_MAX + 1, UINT64_MAX, 1ULL << 32 | 1};
    for (unsigned i = 0; i < 4; i++) {
        sixth = wrong[i];
        REFUSED(ERROR_BAD_ARGUMENT, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
                OBJECT_PAGE, 0);
    }
    sixth = RETYPE_MAX;
    REFUSED(ERROR_SLOT_IN_USE, CALL_RETYPE, 2, MEMORY, OWN_POOL, PT - 15,
            OBJECT_PAGE, 0);
    REFUSED(ERROR_BAD_SLOT, CALL_RETYPE, 2, MEMORY, OWN_POOL, 241,
            OBJECT_PAGE, 0);
    REFUSED(ERROR_NO_MEMORY, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE,
            OBJECT_PT, 0);
    EXPECT_EQUAL(call(CALL_RETYPE, 2, MEMORY, OWN_POOL, 240, OBJECT_PAGE, 0),
                 NO_ERROR);
    for (unsigned i = 240; i < 256; i++)
        EXPECT(page_from(caller.pool->slots[i].weak.object));
    sixth = 1;
}

/* --- Passing capabilities on ----------------------------------------------- */

static const struct weak *slot(unsigned index)
{
    return &caller.pool->slots[index].weak;
}

TEST(copy_and_mint_check_everything)
{
    set_stage();
    for (uint64_t number = CALL_COPY; number <= CALL_MINT; number++) {
        REFUSED(ERROR_NO_CAPABILITY, number, 2, FREE, OWN_POOL, FREE, 15, 5);
        REFUSED(ERROR_NO_CAPABILITY, number, 2, PAGE, FREE, FREE, 15, 5);
        REFUSED(ERROR_WRONG_TYPE, number, 2, PAGE, PT, FREE, 15, 5);
        REFUSED(ERROR_NO_RIGHT, number, 2, PAGE, 41, FREE, 15, 5);
        REFUSED(ERROR_BAD_SLOT, number, 2, PAGE, OWN_POOL, 256, 15, 5);
        REFUSED(ERROR_BAD_SLOT, number, 2, PAGE, OWN_POOL,
                (1ULL << 32) + FREE, 15, 5);
        REFUSED(ERROR_BAD_SLOT, number, 2, PAGE, OWN_POOL, UINT64_MAX, 15,
                5);
        REFUSED(ERROR_SLOT_IN_USE, number, 2, PAGE, OWN_POOL, PAGE, 15, 5);
        REFUSED(ERROR_SLOT_IN_USE, number, 2, PAGE, OWN_POOL, PT, 15, 5);
    }
    REFUSED(ERROR_BAD_ARGUMENT, CALL_MINT, 2, PAGE, OWN_POOL, FREE, 15, 0);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_MINT, 2, PAGE, OWN_POOL, FREE, 15,
            1ULL << 32);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_MINT, 2, PAGE, OWN_POOL, FREE, 15,
            UINT64_MAX);
}

TEST(rights_and_badges_follow_the_rules)
{
    set_stage();
    EXPECT_EQUAL(call(CALL_MINT, 2, PAGE, OWN_POOL, FREE,
                      RIGHT_READ | RIGHT_WRITE, 77),
                 NO_ERROR);
    EXPECT_EQUAL(slot(FREE)->badge, 77);
    EXPECT_EQUAL(slot(FREE)->rights, RIGHT_READ | RIGHT_WRITE);
    EXPECT_EQUAL(call(CALL_COPY, 2, FREE, OWN_POOL, FREE + 1, UINT64_MAX, 5),
                 NO_ERROR);
    EXPECT_EQUAL(slot(FREE + 1)->badge, 77);
    EXPECT_EQUAL(slot(FREE + 1)->rights, RIGHT_READ | RIGHT_WRITE);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_MINT, 2, FREE + 1, OWN_POOL, FREE + 2,
            15, 78);
    EXPECT_EQUAL(call(CALL_COPY, 2, FREE + 1, OWN_POOL, FREE + 2,
                      ~(uint64_t)RIGHT_READ, 0),
                 NO_ERROR);
    EXPECT_EQUAL(slot(FREE + 2)->rights, RIGHT_WRITE);
    EXPECT_EQUAL(call(CALL_COPY, 2, FREE + 2, OWN_POOL, FREE + 3, 0, 0),
                 NO_ERROR);
    EXPECT_EQUAL(slot(FREE + 3)->rights, 0);
    EXPECT_EQUAL(call(CALL_REVOKE, 1, FREE, 0, 0, 0, 0), NO_ERROR);
    EXPECT(slot(FREE)->object && !slot(FREE + 1)->object);
    EXPECT(!slot(FREE + 2)->object && !slot(FREE + 3)->object);
    EXPECT(slot(READ_ONLY + PAGE - PT)->object);
}

TEST(moving_and_deleting_are_acts_on_the_pool)
{
    set_stage();
    struct cpool *other = cpool_from(slot(POOL)->object);
    const uint64_t there = POOL | 7 << 8; /* slot 7 of the other pool */
    const uint64_t here_too = READ_ONLY + POOL - PT;
    REFUSED(ERROR_SLOT_IN_USE, CALL_MOVE, 2, PAGE, OWN_POOL, PAGE, 0, 0);
    REFUSED(ERROR_NO_CAPABILITY, CALL_MOVE, 2, FREE, OWN_POOL, FREE, 0, 0);
    REFUSED(ERROR_BAD_SLOT, CALL_MOVE, 2, PAGE, OWN_POOL, 256, 0, 0);
    REFUSED(ERROR_NO_RIGHT, CALL_MOVE, 2, PAGE, here_too, 7, 0, 0);
    REFUSED(ERROR_WRONG_TYPE, CALL_MOVE, 2, PAGE, PT, 7, 0, 0);
    EXPECT_EQUAL(call(CALL_MOVE, 2, PAGE, POOL, 7, 0, 0), NO_ERROR);
    EXPECT(!slot(PAGE)->object);
    EXPECT(page_from(other->slots[7].weak.object));
    /* What was derived from it has moved along. */
    EXPECT(other->slots[7].weak.link.next ==
           &slot(READ_ONLY + PAGE - PT)->link);
    REFUSED(ERROR_NO_RIGHT, CALL_DELETE | 2 << 8, 0, here_too | 7 << 8, 0, 0,
            0, 0);
    REFUSED(ERROR_NO_RIGHT, CALL_MOVE | 0x12 << 8, 0, here_too | 7 << 8,
            OWN_POOL, FREE, 0, 0);
    REFUSED(ERROR_NO_CAPABILITY, CALL_DELETE | 2 << 8, 0, POOL | 8 << 8, 0,
            0, 0, 0);
    EXPECT_EQUAL(call(CALL_MOVE | 0x12 << 8, 0, there, OWN_POOL, FREE, 0, 0),
                 NO_ERROR);
    EXPECT_EQUAL(call(CALL_DELETE, 1, FREE, 0, 0, 0, 0), NO_ERROR);
    EXPECT(!slot(FREE)->object);
    EXPECT(slot(READ_ONLY + PAGE - PT)->object);
    /* A pool into itself is a cycle, and does no harm. */
    EXPECT_EQUAL(call(CALL_COPY, 2, POOL, POOL, 0, 15, 0), NO_ERROR);
    EXPECT_EQUAL(call(CALL_MOVE, 2, POOL, POOL, 1, 0, 0), NO_ERROR);
    EXPECT(other->slots[1].weak.object == &other->object);
}

TEST(a_root_that_may_only_be_read_is_not_changed)
{
    set_stage();
    task_stop(caller.task);
    EXPECT_EQUAL(task_set(caller.task, TASK_CPOOL, &caller.pool->slots[41]),
                 NO_ERROR);
    EXPECT_EQUAL(task_start(caller.task), NO_ERROR);
    REFUSED(ERROR_NO_RIGHT, CALL_DELETE, 1, PAGE, 0, 0, 0, 0);
    REFUSED(ERROR_NO_RIGHT, CALL_MOVE, 2, PAGE, POOL, 7, 0, 0);
    EXPECT_EQUAL(call(CALL_COPY, 2, PAGE, POOL, 7, 15, 0), NO_ERROR);
}

/* --- Taking back ------------------------------------------------------------ */

TEST(reset_and_free_check_everything)
{
    set_stage();
    for (uint64_t number = CALL_RESET; number <= CALL_FREE; number++) {
        REFUSED(ERROR_NO_CAPABILITY, number, 1, FREE, 0, 0, 0, 0);
        REFUSED(ERROR_WRONG_TYPE, number, 1, PAGE, 0, 0, 0, 0);
        REFUSED(ERROR_NO_RIGHT, number, 1, 40, 0, 0, 0, 0);
    }
    REFUSED(ERROR_EMPTY, CALL_FREE, 1, MEMORY, 0, 0, 0, 0);
    EXPECT_EQUAL(call(CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE, OBJECT_UNTYPED,
                      8 * PAGE_SIZE),
                 NO_ERROR);
    EXPECT_EQUAL(call(CALL_RETYPE, 2, FREE, OWN_POOL, FREE + 1, OBJECT_PAGE,
                      0),
                 NO_ERROR);
    REFUSED(ERROR_NOT_EMPTY, CALL_FREE, 1, MEMORY, 0, 0, 0, 0);
    EXPECT_EQUAL(call(CALL_FREE, 1, FREE, 0, 0, 0, 0), NO_ERROR);
    EXPECT(!slot(FREE + 1)->object);
    EXPECT_EQUAL(call(CALL_FREE, 1, MEMORY, 0, 0, 0, 0), NO_ERROR);
    EXPECT(!slot(FREE)->object);
    EXPECT_EQUAL(call(CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE, OBJECT_CPOOL,
                      0),
                 NO_ERROR);
    EXPECT_EQUAL(call(CALL_RESET, 1, MEMORY, 0, 0, 0, 0), NO_ERROR);
    EXPECT(!slot(FREE)->object);
}

TEST(what_is_being_reset_is_busy)
{
    set_stage();
    struct untyped *memory = untyped_from(slot(MEMORY)->object);
    EXPECT_EQUAL(call(CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE, OBJECT_UNTYPED,
                      8 * PAGE_SIZE),
                 NO_ERROR);
    memory->busy = true;
    REFUSED(ERROR_BUSY, CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE + 1,
            OBJECT_PAGE, 0);
    REFUSED(ERROR_BUSY, CALL_RETYPE, 2, FREE, OWN_POOL, FREE + 1,
            OBJECT_PAGE, 0);
    REFUSED(ERROR_BUSY, CALL_FREE, 1, MEMORY, 0, 0, 0, 0);
    EXPECT_EQUAL(call(CALL_RESET, 1, MEMORY, 0, 0, 0, 0), NO_ERROR);
    EXPECT(!memory->busy);
}

/* A dead object's capabilities are gone; one that is ending is refused. */
TEST(what_is_ending_cannot_be_used)
{
    set_stage();
    EXPECT_EQUAL(call(CALL_RETYPE, 2, MEMORY, OWN_POOL, FREE, OBJECT_CPOOL,
                      0),
                 NO_ERROR);
    struct object *pool = slot(FREE)->object;
    untyped_from(slot(MEMORY)->object)->busy = true;
    pool->strong = 0;
    REFUSED(ERROR_NO_CAPABILITY, CALL_COPY, 2, PAGE, FREE, 0, 15, 0);
    REFUSED(ERROR_NO_CAPABILITY, CALL_COPY, 2, FREE, OWN_POOL, 101, 15, 0);
    REFUSED(ERROR_NO_CAPABILITY, CALL_TASK_SET, 2, TASK, FREE, TASK_CPOOL, 0,
            0);
    EXPECT_EQUAL(call(CALL_IDENTIFY, 1, FREE, 0, 0, 0, 0), NO_ERROR);
    EXPECT_EQUAL(caller.task->frame.rdx, OBJECT_NONE);
    EXPECT_EQUAL(call(CALL_RESET, 1, MEMORY, 0, 0, 0, 0), NO_ERROR);
    EXPECT(!slot(FREE)->object);
}

PROGRAM(reset_all, "mov eax, 0x10a; mov edi, 2; syscall; ud2")
PROGRAM(revoke_all, "mov eax, 0x110; mov edi, 2; syscall; ud2")
_Static_assert(CALL_RESET == 10 && CALL_REVOKE == 16, "as in the programs");

/* A program makes one call on its slot 2 and must be stopped by it. */
static void saw_off(struct program program, unsigned from)
{
    struct untyped *ground = fresh_ground();
    struct untyped *island = make_island(ground, 1);
    struct process p = load_program(island, 2, program);
    struct task *task = p.task;
    if (from) {
        /* The first capability in slot 2, what the task holds from there. */
        weak_derive(&kernel_pool.pool, 3, &kernel_pool.slots[2], 15, 0);
        if (from == PROCESS_TABLE)
            weak_original(&p.pool->pool, PROCESS_MEMORY,
                          p.pool->slots[from].weak.object, 15, 0);
        else
            weak_original(&p.pool->pool, PROCESS_MEMORY, &p.pool->object, 15,
                          0);
        EXPECT_EQUAL(task_set(task, from == PROCESS_TABLE ? TASK_TABLE
                                                          : TASK_CPOOL,
                              &p.pool->slots[PROCESS_MEMORY]),
                     NO_ERROR);
    } else {
        weak_original(&p.pool->pool, PROCESS_MEMORY, &island->object, 15, 0);
    }
    EXPECT_EQUAL(process_start(&p, TEXT, 0), NO_ERROR);
    check_all();
    while (task->object.type == OBJECT_TASK && task->state == TASK_READY) {
        /* If the reset was stopped, the page of its text may be gone. */
        if (run_to_entry(task) == VECTOR_SYSCALL)
            system_call(task);
        else
            task_stop(task);
        still_alive();
    }
    while (!untyped_reset(island))
        continue;
    EXPECT(link_alone(&island->children));
    EXPECT_EQUAL(task->object.type, OBJECT_NONE);
    check_all();
}

TEST(a_task_may_reset_the_memory_it_lives_in)
{
    saw_off(PROGRAM_OF(reset_all), 0);
}

TEST(a_task_may_revoke_its_own_pool)
{
    saw_off(PROGRAM_OF(revoke_all), PROCESS_POOL + 100);
}

TEST(a_task_may_revoke_its_own_table)
{
    saw_off(PROGRAM_OF(revoke_all), PROCESS_TABLE);
}

/* --- Interrupts in the middle ------------------------------------------------- */

enum { MANY = 8, DESCENDANTS = MANY * 256 };

/* Eight pools full of what was derived from the page, each from the last. */
static void derive_many(void)
{
    struct untyped *ground =
        untyped_from(kernel_pool.slots[GROUND_SLOT].weak.object);
    struct capability *from = &caller.pool->slots[PAGE];
    for (unsigned n = 0; n < MANY; n++) {
        EXPECT_EQUAL(untyped_retype(ground, OBJECT_CPOOL, 0,
                                    &caller.pool->pool, FREE + n),
                     NO_ERROR);
        struct cpool *pool = cpool_from(slot(FREE + n)->object);
        for (unsigned i = 0; i < 256; i++) {
            weak_derive(&pool->pool, i, from, RIGHT_READ, 0);
            from = &pool->slots[i];
        }
    }
}

/* With a timer that never rests, a call is stopped and made again. */
TEST(a_revocation_lets_interrupts_in)
{
    set_stage();
    derive_many();
    struct frame *frame = &caller.task->frame;
    unsigned stops = 0;
    uint64_t ticks = 0;
    frame->rax = CALL_REVOKE | 1 << 8;
    frame->rdi = PAGE;
    frame->rip = TEXT;
    for (;;) {
        EXPECT_EQUAL(run_to_entry(caller.task), VECTOR_SYSCALL);
        EXPECT_EQUAL(frame->rip, TEXT + 2);
        while (!interrupt_waits())
            ticks++;
        system_call(caller.task);
        still_alive();
        if (frame->rip == TEXT + 2)
            break;
        EXPECT_EQUAL(frame->rip, TEXT);
        EXPECT_EQUAL(frame->rax, CALL_REVOKE | 1 << 8);
        stops++;
    }
    EXPECT_EQUAL(frame->rax, NO_ERROR);
    EXPECT_EQUAL(stops, (DESCENDANTS + 6) / 16);
    EXPECT(slot(PAGE)->link.next == &caller.pool->slots[PAGE].close);
}

TEST(a_large_page_is_zeroed_in_pieces)
{
    set_stage();
    struct untyped *ground =
        untyped_from(kernel_pool.slots[GROUND_SLOT].weak.object);
    EXPECT_EQUAL(untyped_retype(ground, OBJECT_UNTYPED,
                                LARGE_PAGE_SIZE * 2, &caller.pool->pool, 99),
                 NO_ERROR);
    struct untyped *memory = untyped_from(slot(99)->object);
    memset(physical_pointer(memory->start), 0xa5, LARGE_PAGE_SIZE * 2);
    while (!interrupt_waits())
        continue;
    struct frame *frame = &caller.task->frame;
    frame->rax = CALL_RETYPE | 0x11 << 8;
    frame->rdi = 99;
    frame->rsi = OWN_POOL;
    frame->rdx = FREE;
    frame->r8 = OBJECT_PAGE;
    frame->r9 = LARGE_PAGE_SIZE;
    frame->r10 = 1;
    frame->rip = TEXT;
    system_call(caller.task);
    EXPECT_EQUAL(frame->rip, TEXT - 2);
    EXPECT(!slot(FREE)->object);
    EXPECT_EQUAL(memory->high.value - memory->clean_high.value, 16384);
    while (frame->rip == TEXT - 2) {
        still_alive();
        frame->rip = TEXT;
        system_call(caller.task);
    }
    EXPECT_EQUAL(frame->rax, NO_ERROR);
    struct page *page = page_from(slot(FREE)->object);
    EXPECT_EQUAL(page->frame.value % LARGE_PAGE_SIZE, 0);
    const uint64_t *word = physical_pointer(page->frame);
    uint64_t any = 0;
    for (unsigned i = 0; i < LARGE_PAGE_SIZE / 8; i++)
        any |= word[i];
    EXPECT_EQUAL(any, 0);
    EXPECT_EQUAL(call(CALL_FREE, 1, 99, 0, 0, 0, 0), NO_ERROR);
    EXPECT_EQUAL(memory->high.value, memory->end.value);
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
    static const uint8_t capabilities[] = {0, 0, 1, 2, 2, 1, 2, 1, 1,
                                           1, 1, 1, 2, 2, 2, 1, 1};
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
        carry_out();
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
