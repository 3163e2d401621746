"""Transcripts: finding them in the book, comparing them with a run."""

from __future__ import annotations

import json
import subprocess

import pytest

from workspace import TOOLS, Workspace


def chapter(block: str, header: str = "{.run #run:hello chapter=2}") -> str:
    return f"# T {{#ch:t}}\n\n```{header}\n{block}\n```\n"


def check(book: Workspace, block: str, output: str) -> subprocess.CompletedProcess[str]:
    book.chapter(2, chapter(block))
    return subprocess.run([TOOLS / "transcripts", "check", "hello"], cwd=book.root, input=output,
                          text=True, capture_output=True, check=False)


def test_list(book: Workspace) -> None:
    book.chapter(3, chapter("a\n  b\n…\nc", '{.run #run:one type="list\\nhelp" memory=32}')
                 + "\n````\n```{.run #run:quoted}\nno\n```\n````\n\n~~~{.run #run:two chapter=17}\nx\n~~~\n")
    found = json.loads(book.run("transcripts", "list").stdout)
    assert [t["name"] for t in found] == ["one", "two"]
    assert found[0] == {"name": "one", "chapter": "3", "file": "book/03-x.nw", "line": 3,
                        "attributes": {"type": "list\nhelp", "memory": "32"},
                        "lines": ["a", "  b", "…", "c"]}
    assert json.loads(book.run("transcripts", "list", "17").stdout)[0]["name"] == "two"


@pytest.mark.parametrize("block, output", [
    ("a\nb", "x\na\nb\ny\n"),
    ("a\n…\nc", "a\nb\nb\nc\n"),
    ("a\n…\nc", "a\nc\n"),
    ("…\nc", "a\nc\n"),
    ("a", "a   \r\n"),
    ("took … ticks", "took 12 ticks\n"),
    ("a\nb", "a\nx\na\nb\n"),
    ("x = [1] (2)*", "x = [1] (2)*\n"),
])
def test_true_transcripts(book: Workspace, block: str, output: str) -> None:
    result = check(book, block, output)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("block, output, complaint", [
    ("a\nb", "a\nx\nb\n", 'does not print "b" after "a"'),
    ("a", "", 'does not print "a"'),
    ("b\n…\na", "a\nb\n", 'does not print "a"'),
    ("a.c", "abc\n", 'does not print "a.c"'),
    (" a", "a\n", 'does not print " a"'),
])
def test_false_transcripts(book: Workspace, block: str, output: str, complaint: str) -> None:
    result = check(book, block, output)
    assert result.returncode == 1
    assert result.stderr.startswith("book/02-x.nw:3: error:") and complaint in result.stderr


def test_unknown_transcript(book: Workspace) -> None:
    assert book.run("transcripts", "check", "nothing", "/dev/null").returncode == 2
