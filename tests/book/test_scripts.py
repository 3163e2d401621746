"""The tools themselves: shell scripts are clean, awk programs portable."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from workspace import HELLO, ROOT, TOOLS, Workspace


def shell_scripts() -> list[Path]:
    files = (p for p in TOOLS.rglob("*") if p.is_file())
    return sorted(p for p in files if p.read_bytes().startswith((b"#!/bin/sh", b"# shellcheck shell=sh")))


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shellcheck() -> None:
    result = subprocess.run(["shellcheck", "-x", "-P", ROOT, *shell_scripts()], cwd=ROOT, text=True,
                            capture_output=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("name", ["mawk", "gawk"])
def test_tangle_and_lint_with_either_awk(book: Workspace, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    program = shutil.which(name)
    if not program:
        pytest.skip(f"{name} is not installed")
    (book.root / "bin").mkdir()
    (book.root / "bin/awk").symlink_to(program)
    monkeypatch.setenv("PATH", f"{book.root / 'bin'}:/usr/bin:/bin")
    book.copy_sample()
    assert book.tangle().returncode == 0
    linted = book.run("lint", "--no-format")
    assert linted.returncode == 0 and "awk" not in linted.stderr
    book.chapter(9, HELLO.replace("return 1;", "return a << 1 >> 2;"))
    assert "for shifts write @<< and @>>" in book.run("tangle", "again").stderr
