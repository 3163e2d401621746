"""QEMU's monitor protocol (QMP) over a Unix socket, and its names for keys."""

from __future__ import annotations

import json
import socket
from typing import Any

SHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./"))
PLAIN = {
    " ": "spc", "\n": "ret", "\b": "backspace", "\t": "tab", "`": "grave_accent",
    "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right",
    "\\": "backslash", ";": "semicolon", "'": "apostrophe", ",": "comma",
    ".": "dot", "/": "slash",
}


def keys_for(character: str) -> list[str]:
    """The keys that type a character on an American keyboard, in order."""
    if character in SHIFTED:
        return ["shift", *keys_for(SHIFTED[character])]
    if character.isupper():
        return ["shift", character.lower()]
    return [PLAIN.get(character, character)]


class Qmp:
    """A connected monitor: commands, and the events that came meanwhile."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rw", encoding="utf-8")
        self.events: list[dict[str, Any]] = []
        self._receive()  # the greeting
        self.command("qmp_capabilities")

    def _receive(self) -> dict[str, Any] | None:
        line = self._file.readline()
        return json.loads(line) if line else None

    def command(self, name: str, **arguments: Any) -> Any:
        self._file.write(json.dumps({"execute": name, "arguments": arguments}))
        self._file.write("\n")
        self._file.flush()
        while (answer := self._receive()) is not None:
            if "event" in answer:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"QEMU refuses {name}: {answer['error']['desc']}")
            else:
                return answer["return"]
        raise EOFError(f"QEMU ended before it answered {name}")

    def start(self) -> None:
        """Lets the machine run, which QEMU has held back until we could listen.

        A machine may have ended before QEMU has answered.
        """
        try:
            self.command("cont")
        except (EOFError, ConnectionResetError):
            pass

    def wait_for(self, *names: str) -> str | None:
        """The first of the named events to come; None when QEMU has ended."""
        while True:
            for event in self.events:
                if event["event"] in names:
                    return str(event["event"])
            try:
                answer = self._receive()
            except ConnectionResetError:
                return None
            if answer is None:
                return None
            if "event" in answer:
                self.events.append(answer)

    def press(self, character: str) -> None:
        """Presses the keys of a character and lets them go again."""
        keys = keys_for(character)
        strokes = [(key, True) for key in keys]
        strokes += [(key, False) for key in reversed(keys)]
        self.command("input-send-event", events=[
            {"type": "key",
             "data": {"down": down, "key": {"type": "qcode", "data": key}}}
            for key, down in strokes])
