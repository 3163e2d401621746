"""Spin searches every order in which tasks can put and take (channels.pml), and
call and reply (calls.pml)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def search(directory: Path, model: str, *options: str) -> tuple[int, int]:
    """How many errors Spin finds, and how many states it has seen."""
    subprocess.run(["spin", "-a", *options, HERE / model], cwd=directory, check=True, capture_output=True, timeout=60)
    subprocess.run(["gcc", "-O2", "-DSAFETY", "-o", "pan", "pan.c"],
                   cwd=directory, check=True, capture_output=True, timeout=120)
    said = subprocess.run(["./pan", "-m100000"], cwd=directory, check=True, capture_output=True, text=True,
                          timeout=240).stdout
    assert "max search depth too small" not in said
    errors, states = re.search(r"errors: (\d+)", said), re.search(r"(\d+) states, stored", said)
    assert errors and states, said
    return int(errors[1]), int(states[1])


@pytest.mark.parametrize("options", [
    ("channels.pml",),
    ("channels.pml", "-DREVOKE"),
    ("calls.pml",),
    ("calls.pml", "-DEND"),
    ("calls.pml", "-DSTOP"),
    ("calls.pml", "-DEND", "-DSTOP", "-DEACH=1"),
], ids=["put-take-end", "revoke", "call-reply", "call-reply-end", "call-reply-stop", "call-reply-stop-end"])
def test_nobody_waits_in_vain(tmp_path: Path, options: tuple[str, ...]) -> None:
    errors, states = search(tmp_path, *options)
    assert errors == 0
    assert states > 100_000


@pytest.mark.parametrize("mutant", [1, 2, 3], ids=["putter-forgotten", "not-one-step", "end-forgets-putters"])
def test_a_mistake_is_found(tmp_path: Path, mutant: int) -> None:
    assert search(tmp_path, "channels.pml", f"-DMUTANT={mutant}")[0] > 0


MISTAKES = ["replies-twice", "replies-to-another's-caller", "forgets-whom-it-owed", "stops-and-owes",
            "end-forgets-callers", "call-is-stored", "reply-and-take-are-two"]


@pytest.mark.parametrize("mutant", range(1, 1 + len(MISTAKES)), ids=MISTAKES)
def test_a_mistake_with_calls_is_found(tmp_path: Path, mutant: int) -> None:
    who = "-DEND" if MISTAKES[mutant - 1] == "end-forgets-callers" else "-DSTOP"
    assert search(tmp_path, "calls.pml", who, f"-DMUTANT={mutant}")[0] > 0
