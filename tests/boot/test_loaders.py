"""The whole kernel reaches its prompt on every kind of machine."""

from __future__ import annotations

import pytest

from images import FULL
from machine import Machine

PROMPT = ">>> "
INITRD = f"{FULL.directory}/rinit.elf rinit"


def answers(machine: Machine) -> None:
    """A prompt is not enough: somebody must be behind it."""
    at = machine.serial.wait_for(PROMPT)
    machine.serial.say("echo anybody there?\n")
    at = machine.serial.wait_for("echo anybody there?\n", at)
    machine.serial.wait_for("anybody there?\n", at)


@pytest.mark.parametrize("memory", ["32M", "64M", "1G", "3G", "4G", "16G"])
def test_memory(memory: str) -> None:
    with Machine(kernel=FULL.kernel, initrd=INITRD, memory=memory) as machine:
        answers(machine)


@pytest.mark.parametrize("machine_type", ["pc", "q35"])
@pytest.mark.parametrize("cpu", ["qemu64", "max", "Haswell", "EPYC"])
def test_processor(cpu: str, machine_type: str) -> None:
    with Machine(kernel=FULL.kernel, initrd=INITRD, cpu=cpu, machine=machine_type) as machine:
        answers(machine)


@pytest.mark.parametrize("machine_type", ["pc", "q35"])
@pytest.mark.parametrize("memory", ["32M", "256M", "16G"])
def test_grub_on_bios(memory: str, machine_type: str) -> None:
    with Machine(iso=FULL.iso, memory=memory, machine=machine_type) as machine:
        answers(machine)


@pytest.mark.parametrize("machine_type", ["pc", "q35"])
def test_grub_on_uefi(machine_type: str) -> None:
    with Machine(iso=FULL.iso, uefi=True, memory="256M", machine=machine_type) as machine:
        answers(machine)
        start = len(machine.serial.heard)
        machine.serial.say("list\n")
        machine.serial.wait_for("Operation finished.", start)
        # The screen shows graphics, so there is no page of text to give away.
        assert "CPool index 247 " not in machine.serial.heard


def test_usb_stick() -> None:
    """The image is a disk as well: no CD drive is needed."""
    stick = ("-device", "qemu-xhci", "-drive", f"if=none,id=stick,format=raw,file={FULL.iso},"
             "readonly=on", "-device", "usb-storage,drive=stick,bootindex=1")
    with Machine(options=stick, memory="256M") as machine:
        answers(machine)


def test_both_loaders_tell_the_same() -> None:
    """What the kernel says of a machine does not depend on who loaded it."""
    said = []
    for start in ({"kernel": FULL.kernel, "initrd": INITRD}, {"iso": FULL.iso}):
        with Machine(memory="256M", **start) as machine:  # type: ignore[arg-type]
            machine.serial.wait_for(PROMPT)
            said.append([line for line in machine.serial.heard.splitlines()
                         if line.startswith("[kernel] Processor")])
    assert said[0] and said[0] == said[1]


def test_image_is_small() -> None:
    assert FULL.iso.stat().st_size < 6_000_000
