"""The commands, as the makefile calls them.

Exit status: 0 full points; 1 points are missing; 2 the hand-in cannot be
graded; 3 the trouble is this computer's or ours, and no verdict was given.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import audit, build, exercise, report
from .exercise import ROOT, Exercise
from .grade import grade, new_seed
from .trouble import Refused, Trouble


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="grader")
    commands = parser.add_subparsers(required=True)
    for function in (start, hint, grade_one, audit_all):
        command = commands.add_parser(function.__name__.partition("_")[0])
        command.set_defaults(function=function)
        command.add_argument("slug", nargs="?", default="")
        command.add_argument("--file", default="")
        command.add_argument("--seed", default="")
        command.add_argument("--only", type=int, default=0)
        command.add_argument("--reruns", type=int, default=0)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.function(chosen))
    except Refused as refusal:
        print(f"Not graded.\n{refusal}", file=sys.stderr)
        return 2
    except Trouble as trouble:
        print(f"No verdict: this is not about your work.\n{trouble}", file=sys.stderr)
        return 3


def _chosen(options: argparse.Namespace) -> Exercise:
    if not options.slug:
        names = ", ".join(each.slug for each in exercise.every())
        raise Trouble(f"say which exercise, as in EX=weak-clear; there are: {names}")
    return exercise.find(options.slug)


def start(options: argparse.Namespace) -> int:
    """Begins an exercise; an answer that is there already stays as it is."""
    chosen = _chosen(options)
    answer = chosen.answer
    if answer.exists():
        raise Refused(f"{answer.relative_to(ROOT)} exists; to begin anew, move it away.")
    answer.parent.mkdir(exist_ok=True)
    shutil.copyfile(chosen.directory / "starter.nw", answer)
    print(report.introduction(chosen))
    return 0


def hint(options: argparse.Namespace) -> int:
    print(report.hints(_chosen(options)))
    return 0


def grade_one(options: argparse.Namespace) -> int:
    chosen = _chosen(options)
    answer = Path(options.file) if options.file else chosen.answer
    name = options.file or str(answer.relative_to(ROOT))
    if not options.file and not answer.exists():
        raise Refused(f"{name} does not exist; make start EX={chosen.slug} makes it.")
    build.check_tools()
    seed = options.seed or new_seed()
    with directory_of(chosen, "grade") as directory:
        verdicts = grade(chosen, answer.resolve(), name, directory, seed, options.only)
    if not verdicts:
        raise Trouble(f"there is no check number {options.only}")
    print(report.report(chosen, verdicts, seed, name))
    return 0 if all(verdict.kind == "pass" for verdict in verdicts) else 1


def audit_all(options: argparse.Namespace) -> int:
    build.check_tools()
    failed = 0
    chosen = [_chosen(options)] if options.slug else exercise.every()
    for each in chosen:
        with directory_of(each, "audit") as directory:
            for result in audit.audit(each, directory, options.reruns):
                mark = "FAIL" if result.complaint else "ok"
                print(f"  {mark:5}  {each.slug}: {result.what}", flush=True)
                if result.complaint:
                    failed += 1
                    print(f"         {result.complaint}", flush=True)
    print(f"{len(chosen)} exercises, {failed} complaints")
    return 1 if failed else 0


@contextmanager
def directory_of(chosen: Exercise, purpose: str) -> Iterator[Path]:
    """A directory to build in, for one at a time."""
    directory = ROOT / "build" / f"ex-{chosen.slug}" / purpose
    directory.mkdir(parents=True, exist_ok=True)
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield directory
    finally:
        os.close(lock)
