"""Programs that start in rinit's place: `make run PROGRAM=name`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from images import FULL, ROOT
from machine import DONE, Machine
from test_commands import copy, make

__all__ = ["copy"]

USERLAND = ROOT / "userland"
PROGRAMS = sorted(path.stem for path in USERLAND.glob("*.c"))


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("images", ["", "check"])
def test_every_program_is_built(name: str, images: str) -> None:
    assert (FULL.directory / images / "programs" / f"{name}.elf").exists()


@pytest.mark.parametrize("images", ["", "check"])
def test_the_example_says_what_the_readme_shows(images: str) -> None:
    shown = re.findall(r"^```\n(.*?)^```", (USERLAND / "README.md").read_text(),
                       re.MULTILINE | re.DOTALL)[0]
    directory = FULL.directory / images
    with Machine(kernel=directory / "rux.elf",
                 initrd=f"{directory}/programs/hello.elf hello") as machine:
        assert machine.status() == DONE
        assert machine.serial.heard.endswith(shown)


def test_grub_starts_a_program_and_make_returns() -> None:
    done = make("run", "PROGRAM=hello")
    assert done.returncode == 0, done.stdout
    assert "Userspace print: hello" in done.stdout
    assert "Nothing is left to run." in done.stdout


@pytest.mark.parametrize("name", ["hullo", "hello bench", "../hello", "%"])
def test_an_unknown_program_is_answered_with_those_there_are(name: str) -> None:
    done = make("run-fast", f"PROGRAM={name}")
    assert done.returncode != 0
    assert f'there is no program "{name}"' in done.stdout
    assert all(program in done.stdout for program in PROGRAMS)


def test_a_chapter_without_rinit_runs_no_program() -> None:
    done = make("run-fast", "PROGRAM=hello", "CHAPTER=15")
    assert done.returncode != 0
    assert "CHAPTER=19" in done.stdout


def test_a_mistake_in_a_program_is_shown_there_and_harms_nobody_else(copy: Path) -> None:
    (copy / "userland" / "wrong.c").write_text("_Noreturn void rinit_main(void)\n{\n}\n")
    done = make("kernel", "PROGRAM=wrong", cwd=copy)
    assert done.returncode != 0
    assert "userland/wrong.c:1:" in done.stdout
    assert make("kernel", "PROGRAM=hello", cwd=copy).returncode == 0


def test_a_program_may_have_a_directory_and_replace_what_it_likes(copy: Path) -> None:
    userland = copy / "userland"
    (userland / "large").mkdir()
    (userland / "large" / "part.c").write_text(
        '#include "userland/large/part.h"\nint part(void)\n{\n    return 42;\n}\n')
    (userland / "large" / "part.h").write_text("int part(void);\n")
    (userland / "large.c").write_text('''\
#include <rux/rinit.h>
#include "userland/large/part.h"
#include "userland/log.h"
#include "userland/start.h"
#include "userland/system.h"
_Noreturn void child_main(void)
{
    system_exit();
}
_Noreturn void rinit_main(void)
{
    log_print((void *)RINIT_BUFFER, "large: %d", part());
    child_main();
}
''')
    done = make("run-fast", "PROGRAM=large", cwd=copy)
    assert done.returncode == 0, done.stdout
    assert "Userspace print: large: 42" in done.stdout
