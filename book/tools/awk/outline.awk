# outline.awk - reads chapters as text, without noweb, and prints what each
# defines and uses: "def" or "use", name, file:line (tab-separated).  It is
# for the chapters beyond a prefix, to say where a missing chunk would be.

/^<<.*>>=[ \t]*$/ {
    name = $0
    sub(/^<</, "", name)
    sub(/>>=[ \t]*$/, "", name)
    sub(/^(also|replace): /, "", name)
    print "def\t" name "\t" FILENAME ":" FNR
    next
}
/^[ \t]*<<.*>>[ \t]*$/ {
    name = $0
    sub(/^[ \t]*<</, "", name)
    sub(/>>[ \t]*$/, "", name)
    print "use\t" name "\t" FILENAME ":" FNR
}
