/* 16-fast.c - what needs no C does what C does. Tasks make calls by a script
 * that chance has written: once through the main loop, which lets calls go
 * their own way, and once call by call. Both times they must see the same. */
#include "tests/kernel/channels.h"

#include "lib/string.h"

enum { ACTORS = 3, STEPS = 16, SEEDS = 16, ISLAND = 20, WAY_IN = 21 };

/* Six registers for each call; the answer takes their place. */
enum { RAX, RDI, RDX, R8, R9, R10, REGISTERS, RSI = RDI };

PROGRAM(act, "mov ebx, 0x500000; mov ebp, 16\n"
             "1: mov rax, [rbx]; mov rdi, [rbx + 8]; mov rdx, [rbx + 16];"
             "mov r8, [rbx + 24]; mov r9, [rbx + 32]; mov r10, [rbx + 40];"
             "xor esi, esi; syscall; mov [rbx], rax; mov [rbx + 8], rsi;"
             "mov [rbx + 16], rdx; mov [rbx + 24], r8; mov [rbx + 32], r9;"
             "mov [rbx + 40], r10; add r12, rdi; add rbx, 48; dec ebp; jnz 1b\n"
             "mov [0x500ff8], r12; mov eax, 1; syscall")

/* Ends the channel when nobody else can go on. */
PROGRAM(close, "mov eax, 0x10a; mov edi, 201; syscall; mov eax, 1; syscall")

_Static_assert(CALL_RESET == 10, "see the program");

static uint64_t chance;

static unsigned random(unsigned below)
{
    chance = chance * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(chance >> 33) % below;
}

/* --- The scripts --------------------------------------------------------------- */

static const uint64_t likely[ACTORS][8] = {
    {CALL_REPLY_TAKE, CALL_REPLY_TAKE, CALL_REPLY_TAKE, CALL_REPLY_TAKE,
     CALL_REPLY_TAKE, CALL_YIELD, CALL_CHANNEL_TAKE, CALL_REPLY},
    {CALL_CHANNEL_CALL, CALL_CHANNEL_CALL, CALL_CHANNEL_CALL,
     CALL_CHANNEL_CALL, CALL_CHANNEL_CALL, CALL_CHANNEL_CALL,
     CALL_CHANNEL_PUT, CALL_YIELD},
    {CALL_YIELD, CALL_CHANNEL_PUT, CALL_CHANNEL_PUT, CALL_CHANNEL_PUT,
     CALL_CHANNEL_PUT, CALL_CHANNEL_CALL, CALL_YIELD, CALL_REPLY_TAKE},
};

/* Chance decides on all of it, or the server yields after each call and the
   third actor puts just once. */
static uint64_t next_word(unsigned actor, unsigned step, unsigned puts_at)
{
    static const uint64_t second[ACTORS] = {CALL_YIELD, CALL_CHANNEL_CALL,
                                            CALL_YIELD};
    if (puts_at == 0)
        return likely[actor][random(8)];
    if (actor == 2 && step == puts_at)
        return CALL_CHANNEL_PUT;
    return step % 2 ? second[actor] : likely[actor][0];
}

static void write_script(uint64_t *script, unsigned actor,
                         unsigned puts_at)
{
    for (unsigned step = 0; step < STEPS; step++, script += REGISTERS) {
        uint64_t call = next_word(actor, step, puts_at);
        bool addressed = call != CALL_YIELD && call != CALL_REPLY;
        script[RAX] = call | (addressed ? ONE : 0);
        script[RDI] = CHANNEL;
        script[RDX] = actor << 8 | step;
        script[R8] = call == CALL_CHANNEL_PUT ? 0 : random(100);
        script[R9] = random(100);
        script[R10] = call < CALL_CHANNEL_CALL ? random(8) == 0 : random(100);
    }
}

/* --- The play ------------------------------------------------------------------ */

static struct process actors[ACTORS], closer;
static struct capability *channel;

static void start(struct process *p, uint8_t priority)
{
    p->task->ticks = SLICE_LONGEST; /* it is the calls that change tasks */
    p->task->priority = priority;
    EXPECT_EQUAL(process_start(p, TEXT, STACK_END), NO_ERROR);
}

static void set_stage(uint64_t seed, unsigned puts_at)
{
    struct untyped *ground = fresh_ground();
    chance = seed;
    channel = make(make_island(ground, ISLAND), OBJECT_CHANNEL, WAY_IN);
    for (unsigned i = 0; i < ACTORS; i++) {
        actors[i] = load_program(ground, 1 + i, PROGRAM_OF(act));
        share(&actors[i], channel, RIGHT_ALL, 1 + i);
        write_script(data_of(&actors[i]), i, puts_at);
        start(&actors[i], !puts_at && random(4) == 0 ? 17 : 16);
    }
    closer = load_program(ground, 1 + ACTORS, PROGRAM_OF(close));
    weak_derive(&closer.pool->pool, OTHER, &kernel_pool.slots[ISLAND],
                RIGHT_WRITE, 0);
    start(&closer, 0);
}

/* All that the actors have seen. */
static uint64_t seen[2][ACTORS][PAGE_SIZE / 8];

static void play(uint64_t seed, unsigned puts_at, bool fast)
{
    set_stage(seed, puts_at);
    still_alive();
    if (fast)
        scheduler_run();
    else
        run();
    check_all();
    for (unsigned i = 0; i < ACTORS; i++) {
        EXPECT_EQUAL(actors[i].task->state, TASK_INACTIVE);
        EXPECT_EQUAL(actors[i].task->frame.vector, VECTOR_SYSCALL);
        memcpy(seen[fast][i], data_of(&actors[i]), PAGE_SIZE);
    }
}

/* Plays it twice; how many calls the server has taken. */
static unsigned compare(uint64_t seed, unsigned puts_at)
{
    unsigned taken = 0;
    play(seed, puts_at, false);
    play(seed, puts_at, true);
    for (unsigned i = 0; i < ACTORS; i++)
        for (unsigned n = 0; n < PAGE_SIZE / 8; n++)
            EXPECT_EQUAL(seen[true][i][n], seen[false][i][n]);
    for (unsigned n = 0; n < STEPS; n++)
        taken += seen[true][0][n * REGISTERS + RSI] >> 49 & 1;
    return taken;
}

TEST(what_needs_no_c_does_what_c_does)
{
    unsigned taken = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        taken += compare(seed, 0);
    EXPECT(taken > SEEDS); /* it was not all in vain */
}

TEST(what_needs_no_c_sees_messages_that_wait)
{
    for (unsigned puts_at = 1; puts_at < STEPS; puts_at++)
        EXPECT(compare(1, puts_at) > 2);
}

/* --- Both go on as they were --------------------------------------------------- */

/* Yields for ever, and counts; one of them is interrupted at any place. */
PROGRAM(count, "1: inc qword ptr [0x500000]; xor eax, eax; syscall;"
               "test rax, rax; jnz 2f; cmp qword ptr [0x500000], 20; jb 1b\n"
               "mov eax, 1; syscall\n"
               "2: ud2")
PROGRAM(count_alone, "mov rdx, 77\n"
                     "1: inc qword ptr [0x500000]; cmp rdx, 77; jne 2f;"
                     "cmp qword ptr [0x500000], 2000000; jb 1b\n"
                     "mov eax, 1; syscall\n"
                     "2: ud2")

TEST(who_yields_goes_behind_its_equals)
{
    struct untyped *ground = fresh_ground();
    struct process a = load_program(ground, 1, PROGRAM_OF(count));
    struct process b = load_program(ground, 2, PROGRAM_OF(count));
    struct process c = load_program(ground, 3, PROGRAM_OF(count_alone));
    EXPECT_EQUAL(process_start(&a, TEXT, STACK_END), NO_ERROR);
    EXPECT_EQUAL(process_start(&b, TEXT, STACK_END), NO_ERROR);
    EXPECT_EQUAL(process_start(&c, TEXT, STACK_END), NO_ERROR);
    scheduler_run();
    EXPECT_EQUAL(*data_of(&a), 20);
    EXPECT_EQUAL(*data_of(&b), 20);
    EXPECT_EQUAL(*data_of(&c), 2000000);
    check_all();
}
