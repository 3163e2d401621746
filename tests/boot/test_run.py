"""Programs that the shell starts: run, ps, kill, mem, bench, and what they may do."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Callable, Iterator

import pytest

from images import FULL
from machine import Machine
from test_editing import by_keyboard, by_serial
from test_session import PROMPT, ask, type_in

PROGRAMS = sorted(path.name for path in (FULL.directory / "obj" / "archive").glob("*"))
HOLDS = """\
   0 CPool   rwgx
   1 Task    rwgx
   2 Untyped rwgx
   3 PML4    rwgx
   4 PDPT    rwgx
   5 PD      rwgx
   6 PT      rwgx
   7 PD      rwgx
   8 PT      rwgx
   9 PT      rwgx
 240 Log     -w--
 248 Channel -w--
 251 Buffer  rwgx""".split("\n")
SPINS = re.compile(r"spin runs as number (\d+)\.")


def switched_on(rinit: Path) -> Machine:
    return Machine(kernel=FULL.kernel, initrd=f"{rinit} rinit")


@pytest.fixture
def machine() -> Iterator[Machine]:
    with switched_on(FULL.directory / "rinit.elf") as machine:
        machine.serial.wait_for(PROMPT)
        machine.wait_for_screen(PROMPT.rstrip())
        yield machine


def start_behind(machine: Machine) -> int:
    """Starts a program that never ends; its number."""
    answer = SPINS.fullmatch(ask(machine, "run spin &")[0])
    assert answer
    return int(answer[1])


# --- What a program is given ------------------------------------------------------

@pytest.mark.parametrize("speak", [type_in, ask], ids=["keyboard", "serial"])
def test_a_program_holds_what_it_was_given(
        machine: Machine, speak: Callable[[Machine, str], list[str]]) -> None:
    answer = speak(machine, "run holds  two  words")
    assert answer[0] == 'arguments: "two  words"'
    assert answer[1:14] == HOLDS
    assert [line.split(": ")[1] for line in answer[14:]] == [
        "ERROR_NO_RIGHT", "ERROR_BAD_ARGUMENT", "ERROR_NO_RIGHT"]


def test_graph_shows_what_a_program_holds(machine: Machine) -> None:
    number = start_behind(machine)
    machine.serial.say("graph\n")
    end = machine.serial.wait_for("Operation finished.")
    heard = machine.serial.heard[:end]
    pools = re.findall(r"CPool \d+ from \d+, .*\n((?:\[kernel\] +\d+ .*\n)*)", heard)
    slots = [[line.split()[1:3] for line in pool.strip().split("\n")] for pool in pools if pool]
    wanted = [line.split()[:2] for line in HOLDS]
    assert wanted in slots
    assert ask(machine, f"kill {number}") == ["Operation finished."]


def test_a_program_is_heard_on_both_consoles(machine: Machine) -> None:
    ask(machine, "run holds on both")
    assert 'arguments: "on both"' in machine.wait_for_screen("more urgent")


def test_a_rude_program_is_answered_and_survived(machine: Machine) -> None:
    answer = ask(machine, "run rude")
    assert answer == [
        "put: ERROR_TOO_LONG",
        "ask for 2: NO_ERROR, ERROR_BAD_ARGUMENT",
        "ask for ffffffffffffffff: NO_ERROR, ERROR_BAD_ARGUMENT",
        "send a capability: ERROR_NO_RIGHT",
        "", "show 0: NO_ERROR", "", "show 1025: ERROR_TOO_LONG",
        "?[2Jescape???"]
    assert ask(machine, "echo still here") == ["still here"]


@pytest.mark.parametrize("parts", [1, 4, 9])
def test_a_program_has_threads_and_a_heap(machine: Machine, parts: int) -> None:
    answer = ask(machine, f"run threads {parts}")
    sums = [int(line.split(": ")[1]) for line in sorted(answer) if line.startswith("part")]
    assert sums == [sum(range(part, 1000000, parts)) for part in range(parts)]
    assert answer[-1] == f"all: {sum(range(1000000))}" and len(answer) == parts + 1


# --- How a program ends -------------------------------------------------------------

@pytest.mark.parametrize(("how", "told"), [
    ("", r"page fault at 0x[0-9a-f]+ in write_to\+\d+, address 0x1234567890"),
    ("code", r"page fault at 0x[0-9a-f]+ in write_to\+\d+, address 0x4[0-9a-f]{5}"),
    ("jump", r"page fault at 0x90001000, address 0x90001000"),
    ("deep", r"page fault at 0x[0-9a-f]+ in go_deeper\+\d+, address 0x7ffff[0-9a-f]{3}"),
])
def test_a_fault_is_told_with_the_function(machine: Machine, how: str, told: str) -> None:
    ask(machine, "run hello")
    before = ask(machine, "mem")
    answer = ask(machine, f"run fault {how}".strip())
    assert re.fullmatch(rf"fault \(number 2\) has stopped: {told}\.", answer[0])
    assert "[kernel] A task has stopped" not in machine.serial.heard
    assert ask(machine, "ps") == ["NUMBER NAME"]
    assert ask(machine, "mem") == before


def test_a_program_may_end_with_a_number(machine: Machine) -> None:
    assert ask(machine, "run fault end") == ["fault (number 1) has ended with 7."]
    machine.serial.say("run fault end &\n")
    machine.serial.wait_for("fault (number 2) has ended with 7.\n")
    machine.serial.say("run hello &\n")
    machine.serial.wait_for("hello (number 3) has ended with 0.\n")


@pytest.mark.parametrize("stroke", [by_keyboard, by_serial], ids=["keyboard", "serial"])
@pytest.mark.parametrize("program", ["spin", "fault stop"])
def test_control_c_ends_it_and_what_was_typed_waits(
        machine: Machine, stroke: Callable[[Machine, str], None], program: str) -> None:
    machine.serial.say(f"run {program}\n")
    for key in [*"echo", "space", *"afterwards", "enter"]:
        by_serial(machine, key)
    assert "afterwards" not in machine.serial.heard
    while "\nafterwards\n" not in machine.serial.heard:  # the program may not have begun
        by_keyboard(machine, "control-c") if stroke is by_keyboard else machine.serial.say("\x03")
        machine.serial.wait_for_more(len(machine.serial.heard), 1)
    assert ask(machine, "ps") == ["NUMBER NAME"]


def test_a_hundred_programs_leave_no_trace(machine: Machine) -> None:
    ask(machine, "run hello")
    before = ask(machine, "mem")
    for i in range(50):
        ask(machine, "run hello" if i % 2 else "run exhaust")
        assert ask(machine, f"kill {start_behind(machine)}") == ["Operation finished."]
    assert ask(machine, "mem") == before
    assert start_behind(machine) == 102


def test_what_is_exhausted_is_the_programs_own(machine: Machine) -> None:
    ask(machine, "run hello")
    before = ask(machine, "mem")
    taken = re.fullmatch(r"(\d+) KiB taken, then: The untyped memory has not that much room left\.",
                         ask(machine, "run exhaust")[0])
    assert taken and 5000 <= int(taken[1]) <= 5120
    assert ask(machine, "mem") == before


def test_eight_programs_and_no_ninth(machine: Machine) -> None:
    numbers = [start_behind(machine) for _ in range(8)]
    assert numbers == list(range(1, 9))
    assert ask(machine, "run hello") == [
        "hello cannot be started: there are as many programs as there can be."]
    assert len(ask(machine, "ps")) == 9
    assert ask(machine, "kill 5") == ["Operation finished."]
    assert start_behind(machine) == 9
    assert ask(machine, "mem")[-1] == "Programs: 8 of 8 run, with 6144 KiB each."


def test_a_small_machine_says_that_it_is_full() -> None:
    with Machine(kernel=FULL.kernel, initrd=f"{FULL.directory}/rinit.elf rinit",
                 memory="24M") as machine:
        machine.serial.wait_for(PROMPT)
        while SPINS.fullmatch(answer := ask(machine, "run spin &")[0]):
            pass
        assert answer == ("spin cannot be started: "
                          "The untyped memory has not that much room left.")
        assert ask(machine, "kill 1") == ["Operation finished."]
        assert start_behind(machine) > 1


def test_programs_run_as_grub_boots_it() -> None:
    with Machine(iso=FULL.iso) as machine:
        machine.serial.wait_for(PROMPT)
        assert ask(machine, "run holds all")[1:14] == HOLDS
        assert ask(machine, "run fault end") == ["fault (number 2) has ended with 7."]


def test_bench_measures_and_ends(machine: Machine) -> None:
    answer = ask(machine, "bench")
    rows = [line for line in answer if line.startswith("bench: ")]
    assert len(rows) > 10 and all(re.fullmatch(r"bench: [a-z0-9-]+ \d+", row) for row in rows)
    assert ask(machine, "ps") == ["NUMBER NAME"]


# --- What can be typed wrongly --------------------------------------------------------

@pytest.mark.parametrize(("command", "answer"), [
    ("run", ["NAME is missing."]),
    ("run nosuch", ['NAME cannot be "nosuch".']),
    ("run hell", ['NAME cannot be "hell".']),
    ("run &", ["NAME is missing."]),
    ("run hello&", ["hello runs as number 1."]),
    ("kill", ["NUMBER is missing."]),
    ("kill all", ['NUMBER cannot be "all".']),
    ("kill 4294967296", ['NUMBER cannot be "4294967296".']),
    ("kill 0", ["No program has that number."]),
    ("kill 1", ["No program has that number."]),
    ("kill 4294967295", ["No program has that number."]),
])
def test_mistakes_are_told(machine: Machine, command: str, answer: list[str]) -> None:
    assert ask(machine, command)[:1] == answer


def test_names_are_completed_and_listed(machine: Machine) -> None:
    assert ask(machine, "run")[1] == f"NAME: one of {', '.join(PROGRAMS)}."
    machine.serial.say("run ho\tcompleted\n")
    machine.serial.wait_for('arguments: "completed"\n')


# --- Files that are wrong ---------------------------------------------------------------

ENTRIES = 64  # where the list of segments begins


def place_of(image: bytes, name: str) -> int:
    """Where the archive that an image contains has a file's header."""
    wanted = name.encode().ljust(100, b"\0")
    at = image.find(wanted)
    while image[at + 257:at + 262] != b"ustar":
        at = image.find(wanted, at + 1)
        assert at >= 0
    return at


def field(at: int, kind: str, value: int) -> Callable[[bytearray, int], None]:
    """Sets a field of a file: its place there, and its kind for struct."""
    def change(image: bytearray, file: int) -> None:
        struct.pack_into("<" + kind, image, file + at, value)
    return change


def segment(number: int, at: int, value: int, kind: str = "Q") -> Callable[[bytearray, int], None]:
    return field(ENTRIES + 56 * number + at, kind, value)


def together(*changes: Callable[[bytearray, int], None]) -> Callable[[bytearray, int], None]:
    def change(image: bytearray, file: int) -> None:
        for one in changes:
            one(image, file)
    return change


KERNEL_HALF, TOP = 0xffff_8000_0000_0000, 2 ** 64 - 1
# The offsets of an entry: flags 4, offset 8, address 16, length 32, size 40, alignment 48.
WRONG_FILES = [
    (field(0, "B", 0x7e), "it does not begin like an ELF file"),
    (field(4, "B", 1), "64-bit"),
    (field(5, "B", 2), "little-endian"),
    (field(16, "H", 3), "fixed addresses"),
    (field(18, "H", 3), "another processor"),
    (field(24, "Q", 0), "first instruction"),
    (field(24, "Q", KERNEL_HALF), "first instruction"),
    (field(32, "Q", TOP - 55), "list of segments"),
    (field(54, "H", 32), "wrong size"),
    (field(56, "H", 0xffff), "list of segments"),
    (segment(0, 8, TOP - 0x100), "beyond the end"),
    (segment(0, 8, 2 ** 40), "beyond the end"),
    (segment(0, 32, TOP), "beyond the end"),
    (segment(0, 40, 1), "more bytes than memory"),
    (segment(0, 16, KERNEL_HALF), "outside the memory"),
    (segment(0, 40, TOP - 0x400000), "outside the memory"),
    (segment(1, 16, 0x400000), "share a page"),
    (segment(0, 4, 7, "I"), "both writable and executable"),
    (segment(0, 48, 3), "power of two"),
    (segment(2, 40, 1 << 29), "The untyped memory has not that much room left"),
    (segment(2, 40, 0x7fbfe000), "it lies where its stack and its buffer belong"),
    (segment(0, 0, 3, "I"), "dynamic linker"),
]


def patched(name: str, changes: list[tuple[str, Callable[[bytearray, int], None]]],
            directory: Path) -> Path:
    """An image of rinit with files of its archive changed."""
    image = bytearray((FULL.directory / "rinit.elf").read_bytes())
    for program, change in changes:
        change(image, place_of(bytes(image), program) + 512)
    path = directory / name
    path.write_bytes(image)
    return path


def test_no_wrong_file_is_started(tmp_path: Path) -> None:
    while_there_are = list(WRONG_FILES)
    while while_there_are:
        now, while_there_are = (while_there_are[:len(PROGRAMS)],
                                while_there_are[len(PROGRAMS):])
        rinit = patched("rinit.elf", [(program, change) for program, (change, _)
                                      in zip(PROGRAMS, now)], tmp_path)
        with switched_on(rinit) as machine:
            machine.serial.wait_for(PROMPT)
            for program, (_, words) in zip(PROGRAMS, now):
                answer = " ".join(ask(machine, f"run {program}"))
                assert answer.startswith(f"{program} cannot be started: ")
                assert words in answer and answer.endswith(".") and not answer.endswith("..")
            assert ask(machine, "ps") == ["NUMBER NAME"]


def test_a_program_of_nonsense_faults_alone(tmp_path: Path) -> None:
    def nonsense(image: bytearray, file: int) -> None:
        offset, length = struct.unpack_from("<Q", image, file + ENTRIES + 8)[0], 4096
        image[file + offset:file + offset + length] = b"\x0f\x0b" * (length // 2)
    with switched_on(patched("rinit.elf", [("hello", nonsense)], tmp_path)) as machine:
        machine.serial.wait_for(PROMPT)
        assert "has stopped: invalid opcode at 0x" in ask(machine, "run hello")[0]
        assert ask(machine, "run holds")[1:14] == HOLDS


@pytest.mark.parametrize(("at", "byte", "words"), [
    (148, 0x39, "a header of the archive is damaged"),
    (257, 0x56, "a header of the archive is damaged"),
])
def test_a_damaged_archive_is_told_at_the_start(tmp_path: Path, at: int, byte: int,
                                                words: str) -> None:
    def damage(image: bytearray, file: int) -> None:
        image[file - 512 + at] = byte
    rinit = patched("rinit.elf", [("hello", damage)], tmp_path)
    with switched_on(rinit) as machine:
        machine.serial.wait_for(f"Programs are missing: {words}.\n")
        assert ask(machine, "run hello")[0] == 'NAME cannot be "hello".'
        assert ask(machine, "run exhaust")[0].endswith("room left.")
