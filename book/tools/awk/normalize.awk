# normalize.awk - evens out what authors may decide for themselves, on both
# sides of the comparison with clang-format: blanks within a line, the
# indentation of a line that continues another, and three things that
# clang-format breaks even when told to leave lines alone: an enum on one
# line, an asm statement, the table of an initializer.
#
#   awk [-v places=FILE -v kept=FILE] -f normalize.awk
#
# `places` says where each line is from; the lines' places after joining go
# to `kept`.

{
    place = ""
    if (places != "" && (getline place < places) <= 0) place = "?"
    indent = $0
    sub(/[^ ].*/, "", indent)
    code = substr($0, length(indent) + 1)
    gsub(/  +/, " ", code)

    if (joined != "") {
        joined = joined " " code
    } else {
        joined = (continues ? "    " : indent) code
        joined_place = place
    }
    if (joined ~ /^(typedef )?enum[^{]*\{ *[A-Za-z][^}]*$/) next
    is_asm = (joined ~ /^ *(__asm__|asm)[^A-Za-z0-9_]/)
    is_table = (joined ~ /(= |return \([^)]*\))\{/)
    if (is_asm && joined !~ /;$/ || is_table && open_braces(joined) > 0) next
    if (is_asm || is_table) {
        match(joined, /^ */)
        statement = substr(joined, RLENGTH + 1)
        gsub(/ +/, "", statement)
        joined = substr(joined, 1, RLENGTH) statement
    }

    print joined
    if (kept != "") print joined_place > kept
    continues = (code ~ /[,(=|&+*?<>-]$/ && code !~ /\*\/$/)
    joined = ""
}

function open_braces(s,    opened) {
    opened = gsub(/\{/, "{", s)
    return opened - gsub(/\}/, "}", s)
}
