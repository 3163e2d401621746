# chapters.awk - reads the names of the book's files, one a line, and prints
# for each: two sort keys, number, slug, title, file (tab-separated).
# The title is the text of the file's first level-one heading.

function title_of(file,    line, title, fence) {
    while ((getline line < file) > 0) {
        if (line ~ /^(```|~~~)/) fence = !fence
        if (fence || line !~ /^# /) continue
        title = substr(line, 3)
        sub(/[ \t]*\{[^{}]*\}[ \t]*$/, "", title)
        break
    }
    close(file)
    return title
}

{
    stem = $0
    sub(/.*\//, "", stem)
    sub(/\.nw$/, "", stem)
    number = slug = stem
    sub(/-.*/, "", number)
    sub(/^[^-]*-/, "", slug)
    if (number ~ /^[0-9]+$/) {
        number += 0
        key = number
    } else {
        key = 1000          # appendices follow all chapters
    }
    title = title_of($0)
    printf "%d\t%s\t%s\t%s\t%s\t%s\n", key, stem, number, slug,
        (title == "" ? slug : title), $0
}
