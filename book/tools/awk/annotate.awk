# annotate.awk - a filter over noweb's tokens: ends every line of code with
# a mark and its place in the book (^A file:line), so that what is found in
# tangled code can be reported in the book's coordinates.  The line of a
# reference gets ^B instead of ^A.

/^@file / { file = substr($0, 7); line = 1 }
/^@begin code / { in_code = 1; heading = 1; mark = "\001" }
/^@use / { mark = "\002" }
/^@nl$/ && in_code {
    if (heading) heading = 0
    else print "@text " mark file ":" line
    mark = "\001"
}
{ print }
/^@(nl|index nl)$/ { line++ }
/^@end code / { in_code = 0 }
