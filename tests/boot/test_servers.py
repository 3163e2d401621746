"""The pager and the console's server: what the shell's `run` shows of them."""

from __future__ import annotations

import re
from typing import Iterator

import pytest

from images import FULL
from machine import Machine
from test_session import PROMPT, ask

FRAMES, ROUNDS = 8, 10
WHAT_ADA_SAYS = ["Lines of one person belong together.", "So do these."]
WHAT_BEN_SAYS = ["I do not know who else is speaking.", "?[2AIt is ?[7mme?[0m."]


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    rinit = FULL.directory / "rinit.elf"
    with Machine(kernel=FULL.kernel, initrd=f"{rinit} rinit") as machine:
        machine.serial.wait_for(PROMPT)
        yield machine


def first_in_first_out(pages: int) -> tuple[int, int]:
    """How many pages are fetched and written back, by a model of the pager."""
    frames: list[int] = []
    changed: set[int] = set()
    fetched = written = 0
    for touch in range(2 * ROUNDS * pages):
        page, writes = touch % pages, touch // pages % 2 == 0
        if page not in frames:
            fetched += 1
            if len(frames) == FRAMES:
                written += frames[0] in changed
                changed.discard(frames.pop(0))
            frames.append(page)
        if writes:
            changed.add(page)
    return fetched, written


@pytest.mark.parametrize("pages", [0, 1, 7, 8, 9, 12, 63, 64])
def test_the_pager_keeps_what_is_written(machine: Machine, pages: int) -> None:
    fetched, written = first_in_first_out(pages)
    total, counts = ask(machine, f"run pager {pages}")
    assert total == f"The sum is {45 * pages * (pages - 1) // 2}."
    assert re.fullmatch(rf"\d+ faults; {fetched} pages fetched, {written} written back\.", counts)


def test_a_worker_without_a_page_for_it_stops_alone(machine: Machine) -> None:
    answer = ask(machine, "run pager 65")
    assert answer[0] == f"The worker is stopped: page fault, address {(4 << 39) + (64 << 12):#x}."
    assert ask(machine, "ps") == ["NUMBER NAME"]


def said_by(name: str, answer: list[str]) -> list[str]:
    return [line.removeprefix(f"{name}: ") for line in answer if line.startswith(f"{name}: ")]


def test_lines_are_not_mixed(machine: Machine) -> None:
    answer = ask(machine, "run voices")
    assert said_by("ada", answer) == WHAT_ADA_SAYS
    assert said_by("ben", answer) == WHAT_BEN_SAYS
    assert sorted(answer[-2:]) == ["ada has ended.", "ben has ended."]
    assert len(answer) == 6


def test_without_the_server_they_are(machine: Machine) -> None:
    answer = ask(machine, "run voices mixed")
    assert all(line not in answer for line in WHAT_ADA_SAYS[:1] + WHAT_BEN_SAYS[:1])


def test_a_client_that_dies_in_a_line_leaves_the_other_alone(machine: Machine) -> None:
    answer = ask(machine, "run voices broken")
    assert said_by("ada", answer) == WHAT_ADA_SAYS
    assert said_by("ben", answer) == ["I do not know who else is"]
    assert "ben has stopped: page fault." in answer and "ada has ended." in answer


def test_they_leave_no_memory_behind(machine: Machine) -> None:
    before = ask(machine, "mem")
    for command in ("pager 64", "voices", "pager 65", "voices broken"):
        ask(machine, f"run {command}")
    assert ask(machine, "mem") == before
