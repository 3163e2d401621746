"""What an exercise's check.py is made of.

A check makes steps from fresh random numbers. A step is what the machine is
told to do, and a function that judges what it told. The judgement is made on
the host, by a model that the machine has never seen.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be."""

    observed: str   # a sentence for the student
    diagnosis: str  # which entry of exercise.toml explains it


@dataclass(frozen=True)
class Step:
    words: list[int]  # the operation and its arguments
    does: str         # "ends object 2": completes "while the kernel ..."
    judge: Callable[[list[int]], Finding | None]
    crash: str = ""   # the diagnosis when the machine ends or hangs in it
    hang: str = ""


@dataclass(frozen=True)
class Check:
    title: str
    points: int
    steps: Callable[[random.Random], list[Step]]


def nothing_told(words: list[int]) -> Finding | None:
    """Judges a step that tells nothing."""
    return Finding("The kernel told something where nothing was asked.", "") if words else None
