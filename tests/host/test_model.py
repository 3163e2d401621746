"""The model and the core, side by side, on the host.

Nobody would notice if the comparison compared nothing. So it is also made
with cores that are wrong: it has to find them out, to shrink what it has
found to a few operations, and to fail again on these.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "boot"))

from images import FULL, ROOT  # noqa: E402

MODEL = FULL.directory / "host" / "model"
MUTANTS = sorted((Path(__file__).parent / "model" / "mutants").glob("*.nw"))
FEW = 8  # operations; none of the mutants needs more


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True,
                          text=True, timeout=580)


def command_after(word: str, said: str) -> list[str]:
    """The command that the program proposes on the line that begins so."""
    found = re.search(rf"^{word}: +(.*)$", said, re.MULTILINE)
    assert found, said
    return found[1].split()


@pytest.mark.timeout(600)
def test_core_does_what_the_model_does() -> None:
    seeds = os.environ.get("SEEDS", "500")
    steps = os.environ.get("STEPS", "2000")
    done = run(MODEL, "--seeds", seeds, "--steps", steps, "--counts")
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{int(seeds) * int(steps)} operations" in done.stdout


def test_every_call_succeeds_and_fails_and_stops() -> None:
    """What the sequences reach; else the comparison might be an idle one."""
    said = run(MODEL, "--seeds", 60, "--counts").stdout
    lines = dict(re.findall(r"^([a-z ]+): (.*)$", said, re.MULTILINE))
    for call in ("identify", "retype", "map", "unmap", "set", "reset", "free", "copy", "mint", "move",
                 "delete", "revoke"):
        answers = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", lines[call])}
        assert answers["NO_ERROR"] > 30, said
        assert len(answers) >= 6, said
        if call in ("retype", "reset", "free", "revoke"):
            assert answers["stopped"] > 0, said
    for error in ("BAD_ADDRESS", "BAD_ARGUMENT", "BAD_CALL", "BAD_SIZE", "BAD_SLOT", "BUSY", "EMPTY",
                  "NOT_EMPTY", "NO_CAPABILITY", "NO_MEMORY", "NO_RIGHT", "SLOT_IN_USE", "TOO_DEEP",
                  "WRONG_TYPE"):
        assert f"ERROR_{error} " in said, said


@pytest.fixture(scope="module", params=MUTANTS, ids=lambda path: path.stem)
def wrong_model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program with a core that is wrong in one place."""
    directory = tmp_path_factory.mktemp(request.param.stem)
    done = run("book/tools/tangle", "--overlay", request.param, directory / "tangled")
    assert done.returncode == 0, done.stderr
    done = run("make", "--no-print-directory", "-f", "tests/host/build.mk",
               f"TANGLED={directory}/tangled", f"OUT={directory}/host", f"{directory}/host/model")
    assert done.returncode == 0, done.stdout + done.stderr
    return directory / "host" / "model"


def test_a_wrong_core_is_found_out_shrunk_and_met_again(wrong_model: Path) -> None:
    found = run(wrong_model)
    assert found.returncode == 1, found.stdout + found.stderr
    again = run(*command_after("Again", found.stdout))
    assert again.returncode == 1
    assert re.search(r"Seed .*", again.stdout)[0] == re.search(r"Seed .*", found.stdout)[0]
    shrunk = run(*command_after("Shrink", found.stdout))
    lines = re.findall(r"^ +\d+  .*$", shrunk.stdout, re.MULTILINE)
    assert 1 <= len(lines) <= FEW, shrunk.stdout
    assert run(*command_after("Again", shrunk.stdout)).returncode == 1
