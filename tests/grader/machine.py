"""Boots an image in QEMU, under a budget of instructions.

The machine's clock counts instructions, so a slow or busy computer changes
nothing. Two guards stop a hang: a watchdog inside the machine, which stops at
an exact instruction and which the runner sets; and our own reading of QEMU's
count of instructions, which no code in the machine can change. The wall clock
is only asked whether this computer works at all.
"""

from __future__ import annotations

import json
import os
import re
import resource
import select
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .trouble import Trouble

SHIFT = 7  # an instruction takes 128 ns of the machine's time
BUDGET = 60_000_000  # instructions: 12 million to boot, 31 until the watchdog, some to spare
LIMIT = 256 << 10  # bytes through the debug port or to the console
WALL_LIMIT = 300.0  # seconds
PAUSE = 0.1  # seconds between two looks
INTERRUPTS_ON = 1 << 9  # in the flags

DONE, PANIC = 33, 35  # QEMU's exit status, chosen by the machine and so no proof


@dataclass(frozen=True)
class Run:
    """What one boot has left behind."""

    ending: str    # "ended", "hang", "halted", "reset", "flood"
    status: int    # when it ended
    records: bytes
    console: str   # what it said on the serial line
    address: int   # where the processor was, when it did not end by itself


def run(image: Path, words: list[int], directory: Path) -> Run:
    """Boots the image with these words as its input; leaves files in directory."""
    directory.mkdir(parents=True, exist_ok=True)
    files = {name: directory / name for name in ("input", "records", "console", "errors")}
    files["input"].write_bytes(struct.pack(f"<{len(words)}Q", *words))
    files["records"].write_bytes(b"")
    files["console"].write_bytes(b"")
    with files["errors"].open("wb") as errors:
        try:
            process = subprocess.Popen(_command(image, files), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=errors,
                                       restore_signals=False)
        except FileNotFoundError:
            raise Trouble("qemu-system-x86_64 is missing; on Debian it is in the package "
                          "qemu-system-x86") from None
    try:
        # Whatever the machine writes without end, it fills no disk.
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (2 * LIMIT, 2 * LIMIT))
        ending, address = _watch(process, (files["records"], files["console"]))
    finally:
        process.kill()
        status = process.wait()
    said = files["errors"].read_text(errors="replace")
    if ending == "ended" and (status < 0 or status == 1):
        raise Trouble(f"QEMU did not run (status {status}): {said}")
    if ending == "ended" and status == 0:
        ending = "reset"
    return Run(ending, status, files["records"].read_bytes()[:LIMIT],
               files["console"].read_text(errors="replace")[-8192:].replace("\r", ""), address)


def _command(image: Path, files: dict[str, Path]) -> list[str]:
    return ["qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-cpu", "max", "-m", "64M",
            "-nodefaults", "-no-reboot", "-display", "none", "-vga", "std", "-net", "none",
            "-rtc", "base=2000-01-01,clock=vm", "-icount", f"shift={SHIFT},sleep=off",
            "-kernel", str(image), "-debugcon", f"file:{files['records']}",
            "-serial", f"file:{files['console']}", "-qmp", "stdio",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
            "-device", "ib700", "-action", "watchdog=pause",
            "-fw_cfg", f"name=opt/rux/input,file={files['input']}"]


class _Monitor:
    """QEMU's monitor on a pair of pipes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin and process.stdout
        self._in, self._out = process.stdin, process.stdout
        self._rest = b""
        self.ended = False

    def ask(self, name: str, **arguments: Any) -> None:
        line = json.dumps({"execute": name, "arguments": arguments, "id": name})
        try:
            self._in.write(line.encode() + b"\n")
            self._in.flush()
        except BrokenPipeError:
            self.ended = True

    def hear(self, seconds: float) -> list[dict[str, Any]]:
        """What has come within that time."""
        if not select.select([self._out], [], [], seconds)[0]:
            return []
        data = os.read(self._out.fileno(), 65536)
        self.ended = self.ended or not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines if line.strip()]


def _watch(process: subprocess.Popen[bytes], written: tuple[Path, ...]) -> tuple[str, int]:
    """Waits for the end, or for the end of patience; how, and where the processor was."""
    monitor = _Monitor(process)
    monitor.ask("qmp_capabilities")
    deadline, next_look = time.monotonic() + WALL_LIMIT, 0.0
    verdict, registers, count, asked = "", "", 0, False
    while True:
        for message in monitor.hear(PAUSE):
            if message.get("event") == "WATCHDOG":
                verdict = "hang"
            if message.get("id") == "query-replay":
                count = message["return"]["icount"]
            if message.get("id") == "human-monitor-command":
                registers, asked = message["return"], False
        if monitor.ended:
            process.wait(WALL_LIMIT)  # the monitor goes a moment before QEMU does
            return "ended", 0
        if registers:
            verdict = verdict or _patience_ends(registers, count, written)
            if verdict:
                return verdict, _field(registers, "RIP")
        now = time.monotonic()
        if now > deadline:
            raise Trouble(f"after {WALL_LIMIT:.0f} s the machine has done only {count} "
                          "instructions; this computer is too busy, or QEMU does not work")
        # One question at a time: two pipes that are full would wait for each other.
        if not asked and now >= next_look:
            registers, asked, next_look = "", True, now + PAUSE
            monitor.ask("query-replay")
            monitor.ask("human-monitor-command", **{"command-line": "info registers"})


def _patience_ends(registers: str, count: int, written: tuple[Path, ...]) -> str:
    """Why we wait no longer; nothing as long as we do."""
    if any(file.stat().st_size >= LIMIT for file in written):
        return "flood"
    if count > BUDGET:
        return "hang"
    if "HLT=1" in registers and not _field(registers, "RFL") & INTERRUPTS_ON:
        return "halted"  # nothing will wake it
    return ""


def _field(registers: str, name: str) -> int:
    found = re.search(rf"{name}=([0-9a-f]+)", registers)
    return int(found[1], 16) if found else 0
