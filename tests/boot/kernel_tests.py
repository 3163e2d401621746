"""Runs the tests of a test image, over as many boots as it takes.

The image reports through the debug port (tests/kernel/test.c). When a test
ends the machine, by failing or by dying, the next boot skips what has been.
A hang is found by a watchdog that counts the machine's time, which QEMU counts
in instructions here: slow computers do not make it bark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from images import kernel_tests, place_of
from machine import DONE, LIMIT, PANIC, TEST_FAILED, Machine

SHIFT = 6  # an instruction is 64 ns: the watchdog's 4 s are 62 million
TESTS_LIMIT = 5 * LIMIT  # for all tests of a boot; it is the watchdog that looks at each


@dataclass(frozen=True)
class Verdict:
    passed: bool
    why: str = ""


@dataclass
class Boot:
    """What one boot has left behind."""

    records: list[str]
    serial: str
    status: int | None  # None: the watchdog ended it
    place: str  # where the processor was then


def boot(image: Path, rinit: Path | None, skip: int) -> Boot:
    options = ("-device", "ib700", "-action", "watchdog=pause",
               "-fw_cfg", f"name=opt/rux/skip,string={skip}")
    with Machine(kernel=image, initrd=rinit, icount=SHIFT, options=options) as machine:
        status, place = None, ""
        machine.qmp_connection.settimeout(TESTS_LIMIT)
        if machine.qmp.wait_for("WATCHDOG") is None:
            machine.serial.wait_for_end()
            status = machine.process.wait(LIMIT)
        else:
            registers = machine.qmp.command("human-monitor-command",
                                            **{"command-line": "info registers"})
            found = re.search(r"RIP=([0-9a-f]+)", registers)
            place = place_of(image, int(found[1], 16)) if found else "?"
        records = machine.debug.read_text(errors="replace").splitlines()
        if status not in (None, 0, DONE, PANIC, TEST_FAILED):
            raise RuntimeError(f"QEMU ended with status {status}: {machine.errors()}")
        return Boot(records, machine.serial.heard, status, place)


def last_verdict(run: Boot, name: str, last_words: str | None) -> Verdict:
    """What became of the test in which the machine ended."""
    failures = [record for record in run.records if record.startswith("fail ")]
    said = f"\nThe serial line said:\n{run.serial}"
    if failures:
        return Verdict(False, failures[-1].split(" ", 2)[2] + said)
    if run.status is None:
        return Verdict(False, f"hang at {run.place}{said}")
    if run.status == PANIC and last_words is not None:
        if last_words in run.serial:
            return Verdict(True)
        return Verdict(False, f"died, but not with {last_words!r}{said}")
    if run.status == PANIC:
        return Verdict(False, f"the kernel panicked in {name}{said}")
    return Verdict(False, f"the machine was reset (triple fault) in {name}{said}")


def run_image(image: Path, rinit: Path | None = None, first: int = 0) -> dict[str, Verdict]:
    """The verdict on each test from the first on; what was never reached is absent."""
    verdicts: dict[str, Verdict] = {}
    for _ in range(len(kernel_tests(image)) + 1):
        run = boot(image, rinit, skip=first + len(verdicts))
        running, last_words = None, None
        for record in run.records:
            kind, _, rest = record.partition(" ")
            if kind == "begin":
                running, _, words = rest.partition(" dies: ")
                last_words = words or None
            elif kind == "ok" and running == rest:
                verdicts[rest] = Verdict(last_words is None, "lived, and should have died")
                running = None
        if running is None:
            if "end" not in run.records:
                verdicts["-"] = last_verdict(run, "the boot", None)
            return verdicts
        verdicts[running] = last_verdict(run, running, last_words)
    return verdicts
