"""A person at the keyboard and screen, and one at the serial line."""

from __future__ import annotations

from typing import Iterator

import pytest

from images import FULL
from machine import Machine

PROMPT = ">>> "


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(kernel=FULL.kernel, initrd=f"{FULL.directory}/rinit.elf rinit") as machine:
        machine.serial.wait_for(PROMPT)
        yield machine


def ask(machine: Machine, command: str) -> str:
    """Says a command on the serial line; the answer, without echo and prompt."""
    start = len(machine.serial.heard)
    machine.serial.say(command + "\n")
    echoed = machine.serial.wait_for(command + "\n", start)
    end = machine.serial.wait_for("\n" + PROMPT, echoed - 1)
    return machine.serial.heard[echoed:end - len(PROMPT)].strip()


def test_start_shows_what_the_manual_promises(machine: Machine) -> None:
    assert "Child entry should be at: 0x" in machine.serial.heard
    assert "Child stack pointer should be at: 0x70003ffc (1879064572)" in machine.serial.heard


def test_screen_shows_the_prompt(machine: Machine) -> None:
    screen = machine.wait_for_screen(PROMPT.rstrip())
    assert "Child stack pointer should be at: 0x70003ffc (1879064572)" in screen


def test_typing_on_the_keyboard(machine: Machine) -> None:
    machine.wait_for_screen(PROMPT.rstrip())
    machine.type("echo Hello, World! (1+2=3)\n")
    screen = machine.wait_for_screen("\nHello, World! (1+2=3)\n")
    assert ">>> echo Hello, World! (1+2=3)" in screen


def test_keyboard_corrects_with_backspace(machine: Machine) -> None:
    machine.wait_for_screen(PROMPT.rstrip())
    machine.type("ecjo\b\bho right\n")
    machine.wait_for_screen("\nright\n")


def test_serial_echo(machine: Machine) -> None:
    assert ask(machine, "echo hello world") == "hello world"


def test_serial_corrects_with_backspace(machine: Machine) -> None:
    start = len(machine.serial.heard)
    machine.serial.say("echo wronk\x7fg\n")
    machine.serial.wait_for("\nwrong\n", start)


def test_carriage_return_ends_a_line_as_terminals_send_it(machine: Machine) -> None:
    start = len(machine.serial.heard)
    machine.serial.say("echo returned\r")
    machine.serial.wait_for("\nreturned\n", start)


def test_both_consoles_show_the_same(machine: Machine) -> None:
    ask(machine, "echo from the serial line")
    machine.wait_for_screen("\nfrom the serial line\n")


def test_help_names_the_commands(machine: Machine) -> None:
    answer = ask(machine, "help")
    for command in ("help", "echo", "list"):
        assert command in answer


def test_unknown_command_is_answered(machine: Machine) -> None:
    assert "Unknown command." in ask(machine, "frobnicate now")


def test_empty_lines_are_not_commands(machine: Machine) -> None:
    assert "Unknown" not in ask(machine, "")
    assert "Unknown" not in ask(machine, "   ")


def test_list_shows_the_pool(machine: Machine) -> None:
    answer = ask(machine, "list")
    assert "Listing task cpool ..." in answer
    assert "Operation finished." in answer
    for index in (0, 1, 2, 3, 250, 251, 254, 255):
        assert f"[kernel] CPool index {index} => " in answer
    assert "[kernel]" not in machine.wait_for_screen("Operation finished.")


def test_long_lines_do_not_hurt(machine: Machine) -> None:
    ask_long = "echo " + "x" * 2000
    machine.serial.say(ask_long + "\n")
    assert ask(machine, "echo still here") .endswith("still here")


def test_strange_bytes_do_not_hurt(machine: Machine) -> None:
    machine.serial.say("".join(chr(byte) for byte in (0, 1, 2, 27, 91, 65, 27, 127, 128, 255)))
    machine.serial.say("\n")
    assert ask(machine, "echo still here").endswith("still here")


def test_a_fast_typist_loses_nothing(machine: Machine) -> None:
    """A whole screen of lines at once, faster than a serial line is."""
    start = len(machine.serial.heard)
    words = [f"word{i:02}" for i in range(20)]
    machine.serial.say("".join(f"echo {word}\n" for word in words))
    for word in words:
        start = machine.serial.wait_for(f"\n{word}\n", start - 1)


def test_the_screen_scrolls(machine: Machine) -> None:
    for i in range(30):
        ask(machine, f"echo line {i}")
    screen = machine.wait_for_screen("line 29")
    assert "line 5\n" not in screen


def strike(machine: Machine, *keys: str) -> None:
    """Presses keys and lets them go, by QEMU's names; they make no echo."""
    for down in (True, False):
        machine.qmp.command("input-send-event", events=[
            {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": key}}}
            for key in keys])


def test_a_line_too_long_is_refused_whole(machine: Machine) -> None:
    start = len(machine.serial.heard)
    machine.serial.say("echo " + "y" * 300 + "\n")
    machine.serial.wait_for("The line is longer than 256 characters.", start)
    assert "\n" + "y" * 200 not in machine.serial.heard


def test_what_is_typed_too_much_can_be_taken_back(machine: Machine) -> None:
    start = len(machine.serial.heard)
    machine.serial.say("echo " + "y" * 300 + "\b" * 290 + "\n")
    machine.serial.wait_for("\n" + "y" * 10 + "\n", start)


def test_control_u_takes_the_line_back(machine: Machine) -> None:
    start = len(machine.serial.heard)
    machine.serial.say("this is no command\x15echo but this is\n")
    machine.serial.wait_for("\nbut this is\n", start)


def test_keys_without_a_character_type_nothing(machine: Machine) -> None:
    start = len(machine.serial.heard)
    machine.serial.say("echo a\x1b[5~b\x1b[Zc\x1bOP\x1b[2;5~d\xe9\n")
    machine.serial.wait_for("\nabcd\n", start)


def test_arrows_and_capitals_on_the_keyboard(machine: Machine) -> None:
    machine.wait_for_screen(PROMPT.rstrip())
    strike(machine, "pgup")
    strike(machine, "caps_lock")
    machine.type("x")
    strike(machine, "pause")
    strike(machine, "caps_lock")
    machine.type("\becho y1\n")
    machine.wait_for_screen("\ny1\n")
