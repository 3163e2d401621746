"""A kernel that does not do what is asked scores 0, whatever it says.

All code in the machine is the hand-in's as much as ours, so nothing that the
machine says is believed unless it is right, for inputs made a moment ago.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from . import build, exercise, machine, records
from .commands import directory_of
from .grade import Verdict, grade, judge, prepare

CHEATERS = sorted((Path(__file__).parent / "cheaters").glob("*.nw"))
HERE = pytest.mark.xdist_group("exercise-cheaters")
CLEAR = exercise.find("weak-clear")


def graded(path: Path, seed: str = "1") -> list[Verdict]:
    with directory_of(CLEAR, "cheat") as directory:
        return grade(CLEAR, path, path.name, directory, seed)


@HERE
@pytest.mark.parametrize("path", CHEATERS, ids=lambda path: path.stem)
def test_a_cheater_scores_nothing(path: Path) -> None:
    """Each says how it will be found out."""
    expected = re.search(r"^Verdict: (\w+)$", path.read_text(), re.MULTILINE)
    verdicts = graded(path)
    assert [verdict.points for verdict in verdicts] == [0] * len(verdicts)
    assert expected and {verdict.kind for verdict in verdicts} == {expected[1]}


@HERE
def test_what_was_right_once_is_wrong_with_another_seed(tmp_path: Path) -> None:
    """A kernel that sends a recording of a run with full points."""
    with directory_of(CLEAR, "cheat") as directory:
        check = CLEAR.checks()[0]
        steps, words, key = prepare(check, 1, "2")
        kernel = build.image(CLEAR, CLEAR.directory / "solution.nw", "solution.nw", directory)
        run = machine.run(kernel, words, tmp_path)
    assert judge(CLEAR, steps, key, run, "") == ("pass", "", "")
    steps, _, key = prepare(check, 1, "3")
    assert judge(CLEAR, steps, key, run, "")[0] == "fail"


# --- Records -------------------------------------------------------------------

def sent(key: int, told: list[list[int]], end: bool = True) -> bytes:
    """What an honest runner sends."""
    chain, lines = records.Chain(key), []
    for number, words in enumerate(told):
        for word in words:
            chain.mix(word)
        tag = chain.mix(~number & records.MASK)
        lines.append("".join(f"{word:x} " for word in words) + f"#{tag:x}\n")
    if end:
        lines.append(f"end #{chain.mix(~len(told) & records.MASK):x}\n")
    return "".join(lines).encode()


TOLD = [[1, 2, 3], [], [records.MASK], [0]]


def test_what_was_sent_is_read() -> None:
    assert records.read(sent(5, TOLD), 5, 4) == records.Records(TOLD, True, False)


def test_a_run_that_broke_off_is_incomplete() -> None:
    for length in range(len(sent(5, TOLD))):
        found = records.read(sent(5, TOLD)[:length], 5, 4)
        assert not found.complete
        assert found.steps == TOLD[:len(found.steps)]


@pytest.mark.parametrize("forged", [
    sent(6, TOLD), sent(5, TOLD) + b"x\n", b"ok\n" + sent(5, TOLD), sent(5, TOLD[:3]),
    sent(5, [*TOLD, [1]]), sent(5, TOLD).replace(b"2 ", b"3 "), sent(5, TOLD) * 2,
    b"end #0\n", b"\xff\xfe\n", b"-1 #0\n", b"1" * 40 + b" #0\n", b"\n"])
def test_a_forged_record_is_noticed(forged: bytes) -> None:
    found = records.read(forged, 5, 4)
    assert found.stray


def test_nothing_proves_nothing() -> None:
    assert records.read(b"", 5, 4) == records.Records([], False, False)
    steps, _, key = prepare(CLEAR.checks()[0], 1, "1")
    for status in (machine.DONE, machine.PANIC, 0, 1):
        run = machine.Run("ended", status, b"", "10 of 10 points, all pass", 0)
        assert judge(CLEAR, steps, key, run, "")[0] == "crash"
