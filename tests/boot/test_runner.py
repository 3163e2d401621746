"""The runner of kernel tests tells apart all ways in which a test can end."""

from __future__ import annotations

import functools
import subprocess

import pytest

from images import BUILD, ROOT, kernel_tests
from kernel_tests import Verdict, run_image

IMAGE = BUILD / "probe" / "rux.elf"
ENDS = {
    "passes": "",
    "fails": "tests/boot/probe/01-probe.c:17: three == 4",
    "fails_with_values": "three == 17: 0x3 is not 0x11",
    "is_undefined": "undefined: a shift by too much",
    "hangs": "hang at tests/boot/probe/01-probe.c:",
    "halts": "hang at tests/boot/probe/01-probe.c:",
    "panics": "the kernel panicked in 01_panics",
    "dies_as_it_should": "",
    "dies_otherwise": "died, but not with 'these are the last words'",
    "lives": "lived, and should have died",
    "resets": "the machine was reset",
    "prints_what_a_pass_looks_like": "three == 4",
    "passes_at_the_end": "",
}


@functools.cache
def verdicts() -> dict[str, Verdict]:
    made = subprocess.run(
        ["make", "-f", "boot/build.mk", "TANGLED=build/ch02/tangled", f"OUT={IMAGE.parent}",
         "LAST=02", "TEST=1", "TEST_DIR=tests/boot/probe"],
        cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    return run_image(IMAGE)


@pytest.mark.xdist_group("probe")
@pytest.mark.parametrize(("name", "why"), ENDS.items(), ids=ENDS.keys())
def test_end(name: str, why: str) -> None:
    verdict = verdicts()[f"01_{name}"]
    assert verdict.passed == (not why)
    assert why in verdict.why


@pytest.mark.xdist_group("probe")
def test_every_test_is_found() -> None:
    assert set(verdicts()) == {f"01_{name}" for name in ENDS}
    assert set(kernel_tests(IMAGE)) == set(verdicts())
