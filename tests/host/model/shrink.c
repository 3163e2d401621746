/* shrink.c - the fewest operations of a run that still fail.
 *
 * Pieces are left out, first half of all, then smaller and smaller ones, down
 * to single operations; what fails without a piece can do without it. An
 * operation does not depend on the answers to others, so each is the same in
 * any company. */
#include "tests/host/model/shrink.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

void run_limit(const struct run *run)
{
    const struct itimerval patience = {
        .it_value.tv_sec = 2 + (time_t)(run->count / 1000)
    };

    setitimer(ITIMER_VIRTUAL, &patience, NULL);
}

bool run_fails(const struct run *run)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        struct tally tally = { 0 };

        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
        run_limit(run);
        _exit(run_compare(run, &tally) ? 0 : 1);
    }
    waitpid(child, &status, 0);
    return status != 0;
}

static bool fails_with(const struct run *all, const bool *needed)
{
    struct run some = *all;

    some.operation = malloc(all->count * sizeof *some.operation);
    some.count = 0;
    for (size_t n = 0; n < all->count; n++)
        if (needed[n])
            some.operation[some.count++] = all->operation[n];

    bool fails = run_fails(&some);

    free(some.operation);
    return fails;
}

/* Leaves out what it can in pieces of this size; whether it could any. */
static bool leave_out(const struct run *run, bool *needed, size_t piece)
{
    bool *fewer = malloc(run->count * sizeof *fewer);
    bool any = false;

    for (size_t from = 0; from < run->count;) {
        size_t left_out = 0, to = from;

        memcpy(fewer, needed, run->count * sizeof *fewer);
        for (; to < run->count && left_out < piece; to++) {
            left_out += fewer[to];
            fewer[to] = false;
        }
        if (left_out && fails_with(run, fewer)) {
            memcpy(needed, fewer, run->count * sizeof *fewer);
            any = true;
        }
        from = to;
    }
    free(fewer);
    return any;
}

void run_shrink(const struct run *run, bool *needed)
{
    memset(needed, true, run->count * sizeof *needed);
    for (size_t piece = run->count / 2; piece > 1; piece /= 2)
        leave_out(run, needed, piece);
    while (leave_out(run, needed, 1))
        continue;
}
