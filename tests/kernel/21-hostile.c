/* 21-hostile.c - every system call, asked for with everything that can be
 * wrong. A refusal must have the right code and change nothing, which is
 * looked at byte by byte. At the end every error has been seen.
 *
 * A new call needs a line in asked[]; what is particular to it goes into a
 * test of its own below. What can be wrong with a capability is tried on all
 * calls alike. */
#include "tests/kernel/program.h"

#include "kernel/cap/channel.h"
#include "kernel/cap/irq.h"
#include "kernel/cap/log.h"
#include "kernel/cap/ports.h"
#include "kernel/cap/untyped.h"
#include "kernel/machine.h"
#include "kernel/syscall.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/control.h"
#include "kernel/x86/cpu.h"
#include "lib/string.h"

/* --- The stage --------------------------------------------------------------- */

/* One object of each type is in the caller's pool, in slot OF(type). */
#define OF(type) (32u + OBJECT_##type)

enum {
    MEMORY_SIZE = 12 * PAGE_SIZE,
    OWN_POOL = PROCESS_POOL,
    OWN_TASK = PROCESS_TASK,
    MEMORY = PROCESS_MEMORY,
    OWN_PML4 = PROCESS_TABLE,
    READ_POOL = 60, /* OF(CPOOL), to be read only */
    UNREAD_POOL,    /* and to be written only */
    EMPTY = 100,    /* and all that follow */
    FAULTY,         /* for a capability that something is wrong with */
    ISLAND = 250,   /* memory for what shall end early */
};

PROGRAM(ask, "1: syscall; jmp 1b")

static struct process caller;
static struct untyped *ground;

static struct capability *slot(unsigned index)
{
    return &caller.pool->slots[index];
}

static struct object *object_in(unsigned index)
{
    return slot(index)->weak.object;
}

/* Puts a copy with these rights into a slot, in the place of what is there. */
static void copy_to(unsigned to, unsigned from, unsigned rights)
{
    if (object_in(to))
        weak_delete(&slot(to)->weak);
    weak_derive(&caller.pool->pool, to, slot(from), rights, 0);
}

static void create(struct untyped *memory, enum object_type type,
                   uint64_t bytes, unsigned to)
{
    EXPECT_EQUAL(untyped_retype(memory, type, bytes, &caller.pool->pool, to),
                 NO_ERROR);
}

/* Objects that nobody can make; a test may have kept them already. */
static struct log a_log;
static struct ports a_range = {.first = 0x3f8, .last = 0x3ff};
static struct irq a_line;

static void make_what_is_the_kernels(void)
{
    if (a_log.object.type == OBJECT_NONE) {
        object_init(&a_log.object, OBJECT_LOG);
        object_init(&a_range.object, OBJECT_PORTS);
        irq_init(&a_line, 9);
        object_keep(&a_log.object);
        object_keep(&a_range.object);
        object_keep(&a_line.object);
    }
    struct weak_pool *pool = &caller.pool->pool;
    weak_original(pool, OF(LOG), &a_log.object, RIGHT_ALL, 0);
    weak_original(pool, OF(PORTS), &a_range.object, RIGHT_ALL, 0);
    weak_original(pool, OF(IRQ), &a_line.object, RIGHT_ALL, 0);
}

static bool can_be_made(unsigned type)
{
    const struct object_class *class = object_class(type);
    return class && class->size;
}

static void set_stage(void)
{
    ground = fresh_ground();
    caller = start_program(ground, 1, PROGRAM_OF(ask));
    create(ground, OBJECT_UNTYPED, MEMORY_SIZE, MEMORY);
    create(ground, OBJECT_UNTYPED, MEMORY_SIZE, ISLAND);
    for (unsigned type = 0; type < OBJECT_TYPES; type++)
        if (can_be_made(type))
            create(ground, type,
                   type == OBJECT_UNTYPED ? PAGE_SIZE : 0, 32 + type);
    make_what_is_the_kernels();
    copy_to(READ_POOL, OF(CPOOL), RIGHT_READ);
    copy_to(UNREAD_POOL, OF(CPOOL), RIGHT_WRITE);
}

/* --- Asking ------------------------------------------------------------------ */

/* A call as a program asks for it. The call word's lengths are those of
   addresses of one hop, unless they are said. */
struct question {
    uint64_t number;
    uint64_t argument[CALL_ARGUMENTS]; /* rdi rsi rdx r8 r9 r10 */
    uint64_t lengths;                  /* 0: of one hop each */
};

static uint64_t word_of(const struct question *question);

static uint64_t reached[ERRORS]; /* how often each error was the answer */

/* A call that waits for somebody to take it has been accepted. */
static void give_up_waiting(struct frame *frame)
{
    task_stop(caller.task);
    EXPECT_EQUAL(task_start(caller.task), NO_ERROR);
    frame->rax = NO_ERROR;
}

/* Makes the call to its end, however often it is stopped. */
static enum error ask(const struct question *question)
{
    struct frame *frame = &caller.task->frame;
    const uint64_t *argument = question->argument;
    frame->rax = word_of(question);
    frame->rdi = argument[0];
    frame->rsi = argument[1];
    frame->rdx = argument[2];
    frame->r8 = argument[3];
    frame->r9 = argument[4];
    frame->r10 = argument[5];
    do {
        frame->rip = TEXT + 2;
        still_alive();
        system_call(caller.task);
    } while (frame->rip == TEXT);
    if (caller.task->state == TASK_CALLING)
        give_up_waiting(frame);
    EXPECT(frame->rax < ERRORS);
    reached[frame->rax]++;
    return (enum error)frame->rax;
}

__attribute__((no_sanitize("undefined"))) static uint64_t add_up(uint64_t sum, const void *from, const void *to)
{
    for (const uint64_t *word = from; word < (const uint64_t *)to; word++)
        sum = (sum << 5 | sum >> 59) ^ *word;
    return sum;
}

/* A sum over all that a call could change: every byte that is in use on the
   ground, the kernel's own objects, the queues. The registers in which
   arguments and answers are do not count. */
static uint64_t sum_of_everything(void)
{
    struct frame *frame = &caller.task->frame, saved = *frame;
    const struct scheduler *scheduler = &this_cpu()->scheduler;
    memset(&frame->r10, 0, sizeof frame->r10);
    frame->rax = frame->rdi = frame->rsi = frame->rdx = 0;
    frame->r8 = frame->r9 = frame->rip = 0;
    uint64_t sum = add_up(1, physical_pointer(ground->start),
                          physical_pointer(ground->low));
    sum = add_up(sum, physical_pointer(ground->high),
                 physical_pointer(ground->end));
    sum = add_up(sum, ground, ground + 1);
    sum = add_up(sum, &kernel_pool, &kernel_pool + 1);
    sum = add_up(sum, &a_log, &a_log + 1);
    sum = add_up(sum, &a_range.object, &a_range.object + 1);
    sum = add_up(sum, &a_line, &a_line + 1);
    sum = add_up(sum, scheduler, scheduler + 1);
    *frame = saved;
    return sum;
}

/* Each refusal is an expectation of the line that asks for it. */
static void refuse(uint32_t line, enum error wanted,
                   struct question question)
{
    uint64_t before = sum_of_everything();
    enum error error = ask(&question);
    test_expect_equal(error, wanted, __FILE__, line, "the error");
    EXPECT_EQUAL(caller.task->frame.rdx, 0);
    EXPECT_EQUAL(caller.task->frame.rsi, 0);
    test_expect_equal(sum_of_everything(), before, __FILE__, line,
                      "the sum of everything");
}

/* A question: the call's number, and its arguments. */
#define QUESTION(call, ...)                                                   \
    ((struct question){.number = (call), .argument = {__VA_ARGS__}})

#define REFUSED(wanted, ...) refuse(__LINE__, wanted, QUESTION(__VA_ARGS__))

#define ACCEPTED(...) EXPECT_EQUAL(ask(&QUESTION(__VA_ARGS__)), NO_ERROR)

/* --- What each call wants -------------------------------------------------------- */

enum { KNOWN = CALL_PORT_OUT + 1 }; /* later chapters test their own */
enum { ANY_TYPE = OBJECT_TYPES, EVEN_EMPTY, ITS_POOL = RIGHT_ALL + 1 };

/* For each call: arguments with which it succeeds, which of them are
   capabilities, of which type each must be, and which rights it takes. */
static const struct {
    const char *name;
    uint64_t argument[CALL_ARGUMENTS];
    uint8_t capabilities;
    struct {
        uint8_t type, rights;
    } wants[2];
} asked[KNOWN] = {
    [CALL_YIELD] = {"yield", {0}, 0, {{0, 0}}},
    [CALL_EXIT] = {"exit", {0}, 0, {{0, 0}}},
    [CALL_IDENTIFY] = {"identify", {OF(PAGE)}, 1, {{EVEN_EMPTY, 0}}},
    [CALL_RETYPE] = {"retype",
                     {MEMORY, OWN_POOL, EMPTY, OBJECT_PAGE, 0, 1},
                     2,
                     {{OBJECT_UNTYPED, RIGHT_WRITE},
                      {OBJECT_CPOOL, RIGHT_WRITE}}},
    [CALL_MAP] = {"map",
                  {OF(PT), OF(PAGE), 5, RIGHT_READ},
                  2,
                  {{OBJECT_PT, RIGHT_WRITE}, {OBJECT_PAGE, RIGHT_READ}}},
    [CALL_UNMAP] = {"unmap", {OF(PT), 7}, 1, {{OBJECT_PT, RIGHT_WRITE}}},
    [CALL_TASK_SET] = {"task set",
                       {OF(TASK), OF(CPOOL), TASK_CPOOL},
                       2,
                       {{OBJECT_TASK, RIGHT_WRITE},
                        {OBJECT_CPOOL, RIGHT_READ}}},
    [CALL_TASK_SET_REGISTER] = {"task set register",
                                {OF(TASK), TASK_STACK, 0x1000},
                                1,
                                {{OBJECT_TASK, RIGHT_WRITE}}},
    [CALL_TASK_START] = {"task start",
                         {OWN_TASK},
                         1,
                         {{OBJECT_TASK, RIGHT_WRITE}}},
    [CALL_TASK_STOP] = {"task stop",
                        {OF(TASK)},
                        1,
                        {{OBJECT_TASK, RIGHT_WRITE}}},
    [CALL_RESET] = {"reset",
                    {OF(UNTYPED)},
                    1,
                    {{OBJECT_UNTYPED, RIGHT_WRITE}}},
    [CALL_FREE] = {"free", {ISLAND}, 1, {{OBJECT_UNTYPED, RIGHT_WRITE}}},
    [CALL_COPY] = {"copy",
                   {OF(PAGE), OWN_POOL, EMPTY, RIGHT_READ},
                   2,
                   {{ANY_TYPE, 0}, {OBJECT_CPOOL, RIGHT_WRITE}}},
    [CALL_MINT] = {"mint",
                   {OF(PAGE), OWN_POOL, EMPTY, RIGHT_READ, 7},
                   2,
                   {{ANY_TYPE, 0}, {OBJECT_CPOOL, RIGHT_WRITE}}},
    [CALL_MOVE] = {"move",
                   {OF(PAGE), OWN_POOL, EMPTY},
                   2,
                   {{ANY_TYPE, ITS_POOL}, {OBJECT_CPOOL, RIGHT_WRITE}}},
    [CALL_DELETE] = {"delete", {OF(PAGE)}, 1, {{ANY_TYPE, ITS_POOL}}},
    [CALL_REVOKE] = {"revoke", {OF(PAGE)}, 1, {{ANY_TYPE, 0}}},
    [CALL_TASK_SET_PRIORITY] = {"task set priority",
                                {OF(TASK), 1},
                                1,
                                {{OBJECT_TASK, RIGHT_WRITE}}},
    [CALL_TASK_SET_SLICE] = {"task set slice",
                             {OF(TASK), 1},
                             1,
                             {{OBJECT_TASK, RIGHT_WRITE}}},
    [CALL_CHANNEL_PUT] = {"put",
                          {OF(CHANNEL), OF(PAGE), 77, 0, RIGHT_READ, 1},
                          2,
                          {{OBJECT_CHANNEL, RIGHT_WRITE | RIGHT_GRANT},
                           {ANY_TYPE, 0}}},
    [CALL_CHANNEL_TAKE] = {"take",
                           {OF(CHANNEL), OWN_POOL, EMPTY, 0, 0, 1},
                           2,
                           {{OBJECT_CHANNEL, RIGHT_READ},
                            {OBJECT_CPOOL, RIGHT_WRITE}}},
    [CALL_CHANNEL_CALL] = {"call",
                           {OF(CHANNEL), OF(PAGE), 1, 2, 3, 4},
                           2,
                           {{OBJECT_CHANNEL, RIGHT_WRITE | RIGHT_GRANT},
                            {ANY_TYPE, 0}}},
    [CALL_REPLY] = {"reply", {0}, 0, {{0, 0}}},
    [CALL_REPLY_TAKE] = {"reply and take",
                         {OF(CHANNEL), OF(PAGE), 1, 2, 3, 4},
                         2,
                         {{OBJECT_CHANNEL, RIGHT_READ}, {ANY_TYPE, 0}}},
    [CALL_IRQ_BIND] = {"irq bind",
                       {OF(IRQ), OF(CHANNEL)},
                       2,
                       {{OBJECT_IRQ, RIGHT_WRITE},
                        {OBJECT_CHANNEL, RIGHT_WRITE}}},
    [CALL_IRQ_ACKNOWLEDGE] = {"irq acknowledge",
                              {OF(IRQ)},
                              1,
                              {{OBJECT_IRQ, RIGHT_WRITE}}},
    [CALL_TASK_GET_REGISTER] = {"task get register",
                                {OF(TASK), TASK_R12},
                                1,
                                {{OBJECT_TASK, RIGHT_READ}}},
    [CALL_CHANNEL_BIND] = {"channel bind",
                           {OF(CHANNEL), OF(CHANNEL)},
                           2,
                           {{OBJECT_CHANNEL, RIGHT_READ},
                            {OBJECT_CHANNEL, RIGHT_WRITE}}},
    [CALL_LOG_PRINT] = {"log print",
                        {OF(LOG), 0},
                        1,
                        {{OBJECT_LOG, RIGHT_WRITE}}},
    [CALL_LOG_LIST] = {"log list",
                       {OF(LOG), READ_POOL},
                       2,
                       {{OBJECT_LOG, RIGHT_WRITE},
                        {OBJECT_CPOOL, RIGHT_READ}}},
    [CALL_PORT_IN] = {"port in",
                      {OF(PORTS), 0x3ff},
                      1,
                      {{OBJECT_PORTS, RIGHT_WRITE}}},
    [CALL_PORT_OUT] = {"port out",
                       {OF(PORTS), 0x3ff, 0x5a},
                       1,
                       {{OBJECT_PORTS, RIGHT_WRITE}}},
};

static uint64_t word_of(const struct question *question)
{
    static const uint64_t one_hop[] = {0, 0x1, 0x11, 0x111};
    uint64_t number = question->number;
    if (question->lengths)
        return number | question->lengths << 8;
    return number | one_hop[number < KNOWN ? asked[number].capabilities : 0]
                        << 8;
}

/* What must be so for each call to succeed with the arguments above. */
static void set_scene(void)
{
    set_stage();
    create(slot(ISLAND)->weak.object ? untyped_from(object_in(ISLAND)) : NULL,
           OBJECT_PAGE, 0, EMPTY + 50);
    EXPECT_EQUAL(table_map(table_from(object_in(OF(PT))), 7,
                           slot(OF(PAGE)), RIGHT_READ),
                 NO_ERROR);
    irq_bind(&a_line, slot(OF(CHANNEL)));
    task_stop(caller.task);
    EXPECT_EQUAL(task_set(caller.task, TASK_BUFFER, slot(OF(BUFFER))),
                 NO_ERROR);
    EXPECT_EQUAL(task_start(caller.task), NO_ERROR);
    bool again = false;
    caller.task->frame.rdx = 1;
    caller.task->frame.r8 = 0;
    EXPECT_EQUAL(channel_put(channel_from(object_in(OF(CHANNEL))),
                             caller.task, 0, &again),
                 NO_ERROR);
}

static struct question good(unsigned number)
{
    struct question question = {.number = number};
    memcpy(question.argument, asked[number].argument,
           sizeof question.argument);
    return question;
}

/* The good question with another capability in one place. */
static struct question with(unsigned number, unsigned place, unsigned index)
{
    struct question question = good(number);
    question.argument[place] = index;
    return question;
}

/* Calls f for each argument of each call that is a capability. */
static void for_each_capability(void (*f)(unsigned number, unsigned place))
{
    set_scene();
    for (unsigned number = 0; number < KNOWN; number++)
        for (unsigned place = 0; place < asked[number].capabilities; place++)
            f(number, place);
}

TEST(each_call_is_in_the_table_of_hostile_calls)
{
    for (unsigned number = 0; number < KNOWN; number++)
        EXPECT(asked[number].name);
}

/* What is refused below would be accepted if it were not for the one fault. */
TEST(each_call_succeeds_without_a_fault)
{
    for (unsigned number = 0; number < KNOWN; number++) {
        set_scene();
        struct question question = good(number);
        EXPECT_EQUAL(ask(&question), number == CALL_REPLY ? ERROR_NO_CALLER
                                                          : NO_ERROR);
    }
}

/* --- What can be wrong with a capability ------------------------------------------ */

static void try_no_capability(unsigned number, unsigned place)
{
    if (asked[number].wants[place].type == EVEN_EMPTY)
        return;
    refuse(__LINE__, ERROR_NO_CAPABILITY, with(number, place, EMPTY));
}

TEST(no_call_takes_an_empty_slot)
{
    for_each_capability(try_no_capability);
}

static void try_wrong_types(unsigned number, unsigned place)
{
    unsigned wanted = asked[number].wants[place].type;
    for (unsigned type = 1; type < OBJECT_TYPES && wanted < OBJECT_TYPES;
         type++) {
        /* A buffer can be mapped as a page can. */
        bool page = wanted == OBJECT_PAGE && type == OBJECT_BUFFER;
        bool table = number == CALL_UNMAP && type >= OBJECT_PML4 &&
                     type <= OBJECT_PD;
        if (table)
            refuse(__LINE__, ERROR_NO_CAPABILITY,
                   with(number, place, 32 + type));
        else if (type != wanted && !page)
            refuse(__LINE__, ERROR_WRONG_TYPE,
                   with(number, place, 32 + type));
    }
}

TEST(no_call_takes_a_wrong_type)
{
    for_each_capability(try_wrong_types);
}

/* All rights but one, for each right that is demanded. */
static void try_missing_rights(unsigned number, unsigned place)
{
    unsigned index = (unsigned)asked[number].argument[place];
    unsigned wanted = asked[number].wants[place].rights & RIGHT_ALL;
    for (unsigned right = 1; right < RIGHT_ALL; right <<= 1) {
        if (!(wanted & right))
            continue;
        copy_to(FAULTY, index, RIGHT_ALL & ~right);
        refuse(__LINE__, ERROR_NO_RIGHT, with(number, place, FAULTY));
    }
}

TEST(no_call_does_without_a_right)
{
    for_each_capability(try_missing_rights);
}

/* And those that are demanded are enough. */
TEST(no_call_demands_a_right_more)
{
    for (unsigned number = 0; number < KNOWN; number++)
        for (unsigned place = 0; place < asked[number].capabilities;
             place++) {
            set_scene();
            copy_to(FAULTY, (unsigned)asked[number].argument[place],
                    asked[number].wants[place].rights & RIGHT_ALL);
            struct question question = with(number, place, FAULTY);
            EXPECT_EQUAL(ask(&question), NO_ERROR);
        }
}

/* An address of two hops leads through a pool, which must be one, be there,
   and let itself be read; one that is too long or has no hop is none. */
static void try_bad_addresses(unsigned number, unsigned place)
{
    static const struct {
        uint64_t hops;
        unsigned length;
        enum error wanted;
    } bad[] = {
        {OF(PAGE), 0, ERROR_BAD_ADDRESS},
        {OF(PAGE), 9, ERROR_BAD_ADDRESS},
        {UINT64_MAX, 15, ERROR_BAD_ADDRESS},
        {EMPTY | OF(PAGE) << 8, 2, ERROR_NO_CAPABILITY},
        {OF(PAGE) | OF(PAGE) << 8, 2, ERROR_WRONG_TYPE},
        {UNREAD_POOL | OF(PAGE) << 8, 2, ERROR_NO_RIGHT},
        {OWN_POOL | UNREAD_POOL << 8 | OF(PAGE) << 16, 3, ERROR_NO_RIGHT},
    };
    static const uint64_t lengths[] = {0, 0x1, 0x11};
    bool may_be_absent = place == 1 && (number == CALL_CHANNEL_PUT ||
                                        number == CALL_CHANNEL_TAKE ||
                                        number == CALL_CHANNEL_CALL ||
                                        number == CALL_REPLY_TAKE ||
                                        number == CALL_CHANNEL_BIND);
    for (unsigned i = may_be_absent; i < sizeof bad / sizeof bad[0]; i++) {
        struct question question = with(number, place, 0);
        question.argument[place] = bad[i].hops;
        question.lengths = (lengths[asked[number].capabilities] &
                            ~(UINT64_C(0xf) << 4 * place)) |
                           (uint64_t)bad[i].length << 4 * place;
        if (question.lengths)
            refuse(__LINE__, bad[i].wanted, question);
    }
}

TEST(no_call_takes_a_malformed_address)
{
    for_each_capability(try_bad_addresses);
}

/* A length for a plain number, and bits that mean nothing. */
TEST(no_call_takes_a_malformed_word)
{
    static const uint64_t one_hop[] = {0, 0x1, 0x11};
    set_scene();
    for (unsigned number = 0; number < KNOWN; number++) {
        unsigned capabilities = asked[number].capabilities;
        if (number >= CALL_CHANNEL_CALL && number <= CALL_REPLY_TAKE)
            continue; /* their words say more: see 16-calls.c */
        for (unsigned n = capabilities; n < CALL_CAPABILITIES; n++) {
            struct question question = good(number);
            question.lengths = one_hop[capabilities] | UINT64_C(1) << 4 * n;
            refuse(__LINE__, ERROR_BAD_CALL, question);
        }
        for (unsigned bit = 20; bit < 64; bit += 1 + number % 16) {
            struct question question = good(number);
            question.lengths = one_hop[capabilities] |
                               UINT64_C(1) << (bit - 8);
            refuse(__LINE__, ERROR_BAD_CALL, question);
        }
    }
    for (unsigned number = CALLS; number < 256; number += 3)
        REFUSED(ERROR_BAD_CALL, number, 0);
}

/* --- What is dead, and what is dying ------------------------------------------------ */

static void wait_for_tick(void)
{
    while (!interrupt_waits())
        continue;
}

/* An object on the island, with so many capabilities that its end stops on
   the way; the oldest, in FAULTY, is the last to go. */
static void let_one_die(unsigned type)
{
    enum { BESIDES = 40 };
    struct untyped *island = untyped_from(object_in(ISLAND));
    struct cpool *crowd = cpool_from(object_in(OF(CPOOL)));
    create(island, type, type == OBJECT_UNTYPED ? PAGE_SIZE : 0, EMPTY + 60);
    weak_derive(&caller.pool->pool, FAULTY, slot(EMPTY + 60), RIGHT_ALL, 0);
    for (unsigned i = 0; i < BESIDES; i++)
        weak_derive(&crowd->pool, i, slot(EMPTY + 60), RIGHT_ALL, 0);
    wait_for_tick();
    while (object_in(EMPTY + 60)) {
        EXPECT(!untyped_reset(island));
        still_alive();
    }
    EXPECT(object_in(FAULTY));
    EXPECT_EQUAL(object_in(FAULTY)->strong, 0);
}

static void try_dying_and_dead(unsigned number, unsigned place)
{
    unsigned type = asked[number].wants[place].type;
    if (type == ANY_TYPE)
        type = OBJECT_PAGE;
    if (type == EVEN_EMPTY || !can_be_made(type))
        return;
    set_scene();
    while (!untyped_reset(untyped_from(object_in(ISLAND))))
        continue;
    let_one_die(type);
    refuse(__LINE__, ERROR_NO_CAPABILITY, with(number, place, FAULTY));
    while (!untyped_reset(untyped_from(object_in(ISLAND))))
        continue;
    EXPECT(!object_in(FAULTY));
    refuse(__LINE__, ERROR_NO_CAPABILITY, with(number, place, FAULTY));
}

TEST(no_call_takes_what_is_dying_or_dead)
{
    for_each_capability(try_dying_and_dead);
}

TEST(a_dying_object_looks_like_an_empty_slot)
{
    set_scene();
    while (!untyped_reset(untyped_from(object_in(ISLAND))))
        continue;
    let_one_die(OBJECT_CPOOL);
    ACCEPTED(CALL_IDENTIFY, FAULTY);
    EXPECT_EQUAL(caller.task->frame.rdx, OBJECT_NONE);
    REFUSED(ERROR_NO_CAPABILITY, CALL_DELETE, FAULTY);
}

/* --- Numbers -------------------------------------------------------------------------- */

/* One argument of a call takes the numbers from a limit on that a careless
   comparison would let through: the first, the largest, and those that are
   small again when some of their bits are cut off. */
static void refuse_from(uint32_t line, enum error wanted, uint64_t limit,
                        unsigned place, struct question question)
{
    static const unsigned cuts[] = {8, 9, 12, 16, 31, 32, 48, 63};
    const uint64_t small = question.argument[place];
    for (unsigned i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        question.argument[place] = small + (UINT64_C(1) << cuts[i]);
        if (question.argument[place] >= limit)
            refuse(line, wanted, question);
    }
    const uint64_t edges[] = {limit, limit + 1, INT64_MAX, UINT64_MAX};
    for (unsigned i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        question.argument[place] = edges[i];
        refuse(line, wanted, question);
    }
}

#define REFUSED_FROM(wanted, limit, place, number)                            \
    refuse_from(__LINE__, wanted, limit, place, good(number))

TEST(no_call_takes_a_number_that_is_too_large)
{
    set_scene();
    REFUSED_FROM(ERROR_BAD_SLOT, 256, 2, CALL_RETYPE);
    REFUSED_FROM(ERROR_BAD_ARGUMENT, OBJECT_TYPES, 3, CALL_RETYPE);
    REFUSED_FROM(ERROR_BAD_ARGUMENT, RETYPE_MAX + 1, 5, CALL_RETYPE);
    REFUSED_FROM(ERROR_BAD_SLOT, 512, 2, CALL_MAP);
    REFUSED_FROM(ERROR_BAD_ARGUMENT, 16, 3, CALL_MAP);
    REFUSED_FROM(ERROR_BAD_SLOT, 512, 1, CALL_UNMAP);
    REFUSED_FROM(ERROR_BAD_ARGUMENT, TASK_USER_REFERENCES, 2, CALL_TASK_SET);
    REFUSED_FROM(ERROR_BAD_ARGUMENT, TASK_REGISTERS, 1,
                 CALL_TASK_SET_REGISTER);
    REFUSED_FROM(ERROR_BAD_ARGUMENT, TASK_REGISTERS, 1,
                 CALL_TASK_GET_REGISTER);
    REFUSED_FROM(ERROR_BAD_ARGUMENT, SLICE_LONGEST + 1, 1,
                 CALL_TASK_SET_SLICE);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_TASK_SET_SLICE, OF(TASK), 0);
    REFUSED_FROM(ERROR_BAD_SLOT, 256, 2, CALL_COPY);
    REFUSED_FROM(ERROR_BAD_SLOT, 256, 2, CALL_MINT);
    REFUSED_FROM(ERROR_BAD_ARGUMENT, UINT64_C(1) << 32, 4, CALL_MINT);
    REFUSED_FROM(ERROR_BAD_SLOT, 256, 2, CALL_MOVE);
    REFUSED_FROM(ERROR_BAD_ARGUMENT, PRIORITIES, 1, CALL_TASK_SET_PRIORITY);
    REFUSED_FROM(ERROR_TOO_LONG, 1025, 1, CALL_LOG_PRINT);
    REFUSED_FROM(ERROR_BAD_ARGUMENT, 0x400, 1, CALL_PORT_IN);
    REFUSED_FROM(ERROR_BAD_ARGUMENT, 0x400, 1, CALL_PORT_OUT);
    REFUSED_FROM(ERROR_BAD_ARGUMENT, 256, 2, CALL_PORT_OUT);
}

/* Where a task may begin, and where its stack may end: not in the kernel's
   half, and at no address that is not canonical. */
TEST(no_register_takes_an_address_beyond_the_users_half)
{
    static const uint64_t beyond[] = {
        USER_END,           USER_END + 1,
        0x7fffffffffff,     0x800000000000,
        0x1000000400000,    0xffff7fffffffffff,
        0xffff800000000000, 0xffffffff80100000,
        UINT64_MAX,
    };
    set_scene();
    for (unsigned i = 0; i < sizeof beyond / sizeof beyond[0]; i++)
        for (unsigned which = 0; which < 2; which++)
            REFUSED(ERROR_BAD_ARGUMENT, CALL_TASK_SET_REGISTER, OF(TASK),
                    which, beyond[i]);
}

/* Every bit of the flags that is the kernel's: IOPL, NT, RF, VM and those
   that do not exist. */
TEST(no_flag_is_set_that_is_the_kernels)
{
    const uint64_t open = 0x240dd5 | 1 << 9 | 1 << 1;
    set_scene();
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flags = UINT64_C(1) << bit;
        if (flags & open)
            ACCEPTED(CALL_TASK_SET_REGISTER, OF(TASK), TASK_FLAGS, flags);
        else
            REFUSED(ERROR_BAD_ARGUMENT, CALL_TASK_SET_REGISTER, OF(TASK),
                    TASK_FLAGS, flags);
        const struct task *task = task_from(object_in(OF(TASK)));
        EXPECT_EQUAL(task->frame.rflags & ~(uint64_t)0x240dd5, 0x202);
    }
    REFUSED(ERROR_BAD_ARGUMENT, CALL_TASK_SET_REGISTER, OF(TASK), TASK_FLAGS,
            UINT64_MAX);
}

static bool is_whole_pages(uint64_t bytes)
{
    return bytes != 0 && bytes % PAGE_SIZE == 0;
}

/* Of each type, sizes around every power of two: MEMORY has 48 KiB. */
static void try_size(uint64_t bytes)
{
    for (unsigned type = 0; type < OBJECT_TYPES; type++) {
        enum error wanted = ERROR_BAD_SIZE;
        if (!can_be_made(type))
            wanted = ERROR_BAD_ARGUMENT;
        else if (type == OBJECT_UNTYPED && is_whole_pages(bytes))
            wanted = bytes > MEMORY_SIZE ? ERROR_NO_MEMORY : NO_ERROR;
        else if (type == OBJECT_PAGE && bytes == LARGE_PAGE_SIZE)
            wanted = ERROR_NO_MEMORY;
        else if (type == OBJECT_PAGE && bytes == PAGE_SIZE)
            wanted = NO_ERROR;
        else if (type != OBJECT_UNTYPED && bytes == 0)
            wanted = NO_ERROR;
        if (wanted)
            REFUSED(wanted, CALL_RETYPE, MEMORY, OWN_POOL, EMPTY, type,
                    bytes, 1);
    }
}

TEST(no_object_has_a_size_that_its_type_does_not_allow)
{
    static const unsigned powers[] = {1, 4, 12, 17, 18, 21, 32, 52, 63};
    set_scene();
    try_size(0);
    for (unsigned i = 0; i < sizeof powers / sizeof powers[0]; i++)
        for (uint64_t off = 0; off < 3; off++)
            try_size((UINT64_C(1) << powers[i]) + off - 1);
    try_size(UINT64_MAX);
    try_size(UINT64_MAX - PAGE_SIZE + 1);
}

/* --- Pools ------------------------------------------------------------------------------ */

TEST(a_full_pool_takes_nothing)
{
    static const uint64_t indices[] = {0, 1, 127, 255};
    set_scene();
    struct cpool *full = cpool_from(object_in(OF(CPOOL)));
    for (unsigned i = 0; i < CPOOL_SLOTS; i++)
        weak_derive(&full->pool, i, slot(OF(PAGE)), RIGHT_READ, 0);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned number = 0; number < KNOWN; number++) {
            if (number != CALL_RETYPE &&
                (number < CALL_COPY || number > CALL_MOVE))
                continue;
            struct question question = with(number, 1, OF(CPOOL));
            question.argument[2] = indices[i];
            refuse(__LINE__, ERROR_SLOT_IN_USE, question);
            question.argument[2] = CPOOL_SLOTS;
            refuse(__LINE__, ERROR_BAD_SLOT, question);
        }
}

TEST(several_slots_must_all_be_free)
{
    set_scene();
    create(ground, OBJECT_PAGE, 0, EMPTY + 7);
    REFUSED(ERROR_SLOT_IN_USE, CALL_RETYPE, MEMORY, OWN_POOL, EMPTY,
            OBJECT_PAGE, 0, 8);
    REFUSED(ERROR_BAD_SLOT, CALL_RETYPE, MEMORY, OWN_POOL, 255, OBJECT_PAGE,
            0, 2);
    REFUSED(ERROR_NO_MEMORY, CALL_RETYPE, MEMORY, OWN_POOL, EMPTY + 8,
            OBJECT_UNTYPED, 3 * PAGE_SIZE, 16);
    REFUSED(ERROR_NO_MEMORY, CALL_RETYPE, MEMORY, OWN_POOL, EMPTY + 8,
            OBJECT_UNTYPED, UINT64_MAX - PAGE_SIZE + 1, 16);
}

TEST(source_and_target_are_different_slots)
{
    set_scene();
    for (unsigned number = CALL_COPY; number <= CALL_MOVE; number++) {
        struct question question = with(number, 1, OWN_POOL);
        question.argument[2] = OF(PAGE);
        refuse(__LINE__, ERROR_SLOT_IN_USE, question);
        /* The same slot by a way around. */
        question.argument[0] = OWN_POOL | OF(PAGE) << 8;
        question.lengths = 0x12;
        refuse(__LINE__, ERROR_SLOT_IN_USE, question);
    }
}

/* A cycle of pools is made, walked through, and ends with its memory. */
TEST(a_pool_into_itself_does_no_harm)
{
    set_scene();
    struct cpool *pool = cpool_from(object_in(OF(CPOOL)));
    ACCEPTED(CALL_COPY, OF(CPOOL), OF(CPOOL), 0, RIGHT_ALL);
    ACCEPTED(CALL_COPY, OF(PAGE), OF(CPOOL), 1, RIGHT_READ);
    struct question question =
        QUESTION(CALL_IDENTIFY, OF(CPOOL) | UINT64_C(1) << 56);
    question.lengths = 8; /* seven times through the pool, to its slot 1 */
    EXPECT_EQUAL(ask(&question), NO_ERROR);
    EXPECT_EQUAL(caller.task->frame.rdx, OBJECT_PAGE | RIGHT_READ << 8);
    ACCEPTED(CALL_MOVE, OF(CPOOL), OF(CPOOL), 2);
    EXPECT(!object_in(OF(CPOOL)));
    EXPECT(pool->slots[2].weak.object == &pool->object);
    fresh_ground();
    EXPECT_EQUAL(pool->object.type, OBJECT_NONE);
    check_all();
}

TEST(what_may_only_be_read_is_not_emptied)
{
    set_scene();
    ACCEPTED(CALL_COPY, OF(PAGE), OF(CPOOL), 1, RIGHT_ALL);
    struct question question =
        QUESTION(CALL_DELETE, READ_POOL | 1 << 8);
    question.lengths = 0x2;
    refuse(__LINE__, ERROR_NO_RIGHT, question);
    question = QUESTION(CALL_MOVE, READ_POOL | 1 << 8, OWN_POOL, EMPTY);
    question.lengths = 0x12;
    refuse(__LINE__, ERROR_NO_RIGHT, question);
}

TEST(a_badge_is_written_once)
{
    set_scene();
    REFUSED(ERROR_BAD_ARGUMENT, CALL_MINT, OF(PAGE), OWN_POOL, EMPTY, 15, 0);
    ACCEPTED(CALL_MINT, OF(PAGE), OWN_POOL, EMPTY, 15, UINT32_MAX);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_MINT, EMPTY, OWN_POOL, EMPTY + 1, 15, 1);
}

/* --- Untyped ---------------------------------------------------------------------------- */

TEST(untypeds_are_nested_so_deep_and_no_deeper)
{
    set_scene();
    uint64_t pages = 40, at = EMPTY;
    create(ground, OBJECT_UNTYPED, pages * PAGE_SIZE, EMPTY);
    while (untyped_from(object_in((unsigned)at))->depth < UNTYPED_DEPTH) {
        ACCEPTED(CALL_RETYPE, at, OWN_POOL, at + 1, OBJECT_UNTYPED,
                 --pages * PAGE_SIZE, 1);
        at++;
    }
    REFUSED(ERROR_TOO_DEEP, CALL_RETYPE, at, OWN_POOL, at + 1,
            OBJECT_UNTYPED, PAGE_SIZE, 1);
    ACCEPTED(CALL_RETYPE, at, OWN_POOL, at + 1, OBJECT_PAGE, 0, 1);
    REFUSED(ERROR_NOT_EMPTY, CALL_FREE, EMPTY);
    ACCEPTED(CALL_RESET, EMPTY);
    REFUSED(ERROR_EMPTY, CALL_FREE, EMPTY);
}

/* One call of a reset, which an interrupt stops; the task would go on. */
static void begin_reset(unsigned untyped)
{
    struct frame *frame = &caller.task->frame;
    wait_for_tick();
    frame->rax = CALL_RESET | 1 << 8;
    frame->rdi = untyped;
    frame->rip = TEXT + 2;
    system_call(caller.task);
    EXPECT_EQUAL(frame->rip, TEXT);
}

TEST(what_is_being_reset_gives_no_memory)
{
    enum { INNER = EMPTY + 10, INMOST, CROWD };
    set_stage();
    struct untyped *island = untyped_from(object_in(ISLAND));
    create(island, OBJECT_UNTYPED, 3 * PAGE_SIZE, INNER);
    create(untyped_from(object_in(INNER)), OBJECT_UNTYPED, PAGE_SIZE, INMOST);
    create(island, OBJECT_CPOOL, 0, CROWD);
    struct cpool *crowd = cpool_from(object_in(CROWD));
    for (unsigned i = 0; i < CPOOL_SLOTS; i++)
        weak_derive(&crowd->pool, i, slot(OF(PAGE)), RIGHT_READ, 0);
    begin_reset(ISLAND);
    REFUSED(ERROR_BUSY, CALL_RETYPE, ISLAND, OWN_POOL, EMPTY, OBJECT_PAGE, 0,
            1);
    REFUSED(ERROR_BUSY, CALL_RETYPE, INNER, OWN_POOL, EMPTY, OBJECT_PAGE, 0,
            1);
    REFUSED(ERROR_BUSY, CALL_RETYPE, INMOST, OWN_POOL, EMPTY, OBJECT_CPOOL,
            0, 1);
    REFUSED(ERROR_NO_CAPABILITY, CALL_COPY, OF(PAGE), CROWD, 0, 15);
    while (object_in(CROWD))
        begin_reset(ISLAND);
    while (object_in(INMOST))
        begin_reset(ISLAND);
    REFUSED(ERROR_BUSY, CALL_FREE, ISLAND);
    ACCEPTED(CALL_RESET, ISLAND);
    EXPECT(!object_in(INNER) && !object_in(INMOST) && !object_in(CROWD));
    ACCEPTED(CALL_RETYPE, ISLAND, OWN_POOL, EMPTY, OBJECT_PAGE, 0, 1);
}

/* --- Address spaces, tasks, channels, devices ------------------------------------------- */

TEST(mappings_have_their_level_and_their_rights)
{
    set_scene();
    const uint64_t write_execute =
        RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE;
    REFUSED(ERROR_SLOT_IN_USE, CALL_MAP, OF(PT), OF(PAGE), 7, RIGHT_READ);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_MAP, OF(PT), OF(PAGE), 5, 0);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_MAP, OF(PT), OF(PAGE), 5, RIGHT_WRITE);
    REFUSED(ERROR_BAD_ARGUMENT, CALL_MAP, OF(PT), OF(PAGE), 5,
            RIGHT_READ | RIGHT_GRANT);
    REFUSED(ERROR_NO_RIGHT, CALL_MAP, OF(PT), OF(PAGE), 5, write_execute);
    for (uint64_t index = 255; index < 512; index += 16)
        REFUSED(ERROR_BAD_SLOT, CALL_MAP, OWN_PML4, OF(PDPT), index,
                RIGHT_READ);
    REFUSED(ERROR_SLOT_IN_USE, CALL_MAP, OWN_PML4, OF(PDPT), 0, RIGHT_READ);
    REFUSED(ERROR_WRONG_TYPE, CALL_MAP, OWN_PML4, OWN_PML4, 1, RIGHT_READ);
    REFUSED(ERROR_WRONG_TYPE, CALL_MAP, OF(PDPT), OF(PDPT), 1, RIGHT_READ);
    REFUSED(ERROR_WRONG_TYPE, CALL_MAP, OF(PD), OF(PAGE), 1, RIGHT_READ);
    REFUSED(ERROR_WRONG_TYPE, CALL_MAP, OF(PD), OF(BUFFER), 1, RIGHT_READ);
    for (unsigned right = RIGHT_WRITE; right <= RIGHT_EXECUTE; right *= 4) {
        copy_to(FAULTY, OF(PAGE), RIGHT_ALL & ~right);
        REFUSED(ERROR_NO_RIGHT, CALL_MAP, OF(PT), FAULTY, 5,
                RIGHT_READ | right);
    }
    REFUSED(ERROR_NO_CAPABILITY, CALL_UNMAP, OF(PT), 6);
    REFUSED(ERROR_BAD_SLOT, CALL_UNMAP, OWN_PML4, 255);
}

/* A large page stands in a PD, where its address is always aligned. */
TEST(a_large_page_fits_nowhere_else)
{
    enum { LARGE = EMPTY + 10 };
    set_scene();
    create(ground, OBJECT_PAGE, LARGE_PAGE_SIZE, LARGE);
    still_alive();
    REFUSED(ERROR_WRONG_TYPE, CALL_MAP, OF(PT), LARGE, 0, RIGHT_READ);
    REFUSED(ERROR_WRONG_TYPE, CALL_MAP, OF(PDPT), LARGE, 0, RIGHT_READ);
    REFUSED(ERROR_WRONG_TYPE, CALL_MAP, OWN_PML4, LARGE, 1, RIGHT_READ);
    REFUSED(ERROR_NO_RIGHT, CALL_MAP, OF(PD), LARGE, 0,
            RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);
    ACCEPTED(CALL_MAP, OF(PD), OF(PT), 3, RIGHT_READ);
    REFUSED(ERROR_SLOT_IN_USE, CALL_MAP, OF(PD), LARGE, 3, RIGHT_READ);
    ACCEPTED(CALL_MAP, OF(PD), LARGE, 4, RIGHT_READ);
    REFUSED(ERROR_SLOT_IN_USE, CALL_MAP, OF(PD), OF(PT), 4, RIGHT_READ);
}

TEST(a_task_is_set_up_with_what_fits_and_only_at_rest)
{
    static const struct {
        unsigned which, fits, rights;
    } references[] = {
        {TASK_CPOOL, OF(CPOOL), RIGHT_READ},
        {TASK_TABLE, OF(PML4), RIGHT_READ},
        {TASK_BUFFER, OF(BUFFER), RIGHT_READ | RIGHT_WRITE},
    };
    set_scene();
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned type = 1; type < OBJECT_TYPES; type++)
            if (32 + type != references[i].fits)
                REFUSED(ERROR_WRONG_TYPE, CALL_TASK_SET, OF(TASK), 32 + type,
                        references[i].which);
        for (unsigned right = 1; right < RIGHT_ALL; right <<= 1) {
            copy_to(FAULTY, references[i].fits, RIGHT_ALL & ~right);
            if (references[i].rights & right)
                REFUSED(ERROR_NO_RIGHT, CALL_TASK_SET, OF(TASK), FAULTY,
                        references[i].which);
        }
        REFUSED(ERROR_ACTIVE, CALL_TASK_SET, OWN_TASK, references[i].fits,
                references[i].which);
    }
    for (unsigned which = 0; which < TASK_REGISTERS; which++) {
        REFUSED(ERROR_ACTIVE, CALL_TASK_SET_REGISTER, OWN_TASK, which, 0);
        REFUSED(ERROR_ACTIVE, CALL_TASK_GET_REGISTER, OWN_TASK, which);
    }
    REFUSED(ERROR_NOT_READY, CALL_TASK_START, OF(TASK));
    ACCEPTED(CALL_TASK_SET, OF(TASK), OF(CPOOL), TASK_CPOOL);
    REFUSED(ERROR_NOT_READY, CALL_TASK_START, OF(TASK));
    REFUSED(ERROR_NO_RIGHT, CALL_TASK_SET_PRIORITY, OF(TASK),
            caller.task->priority + 1);
}

TEST(a_channel_that_cannot_go_on_says_so)
{
    set_scene();
    struct question put = {CALL_CHANNEL_PUT, {OF(CHANNEL), 0, 9, 0, 0, 1}, 1};
    struct question take = {CALL_CHANNEL_TAKE, {OF(CHANNEL), 0, 0, 0, 0, 1}, 1};
    EXPECT_EQUAL(ask(&take), NO_ERROR);
    refuse(__LINE__, ERROR_WOULD_BLOCK, take);
    ACCEPTED(CALL_CHANNEL_PUT, OF(CHANNEL), OF(PAGE), 0, 0, 0, 1);
    refuse(__LINE__, ERROR_NO_SLOT, take);
    for (unsigned i = 1; i < CHANNEL_MESSAGES; i++)
        EXPECT_EQUAL(ask(&put), NO_ERROR);
    refuse(__LINE__, ERROR_WOULD_BLOCK, put);
    put.argument[3] = 1;
    refuse(__LINE__, ERROR_TOO_LONG, put);
    struct frame *frame = &caller.task->frame;
    frame->rax = CALL_CHANNEL_PUT | 1 << 8;
    frame->rdi = OF(CHANNEL);
    frame->r8 = frame->r10 = 0;
    system_call(caller.task);
    EXPECT_EQUAL(caller.task->state, TASK_PUTTING);
    while (!weak_clear(object_in(OF(CHANNEL))))
        continue;
    EXPECT_EQUAL(caller.task->state, TASK_READY);
    EXPECT_EQUAL(frame->rax, ERROR_REVOKED);
    reached[ERROR_REVOKED]++;
    check_all();
}

TEST(devices_are_not_reached_around_their_objects)
{
    set_stage();
    REFUSED(ERROR_NO_BUFFER, CALL_LOG_PRINT, OF(LOG), 0);
    REFUSED(ERROR_NO_BUFFER, CALL_LOG_PRINT, OF(LOG), 1024);
    REFUSED(ERROR_NOT_READY, CALL_IRQ_ACKNOWLEDGE, OF(IRQ));
    for (uint64_t port = 0; port < 0x3f8; port += 37) {
        REFUSED(ERROR_BAD_ARGUMENT, CALL_PORT_IN, OF(PORTS), port);
        REFUSED(ERROR_BAD_ARGUMENT, CALL_PORT_OUT, OF(PORTS), port, 0);
    }
}

TEST(every_error_has_been_an_answer)
{
    for (unsigned error = 0; error < ERRORS; error++)
        test_expect_equal(reached[error] > 0, true, __FILE__, __LINE__,
                          error_name(error));
}
