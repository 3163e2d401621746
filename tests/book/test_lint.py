"""What lint measures, and what it finds fault with."""

from __future__ import annotations

import json
import shutil

import pytest

from workspace import HELLO, ROOT, Workspace

CLANG_FORMAT = shutil.which("clang-format")


def messages(book: Workspace, text: str, *options: str) -> list[str]:
    book.chapter(1, text)
    return book.run("lint", *(options or ("--no-format",))).stderr.splitlines()


def chapter(code: str, prose: str = "Here is why this is so, and what it is.", def_line: str = "@") -> str:
    return f"# T {{#ch:t}}\n\n{prose}\n\n<<kernel/a.c>>=\n{code}\n{def_line}\n"


def test_sample_has_no_errors(sample: Workspace) -> None:
    options = () if CLANG_FORMAT else ("--no-format",)
    result = sample.run("lint", *options)
    assert result.returncode == 0, result.stderr
    assert "error" not in result.stderr


def test_the_book_has_no_errors(book: Workspace) -> None:
    book.copy_real_book()
    result = book.run("lint", *(() if CLANG_FORMAT else ("--no-format",)))
    errors = [line for line in result.stderr.splitlines() if "error:" in line and ": warning:" not in line]
    assert result.returncode == 0, "\n".join(errors)


def test_figures(book: Workspace) -> None:
    book.chapter(1, "# T {#ch:t}\n\nOne two three four five six.\n\n<<kernel/a.c>>=\nint a;\n\nint b;\n"
                    "@ %def a b\n\nSeven [[eight nine]] ten eleven twelve.\n\n<<kernel/b.c>>=\nint c;\n@\n")
    book.chapter(2, "# U {#ch:u}\n\n```{.run #run:x}\nnot prose at all\n```\n\nWords.\n", "u")
    result = book.run("lint", "--json", "--no-format")
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    first, second = figures["chapters"]
    assert (first["chunks"], first["code_lines"], first["median"], first["p90"]) == (2, 3, 1, 2)
    assert first["identifiers"] == 2
    assert second["words"] == 2  # "U" and "Words."
    assert figures["total"]["code_lines"] == 3


def test_table(book: Workspace) -> None:
    book.chapter(1, HELLO, "hello")
    lines = book.run("lint", "--no-format").stdout.splitlines()
    assert lines[1].split()[:5] == ["1", "hello", "1", "4", "4"]
    assert lines[-1].split()[:2] == ["the", "book"]


@pytest.mark.parametrize("code, fault", [
    ("int a; /* " + "x" * 66 + " */", "error: a line of 79 columns"),
    ("\tint a;", "error: a tab in the code"),
    ("int f(char* a);", "error: a star belongs to its name"),
    ("int a; ", "error: blanks at the end of the line"),
    ("#define FOO 1", "warning: not declared: @ %def FOO"),
    ("int twice(int a)\n{\n    return a;\n}", "warning: not declared: @ %def twice"),
    ("enum { RED, GREEN = 2 };", "warning: not declared: @ %def RED GREEN"),
    ("struct point {\n    int x;\n};", "warning: not declared: @ %def point"),
])
def test_faults_of_code(book: Workspace, code: str, fault: str) -> None:
    assert any(fault in m and m.startswith("book/01-x.nw:") for m in messages(book, chapter(code)))


@pytest.mark.parametrize("code", [
    "int a; /* ü" + "x" * 50 + " */", "return twice(a);", "    x = call(1);", "int f(void);"])
def test_no_faults_of_code(book: Workspace, code: str) -> None:
    assert not [m for m in messages(book, chapter(code)) if "error" in m or "declared" in m]


def test_assembly_labels_are_identifiers_and_c_labels_are_not(book: Workspace) -> None:
    asm = "# T {#ch:t}\n\nWhy we do it is said here.\n\n<<kernel/a.asm>>=\nstart:  nop\nTEN     equ 10\n.local: nop\n@\n"
    assert any("not declared: @ %def start TEN" in m for m in messages(book, asm))
    assert not any("not declared" in m for m in messages(book, chapter("bad:\n    return 1;")))


@pytest.mark.parametrize("prose, fault", [
    ("This is simply a thing that we say.", '"simply" says nothing'),
    ("It is worth noting that we say this.", '"it is worth noting" says nothing'),
    ("What a kernel we have here! Indeed.", "an exclamation mark"),
])
def test_faults_of_prose(book: Workspace, prose: str, fault: str) -> None:
    assert any(fault in m for m in messages(book, chapter("int a;", prose)))


@pytest.mark.parametrize("prose", [
    "We say `a != b` here and [[!x]] there.", "A simplyfied word is another one here."])
def test_no_faults_of_prose(book: Workspace, prose: str) -> None:
    found = messages(book, chapter("int a;", prose))
    assert not [m for m in found if "says nothing" in m or "exclamation" in m]


def test_chunk_without_prose(book: Workspace) -> None:
    text = chapter("<<one>>\n<<two>>\n<<three>>") + "\nOne comes first, because it must.\n"
    text += "\n<<one>>=\na();\n@\n\n<<two>>=\nb();\n@\n\n<<three>>=\n@\n"
    faults = [m for m in messages(book, text) if "no sentence before" in m]
    assert len(faults) == 1 and "<<two>>" in faults[0]


@pytest.mark.parametrize("lines, fault", [(26, "warning: <<kernel/a.c>> has 26 lines"),
                                          (41, "error: <<kernel/a.c>> has 41 lines")])
def test_long_chunks(book: Workspace, lines: int, fault: str) -> None:
    text = chapter("\n".join(f"int a{n};" for n in range(lines)))
    assert any(fault in m for m in messages(book, text))


def test_long_chapter(book: Workspace) -> None:
    text = "# T {#ch:t}\n" + "".join(
        f"\nWhy this is so is said here.\n\n<<kernel/a{n}.c>>=\n" + "int a;\n" * 20 + "@\n" for n in range(36))
    assert any("error: 720 lines of code" in m for m in messages(book, text))


def test_many_parts(book: Workspace) -> None:
    text = chapter("<<more>>") + "\nMore follows, again and again.\n\n<<more>>=\nint a;\n@\n" * 9
    assert any("<<more>> has more than 8 parts" in m for m in messages(book, text))


def test_many_replacements(book: Workspace) -> None:
    text = chapter("<<more>>") + "\nMore follows, in one line.\n\n<<more>>=\nint a;\n@\n"
    text += "\nNow we know it better than that.\n\n<<replace: more>>=\nint b;\n@\n" * 4
    assert any("error: more than 3 <<replace" in m for m in messages(book, text))


# ---- formatting

pytestmark_format = pytest.mark.skipif(not CLANG_FORMAT, reason="clang-format is not installed")


def format_errors(book: Workspace, code: str) -> list[str]:
    shutil.copy(ROOT / ".clang-format", book.root)
    return [m for m in messages(book, chapter(code), "--json") if "formatting" in m]


@pytestmark_format
@pytest.mark.parametrize("code, line", [
    ("int f(void)\n{\n  return 1;\n}", 8),
    ("int f(void) {\n    return 1;\n}", 6),
    ("int f(int a)\n{\n    if (a) return 1;\n    return 2;\n}", 8),
])
def test_bad_format(book: Workspace, code: str, line: int) -> None:
    assert [m.split(" error")[0] for m in format_errors(book, code)][:1] == [f"book/01-x.nw:{line}:"]


@pytestmark_format
@pytest.mark.parametrize("code", [
    "enum { ONE = 1, TWO = 2 };",
    "enum {\n    A   = 1,  /* one */\n    BCD = 22, /* two */\n};",
    "static const int table[] = {\n    [0] = 1,   [1] = 22,\n    [2] = 333, [3] = 4,\n};",
    'static inline void halt(void)\n{\n    __asm__ volatile ("hlt" : : "a"(1));\n}',
    "int f(int a,\n      int b)\n{\n    return a &&\n           b;\n}",
    "int f(int a)\n{\n    switch (a) {\n    case 1: return 2;\n    default: return 3;\n    }\n}",
])
def test_good_format(book: Workspace, code: str) -> None:
    assert format_errors(book, code) == []


@pytestmark_format
def test_empty_extension_points_leave_no_trace(book: Workspace) -> None:
    code = "int f(int a)\n{\n    <<prepare>>\n    return a;\n    <<clean up>>\n}"
    text = code + "\n@\n\nNothing to prepare yet, nor to clean.\n\n<<prepare>>=\n@\n\n<<clean up>>="
    assert format_errors(book, text) == []
