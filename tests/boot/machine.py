"""A machine in QEMU, used as a person would: screen, keyboard, serial line.

    with Machine(kernel="rux.elf", initrd="rinit.elf") as machine:
        machine.serial.wait_for(">>> ")
        machine.type("help\\n")
        machine.wait_for_screen("Unknown command.")

Nothing here sleeps: every wait is for something to arrive at a socket. LIMIT
is a wall clock, and so the last resort: whoever meets it learns that the
machine fell silent, not why.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType

from qmp import Qmp

LIMIT = 60.0  # seconds; a boot on UEFI takes 4 on an idle computer
OVMF = Path("/usr/share/ovmf/OVMF.fd")
SCREEN = (0xB8000, 80, 25)
INTERRUPTS_ON = 1 << 9  # in the flags register

# What the kernel's machine_exit() says through isa-debug-exit.
DONE, PANIC, TEST_FAILED = 33, 35, 37


class Silence(AssertionError):
    """The machine did not say what we waited for."""


class Line:
    """The near end of the machine's serial line: two pipes.

    A thread takes what comes. Where it comes late, a pipe still holds 65,536
    characters; a socket holds 277 if they are written one by one, and QEMU
    drops what does not go out.
    """

    def __init__(self, path: Path) -> None:
        for end in ("in", "out"):
            os.mkfifo(f"{path}.{end}")
        self._in = os.open(f"{path}.in", os.O_RDWR)
        self._out = os.open(f"{path}.out", os.O_RDONLY | os.O_NONBLOCK)
        self._news = threading.Condition()
        self.heard = ""
        self.ended = False
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        poll = select.poll()
        poll.register(self._out, select.POLLIN)
        while not self.ended:
            poll.poll()  # also when QEMU has opened the pipe and closed it
            data = os.read(self._out, 65536)
            with self._news:
                self.ended = not data
                self.heard += data.decode("utf-8", "replace").replace("\r", "")
                self._news.notify_all()
        os.close(self._out)

    def close(self) -> None:
        os.close(self._in)

    def wait_for(self, text: str, start: int = 0) -> int:
        """Waits until text was heard after position start; where it ends."""
        with self._news:
            self._news.wait_for(lambda: self.ended or text in self.heard[start:], LIMIT)
        found = self.heard.find(text, start)
        if found < 0:
            how = "ended" if self.ended else f"was silent for {LIMIT:.0f} s"
            raise Silence(f"the machine {how} before {text!r}; it said:\n{self.heard}")
        return found + len(text)

    def wait_for_more(self, than: int, seconds: float = LIMIT) -> bool:
        """Waits until more characters were heard than that."""
        with self._news:
            self._news.wait_for(lambda: self.ended or len(self.heard) > than, seconds)
        return len(self.heard) > than

    def wait_for_end(self) -> str:
        """Waits until the machine has ended; all that it said."""
        with self._news:
            self._news.wait_for(lambda: self.ended, LIMIT)
        if not self.ended:
            raise Silence(f"the machine has not ended; it said:\n{self.heard}")
        return self.heard

    def say(self, text: str) -> None:
        os.write(self._in, text.encode())


class Machine:
    """A machine that is switched on by `with` and off at its end."""

    def __init__(self, *, kernel: Path | None = None, initrd: Path | str | None = None,
                 iso: Path | None = None, uefi: bool = False, memory: str = "64M",
                 machine: str = "pc", cpu: str = "max", icount: int | None = None,
                 emulator: str = "qemu-system-x86_64", exit_device: bool = True,
                 options: tuple[str, ...] = ()) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="rux-"))
        self.debug = self.directory / "debug"
        self._command = [
            emulator, "-accel", "tcg", "-machine", machine, "-cpu", cpu, "-m", memory,
            "-S", "-nodefaults", "-no-reboot", "-display", "none", "-vga", "std",
            "-rtc", "base=2000-01-01,clock=vm",
            "-debugcon", f"file:{self.debug}",
            "-chardev", f"socket,id=qmp,path={self.directory}/qmp",
            "-mon", "chardev=qmp,mode=control",
            "-chardev", f"pipe,id=serial,path={self.directory}/serial",
            "-serial", "chardev:serial", *options]
        if exit_device:
            self._command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        if kernel:
            self._command += ["-kernel", str(kernel)]
        if initrd:
            self._command += ["-initrd", str(initrd)]
        if iso:
            self._command += ["-drive", f"file={iso},format=raw,media=cdrom,readonly=on"]
            self._command += ["-boot", "d"]
        if uefi:
            self._command += ["-bios", str(OVMF), "-net", "none"]
        if icount is not None:
            self._command += ["-icount", f"shift={icount},sleep=off"]

    def __enter__(self) -> Machine:
        if not shutil.which(self._command[0]):
            raise FileNotFoundError(f"{self._command[0]} is missing; on Debian it is in "
                                    "the package qemu-system-x86")
        door = self._listen("qmp")
        self.serial = Line(self.directory / "serial")
        self._errors = (self.directory / "errors").open("w+")
        self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL,
                                        stdout=self._errors, stderr=self._errors)
        try:
            self.qmp_connection = door.accept()[0]
        except TimeoutError as error:
            self._stop()
            raise RuntimeError(f"QEMU did not start: {self.errors()}") from error
        finally:
            door.close()
        self.qmp_connection.settimeout(LIMIT)
        self.qmp = Qmp(self.qmp_connection)
        self.qmp.start()
        return self

    def _listen(self, name: str) -> socket.socket:
        door = socket.socket(socket.AF_UNIX)
        door.bind(str(self.directory / name))
        door.listen(1)
        door.settimeout(LIMIT / 3)
        return door

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stop()

    def _stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.serial.close()
        self._errors.close()
        shutil.rmtree(self.directory)

    def errors(self) -> str:
        return (self.directory / "errors").read_text()

    def status(self) -> int:
        """Waits until the machine has ended by itself; QEMU's exit status."""
        self.serial.wait_for_end()
        return self.process.wait(LIMIT)

    def wait_for_halt(self, interrupts: bool = False) -> None:
        """Waits until the processor has stopped: with interrupts off for good,
        with interrupts on until there is one that makes somebody run."""
        deadline = time.monotonic() + LIMIT
        while True:
            registers = self.qmp.command("human-monitor-command",
                                         **{"command-line": "info registers"})
            flags = int(re.search(r"[RE]FL=([0-9a-f]+)", registers)[1], 16)  # type: ignore[index]
            if "HLT=1" in registers and bool(flags & INTERRUPTS_ON) == interrupts:
                return
            if time.monotonic() > deadline:
                raise Silence("the processor did not halt")
            self.serial.wait_for_more(len(self.serial.heard), 0.02)

    # --- Screen and keyboard ---------------------------------------------------

    def screen(self) -> str:
        """The text on the VGA screen, without blanks at the ends of lines."""
        start, columns, rows = SCREEN
        dump = self.directory / "screen"
        self.qmp.command("pmemsave", val=start, size=columns * rows * 2, filename=str(dump))
        text = dump.read_bytes()[::2].replace(b"\0", b" ").decode("cp437")
        lines = (text[i:i + columns].rstrip() for i in range(0, len(text), columns))
        return "\n".join(lines).rstrip()

    def wait_for_screen(self, text: str) -> str:
        """Waits until the screen shows text; the whole screen."""
        deadline = time.monotonic() + LIMIT
        while text not in (screen := self.screen()):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise Silence(f"the screen never showed {text!r}, but\n{screen}")
            # Nothing tells of a new screen; what is typed shows here, too.
            self.serial.wait_for_more(len(self.serial.heard), 0.02)
        return screen

    def type(self, text: str) -> None:
        """Types as a person who waits for each character's echo."""
        for character in text:
            before = len(self.serial.heard)
            self.qmp.press(character)
            if not self.serial.wait_for_more(before):
                raise Silence(f"the key {character!r} had no echo; "
                              f"serial line:\n{self.serial.heard}")
