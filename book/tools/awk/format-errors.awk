# format-errors.awk - reads the places of a file's lines (first file) and the
# output of diff between the code and what clang-format makes of it; prints
# an error for each hunk, in the book's coordinates.

FNR == NR { place[FNR] = $0; next }
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
    if (theirs == "") return "a line too many, \"" ours "\""
    if (strip(ours) == strip(theirs) && ours != theirs)
        return "indent by " length(theirs) - length(strip(theirs)) " columns: " strip(theirs)
    return "clang-format writes \"" strip(theirs) "\""
}

function strip(s) { sub(/^ +/, "", s); return s }
