# normalize.awk - reduces C to what clang-format is asked to judge, on both
# sides of the comparison, over many files at once: FROM/NAME is read, TO/NAME
# written.  Authors decide for themselves about blanks within a line and about
# where to break a statement; so each statement becomes one line, without
# blanks, behind the indentation of its first line.  What is left to differ is
# that indentation, where braces stand, and what shares a line.
#
#   awk -v to=DIR [-v places=DIR -v kept=DIR] -f normalize.awk
#
# Line K of places/NAME says where line K of the input is from; kept/NAME will
# say so of the output.

FNR == 1 {
    flush()
    close(output); close(place_file); close(kept_file)
    name = FILENAME
    sub(/^[^\/]*\//, "", name)
    output = to "/" name
    place_file = places "/" name
    kept_file = kept "/" name
    in_comment = 0
}
{
    place = ""
    if (places != "" && (getline place < place_file) <= 0) place = "?"
    code = $0
    sub(/^ +/, "", code)
    if (code == "") next
    if (code == "{" || code ~ /^#/) flush()
    begin($0)
    gsub(/ +/, "", code)
    statement = statement code
    if (is_complete($0)) flush()
}
END { flush() }

# The first line of a statement gives its indentation and its place.
function begin(line) {
    if (statement != "") return
    indent = line
    sub(/[^ ].*/, "", indent)
    at = place
    first = line
    braces = parentheses = 0
}

function flush() {
    if (statement == "") return
    print indent statement > output
    if (kept != "") print at > kept_file
    statement = ""
}

# Does a statement end with this line?  Comments and directives end with
# themselves, heads (if, for, ...) with their parenthesis, initializers and
# enumerations with the brace that closes them, all else with ; { } or a label.
function is_complete(line) {
    if (is_comment(line)) return 1
    if (first ~ /^ *#/) { gsub(/\\/, "", statement); return line !~ /\\$/ }
    sub(/ *(\/\*.*\*\/|\/\/.*)$/, "", line)
    gsub(/"([^"\\]|\\.)*"|'([^'\\]|\\.)*'/, "", line)
    braces += count(line, "{") - count(line, "}")
    parentheses += count(line, "(") - count(line, ")")
    if (parentheses > 0) return 0
    if (statement ~ /^(typedef)?enum|=\{|=\([^)]*\)\{|^return\([^)]*\)\{/ && braces > 0) return 0
    if (line ~ /:$/) return line ~ /^ *(case .*|[A-Za-z_0-9]+):$/
    return line ~ /([;{}]|else|do)$/ || line ~ /^ *\}/ ||
        first ~ /^ *(\} *)?(else *)?(if|for|while|switch) *\(/
}

function is_comment(line,    starts) {
    starts = (line ~ /^ *\/\*/)
    if (line ~ /^ *\/\//) return 1
    if (starts || in_comment) {
        in_comment = (line !~ /\*\/ *$/)
        return 1
    }
    return 0
}

function count(s, c) { return gsub("[" c "]", "", s) }
