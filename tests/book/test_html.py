"""The web edition: every link, and what it does in a browser opened on files.

Both the sample book and the real one are woven for these tests.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from browser import CHROMIUM, ask
from workspace import ROOT, Workspace

pytestmark = pytest.mark.xdist_group("html")

needs_browser = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")


def weave(workspace: Workspace) -> Path:
    if not (shutil.which("pandoc") and shutil.which("xelatex")):
        pytest.skip("pandoc or xelatex is not installed")
    workspace.share_caches()
    result = workspace.run("weave", "html")
    assert result.returncode == 0, result.stderr
    return workspace.root / "html"


@pytest.fixture(scope="session")
def sample_html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace(tmp_path_factory.mktemp("sample"))
    workspace.copy_sample()
    return weave(workspace)


@pytest.fixture(scope="session")
def real_html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace(tmp_path_factory.mktemp("real"))
    workspace.copy_real_book()
    return weave(workspace)


@pytest.fixture(params=["sample", "real"])
def pages(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(f"{request.param}_html")


@pytest.fixture
def search_pages(sample_html: Path) -> Path:
    if not (sample_html / "search.js").exists():
        pytest.skip("woven without search: minisearch could not be had from npm")
    return sample_html


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("npm"):
        pytest.skip("npm is not installed, and axe-core comes from there")
    where = ROOT / "build/tests/npm"
    script = where / "node_modules/axe-core/axe.min.js"
    if not script.exists():
        subprocess.run(["npm", "install", "--prefix", where, "--no-save", "--no-package-lock", "--silent",
                        "--no-audit", "--no-fund", "axe-core@4.10.3"], capture_output=True, check=False)
    if not script.exists():
        pytest.skip("npm could not install axe-core")
    return script


# ---- links

class Links(HTMLParser):
    """Collects the addresses and the identifiers of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.identifiers: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value is not None:
                self.identifiers.append(value)
            elif name in ("href", "src") and value is not None:
                self.addresses.append(value)


def test_every_link_leads_somewhere(pages: Path) -> None:
    found = {path.name: Links(path) for path in pages.glob("*.html")}
    dead = []
    for name, page in found.items():
        for address in page.addresses:
            if re.match(r"[a-z]+:", address):
                continue
            file, _, fragment = address.partition("#")
            file = unquote(file) or name
            if file not in found and not (pages / file).exists():
                dead.append(f"{name}: {address}")
            elif fragment and file in found and unquote(fragment) not in found[file].identifiers:
                dead.append(f"{name}: {address}")
    assert dead == []


def test_identifiers_are_unique_on_a_page(pages: Path) -> None:
    for path in pages.glob("*.html"):
        seen = Links(path).identifiers
        assert len(seen) == len(set(seen)), (path.name, [i for i in seen if seen.count(i) > 1])


# ---- in the browser

def chapter_page(pages: Path) -> Path:
    """The smallest page with references to chunks and figures."""
    found = [p for p in pages.glob("[01]*.html") if 'class="cu"' in p.read_text() and "<svg" in p.read_text()]
    return min(found, key=lambda p: p.stat().st_size)


@needs_browser
def test_no_complaints_on_the_console(pages: Path, tmp_path: Path) -> None:
    for path in (pages / "index.html", chapter_page(pages)):
        answer = ask(path, "return document.title", tmp_path)
        assert answer.value and answer.console == []


@needs_browser
def test_hover_shows_the_chunk(pages: Path, tmp_path: Path) -> None:
    answer = ask(chapter_page(pages), """
        const link = document.querySelector('pre a.cu');
        link.dispatchEvent(new PointerEvent('pointerover', { bubbles: true, pointerType: 'mouse' }));
        await until(() => document.querySelector('#preview .chunk'));
        return { link: link.textContent, shown: document.querySelector('#preview .cn')?.textContent };
    """, tmp_path)
    name = answer.value["link"].removeprefix("⟨").rsplit(" ", 1)[0]
    assert name in answer.value["shown"]


@needs_browser
def test_hover_shows_a_chunk_of_another_page(sample_html: Path, tmp_path: Path) -> None:
    answer = ask(sample_html / "02-second.html", """
        const link = document.querySelector('a.iu[href^="01-first.html"]');
        link.dispatchEvent(new PointerEvent('pointerover', { bubbles: true, pointerType: 'mouse' }));
        await until(() => document.querySelector('#preview .chunk'));
        return document.querySelector('#preview .cn')?.textContent;
    """, tmp_path)
    assert "kernel/count.c" in answer.value and answer.console == []


@needs_browser
def test_tap_shows_before_it_follows(sample_html: Path, tmp_path: Path) -> None:
    answer = ask(sample_html / "01-first.html", """
        const link = document.querySelector('pre a.cu');
        const followed = link.dispatchEvent(new PointerEvent('click',
            { bubbles: true, cancelable: true, pointerType: 'touch' }));
        await until(() => document.querySelector('#preview .go'));
        return { followed, go: document.querySelector('#preview .go')?.hash };
    """, tmp_path)
    assert answer.value == {"followed": False, "go": "#c-count-one-more"}


@needs_browser
def test_unfolding(sample_html: Path, tmp_path: Path) -> None:
    answer = ask(sample_html / "01-first.html", """
        const button = [...document.querySelectorAll('.unfold')]
            .find((b) => b.link.textContent.includes('note what was counted'));
        button.click();
        await until(() => document.querySelector('.unfolded'));
        const shown = document.querySelector('.unfolded').textContent;
        button.click();
        await until(() => !document.querySelector('.unfolded'));
        return { shown, after: document.querySelectorAll('.unfolded').length,
                 label: button.getAttribute('aria-label') };
    """, tmp_path)
    assert "counter += 0;" in answer.value["shown"] and "count_down();" in answer.value["shown"]
    assert answer.value["after"] == 0
    assert answer.value["label"].startswith("Expand ⟨note what was counted")


@needs_browser
def test_search_works_from_a_file(search_pages: Path, tmp_path: Path) -> None:
    answer = ask(search_pages / "index.html", """
        document.dispatchEvent(new KeyboardEvent('keydown', { key: '/', bubbles: true }));
        const input = document.querySelector('#search input');
        const focused = document.activeElement === input;
        input.value = 'aligned alr';
        input.dispatchEvent(new Event('input', { bubbles: true }));
        await until(() => document.querySelector('#results li a'));
        return { focused, first: document.querySelector('#results li a')?.getAttribute('href'),
                 marked: document.querySelector('#results mark')?.textContent };
    """, tmp_path)
    assert answer.value == {"focused": True, "first": "02-second.html#sec-assembly", "marked": "aligned"}
    assert answer.console == []


@needs_browser
def test_theme_switch(sample_html: Path, tmp_path: Path) -> None:
    answer = ask(sample_html / "index.html", """
        const seen = [];
        for (let n = 0; n < 3; n++) {
            document.querySelector('#theme').click();
            seen.push(document.documentElement.dataset.theme + ' '
                + getComputedStyle(document.body).backgroundColor);
        }
        return seen;
    """, tmp_path)
    assert [s.split()[0] for s in answer.value] == ["light", "dark", "auto"]
    assert answer.value[0] != answer.value[1].replace("dark", "light")


@needs_browser
def test_narrow_page_has_a_menu_and_does_not_scroll_sideways(pages: Path, tmp_path: Path) -> None:
    answer = ask(chapter_page(pages), """
        const visible = () => getComputedStyle(document.querySelector('#contents')).display !== 'none';
        const before = visible();
        document.querySelector('#menu').click();
        return { before, after: visible(), expanded: document.querySelector('#menu').ariaExpanded,
                 over: Math.max(0, document.documentElement.scrollWidth - innerWidth) };
    """, tmp_path, size="500,900")
    assert answer.value == {"before": False, "after": True, "expanded": "true", "over": 0}


@needs_browser
def test_arrow_keys_turn_pages(sample_html: Path, tmp_path: Path) -> None:
    answer = ask(sample_html / "01-first.html", """
        const link = document.querySelector('.pager a[rel=next]');
        link.href = '#turned';
        document.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
        await until(() => location.hash);
        return location.hash;
    """, tmp_path)
    assert answer.value == "#turned"


AXE = """
    document.querySelector('.unfold')?.click();
    const faults = [];
    for (const theme of ['light', 'dark']) {
        document.documentElement.dataset.theme = theme;
        const found = await axe.run(document, { resultTypes: ['violations'] });
        for (const v of found.violations)
            faults.push(theme + ' ' + v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.target).join(' | '));
    }
    return faults;
"""


def faults(path: Path, axe: Path, scratch: Path, size: str) -> list[str]:
    return [f"{path.name}: {fault}" for fault in ask(path, AXE, scratch, scripts=(axe.as_uri(),), size=size).value]


@needs_browser
@pytest.mark.parametrize("size", ["1300,900", "500,900"])
@pytest.mark.parametrize("name", ["index", "01-first", "identifiers", "bibliography"])
def test_accessibility(sample_html: Path, axe: Path, tmp_path: Path, name: str, size: str) -> None:
    assert faults(sample_html / f"{name}.html", axe, tmp_path, size) == []


@needs_browser
def test_accessibility_of_the_book(real_html: Path, axe: Path, tmp_path: Path) -> None:
    assert faults(chapter_page(real_html), axe, tmp_path, "1300,900") == []
