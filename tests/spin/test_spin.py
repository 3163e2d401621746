"""Spin searches every order in which tasks can put and take (channels.pml)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).with_name("channels.pml")


def search(directory: Path, *options: str) -> tuple[int, int]:
    """How many errors Spin finds, and how many states it has seen."""
    subprocess.run(["spin", "-a", *options, MODEL], cwd=directory, check=True, capture_output=True, timeout=60)
    subprocess.run(["gcc", "-O2", "-DSAFETY", "-o", "pan", "pan.c"],
                   cwd=directory, check=True, capture_output=True, timeout=120)
    said = subprocess.run(["./pan", "-m100000"], cwd=directory, check=True, capture_output=True, text=True,
                          timeout=240).stdout
    assert "max search depth too small" not in said
    errors, states = re.search(r"errors: (\d+)", said), re.search(r"(\d+) states, stored", said)
    assert errors and states, said
    return int(errors[1]), int(states[1])


@pytest.mark.parametrize("options", [(), ("-DREVOKE",)], ids=["put-take-end", "revoke"])
def test_nobody_waits_in_vain(tmp_path: Path, options: tuple[str, ...]) -> None:
    errors, states = search(tmp_path, *options)
    assert errors == 0
    assert states > 100_000


@pytest.mark.parametrize("mutant", [1, 2, 3], ids=["putter-forgotten", "not-one-step", "end-forgets-putters"])
def test_a_mistake_is_found(tmp_path: Path, mutant: int) -> None:
    assert search(tmp_path, f"-DMUTANT={mutant}")[0] > 0
