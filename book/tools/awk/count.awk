# count.awk - counts the lines of C and NASM that are neither blank nor only
# comment, over all files given; prints the number.

FNR == 1 { in_comment = 0 }
{
    code = $0
    if (FILENAME ~ /\.(asm|inc)$/) {
        sub(/;.*/, "", code)
    } else {
        code = without_comments(code)
    }
    if (code ~ /[^ \t]/) lines++
}
END { print lines + 0 }

function without_comments(s,    out, n) {
    out = ""
    while (s != "") {
        if (in_comment) {
            n = index(s, "*/")
            if (n == 0) return out
            s = substr(s, n + 2)
            in_comment = 0
        } else {
            n = match(s, /\/\*|\/\//)
            if (n == 0) return out s
            out = out substr(s, 1, n - 1)
            if (substr(s, n, 2) == "//") return out
            s = substr(s, n + 2)
            in_comment = 1
        }
    }
    return out
}
