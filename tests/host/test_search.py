"""Every reachable state of small worlds is right, and planted bugs are found.

The searches are programs for the whole book's core. Each planted bug is an
overlay of the book; what it leaves as it is, is taken from what was compiled
for the tree of chapter 11, which has all that is searched.
"""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.chapter("10")

OUT = ROOT / "build" / "search"
BOOK = ROOT / "book" / "10-pools.nw"
SEARCHES = {"one pool": 6, "pages": 6, "labels": 6, "pool in pool": 3, "two pools": 2}
CLEAR = "chunks/08-weak-clear/mutants/"
OURS = "tests/host/mutants/"

# What each bug violates, and in how many steps from the first state.
BUGS = [
    (CLEAR + "list-dropped", "one pool", 1, "on_lists == in_pools"),
    (CLEAR + "only-the-top", "one pool", 2, "gone || stopped"),
    (CLEAR + "stops-early", "one pool", 2, "gone || stopped"),
    (CLEAR + "whole-pools", "one pool", 2, "!gone || entry_may_go"),
    (OURS + "badge-left-behind", "one pool", 1, "is->badge == should->badge"),
    (OURS + "clean-too-long", "one pool", 2, "== 0"),
    (OURS + "delete-takes-children", "one pool", 2, "!gone || entry_may_go"),
    (OURS + "derive-beside", "one pool", 1, "is->parent == should->parent"),
    (OURS + "free-anybody", "one pool", 3, "error == foreseen"),
    (OURS + "move-leaves-children", "one pool", 2, "is->parent == should->parent"),
    (OURS + "pool-ends-full", "two pools", 5, "on_lists == in_pools"),
    (OURS + "release-one-early", "one pool", 1, "object->strong == 0"),
    (OURS + "reset-oldest-first", "one pool", 2, "child == physical_pointer"),
    (OURS + "reset-tells-nobody", "one pool", 2, "untyped_busy(object->parent)"),
    (OURS + "revoke-believes-it-is-done", "one pool", 3, "gone || stopped"),
    (OURS + "rights-grow", "labels", 2, "(node->rights & ~rights) == 0"),
    (OURS + "upgrade-revives", "one pool", 4, "held == (ending"),
    (OURS + "watermark-half-moved", "one pool", 1, "start.value == high"),
]


def quietly(*command: object) -> None:
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True,
                          text=True, timeout=300)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)


def build(tangled: Path, out: Path, slots: int, *more: str) -> Path:
    quietly("make", "-f", "tests/host/search.mk", f"TANGLED={tangled}", f"OUT={out}",
            f"SLOTS={slots}", *more)
    return out / str(slots) / "search"


def search(program: Path, name: str) -> tuple[int, str]:
    done = subprocess.run([program, name], capture_output=True, text=True, timeout=280)
    return done.returncode, done.stdout + done.stderr


@functools.cache
def base(name: str, *tangle: str) -> Path:
    """Where the searches of a tree are, which is tangled for them."""
    quietly("book/tools/tangle", *tangle, OUT / name / "tree")
    return OUT / name


@pytest.mark.xdist_group("search")
@pytest.mark.parametrize("name", SEARCHES)
def test_every_reachable_state_is_right(name: str) -> None:
    out = base("full")
    status, said = search(build(out / "tree", out, SEARCHES[name]), name)
    assert status == 0, said
    figures = re.fullmatch(
        rf"{name}: (\d+) states, (\d+) transitions, depth (\d+), ([\d.]+) s\n", said)
    assert figures, said
    assert float(figures[4]) < 60, said
    print(said)
    book = re.search(rf"^\| {name} +\|[^|]*\|(.*)\|$", BOOK.read_text(), re.MULTILINE)
    assert book, f"{BOOK.name} has no row for {name}"
    assert re.sub(r"[ ,]", "", book[1]) == "|".join(figures.group(1, 2, 3)), (
        f"{BOOK.name} has other figures for {said}")


@pytest.mark.xdist_group("bugs")
@pytest.mark.parametrize(("bug", "name", "steps", "violated"), [
    pytest.param(*bug, id=Path(bug[0]).name) for bug in BUGS])
def test_a_planted_bug_is_found(bug: str, name: str, steps: int, violated: str,
                                tmp_path: Path) -> None:
    slots = SEARCHES[name]
    quietly("book/tools/tangle", "--chapter", "11", "--overlay", f"{bug}.nw", tmp_path / "tree")
    right = base("chapter-11", "--chapter", "11")
    build(right / "tree", right, slots)
    program = build(tmp_path / "tree", tmp_path, slots, f"BASE={right}")
    status, said = search(program, name)
    lines = said.splitlines()
    assert status == 1 and violated in lines[0], said
    assert len(lines) == 1 + steps, said


def test_there_are_bugs_of_every_kind() -> None:
    here = {f"{OURS}{path.stem}" for path in (ROOT / OURS).glob("*.nw")}
    assert here == {bug for bug, *_ in BUGS if bug.startswith(OURS)}
