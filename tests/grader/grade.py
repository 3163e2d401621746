"""Gives verdicts and points. What proves nothing gets no points."""

from __future__ import annotations

import random
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import build, machine, records
from .check import Check, Finding, Step
from .exercise import Exercise


@dataclass(frozen=True)
class Verdict:
    number: int   # of the check, from 1
    check: Check
    kind: str     # "pass", "fail", "crash", "hang"
    observed: str = ""
    diagnosis: str = ""

    @property
    def points(self) -> int:
        return self.check.points if self.kind == "pass" else 0


def new_seed() -> str:
    return secrets.token_hex(4)


def grade(exercise: Exercise, handin: Path, name: str, directory: Path, seed: str,
          only: int = 0, runner: Callable[..., machine.Run] = machine.run) -> list[Verdict]:
    """The verdicts of all checks, or of check number `only`."""
    kernel = build.image(exercise, handin, name, directory)

    def verdict(numbered: tuple[int, Check]) -> Verdict:
        number, check = numbered
        steps, words, key = prepare(check, number, seed)
        run = runner(kernel, words, directory / f"check-{number}")
        place = build.place_of(kernel, run.address) if run.address else ""
        kind, observed, diagnosis = judge(exercise, steps, key, run, place)
        return Verdict(number, check, kind, build.in_words_of(name, directory, observed), diagnosis)

    chosen = [(number, check) for number, check in enumerate(exercise.checks(), 1)
              if only in (0, number)]
    with ThreadPoolExecutor(max_workers=2) as machines:
        return list(machines.map(verdict, chosen))


def prepare(check: Check, number: int, seed: str) -> tuple[list[Step], list[int], int]:
    """The steps of a check, what the machine gets to read, and the key in it."""
    chance = random.Random(f"{seed} {number}")
    key = chance.getrandbits(64)
    steps = check.steps(chance)
    return steps, [key, len(steps), *(word for step in steps for word in step.words)], key


def judge(exercise: Exercise, steps: list[Step], key: int, run: machine.Run,
          place: str) -> tuple[str, str, str]:
    """Kind of verdict, what was observed, and the diagnosis."""
    found = records.read(run.records, key, len(steps))
    for number, (step, told) in enumerate(zip(steps, found.steps), 1):
        finding = _judge_step(step, told)
        if finding:
            where = f"Step {number} of {len(steps)}, which {step.does}: "
            return "fail", where + finding.observed, finding.diagnosis
    if found.complete and not found.stray:
        return "pass", "", ""
    if found.stray or run.ending == "flood":
        return "fail", ("The debug port, which only the checks may write to, carried something "
                        "that is not theirs."), ""
    step = steps[min(len(found.steps), len(steps) - 1)]
    when = f"In step {len(found.steps) + 1} of {len(steps)}, which {step.does}, "
    if run.ending in ("hang", "halted"):
        how = "the kernel did not come back" if run.ending == "hang" else \
            "the processor stopped for good, with interrupts off"
        return "hang", f"{when}{how}; it was in {place}.", step.hang or step.crash
    if exercise.starter_says in run.console:
        return "crash", f'{when}the kernel said "{exercise.starter_says}"', "not-begun"
    return "crash", when + _last_words(run), step.crash


def _judge_step(step: Step, told: list[int]) -> Finding | None:
    try:
        return step.judge(told)
    except (IndexError, ValueError, KeyError):
        return Finding("the record of this step makes no sense.", "")


def _last_words(run: machine.Run) -> str:
    if run.ending == "reset":
        return "the machine was reset (a triple fault, or the kernel did it)."
    panic = re.search(r"PANIC in (\S+)\n(?:\[kernel\] )?([^\n]*)", run.console)
    if panic and panic[1].startswith("tests/grader/"):
        return f"this was found: {panic[2]}"  # undefined behaviour, in words of ours
    if panic:
        return f'the kernel panicked in {panic[1]}: "{panic[2]}"'
    return "the kernel ended the machine before the check was over."
