"""`make bench-compare`: what differs is shown, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "boot")]

import compare  # noqa: E402
from bench import Trouble  # noqa: E402
from images import ROOT  # noqa: E402

MORE = 3  # instructions


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This revision, and in the work tree a slower way to call."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a work tree of git")
    tree = tmp_path_factory.mktemp("clone") / "rux"
    subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, tree], check=True)
    chapter = tree / "book" / "19-rinit.nw"
    text, call = chapter.read_text(), 'volatile("syscall"'
    assert text.count(call) == 1
    chapter.write_text(text.replace(call, f'volatile("{"nop; " * MORE}syscall"'))
    return tree


def make(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items()
                   if name not in compare.OF_OUR_MAKE}
    return subprocess.run(["make", *words], cwd=tree, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_a_slower_call_is_shown_to_the_instruction(clone: Path) -> None:
    done = make(clone, "bench-compare", "BASE=HEAD")
    assert done.returncode == 0, done.stdout
    rows = {line[:62].strip(): line[62:].split() for line in done.stdout.splitlines()}
    was, here, change = (word.replace(",", "") for word in rows["null system call"])
    assert int(here) - int(was) == MORE == int(change)
    assert rows["copy a capability"][2] == rows["yield to another task"][2] == f"+{MORE}"
    assert rows["lines of C and assembly, headers included"][2] == "="
    kept = list((clone / "build" / "bench").iterdir())
    assert [path.suffix for path in kept] == [".json"]  # and no work tree
    assert str(clone / "build") not in make_worktree_list(clone)


def make_worktree_list(tree: Path) -> str:
    return subprocess.run(["git", "worktree", "list"], cwd=tree, check=True,
                          capture_output=True, text=True).stdout


def test_a_revision_that_is_none_is_refused(clone: Path) -> None:
    for words, why in (((), "say which revision"), (("BASE=nothing",), "git rev-parse")):
        done = make(clone, "bench-compare", *words)
        assert done.returncode and why in done.stdout


def test_a_comparison_shows_what_only_one_has() -> None:
    base = {"rows": {"a": 1000, "b": 2}, "stretches": {"s": 1}, "hidden": {"a: cr3": 1}}
    here = {"rows": {"a": 1000, "c": 3}, "stretches": {"s": 4, "t": 1}, "hidden": {"a: cr3": 1}}
    lines = [line.split() for line in compare.comparison(base, here, "older").splitlines()]
    assert ["a", "1,000", "1,000", "="] in lines
    assert ["c", "-", "3", "-"] in lines and ["b", "2", "-", "-"] in lines
    assert ["s", "1", "4", "+3"] in lines and ["t", "-", "1", "-"] not in lines
    assert "What instructions hide - no change".split() in lines


def test_git_s_own_words_are_told() -> None:
    with pytest.raises(Trouble, match="git rev-parse"):
        compare.git("rev-parse", "--verify", "no-such-name^{commit}")
