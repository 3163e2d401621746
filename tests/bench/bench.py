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
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "boot"))

from machine import DONE, Machine  # noqa: E402

ROWS = Path(__file__).with_name("rows.toml")
READ_ONLY = (".boot", ".text", ".rodata")  # the sections that are never written


QUOTE = re.compile(r'\[([\d,]+)\](\{bench="([^"]+)"\})')


class Trouble(Exception):
    """What a person should know; no traceback is of use."""


def rows() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = tomllib.loads(ROWS.read_text())["row"]
    return listed


def run(kernel: Path, program: Path) -> str:
    """Everything that the machine says, counting instructions."""
    for image in (kernel, program):
        if not image.exists():
            raise Trouble(f"{image} is not there; `make bench` builds it")
    try:
        with Machine(kernel=kernel, initrd=f"{program} {program.stem}", memory="256M",
                     icount=0) as machine:
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


def size_of(kernel: Path) -> int:
    """Bytes of the kernel that are text or never written, without what fills
    the last page of a section."""
    def section(name: str) -> bytes:
        return subprocess.run(["objcopy", "-O", "binary", "-j", name, kernel, "/dev/stdout"],
                              check=True, capture_output=True).stdout
    return sum(len(section(name).rstrip(b"\xcc\0")) for name in READ_ONLY)


def count_lines() -> int:
    """The number that stands on the book's cover."""
    done = subprocess.run([ROOT / "book" / "tools" / "lines"], cwd=ROOT, check=True,
                          capture_output=True, text=True)
    return int(done.stdout)


def measure(images: Path) -> tuple[dict[str, int], dict[str, int]]:
    """All figures by key, and the stretches."""
    kernel = images / "rux.elf"
    calls = figures_in(run(kernel, images / "programs" / "bench.elf"))
    inside = run(images / "measure" / "rux.elf", images / "measure" / "programs" / "stretch.elf")
    stretches = stretches_in(inside)
    return {**calls, **figures_in(inside), "longest": max(stretches.values()),
            "bytes": size_of(kernel), "lines": count_lines()}, stretches


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
        figures, stretches = measure(options.images)
        print(table(figures))
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
        json.dumps({"rows": figures, "stretches": stretches}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
