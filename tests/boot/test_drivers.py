"""Drivers that lose what they hold, or die: the rest goes on."""

from __future__ import annotations

from typing import Iterator

import pytest

from images import FULL
from machine import Machine

PROMPT = ">>> "
DONE = "Operation finished."
KEYBOARD_PORTS, SERIAL_PORTS, SCREEN_PORTS, SERIAL_LINE, SCREEN = 241, 242, 243, 245, 247


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(kernel=FULL.kernel, initrd=f"{FULL.directory}/rinit.elf rinit") as machine:
        machine.serial.wait_for(PROMPT)
        yield machine


def ask(machine: Machine, command: str) -> str:
    start = len(machine.serial.heard)
    machine.serial.say(command + "\n")
    end = machine.serial.wait_for("\n" + PROMPT, start)
    return machine.serial.heard[start:end]


def say_by_keyboard(machine: Machine, word: str) -> None:
    """Types without an echo on the serial line, and looks at the screen."""
    for character in f"echo {word}\n":
        machine.qmp.press(character)
    machine.wait_for_screen(f"\n{word}\n")


def test_a_screen_that_dies_leaves_the_serial_line(machine: Machine) -> None:
    answer = ask(machine, f"revoke {SCREEN}")
    assert "A task has stopped: page fault" in answer
    assert DONE in answer
    for word in ("once", "twice"):
        assert f"\n{word}\n" in ask(machine, f"echo {word}")
    assert "once" not in machine.screen()
    machine.type("echo heard\n")  # the keyboard has another driver
    machine.serial.wait_for("\nheard\n")


def test_a_serial_line_without_its_ports_leaves_keyboard_and_screen(machine: Machine) -> None:
    machine.serial.say(f"revoke {SERIAL_PORTS}\n")
    machine.wait_for_screen(DONE)
    machine.wait_for_halt(interrupts=True)
    say_by_keyboard(machine, "alone")
    machine.serial.say("not heard\n")
    say_by_keyboard(machine, "still")
    assert "not heard" not in machine.screen()


def test_a_keyboard_without_its_ports_leaves_the_serial_line(machine: Machine) -> None:
    assert DONE in ask(machine, f"revoke {KEYBOARD_PORTS}")
    for _ in range(20):
        machine.qmp.press("x")
    machine.wait_for_halt(interrupts=True)
    assert "\nstill here\n" in ask(machine, "echo still here")


def test_a_screen_without_its_cursor_shows_letters(machine: Machine) -> None:
    assert DONE in ask(machine, f"revoke {SCREEN_PORTS}")
    assert "\nletters\n" in ask(machine, "echo letters")
    machine.wait_for_screen("\nletters\n")


def test_a_line_taken_away_is_silent_and_nothing_else(machine: Machine) -> None:
    machine.serial.say(f"revoke {SERIAL_LINE}\n")
    machine.wait_for_screen(DONE)
    machine.serial.say("\n" * 20)
    say_by_keyboard(machine, "keys")
    machine.serial.wait_for("\nkeys\n")


@pytest.mark.parametrize("slot", [237, 238])
def test_rinit_may_forget_a_console(machine: Machine, slot: int) -> None:
    machine.serial.say(f"delete {slot}\n")
    if slot == 238:
        machine.serial.wait_for(DONE)
        assert "\nwords\n" in ask(machine, "echo words")
        return
    machine.wait_for_screen(DONE)
    say_by_keyboard(machine, "words")
