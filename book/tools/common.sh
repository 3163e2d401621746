# shellcheck shell=sh
# common.sh - what the book's tools share: where things are, which chapter
# is meant, how to complain.  Sourced, not run.
#
# The tools are run from the root of a book's repository: chapters are
# book/NN-slug.nw, appendices book/A-slug.nw, and every file name that a
# tool prints or puts into a line directive is relative to that root.

# The awk programs count columns themselves; bytes are all they need to see.
LC_ALL=C
export LC_ALL

fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

# Sets NOWEB to the directory of noweb's own programs (markup, mnt, ...).
find_noweb() {
    for NOWEB in ${NOWEB_LIB:-/usr/lib/noweb /usr/local/lib/noweb}; do
        if [ -x "$NOWEB/markup" ] && [ -x "$NOWEB/mnt" ]; then
            return 0
        fi
    done
    fail "noweb is missing; on Debian: apt-get install noweb"
}

# Prints the table of chapters: number, slug, title, file, tab-separated,
# in reading order (preface 0, chapters, then appendices A, B, ...).
chapter_table() {
    [ -d book ] || fail "no directory book/ here: run me from the root of the repository"
    set -- book/[0-9]*-*.nw book/[A-Z]-*.nw
    for file do
        if [ -e "$file" ] && [ ! -r "$file" ]; then
            fail "$file cannot be read: check its permissions"
        fi
    done
    for file do
        [ ! -e "$file" ] || printf '%s\n' "$file"
    done | awk -f "$TOOLS/awk/chapters.awk" | sort -t '	' -k1,1n -k2,2 |
        cut -f 3-
}

# Prints the table's line for the chapter called $1: its number, with or
# without leading zeros, its slug, or the name of its file.
chapter_line() {
    chapter_table | awk -F '\t' -v want="$1" '
        { file = $4; sub(/.*\//, "", file); stem = file; sub(/\.nw$/, "", stem) }
        want == $2 || want == $4 || want == file || want == stem { print; exit }
        want ~ /^[0-9]+$/ && $1 ~ /^[0-9]+$/ && want + 0 == $1 + 0 { print; exit }
        want ~ /^[A-Z]$/ && want == $1 { print; exit }
    ' | grep . || {
        printf '%s: there is no chapter "%s"; the book has\n' "${0##*/}" "$1" >&2
        chapter_table | awk -F '\t' '{ printf "    %2s  %s\n", $1, $2 }' >&2
        exit 1
    }
}

# Prints the files of the whole book, or up to the chapter called $1.
chapter_files() {
    if [ -z "${1:-}" ]; then
        chapter_table | cut -f 4
        return
    fi
    chapter_line "$1" >/dev/null || exit 1
    chapter_table | awk -F '\t' -v last="$(chapter_line "$1" | cut -f 4)" '
        { print $4 }
        $4 == last { exit }'
}

# Reads chapters and overlays ("$@") into noweb's tokens on standard output.
# What markup complains about is printed again in our own words.
mark_up() {
    for file do
        [ -r "$file" ] || fail "$file cannot be read: no such file, or no permission"
    done
    "$NOWEB/markup" -t "$@" 2>"$SCRATCH/markup.err" || true
    if [ -s "$SCRATCH/markup.err" ]; then
        awk -f "$TOOLS/awk/markup-errors.awk" "$SCRATCH/markup.err" >&2
        return 1
    fi
}
