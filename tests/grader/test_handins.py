"""Hand-ins that cannot be graded are refused, with words that help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from . import build, commands, exercise, overlay
from .commands import directory_of
from .exercise import ROOT
from .machine import Run
from .trouble import Refused, Trouble

CLEAR = exercise.find("weak-clear")
RETYPE = exercise.find("retype-no-overlap")
SOLUTION = (CLEAR.directory / "solution.nw").read_text()
HERE = pytest.mark.xdist_group("exercise-handins")


def refusal(tmp_path: Path, content: str | bytes, chosen: exercise.Exercise = CLEAR) -> str:
    """Why the check of overlays refuses this."""
    path = tmp_path / "mine.nw"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(Refused) as refused:
        overlay.check(chosen, path, "mine.nw")
    return str(refused.value)


@pytest.mark.parametrize(("content", "words"), [
    ("", "defines no chunk"),
    ("int main(void) { return 0; }\n", "defines no chunk"),
    (b"\x7fELF\x02\x01\x01\x00", "no text"),
    (b"\xff\xfe\x00", "no text"),
    ("x" * (overlay.SIZE_LIMIT + 1), "bytes; an answer has"),
    ("<<define something else>>=\nint x;\n@\n", "does not define <<define clear>>"),
    ("<<define delete>>=\n@\n" + SOLUTION, "mine.nw:1: <<define delete>> is not part"),
    ("<<also: define clear>>=\n@\n" + SOLUTION, "<<also: define clear>>= is not possible"),
    ("<<also: define delete>>=\n@\n" + SOLUTION, "<<also: define delete>>= is not possible"),
    ("<<replace: define clear>>=\n@\n" + SOLUTION, "<<replace: define clear>>="),
    ("<<also: object.c: includes>>=\n@\n" + SOLUTION, "is not possible in this exercise"),
    ("<<kernel/check.c>>=\n@\n" + SOLUTION, "<<kernel/check.c>> is not part"),
    ("<<tests/kernel/test.c>>=\n@\n" + SOLUTION, "would be a file of its own"),
    ("<<tests/grader/runner.c>>=\n@\n" + SOLUTION, "would be a file of its own"),
    ("<<Makefile.inc>>=\n@\n" + SOLUTION, "would be a file of its own"),
    ("<<define clear>>=\n<<define revoke>>\n@\n", "mine.nw:2: <<define revoke>> is the book's"),
    ("<<define clear>>=\n#include \"/etc/passwd\"\n@\n", "headers of the kernel only"),
    ("<<define clear>>=\n#include \"kernel/../../x.h\"\n@\n", "headers of the kernel only"),
    ("<<define clear>>=\n#inc\\\nlude </etc/passwd>\n@\n", "headers of the kernel only"),
    ("<<define clear>>=\n%: /* x */ include THIS\n@\n", "headers of the kernel only"),
    ("<<define clear>>=\n__asm__(\".incbin \\\"/etc/passwd\\\"\");\n@\n", "from other files"),
])
def test_what_is_no_answer_is_refused(tmp_path: Path, content: str | bytes, words: str) -> None:
    assert words in refusal(tmp_path, content)


def test_every_chunk_of_the_exercise_must_be_there(tmp_path: Path) -> None:
    """Otherwise the book's own would stay, and earn points."""
    half = "<<tell whether there is room>>=\nint x;\n@\n"
    assert "does not define <<refuse slots" in refusal(tmp_path, half, RETYPE)


def test_what_the_exercise_gives_may_be_used(tmp_path: Path) -> None:
    path = tmp_path / "mine.nw"
    path.write_text("".join(f"<<{chunk}>>=\n<<find the floor and the ceiling>>\n@\n"
                            for chunk in RETYPE.chunks))
    overlay.check(RETYPE, path, "mine.nw")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", Path("/dev/zero")):
        with pytest.raises(Refused):
            overlay.check(CLEAR, path, "mine.nw")


@HERE
@pytest.mark.parametrize(("code", "words"), [
    ("void weak_clear(struct object *object)\n{\n    object->nonsense = 1;\n}\n",
     "mine.nw:4:11: error: 'struct object' has no member named 'nonsense'"),
    ("void weak_clear(struct object *object)\n{\n    while (1\n}\n", "mine.nw:"),
    ("void weak_clear(struct object *object)\n{\n}\n", "mine.nw:2:"),  # a warning is an error
    ("static inline int x(void)\n{\n    return 1;\n}\n", "undefined reference to `weak_clear'"),
    ("<<a chunk that is not there>>\n", "mine.nw:2: error: <<a chunk that is not there>> is not"),
    ("void tell(unsigned long w) { (void)w; }\n", "mine.nw:"),
])
def test_messages_are_about_the_student_s_own_lines(tmp_path: Path, code: str,
                                                    words: str) -> None:
    path = tmp_path / "mine.nw"
    path.write_text(f"<<define clear>>=\n{code}@\n")
    with directory_of(CLEAR, "handin") as directory, pytest.raises(Refused) as refused:
        build.image(CLEAR, path, "mine.nw", directory)
    assert words in str(refused.value).replace("‘", "'").replace("’", "'")
    assert "hand-in.nw" not in str(refused.value)


# --- Commands ------------------------------------------------------------------

@pytest.fixture(name="answers")
def _answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where answers go in these tests: not where a reader has real ones."""
    monkeypatch.setattr(exercise.Exercise, "answer",
                        property(lambda self: tmp_path / "work" / f"{self.slug}.nw"))
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    monkeypatch.setattr("grader.exercise.ROOT", tmp_path)
    return tmp_path / "work"


def test_start_copies_the_starter_and_overwrites_nothing(
        answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["start", "weak-clear"]) == 0
    assert "make grade EX=weak-clear" in capsys.readouterr().out
    mine = answers / "weak-clear.nw"
    assert mine.read_text() == (CLEAR.directory / "starter.nw").read_text()
    mine.write_text("mine")
    assert commands.main(["start", "weak-clear"]) == 2
    assert "exists" in capsys.readouterr().err
    assert mine.read_text() == "mine"


def test_grading_before_starting_says_what_to_do(
        answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not answers.exists()
    assert commands.main(["grade", "weak-clear"]) == 2
    assert "make start EX=weak-clear" in capsys.readouterr().err


def test_an_unknown_exercise_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    for slug in ("nonsense", "", "../weak-clear", "*"):
        assert commands.main(["hint", slug]) == 3
        assert "weak-clear" in capsys.readouterr().err


def test_hints_are_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["hint", "caddr-lookup"]) == 0
    assert capsys.readouterr().out.startswith("1. ")


def test_pages_are_named_once_the_book_is_woven(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chapter = tmp_path / "09-untyped.nw"
    chapter.write_text("## Two {#sec:two}\n\n> **U1.** x\n\n<<a>>=\n@\n\n> **U2.** y\n")
    labels = tmp_path / "rux.aux"
    monkeypatch.setattr(exercise, "LABELS", labels)
    exercise._page_labels.cache_clear()
    assert exercise.pages(chapter, 3) == ""
    labels.write_text("\\newlabel{sec:two}{{9.2}{77}{Two}{section.9.2}{}}\n"
                      "\\newlabel{c:9.1}{{9.1}{78}{}{}{}}\n")
    exercise._page_labels.cache_clear()
    assert exercise.pages(chapter, 3) == ", pages 77-78"
    assert exercise.pages(chapter, 8) == ", page 78"
    exercise._page_labels.cache_clear()


@HERE
def test_a_report_says_all_that_helps(capsys: pytest.CaptureFixture[str]) -> None:
    mutant = "chunks/08-weak-clear/mutants/not-told.nw"
    arguments = ["grade", "weak-clear", "--file", str(ROOT / mutant), "--seed", "9"]
    assert commands.main(arguments) == 1
    said = " ".join(capsys.readouterr().out.split())
    for words in ("FAIL 0/2", "Observed:", "Breaks: W4 (book/08-weakpools.nw:", 'section 8.5, "Deleting"',
                  "Usually:", "make grade EX=weak-clear SEED=9 ONLY=2", "of 10 points"):
        assert words in said
    assert commands.main([*arguments, "--only", "2"]) == 1
    assert "0 of 2 points" in capsys.readouterr().out


@HERE
def test_full_points_need_no_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["grade", "weak-clear", "--file",
                          str(CLEAR.directory / "solution.nw")]) == 0
    said = capsys.readouterr().out
    assert said.endswith("\n10 of 10 points\n") and "Observed" not in said


# --- The machine that we run on ------------------------------------------------

def test_a_missing_tool_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    """Its package is named, and nobody loses points."""
    for name in ("sh", "dirname", "awk", "make"):
        (tmp_path / name).symlink_to(next(Path(place, name) for place in ("/bin", "/usr/bin")
                                          if Path(place, name).exists()))
    monkeypatch.setenv("PATH", str(tmp_path))
    solution = str(CLEAR.directory / "solution.nw")
    assert commands.main(["grade", "weak-clear", "--file", solution]) == 3
    said = capsys.readouterr().err
    assert "not about your work" in said and "qemu-system-x86" in said and "points" not in said


def test_an_old_python_is_told_so() -> None:
    """The file that is read first has nothing in it that an old Python cannot read."""
    text = (Path(__file__).parent / "__main__.py").read_text()
    assert "from __future__" not in text and "sys.version_info < (3, 11)" in text
    compile(text, "__main__.py", "exec", dont_inherit=True)


def test_the_grader_needs_only_the_standard_library() -> None:
    """-S leaves out what is installed beside it."""
    code = "import sys; sys.path.insert(0, 'tests'); import grader.commands, grader.audit"
    subprocess.run([sys.executable, "-I", "-S", "-B", "-c", code], cwd=ROOT, check=True)


def test_a_machine_that_does_not_start_is_no_verdict(tmp_path: Path) -> None:
    from . import machine
    with pytest.raises(Trouble):
        machine.run(tmp_path / "no-such-kernel", [], tmp_path)
    assert isinstance(Run("ended", 33, b"", "", 0), Run)
