"""The sequences of the model, as system calls on the kernel.

userland/model.c makes them, and sums up the answers; the model, on the host,
has to come to the same sums. (tests/host/test_model.py compares the core alone
with the model, a million operations.)
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from images import FULL, ROOT
from machine import Machine

MODEL = FULL.directory / "host" / "model"
HEADER = ROOT / "tests" / "host" / "model" / "sequence.h"
WRONG = ROOT / "tests" / "host" / "model" / "mutants" / "children-left-behind.nw"


def constant(name: str) -> int:
    return int(re.search(rf"{name} = (\d+)", HEADER.read_text())[1])  # type: ignore[index]


SEEDS, STEPS, INTERVAL = map(constant, ("KERNEL_SEEDS", "KERNEL_STEPS", "KERNEL_INTERVAL"))


def sums_of_the_model() -> list[str]:
    said = subprocess.run([MODEL, "--seeds", str(SEEDS), "--steps", str(STEPS), "--digest",
                           str(INTERVAL)], check=True, capture_output=True, text=True).stdout
    lines = said.splitlines()
    assert len(lines) == SEEDS * STEPS // INTERVAL
    return lines


def first_difference(directory: Path) -> str:
    """Nothing, or the first sum that the kernel says otherwise."""
    with Machine(kernel=directory / "rux.elf",
                 initrd=f"{directory}/programs/model.elf model") as machine:
        at = 0
        for wanted in sums_of_the_model():
            at = machine.serial.wait_for("Userspace print: ", at)
            end = machine.serial.wait_for("\n", at)
            if machine.serial.heard[at:end - 1] != wanted:
                return f"{machine.serial.heard[at:end - 1]!r} should be {wanted!r}"
    return ""


def how_to_go_on(difference: str) -> str:
    seed, step = re.findall(r"seed (\d+) to (\d+)", difference)[-1]
    program = MODEL.relative_to(ROOT)
    return (f"{difference}\n"
            f"The operations: {program} --seed {seed} --steps {step} --list | tail -{INTERVAL}\n"
            f"On the host:    {program} --seed {seed} --steps {step}\n"
            f"Again:          make run PROGRAM=model CHECK=1")


@pytest.mark.timeout(600)
def test_kernel_answers_as_the_model_does() -> None:
    difference = first_difference(FULL.directory / "check")
    if difference:
        pytest.fail(how_to_go_on(difference), pytrace=False)


def test_a_wrong_kernel_answers_otherwise(tmp_path: Path) -> None:
    subprocess.run(["book/tools/tangle", "--overlay", WRONG, tmp_path / "tangled"], cwd=ROOT,
                   check=True)
    subprocess.run(["make", "-s", "-f", "boot/build.mk", f"TANGLED={tmp_path}/tangled",
                    f"OUT={tmp_path}", "PROGRAMS=model"], cwd=ROOT, check=True, timeout=250)
    difference = first_difference(tmp_path)
    assert re.search(r"model --seed \d+ --steps \d+ --list", how_to_go_on(difference))
