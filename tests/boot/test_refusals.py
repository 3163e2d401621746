"""What the kernel cannot work with it says on every console, then halts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from images import FULL
from machine import PANIC, Machine

RINIT = FULL.directory / "rinit.elf"


def refuses(words: str, **how: Any) -> None:
    """Boots a machine that must complain on serial line and screen and stop.

    Without isa-debug-exit the machine stays on for us to read its screen.
    """
    with Machine(exit_device=False, **how) as machine:
        machine.serial.wait_for(words)
        machine.wait_for_screen(words)
        machine.wait_for_halt()


@pytest.mark.parametrize("cpu", ["pentium3", "qemu32", "qemu64,-lm"])
def test_processor_without_long_mode(cpu: str) -> None:
    refuses("long mode", kernel=FULL.kernel, initrd=RINIT, cpu=cpu)


def test_32_bit_machine() -> None:
    refuses("long mode", kernel=FULL.kernel, initrd=RINIT, cpu="qemu32",
            emulator="qemu-system-i386")


def test_32_bit_machine_by_grub() -> None:
    refuses("long mode", iso=FULL.iso, cpu="qemu64,-lm")


@pytest.mark.parametrize("memory", ["3M", "4M"])
def test_too_little_memory(memory: str) -> None:
    refuses("oo little memory", kernel=FULL.kernel, initrd=RINIT, memory=memory)


def test_no_rinit() -> None:
    refuses("rinit", kernel=FULL.kernel)


def damaged(kind: str) -> bytes:
    good = RINIT.read_bytes()
    match kind:
        case "empty":
            return b"\n"
        case "short":
            return good[:40]
        case "cut":
            return good[:0x1100]  # in the middle of the code
        case "magic":
            return b"\x7fELK" + good[4:]
        case "32 bits":
            return good[:4] + b"\x01" + good[5:]
        case "entry":
            return good[:24] + (0xFFFF800000001000).to_bytes(8, "little") + good[32:]
        case "headers":  # e_phoff far beyond the file
            return good[:32] + (1 << 63).to_bytes(8, "little") + good[40:]
        case "count":  # e_phnum
            return good[:56] + b"\xff\xff" + good[58:]
        case _:  # the first segment's address, in the kernel's half
            at = int.from_bytes(good[32:40], "little") + 16
            return good[:at] + (0xFFFFFFFF80100000).to_bytes(8, "little") + good[at + 8:]


@pytest.mark.parametrize("kind", ["empty", "short", "cut", "magic", "32 bits", "entry",
                                  "headers", "count", "address"])
def test_damaged_rinit(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "rinit.elf"
    file.write_bytes(damaged(kind))
    refuses("rinit", kernel=FULL.kernel, initrd=f"{file} rinit")


def test_panic_ends_the_machine_where_it_can() -> None:
    with Machine(kernel=FULL.kernel) as machine:
        assert machine.status() == PANIC
