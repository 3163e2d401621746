"""Channels, calls and faults do without the ways that need no main loop.

The image is built with SLOW=1; only the chapters that have such ways are tested.
"""

from __future__ import annotations

import functools

import pytest

from images import BUILD, kernel_tests
from kernel_tests import Verdict, run_image

IMAGE = BUILD / "ch18" / "slow-test" / "rux.elf"
EARLIER = [name for name in kernel_tests(IMAGE) if name < "14"]
NAMES = [name for name in kernel_tests(IMAGE) if name >= "14"]

pytestmark = [pytest.mark.chapter("18"), pytest.mark.xdist_group("slow")]


@functools.cache
def verdicts() -> dict[str, Verdict]:
    return run_image(IMAGE, first=len(EARLIER))


def test_there_is_something_to_test() -> None:
    assert any(name.startswith("16_") for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_long_way(name: str) -> None:
    verdict = verdicts().get(name, Verdict(False, "the test was never reached"))
    if not verdict.passed:
        pytest.fail(verdict.why, pytrace=False)
