/* A child: makes calls and keeps count of them. */
#include "userland/fuzz/fuzz.h"

enum { SHORTEST = 20,
    LONGEST = 200,
    IN_VAIN = 25 }; /* in calls */

static void note(struct made_call *made, const struct fuzz_call *call,
    uint64_t number, unsigned child)
{
    made->number = number;
    made->child = child;
    made->answer = 0;
    made->word = call->word;
    for (unsigned n = 0; n < 6; n++)
        made->argument[n] = call->argument[n];
}

/* All registers of arguments may be lost. */
static struct answer ask(const struct fuzz_call *call)
{
    uint64_t rax = call->word, rdi = call->argument[0];
    uint64_t rsi = call->argument[1], rdx = call->argument[2];
    register uint64_t r8 __asm__("r8") = call->argument[3];
    register uint64_t r9 __asm__("r9") = call->argument[4];
    register uint64_t r10 __asm__("r10") = call->argument[5];

    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx),
                     "+r"(r8), "+r"(r9), "+r"(r10)
                     :
                     : "rcx", "r11", "memory");
    return (struct answer){ (enum error)rax, rdx, rsi };
}

/* The same with numbers in vector registers, which must stay. What they were is
   kept in two other registers, lest somebody has written to one of them. */
static struct answer ask_holding(const struct fuzz_call *call, uint64_t number)
{
    uint64_t rax = call->word, rdi = call->argument[0];
    uint64_t rsi = call->argument[1], rdx = call->argument[2];
    uint64_t same = number, found;
    register uint64_t r8 __asm__("r8") = call->argument[3];
    register uint64_t r9 __asm__("r9") = call->argument[4];
    register uint64_t r10 __asm__("r10") = call->argument[5];

    __asm__ volatile("movq %[number], %%xmm5\n\t"
                     "syscall\n\t"
                     "movq %%xmm5, %[found]"
                     : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx),
                     "+r"(r8), "+r"(r9), "+r"(r10),
                     [found] "=&r"(found), [number] "+r"(number),
                     [same] "+r"(same)
                     :
                     : "rcx", "r11", "memory");
    if (number == same && found != number)
        record()->lost++;
    return (struct answer){ (enum error)rax, rdx, rsi };
}

static void count(uint32_t *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* Makes one call; the error. */
static uint64_t make_call(struct mind *mind, unsigned child)
{
    struct record *r = record();
    struct fuzz_call call = call_next(mind, r->hostile);
    uint64_t number = __atomic_add_fetch(&r->calls, 1, __ATOMIC_RELAXED);
    struct made_call *made = &r->last[number % LAST];

    note(made, &call, number, child);
    struct answer answer = once_in(mind->random, 16)
        ? ask_holding(&call, random_next(mind->random))
        : ask(&call);
    uint64_t error = (uint64_t)answer.error;
    call_heard(mind, &call, &answer);
    if (made->number == number)
        made->answer = 1 + (uint32_t)error;
    if ((call.word & 0xff) < CALL_NUMBERS)
        count(error ? &r->failed[call.word & 0xff]
                    : &r->succeeded[call.word & 0xff]);
    if (error < ERROR_NUMBERS)
        count(&r->errors[error]);
    return error;
}

/* One life: so many calls, but not when nothing is left to make them with. */
static void live(struct mind *mind, unsigned child, unsigned life)
{
    unsigned in_vain = 0;

    while (life-- && in_vain < IN_VAIN && record()->calls < record()->limit)
        if (make_call(mind, child) == ERROR_NO_CAPABILITY)
            in_vain++;
        else
            in_vain = 0;
}

/* Looks what is at home. */
static void look_around(struct mind *mind)
{
    for (uint64_t slot = 0; slot < AT_ANY; slot++) {
        struct fuzz_call call = { CALL_IDENTIFY | 1 << 8, { slot } };
        struct answer answer = ask(&call);

        call_heard(mind, &call, &answer);
    }
}

/* In some way, and the mind is what is on the stack then. */
static void end(struct mind *mind)
{
    if (once_in(mind->random, 4))
        system_exit();
    ((void (*)(void))odd_place(mind->random))();
}

/* Begins again when somebody has started it after its end. */
_Noreturn void fuzz_child(uint64_t stack)
{
    unsigned child =
        (unsigned)((stack - STACKS) / (STACK_PAGES * PAGE)) % CHILDREN;
    struct mind mind = { .random = &record()->random[child] };

    for (;;) {
        look_around(&mind);
        live(&mind, child,
            SHORTEST + below(mind.random, LONGEST - SHORTEST));
        __atomic_or_fetch(&record()->wrecked, 1u << child, __ATOMIC_RELAXED);
        end(&mind);
    }
}
