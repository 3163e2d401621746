# style.awk - reads noweb's tokens (before overlays) and judges how the book
# is written.  Messages go to standard error as file:line: error|warning: ...;
# standard output gets records for report.awk, tab-separated:
#   chunk FILE LINES        a code chunk and its lines that are not blank
#   words FILE N            words of prose in a file
#   idents FILE N           identifiers that its chunks declare
#
#   awk -v fillers=FILE -f style.awk

BEGIN {
    COLUMNS = 72; LONG = 25; PARTS = 8; REPLACES = 3
    while (fillers != "" && (getline phrase < fillers) > 0)
        if (phrase !~ /^(#|[ \t]*$)/) filler[phrase] = 1
}

function place() { return file ":" line }
function warn(where, what) { print where ": warning: " what > "/dev/stderr" }
function complain(where, what) { print where ": error: " what > "/dev/stderr"; failed = 1 }

# Length of a string in characters: UTF-8's continuation bytes do not count.
function columns(s) { gsub(/[\200-\277]/, "", s); return length(s) }

/^@fatal / { failed = 1 }
/^@file / {
    file = substr($0, 7); line = 1
    files[++file_count] = file
    fence = ""; comment = 0; prose_words = 99; last_name = ""
    next
}

# ---- prose: one line at a time, quoted code kept apart

/^@begin docs / { in_docs = 1; prose = ""; first_line = 1; next }
/^@end docs / { if (prose != "") end_prose_line(); in_docs = 0; next }
/^@quote$/ { in_quote = 1; next }
/^@endquote$/ { in_quote = 0; prose = prose "CODE"; next }
/^@text / && in_docs { if (!in_quote) prose = prose substr($0, 7); else words[file]++; next }
/^@nl$/ && in_docs { end_prose_line(); line++; next }

function end_prose_line() {
    if (is_fence_line()) { }
    else if (fence != "" || (first_line && prose ~ /^[ \t]*%long/)) { }
    else judge_prose()
    first_line = 0
    prose = ""
}

# Fenced blocks (figures, transcripts) and their fences are not prose.
function is_fence_line(    mark) {
    if (!match(prose, /^(````*|~~~~*)/)) return 0
    mark = substr(prose, 1, RLENGTH)
    if (fence == "") fence = mark
    else if (index(mark, fence) == 1 && prose ~ /^[`~]+[ \t]*$/) fence = ""
    else return 0
    return 1
}

function judge_prose(    n, parts, lower, phrase) {
    if (prose ~ /^<!--/) comment = 1
    if (comment) { if (prose ~ /-->/) comment = 0; return }
    if (prose ~ /^(\||:::|: |  *:---)/) return          # tables, divisions
    if (prose ~ /^#+ /) {
        sub(/^#+ /, "", prose)
        sub(/[ \t]*\{[^{}]*\}[ \t]*$/, "", prose)
    }
    n = split(prose, parts, /[ \t]+/)
    while (n > 0 && parts[n] == "") n--
    words[file] += n
    prose_words += n
    lower = " " tolower(prose) " "
    gsub(/`[^`]*`/, "CODE", lower)
    for (phrase in filler)
        if (lower ~ "[^a-z]" phrase "[^a-z]")
            warn(place(), "\"" phrase "\" says nothing; strike it or say what is meant")
    if (lower ~ /[a-z)]![ "*_)]/ && lower !~ /!\[/)
        warn(place(), "an exclamation mark; let the facts speak")
}

# ---- code

/^@begin code / { in_code = 1; in_docs = 0; size = 0; source = ""; uses = 0; in_enum = 0; heading = 1; next }
/^@defn / {
    name = substr($0, 7); chunk_place = place(); chunk = ++chunk_count
    if (name ~ /^replace: /) {
        if (++replaced > REPLACES)
            complain(place(), "more than " REPLACES " <<replace: ...>> in the book; " \
                "make an extension point instead")
        sub(/^replace: /, "", name)
    }
    chunk_name[chunk] = name
    chunk_at[chunk] = chunk_place
    if (++parts_of[name] == PARTS + 1)
        warn(chunk_place, "<<" name ">> has more than " PARTS " parts; make another file or another point")
    enough_prose = (prose_words >= 5 || name == last_name)
    prose_words = 0; last_name = name
    next
}
/^@text / && in_code { source = source substr($0, 7); next }
/^@use / && in_code {
    if (uses_of[name] == "" || index(uses_of[name] SUBSEP, SUBSEP substr($0, 6) SUBSEP) == 0)
        uses_of[name] = uses_of[name] SUBSEP substr($0, 6)
    uses++
    next
}
/^@index defn / && in_code { declared[chunk, substr($0, 13)] = 1; idents[file]++; next }
/^@nl$/ && in_code {
    if (heading) heading = 0
    else end_code_line()
    line++
    next
}
/^@index nl$/ { line++; next }
/^@nl$/ { line++; next }
/^@end code / {
    in_code = 0
    if (size > 0 && !enough_prose)
        warn(chunk_place, "no sentence before <<" name ">> says why it is so")
    if (size > LONG)
        warn(chunk_place, "<<" name ">> has " size " lines; a page holds one idea of " LONG " at most")
    if (size > 0) print "chunk\t" file "\t" size
    next
}

function end_code_line() {
    if (source ~ /[^ \t]/ || uses) size++
    if (columns(source) > COLUMNS && !uses)
        complain(place(), "a line of " columns(source) " columns; the page holds " COLUMNS)
    if (source ~ /\t/ && name !~ /([Mm]akefile|\.mk)$/)
        complain(place(), "a tab in the code; indent with spaces")
    if (source ~ /[ \t]$/ && !uses)
        complain(place(), "blanks at the end of the line")
    if (source ~ /(^|[^A-Za-z0-9_])(char|int|long|void|bool|[a-z0-9_]+_t|struct [a-z0-9_]+)\* *[A-Za-z_]/ &&
            source !~ /^[^"]*\/\*.*\* /)
        complain(place(), "a star belongs to its name: char *p")
    find_definitions(source)
    source = ""
    uses = 0
}

# ---- identifiers that a line defines at its left edge

function found(kind, ident) {
    if (ident !~ /^[A-Za-z_][A-Za-z0-9_]*$/ || ((chunk, ident) in proposed)) return
    proposed[chunk, ident] = 1
    proposals[chunk] = proposals[chunk] " " kind ":" ident
}

function find_definitions(s,    t) {
    if (s ~ /^[A-Za-z_][A-Za-z0-9_]*[ \t]+equ[ \t]/) {
        t = s; sub(/[ \t].*/, "", t); found("nasm", t)
    } else if (match(s, /^[A-Za-z_][A-Za-z0-9_]*:/) && s !~ /^default:/) {
        found("nasm", substr(s, 1, RLENGTH - 1))
    } else if (match(s, /^#[ \t]*define[ \t]+[A-Za-z_0-9]+/)) {
        t = substr(s, 1, RLENGTH); sub(/.*[ \t]/, "", t); found("c", t)
    } else if (match(s, /^(typedef )?(struct|union|enum)[ \t]+[A-Za-z_0-9]+[ \t]*\{/)) {
        t = substr(s, 1, RLENGTH)
        sub(/^typedef /, "", t); sub(/^[a-z]+[ \t]+/, "", t); sub(/[ \t]*\{/, "", t)
        found("c", t)
    } else if (s !~ /^(return|else|case|goto|do|typedef|__asm__)[^A-Za-z0-9_]/ &&
               match(s, /^[A-Za-z_][A-Za-z0-9_ *]*[ *][A-Za-z_][A-Za-z0-9_]*\(/) &&
               (s !~ /;[ \t]*(\/[*\/].*)?$/ || s ~ /\{/)) {
        t = substr(s, 1, RLENGTH - 1); sub(/.*[ *]/, "", t); found("c", t)
    }
    find_enumerators(s)
}

function find_enumerators(s,    i, n, part) {
    if (s ~ /^(typedef )?enum[^()]*\{/) { in_enum = 1; sub(/^[^{]*\{/, "", s) }
    if (!in_enum) return
    gsub(/\/\*.*\*\/|\/\*.*$|\/\/.*$/, "", s)
    gsub(/=[^,}]*/, "", s)
    if (s ~ /\}/) in_enum = 0
    sub(/\}.*/, "", s)
    n = split(s, part, /[ \t,{};]+/)
    for (i = 1; i <= n; i++) if (part[i] ~ /^[A-Z_][A-Z0-9_]+$/) found("c", part[i])
}

# ---- the end: languages flow from the roots, then the identifiers are judged

function flow(name, language,    i, n, next_names) {
    if (name in language_of) return
    language_of[name] = language
    n = split(uses_of[name], next_names, SUBSEP)
    for (i = 2; i <= n; i++) flow(next_names[i], language)
}

function judge_identifiers(c,    i, n, item, kind, ident, missing, language) {
    language = language_of[chunk_name[c]]
    n = split(proposals[c], item, " ")
    for (i = 1; i <= n; i++) {
        kind = item[i]; sub(/:.*/, "", kind)
        ident = item[i]; sub(/^[^:]*:/, "", ident)
        if (kind == language && !((c, ident) in declared)) missing = missing " " ident
    }
    if (missing != "") warn(chunk_at[c], "not declared: @ %def" missing)
}

END {
    for (c = 1; c <= chunk_count; c++) {
        if (chunk_name[c] ~ /^[^ ]*\.[ch]$/) flow(chunk_name[c], "c")
        if (chunk_name[c] ~ /^[^ ]*\.(asm|inc)$/) flow(chunk_name[c], "nasm")
    }
    for (c = 1; c <= chunk_count; c++) judge_identifiers(c)
    for (i = 1; i <= file_count; i++) {
        print "words\t" files[i] "\t" (words[files[i]] + 0)
        print "idents\t" files[i] "\t" (idents[files[i]] + 0)
    }
    exit failed
}
