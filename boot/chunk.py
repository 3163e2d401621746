"""gdb's command `chunk`: a breakpoint where a chunk of the book begins.

The kernel's line numbers are the book's, so a chunk is a place like any other.
An exercise's answer is looked at before the book, whose chunks it replaces.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import gdb


def files() -> list[Path]:
    """Where chunks are looked for: the answer, if there is one, and the book."""
    answer = os.environ.get("RUX_ANSWER")
    return ([Path(answer)] if answer else []) + sorted(Path("book").glob("[0-9]*.nw"))


def chunks(file: Path) -> Iterator[tuple[str, str]]:
    """Each chunk of a file with its first line of code, as gdb names a line."""
    name = ""
    for number, line in enumerate(file.read_text().splitlines(), 1):
        definition = re.fullmatch(r"<<(.*)>>=\s*", line)
        if definition:
            name = definition[1]
        elif line == "@" or line.startswith("@ "):
            name = ""
        elif name and line.strip() and not re.match(r"\s*(<<|/\*|\*|;|#)", line):
            yield name, f"{file}:{number}"
            name = ""


class Chunk(gdb.Command):
    """Stop where a chunk begins: chunk NAME. Without a name: those of the answer."""

    def __init__(self) -> None:
        super().__init__("chunk", gdb.COMMAND_BREAKPOINTS)

    def invoke(self, argument: str, from_tty: bool) -> None:
        name = argument.strip().strip("\"'").removeprefix("<<").removesuffix(">>")
        places = [place for file in (files() if name else files()[:1])
                  for found, place in chunks(file) if not name or found == name]
        if not places:
            raise gdb.GdbError(f"There is no code in a chunk <<{name}>>.")
        for place in places[:1] if name else places:
            gdb.Breakpoint(place)

    def complete(self, text: str, word: str) -> list[str]:
        return sorted({name for file in files() for name, _ in chunks(file)
                       if name.startswith(text)})


Chunk()
