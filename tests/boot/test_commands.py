"""The commands that the README and `make help` promise, and what they say
when something is wrong."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from images import FULL, ROOT, Tree, prefixes
from machine import DONE, LIMIT, Machine

SERIAL = {"CONSOLE": "serial", "DISPLAY": "", "WAYLAND_DISPLAY": ""}


def make(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs make as a person would, not as a part of the make that runs us."""
    clean = {key: value for key, value in os.environ.items()
             if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CHAPTER", "PROGRAM", "PYTEST_OPTIONS")}
    return subprocess.run(["make", *arguments], cwd=cwd, text=True, timeout=5 * LIMIT,
                          env={**clean, **SERIAL, **environment}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources once more, to be broken."""
    for name in ("Makefile", "setup.sh", "book", "boot", "tests", "userland", "figures",
                 ".clang-format"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name)
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def rules() -> set[str]:
    """Every rule that describes itself."""
    files = [ROOT / "Makefile", *(file for part in ("book/tools", "boot", "tests")
                                  for file in (ROOT / part).rglob("*.mk"))]
    text = "".join(file.read_text() for file in files)
    return set(re.findall(r"^([a-z][a-z-]*):.*## ", text, re.MULTILINE))


def test_help_lists_every_command() -> None:
    answer = make("help").stdout
    listed = set(re.findall(r"^    make ([a-z-]+) ", answer, re.MULTILINE))
    assert listed == rules()
    assert {"tangle", "run", "run-fast", "run-uefi", "iso", "debug", "doctor", "test", "lint",
            "pdf", "html", "epub", "book", "clean"} <= listed
    for setting in ("CHAPTER=", "CONSOLE=serial", "MEMORY=", "MACHINE=", "CHECK=1", "PROGRAM="):
        assert setting in answer


@pytest.mark.parametrize("file", ["README.md", "CONTRIBUTING.md"])
def test_documents_name_commands_that_exist(file: str) -> None:
    named = re.findall(r"`[^`\n]*?\bmake ([a-z][a-z-]*)", (ROOT / file).read_text())
    assert named
    assert set(named) <= rules()


def test_readme_shows_how_to_start() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "sh setup.sh && make tangle && make run" in readme
    assert "sh setup.sh && make test" in readme


def test_setup_is_quick_and_silent_when_all_is_there() -> None:
    start = time.monotonic()
    done = subprocess.run(["sh", "setup.sh"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - start < 5


def test_doctor_is_content() -> None:
    done = make("doctor")
    assert done.returncode == 0, done.stdout
    assert "This computer can tangle, compile and boot." in done.stdout


@pytest.mark.parametrize("tool", ["nasm", "qemu-system-x86_64"])
def test_a_missing_tool_is_named_with_its_package(tool: str, tmp_path: Path) -> None:
    for directory in ("/usr/local/bin", "/usr/bin", "/bin"):
        for program in Path(directory).iterdir():
            link = tmp_path / program.name
            if program.name != tool and not link.exists() and not link.is_symlink():
                link.symlink_to(program)
    done = make("run-fast", "CHAPTER=1", PATH=str(tmp_path))
    package = {"qemu-system-x86_64": "qemu-system-x86"}.get(tool, tool)
    assert done.returncode != 0
    assert f"{tool} is missing" in done.stdout
    assert f"apt-get install {package}" in done.stdout


def test_an_unknown_chapter_is_answered_with_those_there_are() -> None:
    done = make("run", "CHAPTER=99")
    assert done.returncode != 0
    assert 'there is no chapter "99"' in done.stdout
    assert "boot" in done.stdout


def test_chapters_go_by_number_and_slug() -> None:
    assert make("kernel", "CHAPTER=1").returncode == 0
    slug = next((ROOT / "book").glob("01-*.nw")).stem[3:]
    assert make("kernel", f"CHAPTER={slug}").returncode == 0


@pytest.mark.parametrize(("setting", "answer"), [
    ("CONSOLE=window", "needs a display"),
    ("CONSOLE=loud", "none of serial, window, both"),
    ("MACHINE=mac", "neither pc nor q35"),
    ("MEMORY=much", "status 1"),
])
def test_a_wrong_setting_is_explained(setting: str, answer: str) -> None:
    done = make("run-fast", "CHAPTER=1", setting)
    assert done.returncode != 0
    assert answer in done.stdout


@pytest.mark.parametrize(("display", "console", "window", "terminal"), [
    ("", "", False, True),
    (":0", "", True, True),
    (":0", "both", True, True),
    (":0", "window", True, False),
    (":0", "serial", False, True),
])
def test_where_the_machine_speaks(display: str, console: str, window: bool, terminal: bool,
                                  tmp_path: Path) -> None:
    """With a QEMU that has windows, which only says how it was started."""
    fake = tmp_path / "qemu-system-x86_64"
    fake.write_text('#!/bin/sh\ncase "$*" in *help*) echo gtk ;; *) echo "STARTED $*" ;; esac\n')
    fake.chmod(0o755)
    done = make("run-fast", "CHAPTER=1", DISPLAY=display, CONSOLE=console,
                PATH=f"{tmp_path}:{os.environ['PATH']}")
    started = next(line for line in done.stdout.split("\n") if line.startswith("STARTED"))
    assert ("-display none" not in started) == window
    assert ("mon:stdio" in started) == terminal
    assert ("isa-debug-exit" in started) == (not window)
    assert ("Ctrl-A X" in done.stdout) == terminal


@pytest.mark.parametrize("command", ["run", "run-fast"])
def test_a_prefix_runs_and_returns_to_the_shell(command: str) -> None:
    done = make(command, "CHAPTER=3")
    assert done.returncode == 0, done.stdout
    assert "[kernel] " in done.stdout


@pytest.mark.parametrize("tree", [pytest.param(tree, id=tree.name, marks=[
    pytest.mark.chapter(tree.number), pytest.mark.xdist_group(tree.name)]) for tree in prefixes()])
def test_grub_starts_every_prefix(tree: Tree) -> None:
    made = make("iso", f"CHAPTER={tree.number}")
    assert made.returncode == 0, made.stdout
    with Machine(iso=tree.iso) as machine:
        machine.serial.wait_for("loaded by Multiboot2")
        if not tree.rinit:
            assert machine.status() == DONE, machine.serial.heard


class Terminal:
    """A terminal without a display, with make in it."""

    def __init__(self, *arguments: str) -> None:
        self.heard = ""
        self.process, self.door = pty.fork()
        if self.process == 0:
            os.chdir(ROOT)
            environment = {key: value for key, value in os.environ.items()
                           if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DISPLAY",
                                          "WAYLAND_DISPLAY", "CHAPTER")}
            os.execvpe("make", ["make", *arguments], environment)

    def listen(self) -> bool:
        if not select.select([self.door], [], [], LIMIT)[0]:
            return False
        try:
            data = os.read(self.door, 65536)
        except OSError:
            return False
        self.heard += data.decode("utf-8", "replace").replace("\r", "")
        return bool(data)

    def wait_for(self, text: str) -> None:
        while text not in self.heard:
            assert self.listen(), f"no {text!r} in\n{self.heard}"

    def say(self, text: str) -> None:
        os.write(self.door, text.encode())

    def status(self) -> int:
        while self.listen():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def test_run_works_in_a_terminal_without_a_display() -> None:
    terminal = Terminal("run")
    terminal.wait_for("Ctrl-A X")
    terminal.wait_for(">>> ")
    terminal.say("echo hello\r")
    terminal.wait_for("\nhello\n")
    terminal.say("\x01x")
    assert terminal.status() == 0, terminal.heard


def test_debug_stops_in_the_text_of_the_book() -> None:
    done = make("debug", "CHAPTER=1", "GDB_OPTIONS=-batch -ex next -ex 'info source' -ex serial")
    assert done.returncode == 0, done.stdout
    assert re.search(r"Temporary breakpoint 1, kmain .* at book/01-\w+\.nw:\d+", done.stdout)
    assert re.search(r"\d+\s+_Noreturn void kmain\(", done.stdout)
    assert "<<" in done.stdout  # a chunk's name: this is the book, not what is tangled
    assert "Current source file is book/01-" in done.stdout


def test_debug_steps_through_assembly_in_the_book() -> None:
    done = make("debug", "GDB_OPTIONS=-batch -ex 'hbreak syscall_entry_at_once' -ex continue -ex stepi")
    assert done.returncode == 0, done.stdout
    assert re.search(r"Breakpoint 2, syscall_entry_at_once .* at book/13-[\w-]+\.nw:\d+", done.stdout)
    assert re.search(r"^\d+\s+swapgs", done.stdout, re.MULTILINE)


def test_debug_stops_at_a_chunk_by_name() -> None:
    done = make("debug", "CHAPTER=9", "GDB_OPTIONS=-batch -ex 'chunk move both watermarks' "
                "-ex continue -ex list")
    assert done.returncode == 0, done.stdout
    assert re.search(r"Breakpoint 2, .* at book/09-untyped\.nw:\d+", done.stdout)
    assert "<<move both watermarks>>=" in done.stdout


def test_debug_stops_at_an_exercise() -> None:
    done = make("debug", "EX=weak-clear", "GDB_OPTIONS=-batch")
    assert done.returncode == 0, done.stdout
    assert re.search(r"Breakpoint 2, weak_clear .* at (work/weak-clear|chunks/08-weak-clear/"
                     r"starter)\.nw:\d+", done.stdout)


def break_chapter(copy: Path, pattern: str, replacement: str) -> int:
    """Changes one line of chapter 1; its number."""
    chapter = next((copy / "book").glob("01-*.nw"))
    lines = chapter.read_text().split("\n")
    number = next(n for n, line in enumerate(lines) if re.search(pattern, line))
    lines[number] = re.sub(pattern, replacement, lines[number])
    chapter.write_text("\n".join(lines))
    return number + 1


def test_a_mistake_in_c_is_shown_in_the_chapter(copy: Path) -> None:
    line = break_chapter(copy, r"\bserial_init\(\);$", "serial_init(17);")
    done = make("kernel", "CHAPTER=1", cwd=copy)
    assert done.returncode != 0
    assert re.search(rf"^book/01-\w+\.nw:{line}:\d+: error: ", done.stdout, re.MULTILINE)


def test_a_mistake_in_assembly_is_shown_in_the_chapter(copy: Path) -> None:
    line = break_chapter(copy, r"^    cli$", "    clii now")
    done = make("kernel", "CHAPTER=1", cwd=copy)
    assert done.returncode != 0
    assert re.search(rf"^book/01-\w+\.nw:{line}: error: ", done.stdout, re.MULTILINE)


def test_a_change_of_one_chapter_rebuilds_what_it_touches(copy: Path) -> None:
    assert make("kernel", "CHAPTER=3", cwd=copy).returncode == 0
    assert make("kernel", "CHAPTER=3", "V=1", cwd=copy).stdout == ""
    chapter = next((copy / "book").glob("03-*.nw"))
    text = chapter.read_text()
    last_code = text.rindex("\n    cli\n") if "\n    cli\n" in text else text.rindex(";\n")
    chapter.write_text(text[:last_code + 2] + " " + text[last_code + 2:] + "\n")
    rebuilt = make("kernel", "CHAPTER=3", "V=1", cwd=copy).stdout
    assert "serial.c" not in rebuilt and "boot.asm" not in rebuilt


def test_clean_tangle_and_compile_is_quick(copy: Path) -> None:
    """Eight seconds on two processors, counted as work: other tests run beside."""
    before = os.times()
    done = make("tangle", "kernel", cwd=copy)
    after = os.times()
    assert done.returncode == 0, done.stdout
    assert (after.children_user - before.children_user
            + after.children_system - before.children_system) < 16


def test_check_builds_a_kernel_that_checks_itself() -> None:
    done = make("kernel", "CHECK=1")
    assert done.returncode == 0, done.stdout
    checked = FULL.directory / "check"
    with Machine(kernel=checked / "rux.elf", initrd=f"{checked}/rinit.elf rinit") as machine:
        machine.serial.wait_for(">>> ")
        machine.serial.say("list\n")
        machine.serial.wait_for("Operation finished.")


def test_scripts_are_clean() -> None:
    scripts = [path for path in [*(ROOT / "boot").iterdir(), ROOT / "setup.sh", ROOT / ".ci/run",
                                 *(ROOT / "book/tools").rglob("*")]
               if path.is_file() and path.read_bytes().startswith(b"#!/bin/")]
    done = subprocess.run(["shellcheck", "-x", *scripts], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_lint_is_content() -> None:
    done = make("lint")
    if done.returncode != 0:
        wrong = [line for line in done.stdout.split("\n") if "warning:" not in line]
        pytest.fail("\n".join(wrong), pytrace=False)
