"""What the kernel writes about its objects, drawn: the tool and the figures."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from workspace import HELLO, TOOLS, Workspace

GOOD = """\
[kernel] Rux is in long mode, loaded by Multiboot 1.
[kernel] Untyped 2, kept, 4096 free
[kernel] Task 5 from 2, 416 + 0 bytes, ending
[kernel]     0 CPool 4 rwgx
[kernel] CPool 4 from 2, 12368 + 0 bytes
[kernel]     0 CPool 4 rwgx (5[0] 4[255])
[kernel]   255 CPool 4 r--- badge 7 ()
[kernel] Untyped 6 from 2, 128 + 8192 bytes, 8192 free
[kernel] Nothing is left to run.
"""
needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="graphviz is not installed")


def graph(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOLS / "graph", *arguments], input=text, text=True,
                          capture_output=True, check=False)


def edges(text: str) -> list[str]:
    return re.findall(r"^(n\S+ -> n\S+)", graph(text, "dot").stdout, re.MULTILINE)


def test_text_is_the_lines_of_the_picture() -> None:
    assert graph(GOOD, "text").stdout == "".join(GOOD.splitlines(keepends=True)[1:-1])


def test_references_and_derivations_are_lines_between_slots() -> None:
    assert edges(GOOD) == [
        "n5:s0:e -> n4:top",
        "n4:s0:e -> n4:top:e", "n4:s0:e -> n5:i0:w", "n4:i0:w -> n4:i255:w",
        "n4:s255:e -> n4:top:e"]


def test_what_was_made_from_an_untyped_is_in_its_frame() -> None:
    dot = graph(GOOD, "dot").stdout
    frame = dot[dot.index("subgraph cluster_2"):]
    assert [f"n{n} [" in frame[:frame.index("\n}")] for n in (2, 4, 5, 6)] == [True] * 4
    assert "cluster_6" not in dot


def test_boxes_say_what_is_in_them() -> None:
    dot = graph(GOOD, "dot").stdout
    for text in ("<B>Task 5</B><BR/>ending", ">pool</TD>", "8 KiB free", "r---</FONT> 7<"):
        assert text in dot


def test_the_last_of_several_pictures_is_taken() -> None:
    later = GOOD + "[kernel] CPool 9, kept\n"
    assert graph(later, "text").stdout == "[kernel] CPool 9, kept\n"
    assert graph(GOOD + GOOD, "text").stdout == graph(GOOD, "text").stdout


def test_an_object_may_be_written_about_twice_in_the_same_words() -> None:
    line = "[kernel] CPool 4, kept\n[kernel]     0 CPool 4 rwgx ()\n"
    assert edges(line + line) == edges(line)


def test_what_is_only_mentioned_is_drawn_too() -> None:
    dot = graph("[kernel] CPool 4 from 3, 1 + 0 bytes\n[kernel]     7 Page 8 r--- (9[1] ...)\n",
                "dot").stdout
    assert "<B>Page 8</B>" in dot and "<B>Untyped 3</B>" in dot and "r---</FONT> …" in dot
    assert "-> n9" not in dot


@pytest.mark.parametrize("text, complaint", [
    ("", "nothing about objects"),
    ("[kernel] Nothing is left to run.\n", "nothing about objects"),
    ("CPool 4, kept\n", "nothing about objects"),
    ("[kernel]     0 Page 4 r---\n", "slot before the first object"),
    ("[kernel] CPool 4, kept\n[kernel] Page 4, kept\n", "object 4 is"),
    ("[kernel] CPool 4, kept\n[kernel]     0 Page 4 r---\n", "says Page 4, which is CPool 4"),
    ("[kernel] CPool 4, kept\n[kernel]     0 Page 5 r---\n[kernel]     0 Page 6 r---\n",
     "slot 4[0] is there twice"),
    ("[kernel] CPool 4, kept\n[kernel]     0 Page 5 r--- (x)\n", "are not slots"),
    ("[kernel] Untyped 4 from 4, 1 + 0 bytes\n", "made from itself"),
    ("[kernel] Untyped 4 from 5, 1 + 0 bytes\n[kernel] Untyped 5 from 4, 1 + 0 bytes\n",
     "made from itself"),
    ("[kernel] Page 4 from 5, 1 + 0 bytes\n[kernel] CPool 5, kept\n", "made from CPool 5"),
])
def test_malformed_text_is_refused(text: str, complaint: str) -> None:
    result = graph(text, "dot")
    assert result.returncode == 1 and result.stdout == ""
    assert complaint in result.stderr and "Traceback" not in result.stderr


@needs_dot
@pytest.mark.parametrize("rubbish", ["\0", "<", '"', "\\", "é", "((", "]", "9" * 30])
def test_rubbish_is_refused_or_passed_over(rubbish: str) -> None:
    line = "     0 CPool 4 rwgx (5[0] 4[255])"
    for at in (2, 7, 12, 16, 21, 24, 31):
        result = graph(f"[kernel] CPool 4, kept\n[kernel] {line[:at]}{rubbish}{line[at:]}\n", "svg")
        assert result.returncode in (0, 1) and "Traceback" not in result.stderr
        if result.returncode == 0:
            ElementTree.fromstring(result.stdout.encode())


def test_strictly_every_line_counts() -> None:
    assert graph(GOOD, "text", "--strict").returncode == 1
    assert graph(">>> graph\n…\n[kernel] CPool 4, kept\n…\n[kernel] CPool 5 from 2, … + 0 bytes\n",
                 "text", "--strict").returncode == 0


@needs_dot
def test_svg_is_well_formed_and_says_what_is_there() -> None:
    svg = graph(GOOD, "svg").stdout
    words = "".join(ElementTree.fromstring(svg.encode()).itertext())
    for text in ("Task 5", "CPool 4", "made from Untyped 2", "8 KiB free", "rwgx"):
        assert text in words


@needs_dot
def test_files_are_written_for_each_picture(book: Workspace) -> None:
    book.write("log", GOOD + "[kernel] CPool 9, kept\n")
    (book.root / "graph-7.svg").touch()
    result = book.run("graph", "files", ".", "log")
    assert result.returncode == 0, result.stderr
    assert sorted(p.name for p in book.root.glob("graph*")) == [
        "graph-1.svg", "graph-1.txt", "graph-2.svg", "graph-2.txt"]
    assert "graph-1.svg: 4 objects, 3 slots" in result.stdout


# ---- figures in a book

BLOCK = '```{{.graph #fig:state chapter=1 caption="The state."}}\n{}\n```\n\nSee @fig:state.\n'


def test_a_graph_is_a_transcript(book: Workspace) -> None:
    book.chapter(1, HELLO + BLOCK.format("[kernel] CPool 4, kept"))
    listed = json.loads(book.run("transcripts", "list").stdout)
    assert [(t["name"], t["lines"]) for t in listed] == [("fig:state", ["[kernel] CPool 4, kept"])]
    book.write("log", "[kernel] CPool 5, kept\n")
    result = book.run("transcripts", "check", "fig:state", "log")
    assert result.returncode == 1 and 'does not print "[kernel] CPool 4, kept"' in result.stderr


weaves = pytest.mark.skipif(not all(map(shutil.which, ("pandoc", "xelatex", "dot"))),
                            reason="pandoc, xelatex or graphviz is not installed")


@weaves
@pytest.mark.xdist_group("weave")
def test_a_graph_is_a_figure(book: Workspace) -> None:
    book.copy_sample()
    book.share_caches()
    book.write("book/01-first.nw", book.read("book/01-first.nw") + BLOCK.format(
        "…\n[kernel] CPool 4, kept\n[kernel]     0 CPool 4 r-gx ()"))
    result = book.run("weave", "html")
    assert result.returncode == 0, result.stderr
    figure = re.search(r'<figure class="fig" id="fig-state">.*?</figure>',
                       book.read("html/01-first.html"), re.DOTALL)
    assert figure
    assert 'aria-label="The state. …; CPool 4, kept; 0 CPool 4 r-gx ()"' in figure[0]
    ElementTree.fromstring(re.search(r"<svg.*</svg>", figure[0], re.DOTALL)[0])  # type: ignore[index]


@weaves
@pytest.mark.xdist_group("weave")
def test_a_graph_that_cannot_be_fails_the_weave(book: Workspace) -> None:
    book.copy_sample()
    book.share_caches()
    text = book.read("book/01-first.nw") + "\n"
    book.write("book/01-first.nw", text + BLOCK.format(
        "[kernel] CPool 4, kept\n[kernel]     0 CPool 5 rwgx\n[kernel] Page 5, kept"))
    result = book.run("weave", "check")
    assert result.returncode == 1
    assert f"book/01-first.nw:{text.count(chr(10)) + 1}: error: the graph fig:state" in result.stderr
    assert "which is Page 5" in result.stderr
