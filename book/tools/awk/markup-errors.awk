# markup-errors.awk - noweb's markup reports what it cannot read; this says
# the same with what to do about it.

/unescaped <</ {
    print where($0) ": error: a bare << in prose; write [[<<name>>]] for a " \
        "chunk, @<< for the two characters"
    next
}
/never closed/ {
    print where($0) ": error: [[ opens quoted code that no ]] closes in this " \
        "paragraph; write @[[ for the two characters"
    next
}
{ print }

# The "file:line" that the message begins with.
function where(message,    n) {
    n = match(message, /:[0-9]+:/)
    return n ? substr(message, 1, RSTART + RLENGTH - 2) : "?"
}
