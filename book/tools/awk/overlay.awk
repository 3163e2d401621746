# overlay.awk - a filter over noweb's tokens, between markup and whatever
# follows: lets one definition of a chunk take the place of others.
#
#   awk -v overlays="FILE FILE" -v dropped=FILE -f overlay.awk
#
# In an overlay (a file named in `overlays`), <<NAME>>= replaces what stood
# for NAME before that file, <<also: NAME>>= appends to it, and a new NAME is
# a new chunk.  In a chapter a plain definition appends, as noweb has it, and
# <<replace: NAME>>= replaces.
#
# A definition that is replaced becomes a documentation chunk of bare line
# ends, so that the line numbers of all that follows stay right.  Chunks that
# only replaced code refers to are written to the file `dropped`, one name a
# line: nobody should call them orphans.

BEGIN {
    split(overlays, names, " ")
    for (i in names) is_overlay[names[i]] = 1
}

function complain(what) {
    print file ":" line ": error: " what > "/dev/stderr"
    failed = 1
}

# Kills every living definition of NAME and says whether there was one.
function kill(name,    i, n, ids) {
    n = split(living[name], ids, " ")
    for (i = 1; i <= n; i++) dead[ids[i]] = 1
    living[name] = ""
    return n > 0
}

# Decides what the definition of `name` (as written) does; returns the bare name.
function define(name) {
    if (name ~ /^also: /) {
        name = substr(name, 7)
        if (!(file in is_overlay))
            complain("<<also: " name ">>= is for overlays; in a chapter " \
                "write <<" name ">>=, which appends")
        else if (living[name] == "")
            complain("<<also: " name ">>= appends to a chunk that the book " \
                "does not have; look for its new name")
    } else if (name ~ /^replace: /) {
        name = substr(name, 10)
        if (!kill(name))
            complain("<<replace: " name ">>= replaces a chunk that the book " \
                "does not have; look for its new name")
    } else if ((file in is_overlay) && !((file, name) in begun)) {
        kill(name)
    }
    begun[file, name] = defines[file] = 1
    living[name] = living[name] " " chunk
    return name
}

/^@file / { file = substr($0, 7); line = 1 }
/^@begin code / { chunk++; in_code = 1 }
{
    text[++count] = $0
    owner[count] = in_code ? chunk : 0
}
/^@defn / { text[count] = "@defn " define(substr($0, 7)) }
/^@(nl|index nl)$/ { line++ }
/^@end code / { in_code = 0 }

END {
    line = 1
    for (file in is_overlay)
        if (!(file in defines))
            complain("an overlay without a chunk changes nothing; a chunk " \
                "begins with a line <<NAME>>=")
    for (i = 1; i <= count; i++) {
        token = text[i]
        if (!(owner[i] in dead)) {
            print token
        } else if (token ~ /^@(begin|end) code /) {
            sub(/code/, "docs", token)
            print token
        } else if (token == "@nl" || token == "@index nl") {
            print "@nl"
        } else if (token ~ /^@use / && dropped != "") {
            print substr(token, 6) > dropped
        }
    }
    exit failed
}
