"""The session of Rux's manual and the other commands, by keyboard and by serial line."""

from __future__ import annotations

import re
from typing import Callable, Iterator

import pytest

from images import FULL
from machine import Machine

PROMPT = ">>> "
SAID = "[kernel] Userspace print: "
STACK = 1879064572

Speak = Callable[[Machine, str], list[str]]


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(kernel=FULL.kernel, initrd=f"{FULL.directory}/rinit.elf rinit") as machine:
        machine.serial.wait_for(PROMPT)
        machine.wait_for_screen(PROMPT.rstrip())
        yield machine


def lines_after(text: str, command: str) -> list[str]:
    """What stands between a command that was typed and the prompt that follows."""
    answer = text.rpartition(f"{PROMPT}{command}\n")[2]
    return answer.partition(f"\n{PROMPT.rstrip()}")[0].split("\n")


def ask(machine: Machine, command: str) -> list[str]:
    """Says a command on the serial line; the lines of the answer."""
    start = len(machine.serial.heard) - len(PROMPT)
    machine.serial.say(command + "\n")
    echoed = machine.serial.wait_for(command + "\n", start)
    end = machine.serial.wait_for("\n" + PROMPT, echoed - 1)
    return machine.serial.heard[echoed:end - len(PROMPT)].strip().split("\n")


def read_answer(machine: Machine, command: str) -> list[str]:
    """Waits until the screen shows a command, an answer, and the next prompt."""
    screen = machine.wait_for_screen(f"{PROMPT}{command}\n")
    while not screen.endswith(f"\n{PROMPT.rstrip()}"):
        machine.serial.wait_for_more(len(machine.serial.heard), 0.02)
        screen = machine.screen()
    return lines_after(screen, command)


def type_in(machine: Machine, command: str) -> list[str]:
    """Types a command on the keyboard; the answer, as it stands on the screen."""
    machine.type(command + "\n")
    return read_answer(machine, command)


def say_keys(machine: Machine, text: str) -> None:
    """Sends a key at a time on the serial line, each after the echo of the one before."""
    for key in text:
        before = len(machine.serial.heard)
        machine.serial.say(key)
        assert machine.serial.wait_for_more(before), f"the key {key!r} had no echo"


def key_in(machine: Machine, command: str) -> list[str]:
    """Types a command at the other end of the serial line, key by key."""
    start = len(machine.serial.heard) - len(PROMPT)
    say_keys(machine, command + "\n")
    echoed = machine.serial.wait_for(command + "\n", start)
    end = machine.serial.wait_for("\n" + PROMPT, echoed - 1)
    return machine.serial.heard[echoed:end - len(PROMPT)].strip().split("\n")


def enter(machine: Machine, speak: Speak, command: str) -> None:
    """Enters a command whose answer may come between other lines."""
    if speak is type_in:
        machine.type(command + "\n")
    elif speak is key_in:
        say_keys(machine, command + "\n")
    else:
        machine.serial.say(command + "\n")


def send(machine: Machine, speak: Speak, number: int) -> None:
    """Sends a number to a child that is there. The child reports when it gets
    to run, and then the kernel's line is anywhere between those of the shell;
    on the screen there is the shell alone.
    """
    start, command = len(machine.serial.heard), f"send raw {number}"
    enter(machine, speak, command)
    machine.serial.wait_for(f"{SAID}Received from master: {number}\n", start)
    assert read_answer(machine, command) == ["Sent raw to child through channel 255"]


def entry_on(text: str) -> int:
    """The child's entry, read as the manual lets one read it."""
    found = re.search(r"Child entry should be at: (0x[0-9a-f]+) \((\d+)\)", text)
    assert found and int(found[1], 16) == int(found[2])
    return int(found[2])


def manual(entry: int) -> list[str]:
    """The commands of "Talk With a Child Task"."""
    return ["retype task 2 249", f"set stack 249 {STACK}", f"set instruction 249 {entry}",
            "set cpool 249 0", "set table 249 3", "set buffer 249 250", "set active 249 1"]


# --- The manual's session ------------------------------------------------------

BOTH = pytest.mark.parametrize("speak", [type_in, key_in], ids=["keyboard", "serial"])


@BOTH
def test_the_manual_works_as_written(machine: Machine, speak: Speak) -> None:
    screen = machine.screen()
    assert f"Child stack pointer should be at: 0x70003ffc ({STACK})" in screen
    for command in manual(entry_on(screen)):
        assert speak(machine, command) == ["Operation finished."]
    send(machine, speak, 5)
    assert SAID not in machine.screen()


@BOTH
def test_the_lazy_way(machine: Machine, speak: Speak) -> None:
    assert speak(machine, "start child") == ["Child started."]
    for number in (5, 0, 18446744073709551615):
        send(machine, speak, number)


@BOTH
def test_a_capability_is_sent_and_used(machine: Machine, speak: Speak) -> None:
    assert speak(machine, "send cap 0") == ["Sent cap to child through channel 255"]
    enter(machine, speak, "start child")
    machine.serial.wait_for(f"{SAID}Received from master: a capability, CPool, rights rwgx\n")
    machine.serial.wait_for(f"{SAID}Through it, slot 255 holds: Channel\n")
    assert read_answer(machine, "start child") == ["Child started."]
    enter(machine, speak, "send cap 249")
    machine.serial.wait_for(f"{SAID}Received from master: a capability, Task, rights rwgx\n")
    assert read_answer(machine, "send cap 249") == ["Sent cap to child through channel 255"]
    send(machine, speak, 5)


@BOTH
def test_the_manuals_other_commands(machine: Machine, speak: Speak) -> None:
    assert speak(machine, "echo Hello, World!") == ["Hello, World!"]
    start = len(machine.serial.heard)
    enter(machine, speak, "list")
    machine.serial.wait_for("[kernel] CPool index 255 => Channel, rights rwgx, badge 0\n", start)
    machine.wait_for_screen("\nOperation finished.\n" + PROMPT.rstrip())
    assert "\nListing task cpool ...\n" in machine.serial.heard
    assert speak(machine, "retype cpool 2 100") == ["Operation finished."]
    assert speak(machine, "retype cpool 2 100") == ["The slot holds something already."]
    assert speak(machine, "sing") == [
        "Unknown command.", "Type help to see the commands that there are."]


def test_what_cannot_be_sent_as_a_capability(machine: Machine) -> None:
    assert ask(machine, "send cap 77") == ["The slot is empty."]
    assert ask(machine, "send cap 256") == ["VALUE cannot be more than 255 here."]
    assert ask(machine, "copy 255 100 w") == ["Operation finished."]
    for _ in range(8):
        assert ask(machine, "send cap 100") == ["Sent cap to child through channel 255"]
    assert ask(machine, "send cap 100") == ["The channel is full: start the child first."]


def test_a_capability_in_flight_is_recalled(machine: Machine) -> None:
    ask(machine, "copy 255 100 w")
    ask(machine, "send cap 100")
    ask(machine, "send raw 8")
    assert ask(machine, "revoke 100") == ["Operation finished."]
    machine.serial.say("start child\n")
    machine.serial.wait_for(f"{SAID}Received from master: 8\n")
    assert "a capability" not in machine.serial.heard


def test_numbers_may_be_hexadecimal(machine: Machine) -> None:
    entry = entry_on(machine.screen())
    for command in manual(entry):
        in_hex = re.sub(r"\d+", lambda number: hex(int(number[0])), command)
        assert ask(machine, in_hex) == ["Operation finished."]
    machine.serial.say("send raw 0xFfFFffffFFFFffff\n")
    machine.serial.wait_for(f"{SAID}Received from master: 18446744073709551615\n")


def test_what_was_sent_before_the_start_is_not_lost(machine: Machine) -> None:
    for number in range(8):
        assert ask(machine, f"send raw {number}") == ["Sent raw to child through channel 255"]
    assert ask(machine, "send raw 8") == ["The channel is full: start the child first."]
    machine.serial.say("start child\n")
    for number in range(8):
        machine.serial.wait_for(f"{SAID}Received from master: {number}\n")


def test_a_task_set_up_in_part_is_not_started(machine: Machine) -> None:
    ask(machine, "retype task 2 249")
    lacks = ["The task lacks a pool, a page table or a place to start."]
    for command in manual(entry_on(machine.screen()))[1:5]:
        assert ask(machine, "set active 249 1") == lacks
        ask(machine, command)
    assert ask(machine, "set active 249 1") == ["Operation finished."]


def test_a_child_is_stopped_and_started(machine: Machine) -> None:
    ask(machine, "start child")
    assert ask(machine, f"set stack 249 {STACK}") == ["The task is active; stop it first."]
    assert ask(machine, "set active 249 0") == ["Operation finished."]
    assert ask(machine, f"set stack 249 {STACK}") == ["Operation finished."]
    entry = entry_on(machine.serial.heard)
    assert ask(machine, f"set instruction 249 {entry}") == ["Operation finished."]
    ask(machine, "set active 249 1")
    send(machine, ask, 77)


def test_a_second_child_needs_the_place_of_the_first(machine: Machine) -> None:
    ask(machine, "start child")
    assert ask(machine, "start child") == [
        "The child cannot be task 249. The slot holds something already."]
    assert ask(machine, "free 2") == ["Operation finished."]
    assert ask(machine, "identify 249") == ["Slot 249 is empty."]
    assert ask(machine, "start child") == ["Child started."]
    send(machine, ask, 6)


def test_a_child_that_is_sent_astray_stops_alone(machine: Machine) -> None:
    ask(machine, "start child")
    ask(machine, "set active 249 0")
    ask(machine, "set instruction 249 0")
    machine.serial.say("set active 249 1\n")
    machine.serial.wait_for("[kernel] A task has stopped")
    machine.serial.say("echo still here\n")
    machine.wait_for_screen("\nstill here\n")


def test_a_revoked_buffer_is_unmapped(machine: Machine) -> None:
    ask(machine, "start child")
    assert ask(machine, "revoke 250") == ["Operation finished."]
    machine.serial.say("send raw 6\n")
    machine.serial.wait_for("[kernel] A task has stopped: page fault at 0x")
    machine.serial.wait_for(", address 0x90003000.\n")
    assert re.search(r"page fault at 0x[0-9a-f]+ in [a-z_]+\+0x[0-9a-f]+, address",
                     machine.serial.heard)
    machine.serial.say("echo still here\n")
    machine.wait_for_screen("\nstill here\n")


def test_a_revoked_channel_wakes_the_child(machine: Machine) -> None:
    ask(machine, "start child")
    assert ask(machine, "set stack 249 1") == ["The task is active; stop it first."]
    assert ask(machine, "revoke 255") == ["Operation finished."]
    while ask(machine, f"set stack 249 {STACK}") != ["Operation finished."]:
        pass  # it has been woken, and ends when it gets to run


@pytest.mark.parametrize("command", ["revoke 3", "reset 2"])
def test_the_shell_may_end_itself_and_its_drivers(machine: Machine, command: str) -> None:
    machine.serial.say(command + "\n")
    machine.serial.wait_for("[kernel] Nothing is left to run.")


@pytest.mark.parametrize("command", ["set active 1 0", "revoke 0"])
def test_the_drivers_wait_when_the_shell_has_ended(machine: Machine, command: str) -> None:
    machine.serial.say(command + "\n")
    machine.serial.wait_for(command + "\n")
    machine.serial.say("x" * 100)
    machine.wait_for_halt(interrupts=True)
    assert machine.serial.heard.endswith(command + "\n")


# --- Commands on capabilities ----------------------------------------------------

FREE = 100


def test_every_type_can_be_made(machine: Machine) -> None:
    types = "cpool task channel page buffer pml4 pdpt pd pt".split()
    for slot, name in enumerate(types, FREE):
        assert ask(machine, f"retype {name} 2 {slot}") == ["Operation finished."]
        assert ask(machine, f"identify {slot}")[0].split()[1].lower() == name
    assert ask(machine, "retype untyped 2 120 0x10000") == ["Operation finished."]
    assert ask(machine, "retype page 120 121") == ["Operation finished."]


def test_derived_capabilities(machine: Machine) -> None:
    for command in (f"copy 255 {FREE}", f"copy 255 {FREE + 1} rw",
                    f"mint 255 {FREE + 2} w-g 0x1234", f"move {FREE + 1} {FREE + 3}"):
        assert ask(machine, command) == ["Operation finished."]
    shown = [" ".join(ask(machine, f"identify {FREE + i}")[0].split()) for i in range(4)]
    assert shown == [f"{FREE} Channel rwgx 0", f"Slot {FREE + 1} is empty.",
                     f"{FREE + 2} Channel -wg- 4660", f"{FREE + 3} Channel rw-- 0"]
    assert ask(machine, f"delete {FREE}") == ["Operation finished."]
    assert ask(machine, "revoke 255") == ["Operation finished."]
    for i in range(4):
        assert ask(machine, f"identify {FREE + i}") == [f"Slot {FREE + i} is empty."]


def test_reset_takes_everything_back(machine: Machine) -> None:
    ask(machine, "retype untyped 2 100 0x40000")
    for slot in (101, 102, 103):
        ask(machine, f"retype channel 100 {slot}")
    assert ask(machine, "reset 100") == ["Operation finished."]
    for slot in (101, 102, 103):
        assert ask(machine, f"identify {slot}") == [f"Slot {slot} is empty."]


SLOT = "a slot, 0 to 255."
TYPES = "one of cpool, task, channel, page, buffer, untyped, pml4, pdpt, pd, pt."
SETTINGS = "one of stack, instruction, cpool, table, buffer, active, priority."
NUMBER = "a number, decimal or with 0x in front."


@pytest.mark.parametrize(("command", "answer"), [
    ("retype", ["TYPE is missing.", f"TYPE: {TYPES}"]),
    ("retype tusk 2 249", ['TYPE cannot be "tusk".', f"TYPE: {TYPES}"]),
    ("retype tas 2 249", ['TYPE cannot be "tas".', f"TYPE: {TYPES}"]),
    ("retype task 2", ["TARGET is missing.", f"TARGET: {SLOT}"]),
    ("retype task two 249", ['SOURCE cannot be "two".', f"SOURCE: {SLOT}"]),
    ("retype task 2 256", ['TARGET cannot be "256".', f"TARGET: {SLOT}"]),
    ("retype task 2 0x100", ['TARGET cannot be "0x100".', f"TARGET: {SLOT}"]),
    ("retype task 2 -1", ['TARGET cannot be "-1".', f"TARGET: {SLOT}"]),
    ("retype task 2 0x", ['TARGET cannot be "0x".', f"TARGET: {SLOT}"]),
    ("retype task 2 249 0 7", ['"7" is too much.']),
    ("set", ["SETTING is missing.", f"SETTING: {SETTINGS}"]),
    ("set pool 249 0", ['SETTING cannot be "pool".', f"SETTING: {SETTINGS}"]),
    ("set stack 249", ["VALUE is missing.", f"VALUE: {NUMBER}"]),
    ("set stack 249 12a", ['VALUE cannot be "12a".', f"VALUE: {NUMBER}"]),
    ("set stack 249 18446744073709551616",
     ['VALUE cannot be "18446744073709551616".', f"VALUE: {NUMBER}"]),
    ("start", ["child is missing.", "child: the word child."]),
    ("start kid", ['child cannot be "kid".', "child: the word child."]),
    ("send raw", ["VALUE is missing.", f"VALUE: {NUMBER}"]),
    ("send raw 5 6", ['"6" is too much.']),
    ("copy 1 100 rq", ['RIGHTS cannot be "rq".', "RIGHTS: letters of rwgx, or -."]),
    ("mint 1 100 r 0x100000000", ['BADGE cannot be "0x100000000".',
                                  "BADGE: a number of 32 bits."]),
    ("delete", ["SLOT is missing.", f"SLOT: {SLOT}"]),
])
def test_wrong_arguments_are_told(machine: Machine, command: str, answer: list[str]) -> None:
    heard = ask(machine, command)
    assert heard[:-1] == answer
    assert heard[-1].startswith(f"Type: {command.split()[0]} ")
    assert ask(machine, "identify 249") == ["Slot 249 is empty."]


@pytest.mark.parametrize(("command", "answer"), [
    ("set active 1 2", "VALUE cannot be more than 1 here."),
    ("set cpool 1 256", "VALUE cannot be more than 255 here."),
    ("set priority 1 0x100000000", "VALUE cannot be more than 4294967295 here."),
    ("set priority 1 32", "An argument has a value that the call cannot take."),
    ("retype task 3 249", "The capability names an object of another type."),
    ("retype task 249 248", "The slot is empty."),
    ("retype task 2 1", "The slot holds something already."),
    ("retype untyped 2 249", "The size does not fit the type of the object."),
    ("retype untyped 2 249 0x1000000000",
     "The untyped memory has not that much room left."),
    ("set stack 2 5", "The capability names an object of another type."),
    ("set cpool 249 0", "The slot is empty."),
    ("copy 249 248", "The slot is empty."),
    ("move 255 254", "The slot holds something already."),
    ("delete 249", "The slot is empty."),
    ("revoke 249", "The slot is empty."),
    ("identify 249", "Slot 249 is empty."),
    ("free 3", "The capability names an object of another type."),
    ("reset 255", "The capability names an object of another type."),
])
def test_the_kernels_refusals_are_told(machine: Machine, command: str, answer: str) -> None:
    assert ask(machine, command) == [answer]


# --- Help -------------------------------------------------------------------------

def test_help_lists_all_on_one_screen(machine: Machine) -> None:
    answer = ask(machine, "help")
    names = [line.split()[0] for line in answer[1:]]
    assert len(answer) < 24 and all(len(line) < 80 for line in answer)
    for name in ("echo list retype set start send copy mint move delete revoke "
                 "identify free reset").split():
        assert names.count(name) == 1


def test_help_explains_each_command(machine: Machine) -> None:
    for line in ask(machine, "help")[1:]:
        name = line.split()[0]
        answer = ask(machine, f"help {name}")
        assert answer[0].split()[0] == name
        assert len(answer[0].split()) <= 5  # the name and four arguments
        for argument in re.findall(r"[A-Z]{2,}", answer[0]):
            assert any(told.startswith(f"{argument}: ") for told in answer[1:])
    assert ask(machine, "help sing") == ["There is no command of that name."]
