"""Counts what system calls cost, and draws the table: `make bench`.

    bench.py [--quote] IMAGES

IMAGES is build/full: there are rux.elf, programs/bench.elf, and in measure/ a
kernel that measures itself with programs/stretch.elf. The figures go to
bench.json there, too.

The machine counts instructions instead of time: its time stamp counter goes
up by one with each instruction (each turn of a `rep` counts too). So the
figures are the same on every computer and in every run. The program prints
lines "bench: KEY VALUE"; rows.toml says what the keys mean and what seL4
needs for the same. Lines "stretch: VALUE in CALL: WHAT" tell the longest
stretch with interrupts off while WHAT was done.

The book quotes a figure as [1,234]{bench="KEY"}, or with a stretch's WHAT for
KEY; --quote puts today's figures there.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "boot"))

from machine import DONE, Machine  # noqa: E402

ROWS = Path(__file__).with_name("rows.toml")
HIDDEN = ("cr3", "invlpg", "wrmsr", "sysret", "iret", "ports", "fxsave", "indirect",
          "code", "data")  # as in hidden.c: enum counter
READ_ONLY = (".boot", ".text", ".rodata")  # the sections that are never written


QUOTE = re.compile(r'\[([\d,]+)\](\{bench="([^"]+)"\})')


class Trouble(Exception):
    """What a person should know; no traceback is of use."""


def rows() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = tomllib.loads(ROWS.read_text())["row"]
    return listed


def run(kernel: Path, program: Path, options: tuple[str, ...] = ()) -> str:
    """Everything that the machine says, counting instructions."""
    for image in (kernel, program):
        if not image.exists():
            raise Trouble(f"{image} is not there; `make bench` builds it")
    try:
        with Machine(kernel=kernel, initrd=f"{program} {program.stem}", memory="256M",
                     icount=0, options=options) as machine:
            status = machine.status()
            heard = machine.serial.heard
    except (FileNotFoundError, RuntimeError) as error:
        raise Trouble(str(error)) from error
    if status != DONE:
        raise Trouble(f"the machine ended with status {status}; it said:\n{heard}")
    return heard


def figures_in(heard: str) -> dict[str, int]:
    found = re.findall(r"Userspace print: bench: (\S+) (\d+)$", heard, re.MULTILINE)
    if not found:
        raise Trouble(f"the program has printed no figures; it said:\n{heard}")
    return {key: int(value) for key, value in found}


def stretches_in(heard: str) -> dict[str, int]:
    """The longest stretch with interrupts off, by what was done meanwhile."""
    found = re.findall(r"Userspace print: stretch: (\d+) in \d+: (.*)$", heard, re.MULTILINE)
    if not found:
        raise Trouble(f"the program has measured no stretches; it said:\n{heard}")
    return {what: int(value) for value, what in found}


def run_counting(images: Path) -> tuple[str, dict[str, dict[str, int]]]:
    """What the machine says while bench runs, and for each of its rows what
    hidden.c counts, the median of the row's samples."""
    plugin, program = images / "hidden.so", images / "programs" / "bench.elf"
    if not plugin.exists():
        raise Trouble(f"{plugin} is not there; `make bench` builds it")
    with tempfile.TemporaryDirectory(prefix="rux-") as directory:
        out = Path(directory) / "counts"
        heard = run(images / "rux.elf", program, ("-plugin", f"{plugin},out={out}"))
        return heard, hidden_in(out.read_text(), list(figures_in(heard)))


def hidden_in(counted: str, keys: list[str]) -> dict[str, dict[str, int]]:
    """The counts of the rows that have samples of their own."""
    *parts, rest = counted.split("row\n")
    if len(parts) != len(keys) or rest:
        raise Trouble(f"{len(keys)} rows, but counts of {len(parts)}")
    found = {}
    for key, part in zip(keys, parts, strict=True):
        samples = [[int(number) for number in line.split()] for line in part.splitlines()]
        if samples:
            found[key] = {name: statistics.median_low(values) for name, values
                          in zip(HIDDEN, zip(*samples, strict=True), strict=True)}
    return found


def hidden_table(hidden: dict[str, dict[str, int]]) -> str:
    """The counts below one another; a zero is a dot."""
    named = [row for row in rows() if row["key"] in hidden]
    wide = max(len(row["name"]) for row in named)
    lines = [" " * wide + "".join(f"{name:>9}" for name in HIDDEN)]
    for row in named:
        counts = hidden[row["key"]]
        lines.append(f"{row['name']:{wide}}"
                     + "".join(f"{counts[name] or '.':>9}" for name in HIDDEN))
    return "\n".join(lines)


def size_of(kernel: Path) -> int:
    """Bytes of the kernel that are text or never written, without what fills
    the last page of a section."""
    with tempfile.TemporaryDirectory(prefix="rux-") as directory:
        total = 0
        for name in READ_ONLY:
            out = Path(directory) / "section"
            subprocess.run(["objcopy", "-O", "binary", "-j", name, kernel, out], check=True)
            total += len(out.read_bytes().rstrip(b"\xcc\0"))
        return total


def count_lines() -> int:
    """The number that stands on the book's cover."""
    done = subprocess.run([ROOT / "book" / "tools" / "lines"], cwd=ROOT, check=True,
                          capture_output=True, text=True)
    return int(done.stdout)


Figures = dict[str, int]


def measure(images: Path) -> tuple[Figures, Figures, dict[str, Figures]]:
    """All figures by key, the stretches, and what is hidden."""
    heard, hidden = run_counting(images)
    inside = run(images / "measure" / "rux.elf", images / "measure" / "programs" / "stretch.elf")
    stretches = stretches_in(inside)
    return {**figures_in(heard), **figures_in(inside), "longest": max(stretches.values()),
            "bytes": size_of(images / "rux.elf"), "lines": count_lines()}, stretches, hidden


def table(figures: dict[str, int]) -> str:
    """The rows that have been measured, with a mark at what is above its target."""
    known = rows()
    unknown = figures.keys() - {row["key"] for row in known}
    if unknown:
        raise Trouble(f"no row of {ROWS.relative_to(ROOT)} is for {', '.join(sorted(unknown))}")
    wide = max(len(row["name"]) for row in known)
    lines = [f"{'instructions, median':{wide}}  {'seL4':>9}  {'target':>9}  {'ours':>9}"]
    for row in known:
        if row["key"] not in figures:
            continue
        sel4 = f"{row['sel4']:,}" if "sel4" in row else "-"
        ours = figures[row["key"]]
        lines.append(f"{row['name']:{wide}}  {sel4:>9}  {row['target']:>9,}  {ours:>9,}"
                     + (" *" if ours > row["target"] else ""))
    above = sum(line.endswith(" *") for line in lines)
    return "\n".join([*lines, f"* above the target: {above} of {len(lines) - 1}"])


def quotes_renewed(text: str, figures: dict[str, int], place: str) -> str:
    """A chapter's text with today's figures."""
    def renew(quote: re.Match[str]) -> str:
        key = " ".join(quote[3].split())
        if key not in figures:
            raise Trouble(f'{place}: there is no figure "{key}" to quote')
        return f"[{figures[key]:,}]{quote[2]}"
    return QUOTE.sub(renew, text)


def stale_quotes(figures: dict[str, int], mend: bool) -> list[str]:
    """Chapters that quote something else than these figures; mended if wished."""
    stale = []
    for chapter in sorted((ROOT / "book").glob("*.nw")):
        text = chapter.read_text()
        new = quotes_renewed(text, figures, str(chapter.relative_to(ROOT)))
        if new != text:
            stale.append(chapter.name)
            if mend:
                chapter.write_text(new)
    return stale


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("images", type=Path, help="where the kernels are: build/full")
    parser.add_argument("--quote", action="store_true", help="renew the figures in the book")
    options = parser.parse_args()
    try:
        figures, stretches, hidden = measure(options.images)
        print(table(figures))
        print("\nWhat the instructions of the kernel hide: dear ones, and how many lines of 64"
              "\nbytes they lie in and touch. (The interrupt's row has the call by which the device"
              "\nis told to interrupt.)\n" + hidden_table(hidden))
        print("\nThe longest stretch with interrupts off, in instructions, to")
        for what, value in stretches.items():
            print(f"{value:9,}  {what}")
        for chapter in stale_quotes({**stretches, **figures}, options.quote):
            print(f"book/{chapter} " + ("has new figures." if options.quote else
                  "quotes other figures; make bench QUOTE=1 renews them."))
    except Trouble as trouble:
        print(f"bench: {trouble}", file=sys.stderr)
        return 1
    (options.images / "bench.json").write_text(
        json.dumps({"rows": figures, "stretches": stretches, "hidden": hidden}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
