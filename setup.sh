#!/bin/sh
# setup.sh - installs what the book needs on Debian 12:
#
#   sh setup.sh [--all | --prove]
#
# With --all also a browser and a checker of e-books, for the tests that look
# at the editions through them; without, those tests are skipped. With --prove
# also what make prove needs, which is large. Says nothing and does nothing
# when all is there. The list is boot/needs; `make doctor` tells what each
# package is for, and whether it is new enough.
set -eu
cd "$(dirname "$0")"

case ${1:-} in
    '') more='' ;;
    --all) more=proof ;;
    --prove) more=prove ;;
    *) echo 'usage: sh setup.sh [--all | --prove]' >&2; exit 2 ;;
esac

missing=''
while read -r package probe _ job; do
    case $package in '' | '#'*) continue ;; esac
    case $job in
        proof | prove) [ "$job" = "$more" ] || continue ;;
    esac
    case $probe in
        /*) [ ! -e "$probe" ] || continue ;;
        *) if command -v "$probe" >/dev/null; then continue; fi ;;
    esac
    missing="$missing $package"
done <boot/needs
[ -n "$missing" ] || exit 0

system='an unknown system'
if [ -r /etc/os-release ]; then
    # shellcheck disable=SC1091 # part of the system
    system=$(. /etc/os-release && echo "${ID:-unknown} ${VERSION_ID:-}")
fi
if [ "$system" != 'debian 12' ]; then
    cat >&2 <<END
setup.sh knows Debian 12, and this is $system. Please install what these
packages of Debian hold, by whatever names they have here:
$(printf '%s\n' "$missing" | fold -s -w 72)
Then run me again, or make doctor, which also knows the oldest versions.
END
    exit 1
fi

if [ "$(id -u)" = 0 ]; then
    as_root=''
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    cat >&2 <<END
Installing packages takes root's rights, and there is no sudo here. As root:
  apt-get update && apt-get install --no-install-recommends$missing
END
    exit 1
fi

# run COMMAND...: as root, and shows what it said only if it fails.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() {
    $as_root env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 </dev/null || {
        cat "$log" >&2
        echo "setup.sh: \"$*\" failed; what it said is above" >&2
        exit 1
    }
}

[ -z "$as_root" ] || sudo -v
echo "Installing$missing (minutes, not seconds)" | fold -s -w 76
run apt-get -qq update
# shellcheck disable=SC2086 # one word a package
run apt-get -qq -y --no-install-recommends install $missing
echo 'Everything is installed; make doctor proves it.'
