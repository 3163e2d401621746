#!/usr/bin/python3
"""picture - draws the screen of a real session as SVG, for the README.

    picture FILE.svg

Boots the whole book's kernel, types the commands below on its keyboard, and
draws what then stands on the VGA screen.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

from images import FULL, ROOT
from machine import Machine

PICTURE = ROOT / "boot" / "screen.svg"
PROMPT = ">>> "
COMMANDS = ("help", "echo hello", "list", "reboot")
COLUMN, ROW, MARGIN = 8, 17, 12
FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def session() -> list[str]:
    """The lines on the screen after the commands were typed."""
    initrd = f"{FULL.directory}/rinit.elf rinit"
    with Machine(kernel=FULL.kernel, initrd=initrd, memory="256M") as machine:
        machine.serial.wait_for(PROMPT)
        for command in COMMANDS:
            start = len(machine.serial.heard)
            machine.type(command + "\n")
            machine.serial.wait_for("\n" + PROMPT, start)
        return machine.wait_for_screen("Unknown command.").split("\n")


def draw(lines: list[str]) -> str:
    width, height = 80 * COLUMN + 2 * MARGIN, 25 * ROW + 2 * MARGIN
    rows = [f'<text x="{MARGIN}" y="{MARGIN + ROW * (n + 1) - 4}" '
            f'textLength="{COLUMN * len(line)}" xml:space="preserve">{escape(line)}</text>'
            for n, line in enumerate(lines) if line]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        "<title>The screen of Rux after a few commands at rinit's prompt</title>",
        f'<rect width="{width}" height="{height}" rx="6" fill="#101010"/>',
        f'<g fill="#c8c8c8" font-size="13" font-family="{FONT}">', *rows, "</g>", "</svg>", ""])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    Path(sys.argv[1]).write_text(draw(session()), encoding="utf-8")
