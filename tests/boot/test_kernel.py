"""Every prefix of the book: it is built, it boots, and its tests pass."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

import pytest

from images import FULL, ROOT, Tree, kernel_tests, prefixes
from kernel_tests import SHIFT, Verdict, run_image
from machine import DONE, Machine


def of_tree(tree: Tree, *more: str) -> object:
    """A parameter that stays with its tree: one worker boots each image."""
    return pytest.param(tree, *more, id="-".join([tree.name, *more]), marks=[
        pytest.mark.chapter(tree.number), pytest.mark.xdist_group(tree.name)])


def names_to_run(tree: Tree, chosen: str) -> list[str]:
    """Each prefix is tried with its own chapter's tests, the last one, which is the
    whole book's kernel, and the one that was chosen by CHAPTER= with all of theirs."""
    names = kernel_tests(tree.test_kernel)
    if tree == prefixes()[-1] or tree.number == chosen:
        return names
    return [name for name in names if name.startswith(tree.number)]


@functools.cache
def verdicts(tree: Tree, chosen: str) -> dict[str, Verdict]:
    names = names_to_run(tree, chosen)
    earlier = len(kernel_tests(tree.test_kernel)) - len(names)
    try:
        return run_image(tree.test_kernel, tree.rinit, first=earlier)
    except (OSError, RuntimeError, AssertionError) as error:
        return {"-": Verdict(False, f"the image could not be run: {error}")}


@pytest.mark.parametrize("tree", [of_tree(tree) for tree in [*prefixes(), FULL]])
def test_is_built(tree: Tree) -> None:
    images = ["kernel", "test-image"] if tree.number else ["kernel"]
    made = subprocess.run(["make", *images, f"CHAPTER={tree.number}"],
                          cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "warning" not in made.stdout + made.stderr


def test_whole_kernel_is_that_of_the_last_chapter(tmp_path: Path) -> None:
    """So the tests of the last prefix are tests of the whole book's kernel."""
    for tree in (prefixes()[-1], FULL):  # but for the paths that debuggers read
        subprocess.run(["objcopy", "--strip-debug", tree.kernel, tmp_path / tree.name], check=True)
    assert (tmp_path / FULL.name).read_bytes() == (tmp_path / prefixes()[-1].name).read_bytes()


@pytest.mark.parametrize("tree", [of_tree(tree) for tree in prefixes()])
def test_boots_and_ends(tree: Tree) -> None:
    if tree.rinit:
        with Machine(kernel=tree.kernel, initrd=f"{tree.rinit} rinit") as machine:
            machine.serial.wait_for("[kernel] ")
        return
    with Machine(kernel=tree.kernel) as machine:
        assert machine.status() == DONE, machine.serial.heard


@pytest.mark.parametrize("tree", [of_tree(tree) for tree in prefixes() if not tree.rinit])
def test_runs_are_alike_to_the_instruction(tree: Tree) -> None:
    """Time is counted in instructions, so preemption strikes at the same ones."""
    said = []
    for _ in range(2):
        with Machine(kernel=tree.kernel, icount=SHIFT) as machine:
            machine.status()
            said.append(machine.serial.heard)
    assert said[0] == said[1]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.function is not test_in_kernel:
        return
    chosen = metafunc.config.getoption("--chapter")
    metafunc.parametrize(("tree", "name"), [
        of_tree(tree, name) for tree in prefixes() for name in names_to_run(tree, chosen)])


def test_in_kernel(tree: Tree, name: str, pytestconfig: pytest.Config) -> None:
    found = verdicts(tree, pytestconfig.getoption("--chapter"))
    never = found.get("-", Verdict(False, "the test was never reached"))
    verdict = found.get(name, never)
    if not verdict.passed:
        pytest.fail(verdict.why, pytrace=False)
