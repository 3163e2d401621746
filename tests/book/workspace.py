"""A book of a test's own, and the tools run on it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "book" / "tools"
SAMPLE = Path(__file__).parent / "sample"

# One chapter that tangles to one file; tests add to it.
HELLO = """# Hello {#ch:hello}

A chapter says first why it is there, in a sentence or two.

<<kernel/hello.c>>=
int hello(void)
{
    return 1;
}
@ %def hello
"""


class Workspace:
    """A directory that looks like the root of a book's repository."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "book").mkdir()

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def chapter(self, number: int, text: str, slug: str = "x") -> Path:
        return self.write(f"book/{number:02}-{slug}.nw", text)

    def read(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def run(self, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([TOOLS / tool, *arguments], cwd=self.root, text=True,
                              capture_output=True, check=False)

    def tangle(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.run("tangle", *options, "out")

    def copy_sample(self) -> None:
        shutil.copytree(SAMPLE / "book", self.root / "book", dirs_exist_ok=True)
        shutil.copytree(ROOT / "figures", self.root / "figures")
        shutil.copy(ROOT / ".clang-format", self.root)

    def copy_real_book(self) -> None:
        """The real chapters, as they are now: nobody edits them under our feet."""
        for path in (ROOT / "book").iterdir():
            if path.is_file():
                shutil.copy(path, self.root / "book")
        shutil.copytree(ROOT / "figures", self.root / "figures")
        shutil.copy(ROOT / ".clang-format", self.root)

    def share_caches(self) -> None:
        """Drawn figures and npm's packages, both named by what they hold."""
        for name in ("figures", "npm"):
            shared = ROOT / "build" / "book" / name
            shared.mkdir(parents=True, exist_ok=True)
            (self.root / "build" / "book").mkdir(parents=True, exist_ok=True)
            (self.root / "build" / "book" / name).symlink_to(shared)
