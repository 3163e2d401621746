"""Pictures of the state: `make graph`, and the shell's command."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from images import FULL, ROOT
from machine import Machine
from test_commands import copy, make

__all__ = ["copy"]

GRAPHS = ROOT / "build" / "graph"
CHILD = re.compile(r"(\d+)\[(\d+)\]")

# They build in the same directories.
pytestmark = pytest.mark.xdist_group("graph")


def lines(text: str) -> list[str]:
    """The lines of the last picture in what a run has said."""
    return subprocess.run([ROOT / "book" / "tools" / "graph", "text"], input=text, text=True,
                          capture_output=True, check=True).stdout.splitlines()


def slots(picture: list[str]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Every slot, object and index, and what was derived from it."""
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    number = 0
    for line in picture:
        if owner := re.match(r"\[kernel\] [A-Z]\w* (\d+)", line):
            number = int(owner[1])
        elif slot := re.match(r"\[kernel\] +(\d+) ", line):
            children = line.partition("(")[2]
            found[number, int(slot[1])] = [(int(a), int(b)) for a, b in CHILD.findall(children)]
    return found


def test_a_demonstration_is_drawn() -> None:
    done = make("graph", "CHAPTER=10")
    assert done.returncode == 0, done.stdout
    assert "[kernel]     1 CPool 4 rwgx (3[6] 4[0])" in done.stdout
    for name in ("graph-1.svg", "graph-2.svg"):
        assert f"build/graph/ch10/{name}: " in done.stdout
        ElementTree.parse(GRAPHS / "ch10" / name)


def test_the_whole_system_is_drawn_when_it_waits() -> None:
    done = make("graph")
    assert done.returncode == 0, done.stdout
    assert "build/graph/full/graph.svg: " in done.stdout
    words = "".join(ElementTree.parse(GRAPHS / "full" / "graph.svg").getroot().itertext())
    for name in ("CPool 4", "Task 5", "PML4 6", "Log", "made from Untyped 2"):
        assert name in words
    derived = slots(lines(done.stdout))
    # Each child is a slot that is there, and has one parent.
    children = [child for slot in derived.values() for child in slot]
    assert set(children) <= set(derived)
    assert len(children) == len(set(children)) > 20


def test_a_program_is_drawn() -> None:
    done = make("graph", "PROGRAM=hello")
    assert done.returncode == 0 and "graph.svg: " in done.stdout, done.stdout


def test_an_exercise_that_panics_is_drawn_as_far_as_it_got() -> None:
    done = make("graph", "EX=caddr-lookup")
    assert "build/graph/ex-caddr-lookup/graph.svg: " in done.stdout, done.stdout
    assert done.returncode != 0 and "is yours to write" in done.stdout


@pytest.mark.parametrize("arguments, complaint", [
    (["CHAPTER=9"], "from chapter 10 on"),
    (["CHAPTER=77"], 'no chapter "77"'),
    (["PROGRAM=nothing"], 'no program "nothing"'),
    (["EX=nothing"], 'no exercise "nothing"'),
])
def test_what_cannot_be_drawn_is_said(arguments: list[str], complaint: str) -> None:
    done = make("graph", *arguments)
    assert done.returncode != 0 and complaint in done.stdout


def test_a_kernel_that_never_rests_is_given_up(copy: Path) -> None:
    shutil.copy(ROOT / "userland" / "hello.c", copy / "userland" / "restless.c")
    program = copy / "userland" / "restless.c"
    program.write_text(program.read_text().replace("system_exit();", "for (;;)\n        system_yield();"))
    done = make("graph", "PROGRAM=restless", "TIME=3", cwd=copy)
    assert done.returncode != 0 and "not come to rest in 3 seconds" in done.stdout, done.stdout


def test_the_command_writes_what_rinit_can_name() -> None:
    with Machine(kernel=FULL.kernel, initrd=f"{FULL.rinit} rinit", memory="256M") as machine:
        start = machine.serial.wait_for(">>> ")
        machine.serial.say("graph\n")
        end = machine.serial.wait_for(">>> ", start)
        first = machine.serial.heard[start:end]
        machine.serial.say("list\ngraph\n")
        end = machine.serial.wait_for(">>> ", machine.serial.wait_for(">>> ", end))
        again = machine.serial.heard[start:end]
    assert lines(first) == lines(again)  # to look changes nothing
    derived = slots(lines(first))
    assert {index for number, index in derived if number == 4} >= {0, 1, 2, 3, 240, 255}
    assert derived[4, 0] == [(5, 0)]
