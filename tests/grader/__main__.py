"""make start, make grade, make hint, make audit."""

import sys

if sys.version_info < (3, 11):
    sys.exit("The grader needs Python 3.11 or newer (it reads TOML); this is %d.%d. "
             "On Debian 12 and Ubuntu 24.04 /usr/bin/python3 will do." % sys.version_info[:2])

from grader import commands  # noqa: E402

sys.exit(commands.main(sys.argv[1:]))
