/* words.c - operations as lines that a person can read. */
#include "tests/host/model/words.h"

#include <stdarg.h>
#include <stdio.h>

#include <rux/calls.h>
#include <rux/types.h>

#include "kernel/cap/object.h"

/* Each argument as a letter: a an address, t a type, r rights, x a number. */
static const struct {
    const char *name, *arguments, *between[5];
} calls[] = {
    [CALL_IDENTIFY] = { "identify", "a", { " " } },
    [CALL_RETYPE] = { "retype", "aaxtxx",
        { " ", " into ", " slot ", ": ", " of bytes " } },
    [CALL_MAP] = { "map", "aaxr", { " into ", " ", " at ", " rights " } },
    [CALL_UNMAP] = { "unmap", "ax", { " from ", " at " } },
    [CALL_TASK_SET] = { "set", "aax", { " ", " to ", " as " } },
    [CALL_RESET] = { "reset", "a", { " " } },
    [CALL_FREE] = { "free", "a", { " " } },
    [CALL_COPY] = { "copy", "aaxr", { " ", " into ", " slot ", " rights " } },
    [CALL_MINT] = { "mint", "aaxrx",
        { " ", " into ", " slot ", " rights ", " badge " } },
    [CALL_MOVE] = { "move", "aax", { " ", " into ", " slot " } },
    [CALL_DELETE] = { "delete", "a", { " " } },
    [CALL_REVOKE] = { "revoke", "a", { " " } },
};

struct line {
    char *at;
    unsigned room;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line,
    const char *format, ...)
{
    va_list list;

    va_start(list, format);
    int length = vsnprintf(line->at, line->room, format, list);
    va_end(list);
    if (length < 0 || (unsigned)length >= line->room)
        length = (int)line->room - 1;
    line->at += length;
    line->room -= (unsigned)length;
}

static void add_address(struct line *line, uint64_t hops, unsigned length)
{
    if (length < 1 || length > 8)
        add(line, "an address of %u hops", length);
    for (unsigned n = 0; n < length && length <= 8; n++)
        add(line, "%s%u", n ? "." : "", (unsigned)(hops >> 8 * n & 0xff));
}

static void add_number(struct line *line, uint64_t number)
{
    add(line, number < 65536 ? "%llu" : "0x%llx",
        (unsigned long long)number);
}

static void add_argument(struct line *line, const struct operation *o,
    char kind, unsigned n)
{
    uint64_t value = o->argument[n];

    if (kind == 'a')
        add_address(line, value, o->word >> (8 + 4 * n) & 15);
    else if (kind == 't' && value < OBJECT_TYPES && object_class((unsigned)value))
        add(line, "%s", object_class((unsigned)value)->name);
    else
        add_number(line, value);
}

void words_of(const struct operation *o, char *to, unsigned size)
{
    struct line line = { to, size };
    uint64_t number = o->word & 0xff;
    bool known = number < sizeof calls / sizeof *calls && calls[number].name;

    if (!known || o->word >> 20 || (o->word >> 16 & 15)) {
        add(&line, "call word 0x%llx", (unsigned long long)o->word);
        return;
    }
    add(&line, "%s", calls[number].name);
    for (unsigned n = 0; calls[number].arguments[n]; n++) {
        add(&line, "%s", n < 5 ? calls[number].between[n] : " times ");
        add_argument(&line, o, calls[number].arguments[n], n);
    }
    if (o->stop)
        add(&line, " (an interrupt at look %u)", o->stop);
}

void name_of_call(unsigned number, char *to, unsigned size)
{
    bool known = number < sizeof calls / sizeof *calls && calls[number].name;

    snprintf(to, size, "%s", known ? calls[number].name : "no call");
}
