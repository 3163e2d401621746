/* main.c - seeded sequences of operations on model and core, side by side.
 *
 *   model [--seeds N] [--steps N]        compare, on seeds 1 to N
 *   model --seed N [--steps N]           compare on one seed
 *   model --seed N --keep 3,17,20        only these steps of it
 *   model --seed N --steps N --shrink    find the fewest that still fail
 *   model --seed N --list                print the operations
 *   model --counts                       how often which answer was given
 *   model --seeds N --digest INTERVAL    print the model's digests
 *
 * Sequences are run in processes of their own, some after each other in one,
 * so that a crash of the core is a failure like any other. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/host/model/run.h"
#include "tests/host/model/shrink.h"
#include "tests/host/model/words.h"

enum { TOGETHER = 25 }; /* seeds in one process */

static struct {
    uint64_t seeds, seed;
    size_t steps, interval;
    const char *keep;
    bool shrink, list, counts;
} asked = { .seeds = 500, .steps = 2000 };

static struct tally *tally; /* in memory that the processes share */
static const char *program;

static void print_operation(const struct operation *operation, size_t n)
{
    char words[300];

    words_of(operation, words, sizeof words);
    printf("%6zu  %s\n", n, words);
}

/* Only those steps that --keep names, if any are named. */
static void keep_some(struct run *run)
{
    const char *at = asked.keep;
    size_t kept = 0;

    while (at && *at) {
        char *end;
        size_t n = strtoull(at, &end, 10);

        if (end == at || n >= run->count) {
            fprintf(stderr, "%s: --keep: there is no such step: %s\n",
                program, at);
            exit(2);
        }
        run->operation[kept++] = run->operation[n];
        at = end + (*end == ',');
    }
    if (asked.keep)
        run->count = kept;
}

/* Compares seeds first to last in a process of its own. */
static bool compare(uint64_t first, uint64_t last)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        for (uint64_t seed = first; seed <= last; seed++) {
            struct run run = run_of(seed, asked.steps);

            keep_some(&run);
            run_limit(&run);
            if (!run_compare(&run, tally))
                _exit(1);
            free(run.operation);
        }
        _exit(0);
    }
    waitpid(child, &status, 0);
    return status == 0;
}

static int report_failure(void)
{
    struct run run = run_of(tally->seed, asked.steps);

    keep_some(&run);
    if (!*tally->different)
        strcpy(tally->different,
            "the core has failed, or has not come back");
    printf("Seed %" PRIu64 ", step %" PRIu64 ": %s.\n", tally->seed,
        tally->step, tally->different);
    print_operation(&run.operation[tally->step], tally->step);
    if (!asked.keep) {
        printf("Again:   %s --seed %" PRIu64 " --steps %" PRIu64 "\n",
            program, tally->seed, tally->step + 1);
        printf("Shrink:  %s --seed %" PRIu64 " --steps %" PRIu64
               " --shrink\n", program, tally->seed, tally->step + 1);
    }
    free(run.operation);
    return 1;
}

static uint64_t sum(const uint64_t *numbers, size_t count)
{
    uint64_t sum = 0;

    for (size_t n = 0; n < count; n++)
        sum += numbers[n];
    return sum;
}

/* What was asked and answered, by call. */
static void print_counts(void)
{
    char name[40];

    for (unsigned call = 0; call <= CALLS; call++) {
        const uint64_t *answers = tally->answers[call];

        if (sum(answers, ERRORS) == 0)
            continue;
        name_of_call(call, name, sizeof name);
        printf("%s: stopped %" PRIu64, name, tally->stopped[call]);
        for (unsigned error = 0; error < ERRORS; error++)
            if (answers[error])
                printf(", %s %" PRIu64, error_name(error), answers[error]);
        putchar('\n');
    }
    printf("At most %" PRIu64 " objects and %" PRIu64 " slots in use.\n",
        tally->most_objects, tally->most_slots);
}

static void print_sums(uint64_t seeds, double seconds)
{
    uint64_t done = 0, stopped = sum(tally->stopped, CALLS + 1);
    uint64_t answers = sum(tally->answers[0], (CALLS + 1) * ERRORS);

    for (unsigned call = 0; call <= CALLS; call++)
        done += tally->answers[call][NO_ERROR];
    printf("%" PRIu64 " operations on %" PRIu64 " seeds: %" PRIu64
           " done, %" PRIu64 " refused, %" PRIu64 " stopped; %.1f s, "
           "%.0f operations a second. No difference.\n",
        answers + stopped, seeds, done, answers - done, stopped, seconds,
        (double)(answers + stopped) / seconds);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int compare_all(void)
{
    uint64_t first = asked.seed ? asked.seed : 1;
    uint64_t last = asked.seed ? asked.seed : asked.seeds;
    double begin = now();

    for (uint64_t seed = first; seed <= last; seed += TOGETHER)
        if (!compare(seed,
                seed + TOGETHER > last ? last : seed + TOGETHER - 1))
            return report_failure();
    if (asked.counts)
        print_counts();
    print_sums(last - first + 1, now() - begin);
    return 0;
}

static int shrink(void)
{
    struct run run = run_of(asked.seed, asked.steps);
    bool *needed = calloc(run.count, sizeof *needed);
    const char *comma = "";

    if (!run_fails(&run)) {
        printf("This run does not fail.\n");
        return 1;
    }
    run_shrink(&run, needed);
    printf("In a world of %u pages:\n", run.pages);
    for (size_t n = 0; n < run.count; n++)
        if (needed[n])
            print_operation(&run.operation[n], n);
    printf("Again:   %s --seed %" PRIu64 " --steps %zu --keep ", program,
        asked.seed, asked.steps);
    for (size_t n = 0; n < run.count; n++)
        if (needed[n]) {
            printf("%s%zu", comma, n);
            comma = ",";
        }
    putchar('\n');
    free(needed);
    free(run.operation);
    return 0;
}

static int list(void)
{
    struct run run = run_of(asked.seed, asked.steps);

    printf("In a world of %u pages:\n", run.pages);
    for (size_t n = 0; n < run.count; n++)
        print_operation(&run.operation[n], n);
    free(run.operation);
    return 0;
}

static int print_digests(void)
{
    for (uint64_t seed = 1; seed <= asked.seeds; seed++) {
        struct run run = run_of(seed, asked.steps);

        run_digest(&run, asked.interval);
        free(run.operation);
    }
    return 0;
}

static void read_options(int count, char **words)
{
    static const struct option options[] = {
        { "seeds", required_argument, NULL, 'S' },
        { "seed", required_argument, NULL, 's' },
        { "steps", required_argument, NULL, 'n' },
        { "keep", required_argument, NULL, 'k' },
        { "digest", required_argument, NULL, 'd' },
        { "shrink", no_argument, NULL, 'x' },
        { "list", no_argument, NULL, 'l' },
        { "counts", no_argument, NULL, 'c' },
        { 0 },
    };
    int option;

    while ((option = getopt_long(count, words, "", options, NULL)) >= 0)
        switch (option) {
        case 'S': asked.seeds = strtoull(optarg, NULL, 0); break;
        case 's': asked.seed = strtoull(optarg, NULL, 0); break;
        case 'n': asked.steps = strtoull(optarg, NULL, 0); break;
        case 'k': asked.keep = optarg; break;
        case 'd': asked.interval = strtoull(optarg, NULL, 0); break;
        case 'x': asked.shrink = true; break;
        case 'l': asked.list = true; break;
        case 'c': asked.counts = true; break;
        default: exit(2);
        }
}

int main(int count, char **words)
{
    program = words[0];
    setvbuf(stdout, NULL, _IOLBF, 0);
    read_options(count, words);
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (asked.interval)
        return print_digests();
    if (asked.seed && asked.shrink)
        return shrink();
    if (asked.seed && asked.list)
        return list();
    return compare_all();
}
