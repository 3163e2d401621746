# report.awk - reads `chapters`' table (first file) and style.awk's records,
# and prints the figures of each chapter and of the book, as a table or, with
# -v json=1, as JSON.  Limits that a chapter breaks are reported as the other
# messages are; exit status 1 when one of them is an error.

BEGIN { FS = "\t"; P90 = 12; WORDS_A_LINE = 12; CODE_LINES = 700 }

FNR == NR { file[++chapters] = $4; number[$4] = $1; slug[$4] = $2; next }
$1 == "chunk" { insert($2, $3 + 0); code[$2] += $3; next }
$1 == "words" { words[$2] = $3 }
$1 == "idents" { idents[$2] = $3 }

# Keeps the sizes of a file's chunks in order, smallest first.
function insert(f, size,    i) {
    for (i = ++chunks[f]; i > 1 && sizes[f, i - 1] > size; i--)
        sizes[f, i] = sizes[f, i - 1]
    sizes[f, i] = size
}

# The size that a share of the chunks does not exceed.
function quantile(f, share,    i) {
    if (!chunks[f]) return 0
    i = int(share * chunks[f])
    if (i < share * chunks[f]) i++
    return sizes[f, i]
}

function ratio(f) { return code[f] ? words[f] / code[f] : 0 }

function judge(f) {
    if (!code[f]) return
    if (code[f] > CODE_LINES) {
        print f ":1: error: " code[f] " lines of code; a chapter has " CODE_LINES " at most" > "/dev/stderr"
        failed = 1
    }
    if (quantile(f, 0.9) > P90)
        print f ":1: warning: one chunk in ten is longer than " quantile(f, 0.9) - 1 \
            " lines; aim at " P90 > "/dev/stderr"
    if (ratio(f) < WORDS_A_LINE)
        printf "%s:1: warning: %.1f words a line of code; aim at %d\n", f, ratio(f), WORDS_A_LINE > "/dev/stderr"
}

function row(label, name, f) {
    printf "%2s  %-16s %6d %6d %7d %4d %7d %7.1f %7d\n", label, name, chunks[f], code[f], \
        quantile(f, 0.5), quantile(f, 0.9), words[f], ratio(f), idents[f]
}

function object(f) {
    return sprintf("\"chunks\": %d, \"code_lines\": %d, \"median\": %d, \"p90\": %d, " \
        "\"words\": %d, \"words_per_line\": %.1f, \"identifiers\": %d", chunks[f], code[f], \
        quantile(f, 0.5), quantile(f, 0.9), words[f], ratio(f), idents[f])
}

function add_to_total(f,    i) {
    for (i = 1; i <= chunks[f]; i++) insert("total", sizes[f, i])
    code["total"] += code[f]; words["total"] += words[f]; idents["total"] += idents[f]
}

END {
    if (json) print "{\"chapters\": ["
    else print "    chapter          chunks   code  median  p90   words  w/line  idents"
    for (i = 1; i <= chapters; i++) {
        f = file[i]
        judge(f)
        add_to_total(f)
        if (json) printf "  {\"number\": \"%s\", \"slug\": \"%s\", \"file\": \"%s\", %s}%s\n", \
            number[f], slug[f], f, object(f), (i < chapters ? "," : "")
        else row(number[f], slug[f], f)
    }
    if (json) printf "], \"total\": {%s}}\n", object("total")
    else row("", "the book", "total")
    exit failed
}
