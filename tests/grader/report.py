"""Words for the student."""

from __future__ import annotations

import textwrap

from . import exercise as book
from .exercise import Exercise
from .grade import Verdict

WIDTH = 78
MARKS = {"pass": "ok", "fail": "FAIL", "crash": "CRASH", "hang": "HANG"}


def report(exercise: Exercise, verdicts: list[Verdict], seed: str, name: str) -> str:
    """Points, and for each failed check what there is to say."""
    lines = [f"{exercise.slug}: {exercise.title}", f"    {name}, seed {seed}", ""]
    told: set[str] = set()
    file = "" if name == str(exercise.answer.relative_to(book.ROOT)) else f" FILE={name}"
    for verdict in verdicts:
        check = verdict.check
        lines.append(f"  {MARKS[verdict.kind]:5}  {verdict.points}/{check.points}  {check.title}")
        if verdict.kind != "pass":
            lines += [*_explain(exercise, verdict, told),
                      *_item("Replay", f"make grade EX={exercise.slug} SEED={seed} "
                                       f"ONLY={verdict.number}{file}")]
    points = sum(verdict.points for verdict in verdicts)
    possible = sum(verdict.check.points for verdict in verdicts)
    lines += ["", f"{points} of {possible} points"]
    if points < possible and exercise.hints:
        lines[-1] += f" (make hint EX={exercise.slug})"
    return "\n".join(lines)


def _explain(exercise: Exercise, verdict: Verdict, told: set[str]) -> list[str]:
    lines = _item("Observed", verdict.observed)
    diagnosis = exercise.diagnoses.get(verdict.diagnosis)
    if not diagnosis:
        return lines
    if verdict.diagnosis in told:
        return lines + _item("Cause", f"As above ({verdict.diagnosis}).")
    told.add(verdict.diagnosis)
    place = book.section(diagnosis.section)
    invariant = book.invariant(exercise, diagnosis.invariant) if diagnosis.invariant else None
    if invariant:
        lines += _item("Breaks", f"{diagnosis.invariant} ({invariant.place}): {invariant.text} "
                                 f"See {place}.")
    else:
        lines += _item("See", f"{place}.")
    return lines + _item("Cause", f"Usually: {diagnosis.cause}")


def _item(name: str, text: str) -> list[str]:
    """A paragraph behind a name."""
    return textwrap.wrap(text, WIDTH, initial_indent=f"         {name + ':':10} ",
                         subsequent_indent=" " * 20, break_long_words=False,
                         break_on_hyphens=False)


def introduction(exercise: Exercise) -> str:
    """What there is to know when one begins."""
    stars = "*" * exercise.level
    lines = [f"{exercise.title} ({stars}, {exercise.points} points; the reference has "
             f"{exercise.reference} lines)"]
    for name, entries in (("Needs", exercise.needs), ("Not asked", exercise.not_asked)):
        for entry in entries:
            lines += _item(name, entry)
    file = exercise.answer.relative_to(book.ROOT)
    lines += ["", f"Your answer is in {file}. Then:",
              f"    make run EX={exercise.slug}      boots the kernel with it",
              f"    make grade EX={exercise.slug}    points, and why some are missing",
              f"    make hint EX={exercise.slug}     if you are stuck"]
    return "\n".join(lines)


def hints(exercise: Exercise) -> str:
    return "\n".join(line for number, hint in enumerate(exercise.hints, 1)
                     for line in textwrap.wrap(hint, WIDTH, initial_indent=f"{number}. ",
                                               subsequent_indent="   "))
