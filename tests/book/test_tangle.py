"""What the book tangles to, where errors are reported, and what is refused."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from workspace import HELLO, Workspace

TWO_PARTS = """# Two {#ch:two}

The second chapter adds to the first, as later chapters do.

<<extend hello>>=
hello();
@
"""

EXTENSIBLE = HELLO.replace("    return 1;", "    <<extend hello>>\n    return 1;") + """
Later chapters add to it.

<<extend hello>>=
@
"""


def code(text: str) -> str:
    """A chapter with this text as the body of one C file."""
    return f"# T {{#ch:t}}\n\nWhy this is so is said here first.\n\n<<kernel/a.c>>=\n{text}\n@\n"


def refused(book: Workspace, *options: str) -> str:
    """The messages of a tangle that fails and writes nothing."""
    result = book.tangle(*options)
    assert result.returncode != 0
    assert not (book.root / "out").exists()
    return result.stderr


def test_sample(sample: Workspace, tmp_path: Path) -> None:
    result = sample.run("tangle", str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert (tmp_path / ".tangled").read_text().split() == [
        "kernel/count.c", "kernel/count.h", "kernel/kernel.ld", "kernel/start.asm"]
    text = (tmp_path / "kernel/count.c").read_text()
    line = sample.read("book/01-first.nw").splitlines().index("#include <kernel/count.h>") + 1
    assert text.startswith(f'#line {line} "book/01-first.nw"\n#include <kernel/count.h>\n')
    assert "(1u << 31 | ((1u << 31) - 1))" in text
    assert "count_down();" in text and "counter += 0" not in text
    linker = (tmp_path / "kernel/kernel.ld").read_text()
    assert linker == "SECTIONS { . = 1M; .text : { *(.text) } }\n"


def test_prefix(sample: Workspace, tmp_path: Path) -> None:
    for chapter in ("1", "01", "first", "01-first", "01-first.nw", "book/01-first.nw"):
        result = sample.run("tangle", "--chapter", chapter, str(tmp_path))
        assert result.returncode == 0, result.stderr
        assert (tmp_path / ".tangled").read_text().split() == ["kernel/count.c", "kernel/count.h"]
        assert "counter += 0" in (tmp_path / "kernel/count.c").read_text()


def test_no_lines(sample: Workspace, tmp_path: Path) -> None:
    sample.run("tangle", "--no-lines", str(tmp_path))
    for name in ("kernel/count.c", "kernel/start.asm"):
        assert "line" not in (tmp_path / name).read_text()


def test_definitions_concatenate_in_chapter_order(book: Workspace) -> None:
    book.chapter(10, TWO_PARTS.replace("hello();", "tenth();"), "ten")
    book.chapter(2, TWO_PARTS, "two")
    book.chapter(1, EXTENSIBLE, "one")
    assert book.tangle("--no-lines").returncode == 0
    assert "    hello();\n    tenth();\n" in book.read("out/kernel/hello.c")


def place_of_gcc_error(book: Workspace, name: str) -> str:
    result = subprocess.run(["gcc", "-fsyntax-only", f"out/{name}"], cwd=book.root, text=True,
                            capture_output=True, check=False)
    found = re.search(r"^(\S+?:\d+):", result.stderr, re.MULTILINE)
    return found.group(1) if found else result.stderr


def test_gcc_reports_lines_of_the_book(book: Workspace) -> None:
    text = EXTENSIBLE.replace("return 1;", "return oops;")
    book.chapter(1, text)
    assert book.tangle().returncode == 0
    line = text.splitlines().index("    return oops;") + 1
    assert place_of_gcc_error(book, "kernel/hello.c") == f"book/01-x.nw:{line}"


def test_gcc_reports_lines_inside_a_later_part(book: Workspace) -> None:
    book.chapter(1, EXTENSIBLE)
    book.chapter(2, TWO_PARTS.replace("hello();", "hello();\noops;"))
    assert book.tangle().returncode == 0
    assert place_of_gcc_error(book, "kernel/hello.c") == "book/02-x.nw:7"


@pytest.mark.parametrize("line", [0, 1, 3, 4])
def test_nasm_reports_lines_of_the_book(book: Workspace, line: int) -> None:
    lines = ["        nop", "        nop", "        <<more>>", "        nop", "        nop"]
    lines[line] = "        oops rax"
    before = ["# T {#ch:t}", "", "<<kernel/a.asm>>="]
    after = ["@", "", "<<more>>=", "        nop", "@"]
    if line == 2:
        return
    book.chapter(1, "\n".join(before + lines + after) + "\n")
    assert book.tangle().returncode == 0
    result = subprocess.run(["nasm", "-f", "elf64", "-o", "a.o", "out/kernel/a.asm"],
                            cwd=book.root, text=True, capture_output=True, check=False)
    assert result.stderr.startswith(f"book/01-x.nw:{len(before) + line + 1}:"), result.stderr


def test_nasm_reports_lines_of_the_inner_chunk(book: Workspace) -> None:
    book.chapter(1, "# T {#ch:t}\n\n<<kernel/a.asm>>=\n        nop\n        <<more>>\n@\n\n"
                    "<<more>>=\n        nop\n        oops\n@\n")
    assert book.tangle().returncode == 0
    result = subprocess.run(["nasm", "-f", "elf64", "-o", "a.o", "out/kernel/a.asm"],
                            cwd=book.root, text=True, capture_output=True, check=False)
    assert result.stderr.startswith("book/01-x.nw:10:"), result.stderr


def test_makefiles_keep_their_tabs(book: Workspace) -> None:
    book.chapter(1, "# T {#ch:t}\n\n<<kernel/Makefile>>=\nall:\n\techo\n<<rules>>\n@\n\n"
                    "<<rules>>=\nclean:\n\trm x\n@\n")
    assert book.tangle().returncode == 0
    assert book.read("out/kernel/Makefile") == "all:\n\techo\nclean:\n\trm x\n"


# ---- bringing the output up to date

def test_unchanged_files_keep_their_time(book: Workspace) -> None:
    book.chapter(1, HELLO)
    book.chapter(2, TWO_PARTS.replace("<<extend hello>>", "<<kernel/two.c>>"))
    book.tangle()
    old = book.root / "out/kernel/hello.c"
    os.utime(old, (1, 1))
    os.utime(book.root / "out/.tangled", (1, 1))
    book.chapter(2, TWO_PARTS.replace("<<extend hello>>", "<<kernel/two.c>>") + "\nMore.\n")
    assert book.tangle().returncode == 0
    assert old.stat().st_mtime == 1
    assert (book.root / "out/.tangled").stat().st_mtime > 1


def test_vanished_files_are_deleted_and_others_kept(book: Workspace) -> None:
    book.chapter(1, HELLO)
    book.write("out/README.md", "output\n")
    book.tangle()
    book.chapter(1, HELLO.replace("kernel/hello.c", "lib/hello.c"))
    assert book.tangle().returncode == 0
    left = sorted(p.name for p in (book.root / "out").iterdir())
    assert left == [".tangled", "README.md", "lib"]


def test_failed_tangle_leaves_the_earlier_output(book: Workspace) -> None:
    book.chapter(1, HELLO)
    book.tangle()
    before = {p: p.read_bytes() for p in (book.root / "out").rglob("*") if p.is_file()}
    book.chapter(1, HELLO.replace("return 1;", "return 2;\n    <<nowhere>>"))
    assert book.tangle().returncode != 0
    assert before == {p: p.read_bytes() for p in (book.root / "out").rglob("*") if p.is_file()}


# ---- what is refused

def test_undefined_chunk(book: Workspace) -> None:
    book.chapter(1, code("<<nowhere>>"))
    assert "book/01-x.nw:6: error: <<nowhere>> is not defined" in refused(book)


def test_undefined_in_the_prefix_names_the_chapter(book: Workspace) -> None:
    book.chapter(1, code("<<later>>"))
    book.chapter(8, code("").replace("<<kernel/a.c>>", "<<later>>"), "weak")
    assert book.tangle().returncode == 0
    assert "defined only in chapter 8 (book/08-weak.nw:5)" in refused_prefix(book)


def refused_prefix(book: Workspace) -> str:
    result = book.run("tangle", "--chapter", "1", "prefix")
    assert result.returncode != 0
    return result.stderr


def test_unused_in_the_prefix_names_the_chapter(book: Workspace) -> None:
    book.chapter(1, HELLO + "\n<<early>>=\nx\n@\n")
    book.chapter(3, code("<<early>>"), "late")
    assert "first in chapter 3 (book/03-late.nw:6)" in refused_prefix(book)


def test_orphan(book: Workspace) -> None:
    book.chapter(1, HELLO + "\n<<nobody wants me>>=\nx\n@\n")
    assert "book/01-x.nw:12: error: <<nobody wants me>> is an orphan" in refused(book)


@pytest.mark.parametrize("expression", ["a << b >> c", "1<<2|a>>b", "(a) << 3 | (b) >> 4"])
def test_shift_read_as_a_reference(book: Workspace, expression: str) -> None:
    book.chapter(1, code(f"int x = {expression};"))
    messages = refused(book)
    assert "book/01-x.nw:6: error:" in messages and "for shifts write @<< and @>>" in messages


def test_escaped_shifts(book: Workspace) -> None:
    book.chapter(1, code("int x = a @<< b @>> c;\nint y = a << 1;"))
    assert book.tangle().returncode == 0
    assert "int x = a << b >> c;\nint y = a << 1;\n" in book.read("out/kernel/a.c")


@pytest.mark.parametrize("body", ["#define M \\\n    <<part>>", "#define M \\\n    <<part>> \\\n    1"])
def test_reference_inside_a_macro(book: Workspace, body: str) -> None:
    book.chapter(1, code(body) + "\n<<part>>=\n1\n@\n")
    assert "book/01-x.nw:7: error: reference to <<part>> inside a macro" in refused(book)


def test_reference_does_not_stand_alone(book: Workspace) -> None:
    book.chapter(1, code("return <<part>>;") + "\n<<part>>=\n1\n@\n")
    assert "a reference stands alone on its line" in refused(book)


def test_cycle(book: Workspace) -> None:
    book.chapter(1, code("<<a>>") + "\n<<a>>=\n<<b>>\n@\n\n<<b>>=\n<<a>>\n@\n")
    assert "contains itself" in refused(book)


def test_file_inside_a_chunk(book: Workspace) -> None:
    book.chapter(1, HELLO + code("<<kernel/hello.c>>"))
    assert "<<kernel/hello.c>> is a file of its own" in refused(book)


def test_long_chunk(book: Workspace) -> None:
    lines = "\n".join(f"int a{n};" for n in range(41))
    book.chapter(1, code(lines))
    assert "book/01-x.nw:5: error: <<kernel/a.c>> has 41 lines" in refused(book)
    book.chapter(1, code(lines).replace("\n@\n", "\n@ %long a table\n"))
    assert book.tangle().returncode == 0
    book.chapter(1, code(lines).replace("\n@\n", "\n@ %def a0\n%long a table\n"))
    assert book.tangle().returncode == 0


def test_bare_brackets_in_prose(book: Workspace) -> None:
    book.chapter(1, HELLO + "\nWe shift by << here.\n")
    assert "book/01-x.nw:12: error: a bare << in prose" in refused(book)


def test_open_quotation_in_prose(book: Workspace) -> None:
    book.chapter(1, HELLO + "\nWe quote [[code and forget.\n\nNext.\n")
    assert re.search(r"book/01-x.nw:1\d: error: \[\[ opens quoted code", refused(book))


def test_unknown_chapter(book: Workspace) -> None:
    book.chapter(1, HELLO, "hello")
    messages = refused(book, "--chapter", "7")
    assert 'there is no chapter "7"' in messages and "1  hello" in messages


def test_unreadable_overlay(book: Workspace) -> None:
    book.chapter(1, HELLO)
    assert "no/such.nw cannot be read" in refused(book, "--overlay", "no/such.nw")


def test_no_book(tmp_path: Path) -> None:
    empty = Workspace(tmp_path)
    assert "book/ holds no chapters" in refused(empty)
    (tmp_path / "book").rmdir()
    assert "run me from the root" in empty.tangle().stderr


def test_missing_noweb(book: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    book.chapter(1, HELLO)
    monkeypatch.setenv("NOWEB_LIB", "/nowhere")
    assert "apt-get install noweb" in refused(book)


# ---- overlays

OVERLAID = EXTENSIBLE.replace("    return 1;", "    <<answer>>") + """
It answers.

<<answer>>=
return 1;
@
"""


def tangle_with(book: Workspace, *overlays: str) -> subprocess.CompletedProcess[str]:
    book.chapter(1, OVERLAID)
    options = []
    for number, text in enumerate(overlays):
        book.write(f"work/{number}.nw", text)
        options += ["--overlay", f"work/{number}.nw"]
    return book.tangle("--no-lines", *options)


def test_overlay_replaces(book: Workspace) -> None:
    assert tangle_with(book, "Mine.\n\n<<answer>>=\nreturn 2;\n@\n").returncode == 0
    assert "    return 2;\n" in book.read("out/kernel/hello.c")
    assert "return 1" not in book.read("out/kernel/hello.c")


def test_overlay_replaces_in_two_parts(book: Workspace) -> None:
    assert tangle_with(book, "<<answer>>=\na();\n@\n\n<<answer>>=\nb();\n@\n").returncode == 0
    assert "    a();\n    b();\n" in book.read("out/kernel/hello.c")


def test_overlay_appends(book: Workspace) -> None:
    assert tangle_with(book, "<<also: answer>>=\nreturn 2;\n@\n").returncode == 0
    assert "    return 1;\n    return 2;\n" in book.read("out/kernel/hello.c")


def test_overlay_adds(book: Workspace) -> None:
    assert tangle_with(book, "<<answer>>=\n<<mine>>\n@\n\n<<mine>>=\nx();\n@\n\n"
                             "<<demo/a.c>>=\nint a;\n@\n").returncode == 0
    assert "    x();\n" in book.read("out/kernel/hello.c")
    assert book.read("out/demo/a.c") == "int a;\n"


def test_later_overlay_replaces_the_earlier(book: Workspace) -> None:
    assert tangle_with(book, "<<answer>>=\nstarter();\n@\n", "<<answer>>=\nsolution();\n@\n").returncode == 0
    text = book.read("out/kernel/hello.c")
    assert "solution();" in text and "starter();" not in text


def test_overlay_may_drop_what_the_book_referred_to(book: Workspace) -> None:
    assert tangle_with(book, "<<kernel/hello.c>>=\nint hello;\n@\n").returncode == 0
    assert book.read("out/kernel/hello.c") == "int hello;\n"


@pytest.mark.parametrize("form, complaint", [
    ("<<also: nothing>>=", "appends to a chunk that the book does not have"),
    ("<<replace: nothing>>=", "replaces a chunk that the book does not have"),
    ("<<nothing>>=", "<<nothing>> is an orphan"),
])
def test_overlay_of_nothing(book: Workspace, form: str, complaint: str) -> None:
    result = tangle_with(book, f"Mine.\n\n{form}\nx();\n@\n")
    assert result.returncode != 0
    assert "work/0.nw:3: error:" in result.stderr and complaint in result.stderr


@pytest.mark.parametrize("text", ["", "Only prose.\n"])
def test_overlay_without_a_chunk(book: Workspace, text: str) -> None:
    result = tangle_with(book, text)
    assert result.returncode != 0
    assert "work/0.nw:1: error: an overlay without a chunk" in result.stderr


def test_errors_point_into_the_overlay(book: Workspace) -> None:
    tangle_with(book, "")
    book.write("work/mine.nw", "Mine.\n\n<<answer>>=\nreturn oops;\n@\n")
    assert book.tangle("--overlay", "work/mine.nw").returncode == 0
    assert place_of_gcc_error(book, "kernel/hello.c") == "work/mine.nw:4"


def test_also_is_for_overlays(book: Workspace) -> None:
    book.chapter(1, OVERLAID + "\n<<also: answer>>=\nx();\n@\n")
    assert "is for overlays" in refused(book)


# ---- the table of chapters

def test_chapters(sample: Workspace) -> None:
    assert sample.run("chapters").stdout.splitlines() == [
        "0\tpreface\tBefore the sample\tbook/00-preface.nw",
        "1\tfirst\tThe first chapter\tbook/01-first.nw",
        "2\tsecond\tThe second chapter\tbook/02-second.nw",
        "A\tnotes\tNotes\tbook/A-notes.nw"]
    assert sample.run("chapters", "second").stdout.startswith("2\tsecond\t")
    assert sample.run("chapters", "--files", "1").stdout.split() == [
        "book/00-preface.nw", "book/01-first.nw"]
    assert sample.run("chapters", "third").returncode == 1
