# check.awk - reads noweb's tokens and refuses what would tangle into
# something that the author did not mean.  Errors go to standard error as
# file:line: error: ...; the roots go to standard output, one a line:
# format (c, nasm, plain) and name, tab-separated.
#
#   awk -v later=FILE -v dropped=FILE -v limit=40 -f check.awk
#
# `later` is outline.awk's account of the chapters beyond this prefix,
# `dropped` overlay.awk's list of the chunks that replaced code referred to.

BEGIN {
    while (later != "" && (getline entry < later) > 0) {
        split(entry, field, "\t")
        if (field[1] == "def" && !(field[2] in later_def))
            later_def[field[2]] = field[3]
        if (field[1] == "use" && !(field[2] in later_use))
            later_use[field[2]] = field[3]
    }
    while (dropped != "" && (getline entry < dropped) > 0)
        was_used[entry] = 1
}

function complain(place, what) {
    print place ": error: " what > "/dev/stderr"
    failed = 1
}

function is_path(name) {
    return name ~ /^[A-Za-z0-9_][A-Za-z0-9_.+-]*(\/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*$/ \
        && name ~ /[\/.]/
}

# How line directives are written in a file of this name.
function format_of(path) {
    if (path ~ /\.[ch]$/) return "c"
    if (path ~ /\.(asm|inc)$/) return "nasm"
    return "plain"
}

# The chapter of a place "book/08-name.nw:12", as a reader would call it.
function chapter_of(place) {
    sub(/:[0-9]+$/, "", place)
    sub(/^.*\//, "", place)
    sub(/-.*/, "", place)
    return place ~ /^[0-9]+$/ ? "chapter " (place + 0) : "appendix " place
}

function place() { return file ":" line }

/^@fatal / { failed = 1 }
/^@file / { file = substr($0, 7); line = 1; next }

/^@begin code / { in_code = 1; length_ = 0; source = ""; uses = 0; after_backslash = 0; next }
/^@defn / {
    name = substr($0, 7)
    heading = 1
    if (!(name in first)) {
        first[name] = place()
        order[++chunks] = name
    }
    chunk_place = place()
    next
}
/^@text / {
    if (in_code) source = source substr($0, 7)
    else if (ended != "" && substr($0, 7) ~ /^[ \t]*%long/) ended = ""
    if (!in_code) settle()
    next
}
/^@use / && in_code {
    used_name = substr($0, 6)
    if (uses++ == 0) used = used_name
    remember_use(used_name)
    source = source "<<" used_name ">>"
    next
}
/^@nl$/ && in_code {
    if (heading) heading = 0
    else end_line()
    line++
    next
}
/^@(nl|index nl)$/ { if (!in_code) settle(); line++; next }
/^@end code / {
    in_code = 0
    if (length_ > limit) { ended = chunk_place; ended_name = name; ended_length = length_ }
    next
}

# A chunk that is too long is excused by a %long line that follows it.
function settle() {
    if (ended == "") return
    complain(ended, "<<" ended_name ">> has " ended_length " lines, the limit is " limit \
        "; divide it, or write \"@ %long why\" after a table")
    ended = ""
}

function remember_use(name) {
    if (!(name in use_place)) use_place[name] = place()
    if (!((chunk_name(), name) in edge)) {
        edge[chunk_name(), name] = 1
        uses_of[chunk_name()] = uses_of[chunk_name()] SUBSEP name
    }
}

function chunk_name() { return name }

# One line of code is complete: source, with `uses` references in it.
function end_line() {
    if (source ~ /[^ \t]/) length_++
    if (uses > 0) check_reference()
    after_backslash = (source ~ /\\$/)
    source = ""
    uses = 0
}

function check_reference() {
    if (source ~ /^[ \t]*<<.*>>[ \t]*$/ && uses == 1) {
        if (after_backslash)
            complain(place(), "reference to <<" used ">> inside a macro continued with \\; " \
                "the line directive would break it: make it an inline function")
        return
    }
    is_mistake[used] = 1
    if (source ~ /\\$/ || after_backslash)
        complain(place(), "reference to <<" used ">> inside a macro continued with \\; " \
            "the line directive would break it: make it an inline function")
    else
        crowded[place()] = used
}

# References that share their line, judged when all chunks are known: a name
# with blanks around it, or of no chunk at all, was meant to be a shift.
function check_crowded(where, used) {
    if (used ~ /^[ \t]|[ \t]$/ || !(used in first))
        complain(where, "<<" used ">> is read as a chunk reference; for shifts write @<< and @>>")
    else
        complain(where, "a reference stands alone on its line: <<" used ">> does not")
}

END {
    settle()
    for (where in crowded) check_crowded(where, crowded[where])
    for (i = 1; i <= chunks; i++) check_chunk(order[i])
    for (used in use_place)
        if (!(used in first) && !(used in is_mistake)) undefined(used)
    for (i = 1; i <= chunks; i++) look_for_cycle(order[i])
    exit failed
}

function check_chunk(name) {
    if (is_path(name)) {
        if (name in use_place)
            complain(use_place[name], "<<" name ">> is a file of its own and cannot be " \
                "part of another chunk")
        print format_of(name) "\t" name
    } else if (!(name in use_place) && !(name in was_used)) {
        if (name in later_use)
            complain(first[name], "<<" name ">> is not used in this prefix of the book, first in " \
                chapter_of(later_use[name]) " (" later_use[name] "); define it there")
        else
            complain(first[name], "<<" name ">> is an orphan: no chunk refers to it and its name " \
                "is not that of a file")
    }
}

function undefined(name) {
    if (name in later_def)
        complain(use_place[name], "<<" name ">> is defined only in " chapter_of(later_def[name]) \
            " (" later_def[name] "); define it here, empty if need be")
    else
        complain(use_place[name], "<<" name ">> is not defined anywhere; check the spelling")
}

# Depth first; `state` is 1 while a chunk is on the path, 2 when done.
function look_for_cycle(name,    i, n, next_names) {
    if (state[name] == 2) return
    if (state[name] == 1) {
        complain(use_place[name], "<<" name ">> contains itself")
        state[name] = 2
        return
    }
    state[name] = 1
    n = split(uses_of[name], next_names, SUBSEP)
    for (i = 2; i <= n; i++) look_for_cycle(next_names[i])
    state[name] = 2
}
