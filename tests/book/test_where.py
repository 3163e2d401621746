"""From a line of a chapter to its place in the book."""

from __future__ import annotations

from workspace import Workspace


def line_of(book: Workspace, name: str, text: str) -> int:
    return book.read(name).splitlines().index(text) + 1


def test_chunk(sample: Workspace) -> None:
    line = line_of(sample, "book/01-first.nw", "    <<note what was counted>>")
    assert sample.run("where", f"book/01-first.nw:{line}").stdout.splitlines() == [
        "chunk 1.1 <<kernel/count.c>>", "section 1.1 Counting", "chapter 1 The first chapter"]


def test_later_chunk_by_number_and_slug(sample: Workspace) -> None:
    line = line_of(sample, "book/02-second.nw", "        pop rcx")
    for chapter in ("2", "second", "02-second.nw"):
        answer = sample.run("where", f"{chapter}:{line}").stdout
        assert answer.startswith("chunk 2.2 <<call the counter>>\nsection 2.1 From assembly\n")


def test_prose(sample: Workspace) -> None:
    assert sample.run("where", "first:3").stdout.splitlines() == ["prose", "chapter 1 The first chapter"]


def test_page_when_the_print_edition_exists(book: Workspace) -> None:
    book.copy_sample()
    book.write("build/book/rux.aux", "\\newlabel{c:1.10}{{}{9}{x}{y}{}}\n\\newlabel{c:1.1}{{}{7}{x}{y}{}}\n")
    line = line_of(book, "book/01-first.nw", "unsigned counter;")
    assert book.run("where", f"first:{line}").stdout.startswith("chunk 1.1 <<kernel/count.c>>, page 7\n")


def test_mistakes(sample: Workspace) -> None:
    assert "there is no chapter" in sample.run("where", "book/77-none.nw:3").stderr
    assert "has only" in sample.run("where", "book/A-notes.nw:3000").stderr
    for place in ("", "first", "first:x", "first:"):
        assert "usage" in sample.run("where", place).stderr
