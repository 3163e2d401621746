# unannotate.awk - takes the marks of annotate.awk off again: the code goes
# to standard output, the place of each of its lines to the file `places`.
# A line that only an empty chunk left behind is dropped.

{
    mark = match($0, /[\001\002]/) ? substr($0, RSTART, 1) : ""
    code = mark == "" ? $0 : substr($0, 1, RSTART - 1)
    place = mark == "" ? "?" : substr($0, RSTART + 1)
    sub(/[\001\002].*/, "", place)
    if (mark == "\002" && code ~ /^[ \t]*$/) next
    sub(/[ \t]+$/, "", code)
    print code
    print place > places
}
