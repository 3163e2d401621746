"""What is in chunks/NN-slug/, and where in the book it belongs."""

from __future__ import annotations

import functools
import importlib.util
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .check import Check
from .trouble import Trouble

ROOT = Path(__file__).resolve().parents[2]
CHUNKS = ROOT / "chunks"
LABELS = ROOT / "build" / "book" / "rux.aux"


@dataclass(frozen=True)
class Diagnosis:
    """Why a check fails, as a rule."""

    invariant: str  # "W1"; nothing where no numbered invariant is broken
    section: str    # the label of a section: "sec:revoke"
    cause: str


@dataclass(frozen=True)
class Exercise:
    directory: Path
    title: str
    level: int
    points: int
    reference: int         # lines of code of the solution
    chunks: list[str]      # of the book, which the hand-in must replace
    extends: list[str]     # of the book, which it may append to
    given: list[str]       # of the book, which it may refer to
    needs: list[str]
    not_asked: list[str]
    hints: list[str]
    starter_says: str      # the words with which the unsolved starter panics
    diagnoses: dict[str, Diagnosis]

    @property
    def slug(self) -> str:
        return self.directory.name.split("-", 1)[1]

    @property
    def chapter(self) -> str:
        """The chapter's number, two digits."""
        return self.directory.name.split("-", 1)[0]

    @property
    def chapter_file(self) -> Path:
        return next((ROOT / "book").glob(f"{self.chapter}-*.nw"))

    @property
    def answer(self) -> Path:
        """The student's own file."""
        return ROOT / "work" / f"{self.slug}.nw"

    @property
    def overlay(self) -> Path | None:
        """What the checks themselves add to the book."""
        overlay = self.directory / "checks.nw"
        return overlay if overlay.exists() else None

    def mutants(self) -> list[Path]:
        return sorted((self.directory / "mutants").glob("*.nw"))

    def checks(self) -> list[Check]:
        """The checks, from check.py."""
        path = self.directory / "check.py"
        spec = importlib.util.spec_from_file_location(f"check_{self.chapter}", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return list(module.CHECKS)


def find(slug: str) -> Exercise:
    """The exercise of that name."""
    found = [e for e in CHUNKS.glob(f"[0-9][0-9]-{slug}") if "/" not in slug]
    if len(found) != 1:
        names = ", ".join(e.slug for e in every()) or "none"
        raise Trouble(f'there is no exercise "{slug}"; there are: {names}')
    return _read(found[0])


def every() -> list[Exercise]:
    return [_read(path.parent) for path in sorted(CHUNKS.glob("*/exercise.toml"))]


def _read(directory: Path) -> Exercise:
    facts = tomllib.loads((directory / "exercise.toml").read_text())
    diagnoses = {name: Diagnosis(entry.get("invariant", ""), entry["section"], entry["cause"])
                 for name, entry in facts.pop("diagnosis").items()}
    defaults = {"extends": [], "given": [], "needs": [], "not_asked": [], "hints": []}
    return Exercise(directory=directory, diagnoses=diagnoses, **{**defaults, **facts})


# --- The book ------------------------------------------------------------------

@functools.cache
def chunk_names() -> frozenset[str]:
    """The names of all chunks of the book."""
    names: set[str] = set()
    for path in (ROOT / "book").glob("*.nw"):
        names.update(re.findall(r"^<<(.*)>>=\s*$", path.read_text(), re.MULTILINE))
    return frozenset(names)


@functools.cache
def _sections() -> dict[str, str]:
    found = {}
    for path in sorted((ROOT / "book").glob("[0-9][0-9]-*.nw")):
        chapter, number = int(path.name[:2]), 0
        for count, line in enumerate(path.read_text().splitlines(), 1):
            if not line.startswith("## "):
                continue
            number += 1
            heading = re.fullmatch(r"## (.*?) \{#(sec:\S+?)\}", line)
            if heading:
                page = _page_labels().get(heading[2], "")
                found[heading[2]] = (f'section {chapter}.{number}, "{heading[1]}" '
                                     f"({path.relative_to(ROOT)}:{count}"
                                     + (f", page {page})" if page else ")"))
    return found


@functools.cache
def _page_labels() -> dict[str, str]:
    """On which page each label stands, once the PDF has been woven."""
    if not LABELS.exists():
        return {}
    return dict(re.findall(r"^\\newlabel\{([^}]*)\}\{\{[^}]*\}\{(\d+)\}",
                           LABELS.read_text(errors="replace"), re.MULTILINE))


def pages(path: Path, line: int) -> str:
    """The page of a line between two labels, or the pages; nothing if there is no PDF.

    Sections and chunks have labels: chunk 4 of chapter 9 has c:9.4.
    """
    number, chunks, before, after = int(path.name[:2]), 0, "", ""
    for count, text in enumerate(path.read_text().splitlines(), 1):
        heading = re.fullmatch(r"##.* \{#(sec:\S+?)\}", text)
        chunks += bool(re.fullmatch(r"<<.*>>=\s*", text))
        if heading or text.startswith("<<") and text.rstrip().endswith(">>="):
            page = _page_labels().get(heading[1] if heading else f"c:{number}.{chunks}", "")
            before, after = (page, "") if count <= line else (before, page)
        if after:
            break
    if not before:
        return ""
    return f", page {before}" if after in ("", before) else f", pages {before}-{after}"


def section(label: str) -> str:
    """Where a section is, for people; nothing if there is none of that label."""
    return _sections().get(label, "")


@dataclass(frozen=True)
class Invariant:
    text: str
    place: str  # book/09-untyped.nw:99, and the page if it is known


def invariant(exercise: Exercise, name: str) -> Invariant | None:
    """A numbered invariant of the book up to the exercise's chapter."""
    for path in sorted((ROOT / "book").glob("[0-9][0-9]-*.nw"), reverse=True):
        if path.name[:2] > exercise.chapter:
            continue
        chapter = path.read_text()
        found = re.search(rf"^> \*\*{re.escape(name)}\.\*\* ((?:.*\n)(?:> .*\n)*)", chapter,
                          re.MULTILINE)
        if found:
            line = chapter.count("\n", 0, found.start()) + 1
            text = " ".join(re.sub(r"^> ", "", found[1], flags=re.MULTILINE).split())
            return Invariant(text, f"{path.relative_to(ROOT)}:{line}{pages(path, line)}")
    return None
