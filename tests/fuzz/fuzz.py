"""Lets the fuzzer look for mistakes of the kernel: `make fuzz`.

    fuzz.py [--seed N] [--calls N] [--minutes N] IMAGES

IMAGES is where rux.elf and programs/fuzz.elf are (build/full/check). One run
makes so many calls from one seed, and with --minutes further runs follow, each
from the next seed. The machine counts instructions instead of time, so the
same seed and number of calls lead to the same end, on every computer.

A run fails if the kernel panics, resets or hangs, if the fuzzer ends early, if
a call has no line in its table, or if a call never succeeded: then the fuzzer
would be blind. A failure is told with the number of the last call, and with
those before it, which are read from the fuzzer's memory.
"""

from __future__ import annotations

import argparse
import re
import struct
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "boot"))

from machine import Machine, Silence  # noqa: E402

CALLS = 20_000  # of one run, unless it is said
RECORD = 0x5E0000  # struct record of userland/fuzz/fuzz.h
LAST, MADE, LAST_AT = 16, 72, 72 + 3 * 256
NAME = b"fuzz: settings\0\0"
REGISTERS = ("rdi", "rsi", "rdx", "r8", "r9", "r10")


@dataclass
class Run:
    """What one run has left behind."""

    seed: int
    said: str = ""
    trouble: str = ""  # none: it came to its end, and all was well
    last: list[str] = field(default_factory=list)  # the last calls, as lines

    def counts(self) -> dict[str, tuple[int, int]]:
        """How often each call has succeeded, and how often failed."""
        found = re.findall(r"fuzz: call (.*): (\d+) succeeded, (\d+) failed", self.said)
        return {name: (int(good), int(bad)) for name, good, bad in found}

    def answers(self) -> dict[str, int]:
        return {name: int(count)
                for name, count in re.findall(r"fuzz: answer (\w+): (\d+)", self.said)}


def with_settings(program: Path, seed: int, calls: int) -> bytes:
    """The program, with other numbers behind the name of its settings."""
    image = program.read_bytes()
    at = image.index(NAME) + len(NAME)
    return image[:at] + struct.pack("<QQ", seed, calls) + image[at + 16:]


def call_line(made: bytes) -> tuple[int, str]:
    """A made_call of the record: its number, and what a person reads."""
    number, child, answer, word, *arguments = struct.unpack("<QII7Q", made)
    registers = " ".join(f"{name}={value:#x}" for name, value in zip(REGISTERS, arguments))
    return number, (f"call {number} of child {child}: rax={word:#x} {registers}"
                    + (f" -> {answer - 1}" if answer else "  (no answer)"))


def last_calls(machine: Machine) -> list[str]:
    """The record, by the page tables in use, as the kernel left them."""
    dump = machine.directory / "record"
    machine.qmp.command("memsave", val=RECORD + LAST_AT, size=LAST * MADE, filename=str(dump))
    data = dump.read_bytes()
    made = sorted(call_line(data[at:at + MADE]) for at in range(0, LAST * MADE, MADE))
    return [line for number, line in made if number]


def next_line(machine: Machine, at: int) -> int:
    """Where the next line ends; as long as calls are made it may be late."""
    before = None
    while True:
        try:
            return machine.serial.wait_for("\n", at)
        except Silence:
            if machine.process.poll() is not None or machine.serial.ended:
                raise
            now = last_calls(machine)
            if now == before:
                raise
            before = now


def wait(machine: Machine) -> str:
    """Waits for the end; what was wrong, if it was."""
    at = 0
    try:
        while True:
            at = next_line(machine, at)
            line = machine.serial.heard[:at].rsplit("\n", 2)[-2]
            if line.endswith("Userspace print: fuzz: done"):
                return ""
            if "fuzz: cannot " in line or "PANIC" in line or "Nothing is left to run" in line:
                # What follows belongs to it, and comes at once.
                machine.wait_for_halt()
                return "the kernel panicked" if "PANIC" in line else "the fuzzer ended"
    except Silence:
        if machine.process.poll() is not None or machine.serial.ended:
            return "the machine was reset (a triple fault)"
        return "a hang: for a minute nothing was heard and no call made"


def total(runs: Iterable[Run]) -> dict[str, tuple[int, int]]:
    """The counts of several runs, added up."""
    sums: dict[str, tuple[int, int]] = {}
    for run in runs:
        for name, (good, bad) in run.counts().items():
            before = sums.get(name, (0, 0))
            sums[name] = before[0] + good, before[1] + bad
    return sums


def blind_spots(counts: dict[str, tuple[int, int]]) -> str:
    """What the fuzzer has not seen, though it should have."""
    if not counts:
        return "the fuzzer has not said what it did"
    never = [name for name, (good, _) in counts.items() if not good]
    if "without a line" in counts:
        return "a call has no line in userland/fuzz/calls.c"
    return f"never succeeded: {', '.join(never)}" if never else ""


def fuzz(images: Path, seed: int, calls: int) -> Run:
    run = Run(seed)
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "fuzz.elf"
        program.write_bytes(with_settings(images / "programs" / "fuzz.elf", seed, calls))
        with Machine(kernel=images / "rux.elf", initrd=f"{program} fuzz", icount=0,
                     exit_device=False) as machine:
            run.trouble = wait(machine)
            run.said = machine.serial.heard.partition("fuzz: done\n")[0]
            if machine.process.poll() is None:
                run.last = last_calls(machine)
    return run


def story(run: Run, calls: int) -> str:
    """A failure, as a person wants to hear it."""
    told = [f"fuzz: seed {run.seed}: {run.trouble}", *(f"    {line}" for line in run.last),
            "The kernel said:", *(f"    {line}" for line in run.said.splitlines()[-24:]),
            f"Again: make fuzz SEED={run.seed} CALLS={calls}"]
    return "\n".join(told)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--minutes", type=float, default=0)
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    runs: list[Run] = []
    while not runs or time.monotonic() < end:
        run = fuzz(options.images, options.seed + len(runs), options.calls)
        if run.trouble:
            print(story(run, options.calls))
            return 1
        print(f"fuzz: seed {run.seed}: {sum(map(sum, run.counts().values()))} calls", flush=True)
        runs.append(run)
    counts = total(runs)
    print(f"{'call':20} {'succeeded':>10} {'failed':>10}")
    for name, (good, bad) in counts.items():
        print(f"{name:20} {good:10,} {bad:10,}")
    blind = blind_spots(counts)
    if blind:
        print(f"fuzz: {blind}")
    return 1 if blind else 0


if __name__ == "__main__":
    sys.exit(main())
