# format-errors.awk - reads diff -r between what authors wrote and what
# clang-format makes of it (both normalized) and prints an error for each
# hunk, in the book's coordinates: kept/NAME has the places of NAME's lines.

/^diff / {
    report()
    name = $NF
    sub(/^[^\/]*\//, "", name)
    lines = 0
    while ((getline text < ("kept/" name)) > 0) place[++lines] = text
    close("kept/" name)
    next
}
/^[0-9]/ { report(); split($0, range, /[acd,]/); at = range[1]; next }
/^< / && ours == "" { ours = substr($0, 3) }
/^> / && theirs == "" { theirs = substr($0, 3) }
END { report(); exit found }

function report() {
    if (at == "") return
    if (at + 0 == 0) at = 1
    print place[at] ": error: formatting: " difference()
    found = 1
    at = ours = theirs = ""
}

function difference() {
    if (theirs == "") return "a line too many, \"" strip(ours) "\""
    if (strip(ours) == strip(theirs))
        return "indent \"" strip(theirs) "\" by " length(theirs) - length(strip(theirs)) " columns"
    return "here clang-format has the line \"" strip(theirs) "\""
}

function strip(s) { sub(/^ +/, "", s); return s }
