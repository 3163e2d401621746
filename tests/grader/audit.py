"""Tests the exercises themselves: starter, solution, and each wrong solution."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import exercise as book
from . import overlay
from .exercise import Exercise
from .grade import Verdict, grade, new_seed

MUTANTS = 4  # as few as there may be


@dataclass(frozen=True)
class Result:
    what: str        # "starter", "solution", "mutants/name.nw", "facts"
    complaint: str   # nothing when all is as it should be


def audit(exercise: Exercise, directory: Path, reruns: int,
          seeds: Callable[[], str] = new_seed) -> Iterator[Result]:
    """What is found about an exercise, one result for each thing that was tried."""
    yield Result("facts", "; ".join(facts(exercise)))
    for path in (exercise.directory / "starter.nw", exercise.directory / "solution.nw",
                 *exercise.mutants()):
        what = str(path.relative_to(exercise.directory))
        yield Result(what, "; ".join(try_overlay(exercise, path, directory, reruns, seeds)))


def try_overlay(exercise: Exercise, path: Path, directory: Path, reruns: int,
                seeds: Callable[[], str] = new_seed) -> list[str]:
    """Complaints about an overlay that is graded again and again."""
    name, seed = str(path.relative_to(book.ROOT)), seeds()
    first = grade(exercise, path, name, directory, seed)
    complaints = judge(exercise, path, first)
    for _ in range(reruns):
        again = grade(exercise, path, name, directory, seed)
        if _kinds(again) != _kinds(first):
            complaints.append(f"seed {seed} gave {_kinds(first)}, then {_kinds(again)}")
    return [f"{complaint} (seed {seed})" for complaint in complaints]


def judge(exercise: Exercise, path: Path, verdicts: list[Verdict]) -> list[str]:
    """What is wrong with the verdicts on a starter, a solution or a mutant."""
    lost = [verdict for verdict in verdicts if verdict.kind != "pass"]
    if path.name == "solution.nw":
        return [f"check {v.number} is lost by the solution: {v.observed}" for v in lost]
    if path.name == "starter.nw" and len(lost) < len(verdicts):
        return ["the starter gets points"]
    wanted = "not-begun" if path.name == "starter.nw" else expected_diagnosis(path)
    if not lost:
        return ["it gets full points"]
    if wanted not in exercise.diagnoses:
        return [f'it names the diagnosis "{wanted}", which exercise.toml has not']
    if wanted not in [verdict.diagnosis for verdict in lost]:
        said = ", ".join(f"{v.number}: {v.kind} {v.diagnosis or '-'}: {v.observed}" for v in lost)
        return [f'it should be diagnosed as "{wanted}", and was as {said}']
    return []


def expected_diagnosis(path: Path) -> str:
    """What a mutant says that it should be diagnosed as."""
    found = re.search(r"^Diagnosis: ([\w-]+)$", path.read_text(), re.MULTILINE)
    return found[1] if found else ""


def facts(exercise: Exercise) -> list[str]:
    """What is wrong with the texts and numbers of an exercise."""
    complaints = []
    points = sum(check.points for check in exercise.checks())
    if points != exercise.points:
        complaints.append(f"the checks give {points} points, exercise.toml {exercise.points}")
    lines = code_lines(exercise.directory / "solution.nw")
    if lines != exercise.reference:
        complaints.append(f"the solution has {lines} lines, exercise.toml says "
                          f"{exercise.reference}")
    if f"#ex:{exercise.slug} " not in exercise.chapter_file.read_text():
        complaints.append(f"the chapter has no exercise #ex:{exercise.slug}")
    for name, diagnosis in exercise.diagnoses.items():
        if not book.section(diagnosis.section):
            complaints.append(f"{name}: there is no section {diagnosis.section}")
        if diagnosis.invariant and not book.invariant(exercise, diagnosis.invariant):
            complaints.append(f"{name}: there is no invariant {diagnosis.invariant}")
    for chunk in (*exercise.chunks, *exercise.extends, *exercise.given):
        if chunk not in book.chunk_names():
            complaints.append(f"the book has no chunk <<{chunk}>>")
    if len(exercise.mutants()) < MUTANTS:
        complaints.append(f"there are fewer than {MUTANTS} mutants")
    return complaints


def code_lines(path: Path) -> int:
    """The lines of code in an overlay that are neither empty nor comment."""
    count, in_code = 0, False
    for line in overlay.read(path, str(path)).splitlines():
        if re.fullmatch(r"<<.*>>=\s*", line):
            in_code = True
        elif line == "@" or line.startswith("@ "):
            in_code = False
        elif in_code and line.strip() and not re.match(r"\s*(/\*|\*)", line):
            count += 1
    return count


def _kinds(verdicts: list[Verdict]) -> list[tuple[str, str]]:
    return [(verdict.kind, verdict.diagnosis) for verdict in verdicts]
