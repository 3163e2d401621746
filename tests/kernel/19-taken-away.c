/* 19-taken-away.c - what a running task stands on is taken from under it, by
 * its own calls: its pool, its tables, its pages, its buffer, the memory of
 * all these. The task stops, or faults, or goes on without; the kernel goes
 * on in any case, and so does another task. */
#include "tests/kernel/program.h"

#include "kernel/cap/log.h"
#include "kernel/cap/untyped.h"
#include "kernel/machine.h"
#include "kernel/scheduler.h"
#include "kernel/syscall.h"
#include "kernel/x86/control.h"
#include "lib/string.h"

/* What a program of one page of text and one of data has in its pool. */
enum {
    OWN_POOL = PROCESS_POOL,
    OWN_TASK = PROCESS_TASK,
    ISLAND = PROCESS_MEMORY, /* memory that it may reset */
    OWN_PML4 = PROCESS_TABLE,
    TEXT_PAGE,
    OWN_PDPT,
    OWN_PD,
    OWN_PT,
    DATA_PAGE,
    BUFFER = 20,
    LOG,
    SPARE, /* and the following */
};

enum { SURVIVED = 6, PAGE_FAULT = 14 }; /* ud2, behind the call */

/* Of the error code of a page fault. */
enum { FAULT_PRESENT = 1, FAULT_WRITE = 2, FAULT_USER = 4, FAULT_FETCH = 16 };

static struct untyped *ground, *island;
static struct process p;

static struct capability *slot(unsigned index)
{
    return &p.pool->slots[index];
}

static struct object *object_in(unsigned index)
{
    return slot(index)->weak.object;
}

static void create(struct untyped *memory, enum object_type type,
                   uint64_t bytes, unsigned to)
{
    EXPECT_EQUAL(untyped_retype(memory, type, bytes, &p.pool->pool, to),
                 NO_ERROR);
}

static void refer(unsigned which, struct capability *capability)
{
    task_stop(p.task);
    EXPECT_EQUAL(task_set(p.task, which, capability), NO_ERROR);
    EXPECT_EQUAL(task_start(p.task), NO_ERROR);
}

static void start(struct program program)
{
    static struct log log;
    if (log.object.type == OBJECT_NONE) {
        object_init(&log.object, OBJECT_LOG);
        object_keep(&log.object);
    }
    ground = fresh_ground();
    p = start_program(ground, 1, program);
    EXPECT_EQUAL(object_in(OWN_PT)->type, OBJECT_PT);
    EXPECT_EQUAL(object_in(DATA_PAGE)->type, OBJECT_PAGE);
    create(ground, OBJECT_UNTYPED, 64 * PAGE_SIZE, ISLAND);
    island = untyped_from(object_in(ISLAND));
    create(ground, OBJECT_BUFFER, 0, BUFFER);
    refer(TASK_BUFFER, slot(BUFFER));
    weak_original(&p.pool->pool, LOG, &log.object, RIGHT_ALL, 0);
}

/* --- One call and its outcome ---------------------------------------------------- */

PROGRAM(call_once, "syscall; ud2")

/* Another task, which makes ten calls and notes that it has come to an end. */
PROGRAM(witness, "mov ebp, 10; 1: xor eax, eax; syscall; dec ebp; jnz 1b;"
                 "mov dword ptr [0x500000], 77; mov eax, 1; syscall")
_Static_assert(CALL_YIELD == 0 && CALL_EXIT == 1, "as in the program");

static void load(uint64_t number, uint64_t lengths, uint64_t a, uint64_t b)
{
    struct frame *frame = &p.task->frame;
    frame->rax = number | lengths << 8;
    frame->rdi = a;
    frame->rsi = b;
}

/* Lets both run to their ends. The vector with which ours has entered the
   kernel last: SURVIVED, or what was in the way. */
static uint64_t outcome(uint64_t number, uint64_t a)
{
    struct frame *frame = &p.task->frame;
    struct process other =
        start_program(ground, 2, PROGRAM_OF(witness));
    load(number, 0x1, a, 0);
    still_alive();
    scheduler_run();
    check_all();
    EXPECT_EQUAL(*data_of(&other), 77);
    return frame->vector;
}

static const struct {
    unsigned slot;
    uint64_t after_revoke; /* what the program meets next */
} own[] = {
    {OWN_POOL, VECTOR_SYSCALL}, {OWN_TASK, SURVIVED},
    {OWN_PML4, VECTOR_SYSCALL}, {TEXT_PAGE, PAGE_FAULT},
    {OWN_PDPT, PAGE_FAULT},     {OWN_PD, PAGE_FAULT},
    {OWN_PT, PAGE_FAULT},       {DATA_PAGE, SURVIVED},
    {BUFFER, SURVIVED},
};
enum { OWN = sizeof own / sizeof own[0] };

TEST(a_task_runs_on_when_it_deletes_what_it_stands_on)
{
    for (unsigned i = 0; i < OWN; i++) {
        start(PROGRAM_OF(call_once));
        EXPECT_EQUAL(outcome(CALL_DELETE, own[i].slot), SURVIVED);
        EXPECT_EQUAL(p.task->frame.rax, NO_ERROR);
    }
}

TEST(a_task_stops_when_it_revokes_what_it_stands_on)
{
    for (unsigned i = 0; i < OWN; i++) {
        start(PROGRAM_OF(call_once));
        EXPECT_EQUAL(outcome(CALL_REVOKE, own[i].slot),
                     own[i].after_revoke);
        EXPECT_EQUAL(p.task->frame.rax, NO_ERROR);
        EXPECT_EQUAL(p.task->state, TASK_INACTIVE);
    }
}

/* --- Its memory ------------------------------------------------------------------- */

static struct table *table_in(unsigned index)
{
    return table_from(object_in(index));
}

static void map(unsigned table, unsigned index, unsigned child,
                unsigned rights)
{
    if (table_holds(table_in(table), index))
        EXPECT_EQUAL(table_unmap(table_in(table), index), NO_ERROR);
    EXPECT_EQUAL(table_map(table_in(table), index, slot(child), rights),
                 NO_ERROR);
}

enum { PATH = RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE };
enum { TEXT_RIGHTS = RIGHT_READ | RIGHT_EXECUTE };

static void take_text_from_spare(void)
{
    memcpy(physical_pointer(page_from(object_in(SPARE))->frame),
           physical_pointer(page_from(object_in(TEXT_PAGE))->frame),
           PAGE_SIZE);
    map(OWN_PT, 0, SPARE, TEXT_RIGHTS);
}

static void run_spare_instead(void)
{
    struct task *task = task_from(object_in(SPARE));
    task->frame = p.task->frame;
    EXPECT_EQUAL(task_set(task, TASK_CPOOL, slot(OWN_POOL)), NO_ERROR);
    EXPECT_EQUAL(task_set(task, TASK_TABLE, slot(OWN_PML4)), NO_ERROR);
    EXPECT_EQUAL(task_start(task), NO_ERROR);
    task_stop(p.task);
    p.task = task;
}

/* One of the things that the task stands on comes to be made of the island. */
static void stand_on_island(enum object_type type)
{
    create(island, type, 0, SPARE);
    switch ((unsigned)type) {
    case OBJECT_CPOOL:
        weak_derive(&cpool_from(object_in(SPARE))->pool, ISLAND,
                    slot(ISLAND), RIGHT_ALL, 0);
        refer(TASK_CPOOL, slot(SPARE));
        break;
    case OBJECT_PML4:
        map(SPARE, 0, OWN_PDPT, PATH);
        refer(TASK_TABLE, slot(SPARE));
        break;
    case OBJECT_PDPT:
        map(SPARE, 0, OWN_PD, PATH);
        map(OWN_PML4, 0, SPARE, PATH);
        break;
    case OBJECT_PD:
        map(SPARE, 2, OWN_PT, PATH);
        map(OWN_PDPT, 0, SPARE, PATH);
        break;
    case OBJECT_PT:
        map(SPARE, 0, TEXT_PAGE, TEXT_RIGHTS);
        map(OWN_PD, 2, SPARE, PATH);
        break;
    case OBJECT_PAGE: take_text_from_spare(); break;
    case OBJECT_BUFFER: refer(TASK_BUFFER, slot(SPARE)); break;
    case OBJECT_TASK: run_spare_instead(); break;
    default: EXPECT(false);
    }
}

/* If a reset stops after what the task stands on has gone, the task cannot make
   the call again, or not with success; whoever holds the memory ends it. */
static uint64_t lose(enum object_type type)
{
    start(PROGRAM_OF(call_once));
    stand_on_island(type);
    check_all();
    uint64_t vector = outcome(CALL_RESET, ISLAND);
    while (!untyped_reset(island))
        continue;
    EXPECT(!object_in(SPARE));
    EXPECT_EQUAL(p.task->state, TASK_INACTIVE);
    return vector;
}

TEST(a_task_that_resets_its_pool_or_its_pml4_stops)
{
    if (lose(OBJECT_CPOOL) == SURVIVED)
        EXPECT_EQUAL(p.task->frame.rax, ERROR_NO_CAPABILITY);
    EXPECT(!p.task->references[TASK_CPOOL].object);
    uint64_t vector = lose(OBJECT_PML4); /* stopped, it has no text to go on with */
    EXPECT(vector == VECTOR_SYSCALL || vector == PAGE_FAULT);
    EXPECT(!p.task->references[TASK_TABLE].object);
}

TEST(a_task_that_resets_a_table_or_its_text_faults)
{
    static const enum object_type types[] = {OBJECT_PDPT, OBJECT_PD,
                                             OBJECT_PT, OBJECT_PAGE};
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_EQUAL(lose(types[i]), PAGE_FAULT);
        EXPECT_EQUAL(cr2_read(), p.task->frame.rip);
    }
    EXPECT(!table_holds(table_in(OWN_PT), 0));
}

TEST(a_task_that_resets_itself_is_gone)
{
    start(PROGRAM_OF(call_once));
    stand_on_island(OBJECT_TASK);
    outcome(CALL_RESET, ISLAND);
    while (!untyped_reset(island))
        continue;
    EXPECT_EQUAL(p.task->object.type, OBJECT_NONE);
}

/* --- Touching, from ring 3, and asking in between ------------------------------------- */

PROGRAM(look, "1: syscall; mov r12, [rbx]; jmp 1b")
PROGRAM(poke, "1: syscall; mov [rbx], rbx; jmp 1b")
PROGRAM(jump, "1: syscall; jmp rbx")

/* What happens when the program touches an address: a page fault, or it gets
   to its next call. */
static uint64_t touch(struct task *task, uint64_t address)
{
    task->frame.rbx = address;
    task->frame.rip = TEXT + 2;
    uint64_t vector = run_to_entry(task);
    if (vector == PAGE_FAULT)
        EXPECT_EQUAL(cr2_read(), address);
    return vector;
}

/* A call of the program, as often as it takes. */
static enum error ask(uint64_t number, uint64_t lengths, uint64_t a,
                      uint64_t b, uint64_t c, uint64_t d)
{
    struct frame *frame = &p.task->frame;
    load(number, lengths, a, b);
    frame->rdx = c;
    frame->r8 = d;
    frame->r10 = 1;
    frame->rip = TEXT;
    do {
        EXPECT_EQUAL(run_to_entry(p.task), VECTOR_SYSCALL);
        still_alive();
        system_call(p.task);
    } while (frame->rip == TEXT);
    return (enum error)frame->rax;
}

#define ASKED(...) EXPECT_EQUAL(ask(__VA_ARGS__), NO_ERROR)
#define READABLE(task, address)                                               \
    EXPECT_EQUAL(touch(task, address), VECTOR_SYSCALL)
#define UNREADABLE(task, address)                                             \
    EXPECT_EQUAL(touch(task, address), PAGE_FAULT)

/* Entries of the program's PT, and where they are. */
enum { HERE = 300, THERE = 301 };
enum { AT_HERE = TEXT + HERE * PAGE_SIZE, AT_THERE = AT_HERE + PAGE_SIZE };

TEST(a_page_that_dies_is_unmapped_everywhere_at_once)
{
    start(PROGRAM_OF(look));
    struct process q = start_program(ground, 2, PROGRAM_OF(look));
    ASKED(CALL_RETYPE, 0x11, ISLAND, OWN_POOL, SPARE, OBJECT_PAGE);
    ASKED(CALL_MAP, 0x11, OWN_PT, SPARE, HERE, RIGHT_READ);
    ASKED(CALL_MAP, 0x11, OWN_PT, SPARE, THERE, RIGHT_READ | RIGHT_WRITE);
    struct table *other = table_from(q.pool->slots[OWN_PT].weak.object);
    EXPECT_EQUAL(table_map(other, HERE, slot(SPARE), RIGHT_READ), NO_ERROR);
    READABLE(p.task, AT_HERE);
    READABLE(p.task, AT_THERE);
    READABLE(q.task, AT_HERE);
    READABLE(p.task, AT_HERE); /* its translations are in the TLB */
    ASKED(CALL_RESET, 0x1, ISLAND, 0, 0, 0);
    UNREADABLE(p.task, AT_HERE);
    UNREADABLE(p.task, AT_THERE);
    UNREADABLE(q.task, AT_HERE);
    EXPECT(!table_holds(other, HERE));
    check_all();
}

TEST(what_is_unmapped_or_revoked_cannot_be_read_any_more)
{
    start(PROGRAM_OF(look));
    ASKED(CALL_RETYPE, 0x11, ISLAND, OWN_POOL, SPARE, OBJECT_PAGE);
    ASKED(CALL_COPY, 0x11, SPARE, OWN_POOL, SPARE + 1, RIGHT_READ);
    ASKED(CALL_MAP, 0x11, OWN_PT, SPARE, HERE, RIGHT_READ);
    ASKED(CALL_MAP, 0x11, OWN_PT, SPARE + 1, THERE, RIGHT_READ);
    READABLE(p.task, AT_HERE);
    READABLE(p.task, AT_THERE);
    ASKED(CALL_UNMAP, 0x1, OWN_PT, HERE, 0, 0);
    UNREADABLE(p.task, AT_HERE);
    READABLE(p.task, AT_THERE);
    /* To delete a capability leaves what was mapped with it. */
    ASKED(CALL_DELETE, 0x1, SPARE + 1, 0, 0, 0);
    READABLE(p.task, AT_THERE);
    ASKED(CALL_REVOKE, 0x1, SPARE, 0, 0, 0);
    UNREADABLE(p.task, AT_THERE);
    ASKED(CALL_MAP, 0x11, OWN_PT, SPARE, THERE, RIGHT_READ);
    READABLE(p.task, AT_THERE);
}

/* A path of new tables from one of the program's own, of this type, down to
   its data; the uppermost of them is made of the island. */
static void make_path(unsigned above, unsigned type, unsigned index)
{
    unsigned next = SPARE;
    for (type++; type <= OBJECT_PT; type++) {
        create(next == SPARE ? island : ground, type, 0, next);
        map(above, index, next, PATH);
        above = next++;
        index = 0;
    }
    map(above, 0, DATA_PAGE, RIGHT_READ);
}

TEST(a_table_that_dies_leaves_no_entry_above_it)
{
    static const struct {
        unsigned above, type, index;
        uint64_t address;
    } paths[] = {
        {OWN_PML4, OBJECT_PML4, 1, UINT64_C(1) << 39},
        {OWN_PDPT, OBJECT_PDPT, 1, UINT64_C(1) << 30},
        {OWN_PD, OBJECT_PD, 3, 3 << 21},
    };
    for (unsigned i = 0; i < 3; i++) {
        start(PROGRAM_OF(look));
        make_path(paths[i].above, paths[i].type, paths[i].index);
        uint64_t address = paths[i].address;
        READABLE(p.task, address);
        READABLE(p.task, address + 8);
        ASKED(CALL_RESET, 0x1, ISLAND, 0, 0, 0);
        UNREADABLE(p.task, address);
        EXPECT(!table_holds(table_in(paths[i].above), paths[i].index));
        EXPECT(!object_in(SPARE));
        READABLE(p.task, DATA);
        check_all();
    }
}

TEST(no_page_is_both_written_and_executed)
{
    start(PROGRAM_OF(poke));
    EXPECT_EQUAL(touch(p.task, DATA), VECTOR_SYSCALL);
    EXPECT_EQUAL(touch(p.task, TEXT), PAGE_FAULT);
    EXPECT_EQUAL(p.task->frame.error,
                 FAULT_PRESENT | FAULT_WRITE | FAULT_USER);
    start(PROGRAM_OF(jump));
    EXPECT_EQUAL(touch(p.task, TEXT), VECTOR_SYSCALL);
    EXPECT_EQUAL(touch(p.task, DATA), PAGE_FAULT);
    EXPECT_EQUAL(p.task->frame.error,
                 FAULT_PRESENT | FAULT_USER | FAULT_FETCH);
    start(PROGRAM_OF(look));
    EXPECT_EQUAL(ask(CALL_MAP, 0x11, OWN_PT, DATA_PAGE, HERE, PATH),
                 ERROR_NO_RIGHT);
    EXPECT(!table_holds(table_in(OWN_PT), HERE));
}

TEST(the_kernels_half_is_there_and_cannot_be_touched)
{
    start(PROGRAM_OF(look));
    const uint64_t kernels[] = {(uint64_t)system_call, (uint64_t)&p,
                                (uint64_t)p.pool};
    for (unsigned i = 0; i < 3; i++) {
        UNREADABLE(p.task, kernels[i]);
        EXPECT_EQUAL(p.task->frame.error, FAULT_PRESENT | FAULT_USER);
    }
    EXPECT_EQUAL(touch(p.task, 0x800000000000), 13);
}

TEST(a_large_page_is_read_to_its_end_and_taken_back_whole)
{
    start(PROGRAM_OF(look));
    create(ground, OBJECT_PAGE, LARGE_PAGE_SIZE, SPARE);
    const uint64_t at = 3 * LARGE_PAGE_SIZE;
    ASKED(CALL_MAP, 0x11, OWN_PD, SPARE, 3, RIGHT_READ);
    READABLE(p.task, at);
    READABLE(p.task, at + LARGE_PAGE_SIZE - 8);
    UNREADABLE(p.task, at + LARGE_PAGE_SIZE);
    ASKED(CALL_REVOKE, 0x1, SPARE, 0, 0, 0);
    UNREADABLE(p.task, at);
    UNREADABLE(p.task, at + LARGE_PAGE_SIZE - 8);
}

/* --- The buffer --------------------------------------------------------------------- */

TEST(without_its_buffer_a_task_cannot_print_and_runs_on)
{
    start(PROGRAM_OF(look));
    ASKED(CALL_LOG_PRINT, 0x1, LOG, 0, 0, 0);
    ASKED(CALL_REVOKE, 0x1, BUFFER, 0, 0, 0);
    EXPECT_EQUAL(ask(CALL_LOG_PRINT, 0x1, LOG, 0, 0, 0), ERROR_NO_BUFFER);
    stand_on_island(OBJECT_BUFFER);
    ASKED(CALL_LOG_PRINT, 0x1, LOG, 0, 0, 0);
    ASKED(CALL_RESET, 0x1, ISLAND, 0, 0, 0);
    EXPECT_EQUAL(ask(CALL_LOG_PRINT, 0x1, LOG, 0, 0, 0), ERROR_NO_BUFFER);
    check_all();
}
