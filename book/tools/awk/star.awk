# star.awk - noweb's mnt writes line directives only into roots whose names
# end in a star.  Adds one to the definitions of the roots in the file
# `roots` (one name a line).

BEGIN { while ((getline name < roots) > 0) starred["@defn " name] = 1 }
{ print (($0 in starred) ? $0 "*" : $0) }
