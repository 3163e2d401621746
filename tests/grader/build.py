"""Tangles the book with a hand-in over it, and compiles it with the checks."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from . import overlay
from .exercise import ROOT, Exercise
from .trouble import Refused, Trouble

LIMIT = 300.0  # seconds of wall clock: a last resort
MESSAGES = 25  # lines of them that help


def check_tools() -> None:
    """Everything that building and booting needs is there, or this is no verdict."""
    answer = subprocess.run(["boot/need", "tangle", "compile", "run"], cwd=ROOT,
                            capture_output=True, text=True, check=False)
    if answer.returncode:
        raise Trouble(answer.stderr.strip())


def image(exercise: Exercise, handin: Path, name: str, directory: Path) -> Path:
    """The kernel as of the exercise's chapter with the hand-in, called `name`, in it."""
    overlay.check(exercise, handin, name)
    directory.mkdir(parents=True, exist_ok=True)
    copy = directory / "hand-in.nw"
    if handin != copy:
        shutil.copyfile(handin, copy)
    tree = directory / "tangled"
    overlays = [copy, *([exercise.overlay] if exercise.overlay else [])]
    options = [part for path in overlays for part in ("--overlay", _relative(path))]
    _run(["book/tools/tangle", "--chapter", exercise.chapter, *options, _relative(tree)],
         directory, name)
    tests = ["tests/grader/runner.c", "tests/kernel/ubsan.c",
             _relative(exercise.directory / "check.c")]
    _run(["make", "-j2", "--no-print-directory", "-f", "boot/build.mk",
          f"TANGLED={_relative(tree)}", f"OUT={_relative(directory)}",
          f"LAST={exercise.chapter}", "TEST=1", f"TESTS={' '.join(tests)}"], directory, name)
    return directory / "rux.elf"


def _relative(path: Path) -> str:
    return os.path.relpath(path, ROOT)


def in_words_of(name: str, directory: Path, text: str) -> str:
    """A text in which the hand-in is called by its name, and not by our copy's."""
    return text.replace(_relative(directory / "hand-in.nw"), name)


def _run(command: list[str], directory: Path, name: str) -> None:
    # What make told its children is not meant for this one.
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")}
    try:
        answer = subprocess.run(command, cwd=ROOT, env={**environment, "LC_ALL": "C"},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace",
                                timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise Trouble(f"{command[0]} has not finished after {LIMIT:.0f} s") from None
    if answer.returncode == 0:
        return
    mine = in_words_of(name, directory, answer.stdout)
    lines = [line for line in mine.splitlines() if not line.startswith("make: ***")]
    if len(lines) > MESSAGES:
        lines[MESSAGES:] = [f"... and {len(lines) - MESSAGES} lines more"]
    where = "" if name in mine else (
        f"\nNone of this is about a line of {name}. Perhaps a function that it must define is "
        "missing; if the kernel does not compile without it either, the fault is ours.")
    what = "be tangled" if command[0].endswith("tangle") else "be compiled and linked"
    raise Refused(f"{name} cannot {what}:\n" + "\n".join(lines) + where)


def place_of(kernel: Path, address: int) -> str:
    """The function and line that an address of the kernel comes from."""
    answer = subprocess.run(["addr2line", "-f", "-e", str(kernel), hex(address)],
                            capture_output=True, text=True, check=False).stdout.split("\n")
    if len(answer) < 2 or answer[0].startswith("?"):
        return f"address {address:#x}"
    place = answer[1].split(" (")[0].removeprefix("./")
    return f"{answer[0]}() ({place})"
