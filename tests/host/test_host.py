"""The capability core on the host: each cmocka test is a test here."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "boot"))

from images import FULL, ROOT, Tree, prefixes  # noqa: E402

HERE = Path(__file__).parent
SOURCES = sorted(HERE.glob("[0-9][0-9]-*.c"))


def chosen_tree(config: pytest.Config) -> Tree:
    """The whole book's core, or that of the one prefix that is asked for."""
    number = config.getoption("--chapter")
    return next((tree for tree in prefixes() if tree.number == number), FULL)


def names_in(source: Path) -> list[str]:
    """The tests of a source, as its list for cmocka names them."""
    lists = re.findall(r"struct CMUnitTest \w+\[\] = \{(.*?)\};", source.read_text(), re.DOTALL)
    return re.findall(r"\w+\(\s*(\w+)", " ".join(lists))


@functools.cache
def run(program: Path) -> tuple[dict[str, bool], str]:
    """Verdicts by name, and all that the program said."""
    done = subprocess.run([program], capture_output=True, text=True, timeout=240)
    said = done.stdout + done.stderr
    verdicts = {name: True for name in re.findall(r"^\[       OK \] (\w+)", said, re.MULTILINE)}
    failed = re.findall(r"^\[  FAILED  \] (\w+)$", said, re.MULTILINE)
    verdicts |= {name: False for name in failed}
    if done.returncode not in (0, len(set(failed))):
        said += f"\n{program.name} ended with status {done.returncode}"
    return verdicts, said


def verdicts_of(source: Path, config: pytest.Config) -> tuple[dict[str, bool], str]:
    program = chosen_tree(config).directory / "host" / source.stem
    if not program.exists():
        made = subprocess.run(["make", "test-host"], cwd=ROOT, capture_output=True, text=True)
        pytest.fail(f"{program} was not built:\n{made.stdout}{made.stderr}", pytrace=False)
    return run(program)


def of_source(source: Path, *more: str) -> object:
    return pytest.param(source, *more, id="-".join([source.stem, *more]), marks=[
        pytest.mark.chapter(source.name[:2]), pytest.mark.xdist_group(source.name)])


@pytest.mark.parametrize("source", [of_source(source) for source in SOURCES])
def test_no_test_is_overlooked(source: Path, pytestconfig: pytest.Config) -> None:
    verdicts, said = verdicts_of(source, pytestconfig)
    assert set(verdicts) == set(names_in(source)), said


@pytest.mark.parametrize(("source", "name"), [
    of_source(source, name) for source in SOURCES for name in names_in(source)])
def test_on_host(source: Path, name: str, pytestconfig: pytest.Config) -> None:
    verdicts, said = verdicts_of(source, pytestconfig)
    if not verdicts.get(name):
        pytest.fail(said, pytrace=False)
