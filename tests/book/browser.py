"""Opens a page of the web edition in headless chromium and asks it something.

A copy of the page gets a script that runs after the book's own and leaves its
answer in the document, which chromium then prints.  Time is virtual, so
nothing waits for a clock.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

CHROMIUM = shutil.which("chromium")

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--enable-logging=stderr", "--log-level=0",
    "--virtual-time-budget=20000", "--dump-dom",
]

ASK = """
<script>
addEventListener('load', async () => {
    const until = async (condition) => {
        for (let n = 0; n < 200 && !condition(); n++) await new Promise((go) => setTimeout(go, 20));
        return condition();
    };
    let answer;
    try { answer = await (async () => { %s })(); } catch (e) { answer = { exception: String(e) }; }
    const box = document.createElement('pre');
    box.id = 'test-answer';
    box.textContent = JSON.stringify(answer);
    document.body.append(box);
});
</script>
"""


class Answer(NamedTuple):
    value: Any
    console: list[str]      # what the page complained of


def ask(page: Path, script: str, scratch: Path, *, scripts: tuple[str, ...] = (), size: str = "1300,900") -> Answer:
    """The value that `script`, the body of an async function, returns on the page."""
    extra = "".join(f'<script src="{name}"></script>\n' for name in scripts)
    copy = page.with_name(f"asked-{page.name}")
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", extra + ASK % script + "</body>"),
                    encoding="utf-8")
    assert CHROMIUM
    try:
        result = subprocess.run([CHROMIUM, *FLAGS, f"--user-data-dir={scratch}", f"--window-size={size}", copy.as_uri()],
                                capture_output=True, text=True, check=False)
    finally:
        copy.unlink()
    found = re.search(r'<pre id="test-answer">(.*?)</pre>', result.stdout, re.DOTALL)
    assert found, result.stderr[-2000:]
    console = [line for line in result.stderr.splitlines() if ":CONSOLE" in line]
    return Answer(json.loads(html.unescape(found.group(1)) or "null"), console)
