/* The line editor against a naive one, whatever is typed; what it shows is
   looked at on a screen of one long row. And the escape sequences of keys. */
#include "host.h"

#include <string.h>

#include "userland/line.c"
#include "userland/sequence.c"

/* --- A screen of one row, and someone who types ------------------------------ */

enum { CELLS = 2 * LINE_LENGTH };

static char cells[CELLS + 1];
static size_t at, bells;

void console_put(char c)
{
    if (c == '\b') {
        assert_true(at > 0);
        at--;
    } else if (c == BELL) {
        bells++;
    } else if (c != '\n') {
        assert_in_range(c, ' ', '~');
        assert_true(at < CELLS);
        cells[at++] = c;
    }
}

void console_print(const char *template, ...)
{
    for (; *template; template++) /* the editor prints no conversions */
        console_put(*template);
}

static void clear(void)
{
    memset(cells, ' ', CELLS);
    at = 0;
}

static const char *const words[] = { "echo", "help", "reset", "retype",
    "revoke", "resend", "send", "set", "start", NULL };

const char *line_word(const char *before, unsigned n)
{
    (void)before;
    return n < 9 ? words[n] : NULL;
}

/* --- The naive editor --------------------------------------------------------- */

static struct model {
    char text[LINE_LENGTH + 1];
    size_t length, cursor, extra; /* extra: typed beyond the end */
} model;
static struct model past_lines[HISTORY];
static size_t past_count, place;

static void model_insert(char c)
{
    if (model.cursor < model.length && model.length == LINE_LENGTH)
        return;
    if (model.length == LINE_LENGTH) {
        model.extra++;
        return;
    }
    char *here = model.text + model.cursor++;
    memmove(here + 1, here, model.length++ - (size_t)(here - model.text));
    *here = c;
}

static void model_delete(size_t from, size_t count)
{
    memmove(model.text + from, model.text + from + count,
        model.length - from - count);
    model.length -= count;
    model.cursor = from;
}

static void model_back(size_t count)
{
    for (; count > 0 && model.extra > 0; count--)
        model.extra--;
    model_delete(model.cursor - count, count);
}

static size_t model_word(void)
{
    size_t start = model.cursor;

    while (start > 0 && model.text[start - 1] == ' ')
        start--;
    while (start > 0 && model.text[start - 1] != ' ')
        start--;
    return model.cursor - start + model.extra;
}

static void model_complete(void)
{
    char prefix[LINE_LENGTH + 1] = { 0 }, common[16] = { 0 };
    size_t start = model.cursor, matches = 0;

    while (start > 0 && model.text[start - 1] != ' ')
        start--;
    memcpy(prefix, model.text + start, model.cursor - start);
    for (const char *const *word = words; *word; word++) {
        if (strncmp(*word, prefix, strlen(prefix)) != 0)
            continue;
        if (matches++ == 0)
            strcpy(common, *word);
        while (strncmp(*word, common, strlen(common)) != 0)
            common[strlen(common) - 1] = 0;
    }
    for (size_t i = strlen(prefix); matches && i < strlen(common); i++)
        model_insert(common[i]);
    if (matches == 1)
        model_insert(' ');
}

static void model_recall(size_t to)
{
    if (to > past_count || to >= HISTORY)
        return;
    if (place == 0)
        past_lines[past_count % HISTORY] = model;
    model = past_lines[(past_count - to) % HISTORY];
    model.cursor = model.length;
    place = to;
}

static void model_key(char c)
{
    if (c >= ' ' && c <= '~')
        model_insert(c);
    else if (c == EDIT_CLEAR)
        model_back(model.cursor + model.extra);
    else if (c == EDIT_WORD)
        model_back(model_word());
    else if (c == '\b' && model.cursor + model.extra > 0)
        model_back(1);
    else if (model.extra > 0)
        return;
    else if (c == EDIT_HOME)
        model.cursor = 0;
    else if (c == EDIT_END)
        model.cursor = model.length;
    else if (c == EDIT_LEFT)
        model.cursor -= model.cursor > 0;
    else if (c == EDIT_RIGHT)
        model.cursor += model.cursor < model.length;
    else if (c == EDIT_DELETE && model.cursor < model.length)
        model_delete(model.cursor, 1);
    else if (c == EDIT_CUT)
        model.length = model.cursor;
    else if (c == EDIT_COMPLETE)
        model_complete();
    else if (c == EDIT_UP)
        model_recall(place + 1);
    else if (c == EDIT_DOWN && place > 0)
        model_recall(place - 1);
}

static void model_remember(void)
{
    const struct model *last = &past_lines[(past_count - 1) % HISTORY];

    if (model.length == 0 || model.extra > 0)
        return;
    if (past_count > 0 && last->length == model.length &&
        memcmp(last->text, model.text, model.length) == 0)
        return;
    past_lines[past_count++ % HISTORY] = model;
}

/* --- Both together ------------------------------------------------------------- */

static const char *script; /* NULL: anything */
static size_t keys_left;
static uint32_t editing; /* so many of a thousand keys edit */

static char any_key(void)
{
    static const char keys[] = "\x01\x02\x02\x02\x02\x04\x05\x06\x06\b\b\b"
                               "\t\t\x0b\x0e\x10\x10\x15\x17\x1b\x7f\xe4";
    uint32_t chance = random_below(1000);

    if (chance < 3 || keys_left == 0)
        return '\n';
    if (chance < editing)
        return keys[random_below(sizeof keys - 1)];
    if (chance < 700)
        return "aehprstv "[random_below(9)];
    return (char)(' ' + random_below(95));
}

static void expect_shown(void)
{
    assert_memory_equal(cells, model.text, model.length);
    for (size_t i = model.length; i < CELLS; i++)
        assert_int_equal(cells[i], ' ');
    assert_int_equal(at, model.cursor);
}

char console_take(void)
{
    char c;

    expect_shown();
    if (script)
        c = *script ? *script++ : '\n';
    else
        c = any_key();
    keys_left -= keys_left > 0;
    if (c != '\n')
        model_key(c);
    return c;
}

static const char *read_line(struct line *line)
{
    clear();
    memset(&model, 0, sizeof model);
    place = 0;
    line_read(line);
    assert_int_equal(line->typed, model.length + model.extra);
    if (model.extra == 0)
        assert_memory_equal(line->text, model.text, model.length);
    assert_int_equal(line->text[model.extra ? 0 : model.length], 0);
    model_remember();
    return line->text;
}

static const char *type(const char *keys)
{
    static struct line line;

    script = keys;
    return read_line(&line);
}

static int forget(void **state)
{
    remembered = past_count = bells = 0;
    keys_left = 0;
    return seed_random(state);
}

#define LEFT "\x02"
#define HOME "\x01"
#define END "\x05"
#define UP "\x10"
#define DOWN "\x0e"

static void characters_go_in_where_the_cursor_is(void **state)
{
    (void)state;
    assert_string_equal(type("st 249" HOME "se" END "!"), "sest 249!");
    assert_string_equal(type("abd" LEFT "c"), "abcd");
    assert_string_equal(type("abc" LEFT LEFT LEFT LEFT "x"), "xabc");
}

static void characters_go_where_the_cursor_is(void **state)
{
    (void)state;
    assert_string_equal(type("abxc" LEFT "\b"), "abc");
    assert_string_equal(type("abxc" LEFT LEFT "\x04\x04\x04"), "ab");
    assert_string_equal(type("abc" LEFT "\x0b" "d"), "abd");
    assert_string_equal(type("abc" LEFT "\x15"), "c");
    assert_string_equal(type("set  stock  249" LEFT LEFT LEFT "\x17k"),
        "set  k249");
}

static void lines_come_back(void **state)
{
    (void)state;
    type("one"), type("two"), type("two"), type(""), type("three");
    assert_string_equal(type(UP UP UP), "one");
    assert_string_equal(type("half" UP UP DOWN DOWN "!"), "half!");
    assert_string_equal(type(UP UP "\b\b\b\bfour"), "four");
    for (int i = 0; i < 3 * HISTORY; i++) {
        char text[] = { (char)('0' + i), 0 };
        type(text);
    }
    bells = 0;
    type(UP UP UP UP UP UP UP UP UP UP UP UP UP UP UP);
    assert_int_equal(bells, 0);
    type(UP UP UP UP UP UP UP UP UP UP UP UP UP UP UP UP);
    assert_int_equal(bells, 1);
}

static void words_are_completed(void **state)
{
    (void)state;
    assert_string_equal(type("h\techo"), "help echo");
    assert_string_equal(type("re\tt\t"), "retype ");
    assert_int_equal(bells, 1);
    assert_string_equal(type("s\tt\t"), "start ");
    assert_string_equal(type("x\t"), "x");
    assert_string_equal(type("e 5" LEFT LEFT "\t"), "echo  5");
}

static void a_full_line_takes_no_more_in_its_middle(void **state)
{
    char keys[LINE_LENGTH + 4];

    (void)state;
    memset(keys, 'a', LINE_LENGTH);
    strcpy(keys + LINE_LENGTH, HOME "b");
    assert_int_equal(strlen(type(keys)), LINE_LENGTH);
    assert_int_equal(bells, 1);
    strcpy(keys + LINE_LENGTH, "b" HOME);
    assert_string_equal(type(keys), "");
}

static void anything_typed_is_what_is_shown(void **state)
{
    static struct line line;

    (void)state;
    script = NULL;
    for (int i = 0; i < 1000; i++) {
        keys_left = random_below(700);
        editing = i % 2 ? 420 : 60;
        read_line(&line);
    }
}

/* --- Sequences ------------------------------------------------------------------ */

static char seen[64];

static const char *decode(const char *bytes)
{
    struct sequence sequence = { 0 };
    size_t length = 0;

    for (; *bytes; bytes++) {
        char c = sequence_decode(&sequence, *bytes);
        if (c)
            seen[length++] = c;
    }
    seen[length] = 0;
    return seen;
}

static void sequences_are_keys(void **state)
{
    (void)state;
    assert_string_equal(decode("a\x1b[Ab"), "a\x10" "b");
    assert_string_equal(decode("\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F"),
        "\x0e\x06\x02\x01\x05");
    assert_string_equal(decode("\x1bOA\x1bOD\x1bOH"), "\x10\x02\x01");
    assert_string_equal(decode("\x1b[1~\x1b[3~\x1b[4~\x1b[7~\x1b[8~"),
        "\x01\x04\x05\x01\x05");
    assert_string_equal(decode("\x1b[1;5C\x1b[3;2~"), "\x06\x04");
}

static void other_sequences_type_nothing(void **state)
{
    (void)state;
    assert_string_equal(decode("a\x1b[5~b\x1b[200~c\x1b[Zd\x1bxe"), "abcde");
    assert_string_equal(decode("\x1b[99999999999999999~f\x1b[;3~g"), "fg");
    assert_string_equal(decode("\x1b[?1;2cx"), "x");
}

static void a_broken_sequence_ends(void **state)
{
    (void)state;
    assert_string_equal(decode("\x1b[\rx"), "\rx");
    assert_string_equal(decode("\x1b\nx"), "\nx");
    assert_string_equal(decode("\x1b\x1b[Ax"), "\x10x");
    assert_string_equal(decode("\x1b[1\x1b[Dx"), "\x02x");
}

static void any_bytes_make_characters(void **state)
{
    struct sequence sequence = { 0 };

    (void)state;
    for (int i = 0; i < 1000000; i++)
        sequence_decode(&sequence, (char)random_below(256));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(characters_go_in_where_the_cursor_is, forget),
        cmocka_unit_test_setup(characters_go_where_the_cursor_is, forget),
        cmocka_unit_test_setup(lines_come_back, forget),
        cmocka_unit_test_setup(words_are_completed, forget),
        cmocka_unit_test_setup(a_full_line_takes_no_more_in_its_middle, forget),
        cmocka_unit_test_setup(anything_typed_is_what_is_shown, forget),
        cmocka_unit_test(sequences_are_keys),
        cmocka_unit_test(other_sequences_type_nothing),
        cmocka_unit_test(a_broken_sequence_ends),
        cmocka_unit_test_setup(any_bytes_make_characters, seed_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
