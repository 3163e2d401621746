"""Shows what a change costs: `make bench-compare BASE=rev`.

    compare.py BASE [BENCH_JSON]

The figures of BASE, any name that git knows for a revision, are counted in a
work tree of its own by that revision's own `make bench`; those of this tree
are in BENCH_JSON (build/full/bench.json). What was counted is kept in
build/bench/, since a revision's figures never change.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from bench import ROOT, Figures, Trouble, rows

KEPT = ROOT / "build" / "bench"
OF_OUR_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CHAPTER", "CHECK", "EX", "PROGRAM", "QUOTE")


def git(*arguments: str | Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise Trouble(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def count(revision: str) -> str:
    """What `make bench` leaves in a work tree of that revision."""
    tree = KEPT / revision
    environment = {name: value for name, value in os.environ.items() if name not in OF_OUR_MAKE}
    git("worktree", "prune")
    git("worktree", "add", "--force", "--detach", tree, revision)
    try:
        done = subprocess.run(["make", "bench"], cwd=tree, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise Trouble(f"make bench fails in {revision}; it said:\n{done.stdout}")
        return (tree / "build" / "full" / "bench.json").read_text()
    except FileNotFoundError as error:
        raise Trouble(f"{revision} has no figures to compare with: {error}") from error
    finally:
        git("worktree", "remove", "--force", tree)


def figures_of(base: str) -> dict[str, dict[str, int]]:
    revision = git("rev-parse", "--verify", f"{base}^{{commit}}")
    kept = KEPT / f"{revision}.json"
    if not kept.exists():
        text = count(revision)
        kept.write_text(text)
    return flat(json.loads(kept.read_text()))


def flat(counted: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Rows, stretches and what is hidden, by the names that a table gives them."""
    names = {row["key"]: row["name"] for row in rows()}
    hidden: dict[str, Figures] = counted.get("hidden", {})  # type: ignore[assignment]
    return {"rows": {names.get(key, key): value for key, value in counted["rows"].items()},
            "stretches": counted["stretches"],
            "hidden": {f"{key}: {what}": value
                       for key, counts in hidden.items() for what, value in counts.items()}}


def compared(base: Figures, here: Figures, all_of_them: bool) -> list[str]:
    """A line for each figure of either, or for each that both have and that
    differs."""
    names = [*here, *(name for name in base if name not in here)]
    lines = []
    for name in names:
        was, is_now = base.get(name), here.get(name)
        both = was is not None and is_now is not None
        if not all_of_them and (not both or was == is_now):
            continue
        change = f"{is_now - was:+,}" if both else "-"  # type: ignore[operator]
        lines.append(f"{name:62}" + "".join(
            f"{'-' if value is None else f'{value:,}':>11}" for value in (was, is_now))
            + f"{'=' if change == '+0' else change:>11}")
    return lines


def comparison(base: dict[str, Figures], here: dict[str, Figures], name: str) -> str:
    lines = [f"{'instructions, median':62}{name[:10]:>11}{'here':>11}{'change':>11}",
             *compared(base["rows"], here["rows"], all_of_them=True)]
    for part, title in (("stretches", "The longest stretch with interrupts off, to"),
                        ("hidden", "What instructions hide")):
        differing = compared(base[part], here[part], all_of_them=False)
        lines += ["", title + (":" if differing else " - no change")] + differing
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("base", help="a revision, as git names it")
    parser.add_argument("here", type=Path, nargs="?", default=ROOT / "build/full/bench.json")
    options = parser.parse_args()
    try:
        KEPT.mkdir(parents=True, exist_ok=True)
        here = flat(json.loads(options.here.read_text()))
        print(comparison(figures_of(options.base), here, options.base))
    except Trouble as trouble:
        print(f"bench-compare: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
