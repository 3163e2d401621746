"""The fuzzer finds nothing in the book's kernel, and much in wrong ones.

About a minute's worth of calls, from four seeds; which they are is said, and
`make fuzz SEED=...` makes the same ones. `make fuzz MINUTES=10` makes more.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "boot")]

import fuzz  # noqa: E402
from images import FULL, ROOT  # noqa: E402
from test_commands import make  # noqa: E402

IMAGES = FULL.directory / "check"
MUTANTS = sorted((HERE / "mutants").glob("*.nw"))
SEEDS, CALLS, FEW = (1, 2, 3, 4), 5000, 1000

_runs: dict[int, fuzz.Run] = {}


def run(seed: int) -> fuzz.Run:
    if seed not in _runs:
        _runs[seed] = fuzz.fuzz(IMAGES, seed, CALLS)
    return _runs[seed]


@pytest.mark.timeout(400)
@pytest.mark.xdist_group("fuzz")
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_found(seed: int) -> None:
    found = run(seed)
    if found.trouble:
        pytest.fail(fuzz.story(found, CALLS), pytrace=False)


@pytest.mark.timeout(900)
@pytest.mark.xdist_group("fuzz")
def test_the_fuzzer_is_not_blind() -> None:
    """Each call has succeeded and failed, each common error has been seen."""
    counts = fuzz.total(run(seed) for seed in SEEDS)
    assert not fuzz.blind_spots(counts), fuzz.blind_spots(counts)
    assert sum(good for good, _ in counts.values()) > sum(map(sum, counts.values())) / 5
    errors = {name for seed in SEEDS for name, count in run(seed).answers().items() if count}
    assert len(errors) >= 15, errors


@pytest.mark.timeout(400)
@pytest.mark.xdist_group("fuzz")
def test_a_seed_makes_the_same_calls_again() -> None:
    first, second = (fuzz.fuzz(IMAGES, 7, FEW) for _ in range(2))
    assert first.said == second.said
    assert first.last == second.last and len(first.last) == fuzz.LAST
    assert fuzz.fuzz(IMAGES, 8, FEW).last != first.last


def build(overlay: Path, directory: Path) -> Path:
    subprocess.run(["book/tools/tangle", "--overlay", overlay, directory / "tangled"], cwd=ROOT,
                   check=True)
    subprocess.run(["make", "-s", "-f", "boot/build.mk", f"TANGLED={directory}/tangled",
                    f"OUT={directory}", "CHECK=1", "PROGRAMS=fuzz"], cwd=ROOT, check=True,
                   timeout=250)
    return directory


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.stem)
def test_a_mistake_is_found(tmp_path: Path, mutant: Path) -> None:
    images = build(mutant, tmp_path)
    found = next((found for seed in SEEDS
                  if (found := fuzz.fuzz(images, seed, CALLS)).trouble), None)
    assert found, "nothing was found"
    told = fuzz.story(found, CALLS)
    assert "panicked" in told or "reset" in told
    assert re.search(rf"make fuzz SEED={found.seed} CALLS={CALLS}", told)
    if "panicked" in told:
        assert re.search(r"call \d+ of child \d: rax=", told)


def test_make_fuzz_says_what_it_did() -> None:
    done = make("fuzz", "SEED=9", f"CALLS={FEW}")
    assert "fuzz: seed 9:" in done.stdout
    assert re.search(r"retype +\d+ +\d+", done.stdout)


def test_a_call_without_a_line_is_named() -> None:
    assert "teleport" in fuzz.blind_spots({"yield": (3, 0), "teleport": (0, 5)})
    assert "has no line" in fuzz.blind_spots({"yield": (3, 0), "without a line": (1, 5)})
