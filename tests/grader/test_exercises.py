"""Starters fail with their diagnosis, solutions pass, mistakes are caught."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from . import audit, build, exercise
from .commands import directory_of
from .exercise import Exercise
from .grade import grade, prepare
from .machine import SHIFT

EVERY = exercise.every()
OVERLAYS = [(each, path) for each in EVERY
            for path in (each.directory / "starter.nw", each.directory / "solution.nw",
                         *each.mutants())]


def here(chosen: Exercise) -> pytest.MarkDecorator:
    """One directory is built in by one test at a time."""
    return pytest.mark.xdist_group(f"exercise-{chosen.slug}")


def label(part: object) -> str:
    return part.slug if isinstance(part, Exercise) else getattr(part, "stem", str(part))


def each_exercise() -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "chosen", [pytest.param(each, marks=here(each)) for each in EVERY], ids=label)


def test_there_are_exercises() -> None:
    assert {"weak-clear", "retype-no-overlap", "caddr-lookup"} <= {each.slug for each in EVERY}
    assert SHIFT == 7  # what exercises' budgets were measured with


@each_exercise()
def test_its_texts_and_numbers_are_right(chosen: Exercise) -> None:
    assert audit.facts(chosen) == []


@pytest.mark.parametrize(("chosen", "path"), [pytest.param(each, path, marks=here(each))
                                              for each, path in OVERLAYS], ids=label)
def test_an_overlay_gets_the_verdict_it_should(chosen: Exercise, path: Path) -> None:
    with directory_of(chosen, "test") as directory:
        reruns = 2 if path.stem == "solution" else 0
        assert audit.try_overlay(chosen, path, directory, reruns, lambda: path.stem) == []


@each_exercise()
def test_checks_can_be_made_from_any_seed(chosen: Exercise) -> None:
    for number, check in enumerate(chosen.checks(), 1):
        inputs = set()
        for seed in range(100):
            _, words, _ = prepare(check, number, str(seed))
            assert all(0 <= word < 1 << 64 for word in words)
            assert len(words) < 32768  # what the runner has room for
            inputs.add(tuple(words[1:]))
        assert len(inputs) == 100  # fresh for each run


@each_exercise()
def test_a_seed_makes_the_same_checks_again(chosen: Exercise) -> None:
    for number, check in enumerate(chosen.checks(), 1):
        assert prepare(check, number, "7")[1:] == prepare(check, number, "7")[1:]


@each_exercise()
def test_a_mutant_loses_points_only_where_it_is_wrong(chosen: Exercise) -> None:
    """A typical mistake does not cost everything: the checks are independent."""
    path = chosen.mutants()[-1]
    with directory_of(chosen, "test") as directory:
        verdicts = grade(chosen, path, path.name, directory, "5")
    assert 0 < sum(verdict.points for verdict in verdicts) < chosen.points


@each_exercise()
def test_the_exercise_runs_as_a_kernel_of_its_chapter(chosen: Exercise) -> None:
    """What make run EX= builds: without our checks, with all warnings."""
    with directory_of(chosen, "run") as directory:
        starter = directory / "starter.nw"
        shutil.copyfile(chosen.directory / "starter.nw", starter)
        tree = directory / "tangled"
        build._run(["book/tools/tangle", "--chapter", chosen.chapter, "--overlay",
                    build._relative(starter), build._relative(tree)], directory, "starter.nw")
        build._run(["make", "-j2", "-f", "boot/build.mk", f"TANGLED={build._relative(tree)}",
                    f"OUT={build._relative(directory)}", f"LAST={chosen.chapter}"],
                   directory, "starter.nw")
        from . import machine
        run = machine.run(directory / "rux.elf", [], directory / "boot")
    assert run.ending == "ended" and run.status == machine.PANIC
    assert chosen.starter_says in run.console
