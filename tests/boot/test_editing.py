"""Lines that are changed in the middle, on the screen and on the serial line.

What is typed is looked at where a person looks: in the VGA memory, on which
both consoles show the same.
"""

from __future__ import annotations

import time
from typing import Callable, Iterator

import pytest

from images import FULL
from machine import LIMIT, Machine

PROMPT = ">>> "
KEYS = {"left": "\x1b[D", "right": "\x1b[C", "home": "\x1b[H", "end": "\x1b[F",
        "delete": "\x1b[3~", "up": "\x1b[A", "down": "\x1b[B"}
LETTERS = {"control-" + letter: chr(ord(letter) & 0x1f) for letter in "abdefknpuw"}
OTHERS = {"tab": "\t", "backspace": "\x7f", "enter": "\r", "space": " "}

Stroke = Callable[[Machine, str], None]


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(kernel=FULL.kernel, initrd=f"{FULL.directory}/rinit.elf rinit") as machine:
        machine.serial.wait_for(PROMPT)
        machine.wait_for_screen(PROMPT.rstrip())
        yield machine


def by_keyboard(machine: Machine, key: str) -> None:
    """Presses a key and lets it go."""
    names = {"control": "ctrl", "enter": "ret", "space": "spc"}
    keys = [names.get(part, part) for part in key.split("-")]
    machine.qmp.command("input-send-event", events=[
        {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}}
        for down, order in ((True, keys), (False, keys[::-1])) for name in order])


def by_serial(machine: Machine, key: str) -> None:
    machine.serial.say({**KEYS, **LETTERS, **OTHERS}.get(key, key))


def by_terminal(machine: Machine, key: str) -> None:
    """As terminals in another mode send their keys, byte by byte."""
    others = {"left": "\x1bOD", "right": "\x1bOC", "home": "\x1b[1~", "end": "\x1b[4~",
              "up": "\x1bOA", "down": "\x1bOB"}
    for byte in {**KEYS, **LETTERS, **OTHERS, **others}.get(key, key):
        machine.serial.say(byte)


def last_line(machine: Machine, expected: str) -> None:
    """Waits until the screen's last line is the prompt and that text."""
    deadline = time.monotonic() + LIMIT
    wanted = (PROMPT + expected).rstrip()
    while (shown := machine.screen().split("\n")[-1]) != wanted:
        assert time.monotonic() < deadline, f"the line is {shown!r}, not {wanted!r}"
        machine.serial.wait_for_more(len(machine.serial.heard), 0.02)


CASES = [
    ("a b d left c", "abcd"),
    ("b c home a", "abc"),
    ("b c home a end d", "abcd"),
    ("a b c left left delete d", "adc"),
    ("a b c left backspace x", "axc"),
    ("a b c control-a x control-e y", "xabcy"),
    ("a b c left left control-k d", "ad"),
    ("a b c left control-u", "c"),
    ("a b space c d space e left control-w", "ab e"),
    ("a left left left right right right b", "ab"),
    ("a b c control-b control-b control-f control-d", "ab"),
    ("h tab", "help"),
    ("r e tab t tab", "retype"),
    ("s e n d space r tab 5", "send raw 5"),
    ("s e t space i tab 2", "set instruction 2"),
    ("r e t tab t space 2 home delete delete delete e c h o end", "echoype t 2"),
]


@pytest.mark.parametrize("stroke", [by_keyboard, by_serial, by_terminal],
                         ids=["keyboard", "serial", "terminal"])
def test_lines_are_changed_in_the_middle(machine: Machine, stroke: Stroke) -> None:
    for keys, expected in CASES:
        for key in keys.split():
            stroke(machine, key)
        last_line(machine, expected)
        stroke(machine, "control-e")
        stroke(machine, "control-u")
        last_line(machine, "")


@pytest.mark.parametrize("stroke", [by_keyboard, by_serial], ids=["keyboard", "serial"])
def test_lines_come_back(machine: Machine, stroke: Stroke) -> None:
    for word in ("abc", "def"):
        for key in [*"echo", "space", *word, "enter"]:
            stroke(machine, key)
        machine.wait_for_screen(f"\n{word}\n{PROMPT.rstrip()}")
    for key, expected in (("up", "echo def"), ("up", "echo abc"), ("up", "echo abc"),
                          ("down", "echo def"), ("down", ""), ("down", ""),
                          ("x", "x"), ("up", "echo def"), ("down", "x"),
                          ("up", "echo def"), ("left", "echo def"), ("y", "echo deyf")):
        stroke(machine, key)
        last_line(machine, expected)
    stroke(machine, "enter")
    machine.wait_for_screen("\ndeyf\n")


def test_a_line_of_several_rows_is_changed(machine: Machine) -> None:
    """The screen's rows are one text: the cursor goes over their edges."""
    machine.serial.say("echo " + "0123456789" * 20 + "\x01" + "\x06" * 5 + "AB\x05Z\n")
    machine.serial.wait_for("\nAB" + "0123456789" * 20 + "Z\n")
    screen = machine.wait_for_screen("9Z\n" + PROMPT.rstrip()).replace("\n", "")
    typed = "AB" + "0123456789" * 20 + "Z"
    assert f"{PROMPT}echo {typed}{typed}{PROMPT.rstrip()}" in screen


def test_the_cursor_is_where_the_next_character_goes(machine: Machine) -> None:
    """The adapter's cursor registers, which QEMU tells of in its state."""
    machine.serial.say("abcdef\x1b[D\x1b[D\x1b[D")
    last_line(machine, "abcdef")
    row = machine.screen().count("\n")
    expected = row * 80 + len(PROMPT) + 3
    for _ in range(100):
        registers = []
        for index in (0x0e, 0x0f):
            machine.qmp.command("human-monitor-command",
                                **{"command-line": f"o /b 0x3d4 {index}"})
            answer = machine.qmp.command("human-monitor-command",
                                         **{"command-line": "i /b 0x3d5"})
            registers.append(int(answer.split("=")[1], 16))
        if registers[0] << 8 | registers[1] == expected:
            return
        machine.serial.wait_for_more(len(machine.serial.heard), 0.02)
    assert registers[0] << 8 | registers[1] == expected
