"""Every transcript that the book prints is what its kernel prints."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from images import FULL, ROOT, Tree, prefixes
from machine import LIMIT, Line, Machine

TOOL = ROOT / "book" / "tools" / "transcripts"
PROMPT = ">>> "


def transcripts() -> list[dict[str, Any]]:
    listed = subprocess.run([TOOL, "list"], cwd=ROOT, check=True, capture_output=True, text=True)
    found: list[dict[str, Any]] = json.loads(listed.stdout)
    return found


def tree_of(transcript: dict[str, Any]) -> Tree:
    number = f"{int(transcript['chapter']):02}"
    return next((tree for tree in prefixes() if tree.number == number), FULL)


def difference(transcript: dict[str, Any], heard: str) -> str:
    """What the book's own tool finds amiss; nothing when all is well."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as log:
        log.write(heard)
        log.flush()
        return subprocess.run([TOOL, "check", transcript["name"], log.name], cwd=ROOT,
                              capture_output=True, text=True).stderr


def switch_on(tree: Tree, attributes: dict[str, str]) -> Machine:
    """The machine that the block's attributes ask for, else `make run-fast`'s."""
    way = attributes.get("boot", "direct")
    rinit = tree.rinit if attributes.get("rinit", "yes") == "yes" else None
    start: dict[str, Any] = {"kernel": tree.kernel, "initrd": rinit and f"{rinit} rinit"}
    if way != "direct":
        start = {"iso": tree.iso, "uefi": way == "uefi"}
    return Machine(**start, memory=attributes.get("memory", "256M"),
                   machine=attributes.get("machine", "pc"), cpu=attributes.get("cpu", "max"))


def give_commands(line: Line, expected: list[str]) -> None:
    """Types the commands that the transcript shows behind prompts."""
    at = 0
    for text in expected:
        if text.startswith(PROMPT) and text.rstrip() != PROMPT.rstrip():
            at = line.wait_for(PROMPT, at)
            line.say(text.removeprefix(PROMPT) + "\n")


@pytest.mark.parametrize("transcript", [
    pytest.param(t, id=t["name"], marks=pytest.mark.chapter(tree_of(t).number))
    for t in transcripts()])
def test_run_prints_what_the_book_prints(transcript: dict[str, Any]) -> None:
    with switch_on(tree_of(transcript), transcript["attributes"]) as machine:
        line = machine.serial
        give_commands(line, transcript["lines"])
        while True:
            ended, heard = line.ended, line.heard
            wrong = difference(transcript, heard)
            if not wrong:
                return
            if ended or not line.wait_for_more(len(heard), LIMIT / 6):
                pytest.fail(f"{wrong}\nThe run printed:\n{heard}", pytrace=False)
