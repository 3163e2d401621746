# markdown.awk - noweb back end: tokens of markup to one pandoc document.
#
# Prose passes through.  Quoted code, [[x]], becomes `x`{.nwq}, a quoted chunk
# name `name`{.nwuse}; inside fenced blocks the brackets stay as they are.
# A code chunk becomes a raw block of format "nwchunk" that holds the chunk's
# tokens, preceded by its file and line, so that Markdown never reads code.
# Each file begins with a raw block "nwfile" that names it.  %long lines,
# which only the checks read, vanish.

BEGIN { FENCE = "``````````````" }

function raw_block(format, body) {
    printf "\n\n%s{=%s}\n%s%s\n\n", FENCE, format, body, FENCE
}

# A run of backquotes longer than any in s.
function ticks(s,    longest, t) {
    longest = 0
    while (match(s, /`+/)) {
        if (RLENGTH > longest) longest = RLENGTH
        s = substr(s, RSTART + RLENGTH)
    }
    for (t = "`"; longest > 0; longest--) t = t "`"
    return t
}

function quoted_code(s,    t, pad) {
    t = ticks(s)
    pad = (s ~ /^`|`$/) ? " " : ""
    return t pad s pad t
}

/^@file / {
    file = substr($0, 7)
    line = 1
    fence = ""
    raw_block("nwfile", file "\n")
    next
}
/^@fatal / { exit 1 }

# ---- prose: `raw` is the line as written, `cooked` as pandoc should see it

/^@begin docs / { in_docs = 1; raw = cooked = ""; at_start = 1; next }
/^@end docs / { if (raw != "") printf "%s", prose_line(); in_docs = 0; next }
in_docs && /^@quote$/ { in_quote = 1; quote = ""; quote_use = ""; next }
in_docs && /^@endquote$/ {
    in_quote = 0
    if (quote_use != "") {
        raw = raw "[[<<" quote_use ">>]]"
        cooked = cooked quoted_code(quote_use) "{.nwuse}"
    } else {
        raw = raw "[[" quote "]]"
        cooked = cooked quoted_code(quote) "{.nwq}"
    }
    next
}
in_docs && in_quote && /^@text / { quote = quote substr($0, 7); next }
in_docs && in_quote && /^@use / { quote_use = substr($0, 6); next }
in_docs && in_quote && /^@nl$/ { quote = quote " "; line++; next }
in_docs && /^@text / {
    raw = raw substr($0, 7)
    cooked = cooked substr($0, 7)
    next
}
in_docs && /^@nl$/ {
    if (!(at_start && raw ~ /^[ \t]*%long/)) print prose_line()
    at_start = 0
    raw = cooked = ""
    line++
    next
}

function prose_line() {
    if (match(raw, /^(````*|~~~~*)/)) {
        if (fence == "") fence = substr(raw, 1, RLENGTH)
        else if (index(raw, fence) == 1 && raw ~ /^[`~]+[ \t]*$/) fence = ""
        return raw
    }
    return fence == "" ? cooked : raw
}

# ---- code

/^@begin code / { in_code = 1; body = "@file " file "\n@line " line "\n"; next }
/^@end code / { raw_block("nwchunk", body); in_code = 0; next }
in_code { body = body $0 "\n"; if ($0 ~ /^@(nl|index nl)$/) line++ }
