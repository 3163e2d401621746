"""Where `make test` has put what it built, and which tests are in it."""

from __future__ import annotations

import functools
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


@dataclass(frozen=True)
class Tree:
    """A prefix of the book, or the whole book, as built."""

    name: str  # "ch08" or "full"
    directory: Path

    @property
    def number(self) -> str:
        """The chapter's number, two digits; nothing for the whole book."""
        return self.name[2:] if self.name.startswith("ch") else ""

    @property
    def kernel(self) -> Path:
        return self.directory / "rux.elf"

    @property
    def test_kernel(self) -> Path:
        return self.directory / "test" / "rux.elf"

    @property
    def iso(self) -> Path:
        return self.directory / "rux.iso"

    @property
    def rinit(self) -> Path | None:
        """The first program, in the trees that have one."""
        rinit = self.directory / "rinit.elf"
        return rinit if rinit.exists() else None

    @property
    def tangled(self) -> Path:
        return self.directory / "tangled" if self.number else ROOT / "tangled"


FULL = Tree("full", BUILD / "full")


@functools.cache
def prefixes() -> list[Tree]:
    """Every prefix of the book, in order."""
    numbers = sorted(path.name[:2] for path in (ROOT / "book").glob("[0-9][0-9]-*.nw"))
    return [Tree(f"ch{n}", BUILD / f"ch{n}") for n in numbers if n != "00"]


@functools.cache
def kernel_tests(image: Path) -> list[str]:
    """The names of the tests in a test image, as their records call them."""
    if not image.exists():
        return []
    symbols = subprocess.run(["nm", str(image)], check=True, capture_output=True,
                             text=True).stdout
    return sorted(re.findall(r" test_record_(\w+)$", symbols, re.MULTILINE))


def place_of(image: Path, address: int) -> str:
    """The line of the book that an address of an image comes from."""
    answer = subprocess.run(["addr2line", "-f", "-e", str(image), hex(address)],
                            check=True, capture_output=True, text=True).stdout
    function, place = answer.split("\n")[:2]
    place = re.sub(r"^(\./|/.*//)", "", place)  # NASM's lines come with a directory
    return f"{place} in {function}()"
