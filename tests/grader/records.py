"""What a machine sent through the debug port, and whether it is authentic."""

from __future__ import annotations

from dataclasses import dataclass

MASK = (1 << 64) - 1


class Chain:
    """The tag that runs along all records (see runner.c)."""

    def __init__(self, key: int) -> None:
        self._tag = key

    def mix(self, word: int) -> int:
        x = (self._tag ^ word) * 0x9E3779B97F4A7C15 & MASK
        x = (x ^ x >> 32) * 0xD6E8FEB86659FD93 & MASK
        self._tag = x ^ x >> 29
        return self._tag


@dataclass(frozen=True)
class Records:
    steps: list[list[int]]  # the words of each step's record, as far as it came
    complete: bool          # the record of the end has come, too
    stray: bool             # something that is no record of ours has come


def read(sent: bytes, key: int, steps: int) -> Records:
    """The records in `sent`, up to the first that is not authentic."""
    chain, found = Chain(key), []
    lines = sent.split(b"\n")
    for number, line in enumerate(lines[:-1]):
        words, found_tag = _words(line)
        at_end = words == ["end"]
        if at_end:
            words = []
        try:
            values = [int(word, 16) for word in words]
        except ValueError:
            return Records(found, False, True)
        for value in values:
            if not 0 <= value <= MASK:
                return Records(found, False, True)
            chain.mix(value)
        if number > steps or found_tag != f"{chain.mix(~number & MASK):x}":
            return Records(found, False, True)
        if at_end:
            rest = lines[number + 1:] != [b""]
            return Records(found, number == steps and not rest, rest or number != steps)
        found.append(values)
    return Records(found, False, False)


def _words(line: bytes) -> tuple[list[str], str]:
    """The words of a line, and its tag."""
    text, _, tag = line.decode("ascii", "replace").partition("#")
    return text.split(), tag
