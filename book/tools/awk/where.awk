# where.awk - reads a chapter as text and says what stands at a line.
#
#   awk -v line=N -v number=8 -v aux=FILE -f where.awk book/08-weakpools.nw
#
# Chunks are counted as the weave counts them.  `aux` is the print edition's
# list of labels, if it has been woven: \newlabel{c:8.12}{{..}{page}...}.

# Fenced blocks hold no headings and no chunks.
!in_code && match($0, /^(````*|~~~~*)/) {
    mark = substr($0, 1, RLENGTH)
    if (fence == "") fence = mark
    else if (index(mark, fence) == 1 && $0 ~ /^[`~]+[ \t]*$/) fence = ""
}

/^<<.*>>=[ \t]*$/ {
    name = $0
    sub(/^<</, "", name)
    sub(/>>=[ \t]*$/, "", name)
    chunks++
    in_code = 1
}
/^@([ \t]|$)/ { in_code = 0 }

!in_code && fence == "" && /^# / { chapter = heading() }
!in_code && fence == "" && /^##+ / {
    level = index($0, " ") - 1
    title = heading()
    if (level == 2 && !unnumbered) { sections++; subsections = 0; section = number "." sections }
    if (level == 3 && !unnumbered) { subsections++; section = number "." sections "." subsections }
    if (level > 3 || unnumbered) section = ""
}

FNR == line {
    at_chunk = in_code ? chunks : 0
    at_name = name
    at_section = section (section == "" ? "" : " ") title
    at_chapter = chapter
    found = 1
}

function heading(    s) {
    s = $0
    unnumbered = (s ~ /\{[^}]*\.unnumbered[^}]*\}[ \t]*$/)
    sub(/^#+ /, "", s)
    sub(/[ \t]*\{[^{}]*\}[ \t]*$/, "", s)
    gsub(/\[\[|\]\]/, "", s)
    return s
}

function page_of(label,    text, page) {
    while ((getline text < aux) > 0) {
        if (index(text, "\\newlabel{" label "}{") != 1) continue
        page = substr(text, length(label) + 12)
        match(page, /\}\{[^}]*\}/)
        return substr(page, RSTART + 2, RLENGTH - 3)
    }
    return ""
}

END {
    if (!found) {
        print FILENAME " has only " FNR " lines" > "/dev/stderr"
        exit 1
    }
    if (at_chunk) {
        page = aux == "" ? "" : page_of("c:" number "." at_chunk)
        print "chunk " number "." at_chunk " <<" at_name ">>" (page == "" ? "" : ", page " page)
    } else {
        print "prose"
    }
    if (at_section != "") print "section " at_section
    print (number ~ /^[0-9]+$/ ? "chapter " : "appendix ") number " " at_chapter
}
