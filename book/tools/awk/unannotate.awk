# unannotate.awk - takes the marks of annotate.awk off again, over many files
# at once: of FROM/NAME the code goes to code/NAME, the place of each of its lines
# to places/NAME.  A line that only an empty chunk left behind is dropped.

FNR == 1 {
    close(code_file); close(place_file)
    name = FILENAME
    sub(/^[^\/]*\//, "", name)
    code_file = "code/" name
    place_file = "places/" name
}
{
    mark = match($0, /[\001\002]/) ? substr($0, RSTART, 1) : ""
    code = mark == "" ? $0 : substr($0, 1, RSTART - 1)
    place = mark == "" ? "?" : substr($0, RSTART + 1)
    sub(/[\001\002].*/, "", place)
    if (mark == "\002" && code ~ /^[ \t]*$/) next
    sub(/[ \t]+$/, "", code)
    print code > code_file
    print place > place_file
}
