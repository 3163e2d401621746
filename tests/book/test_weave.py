"""The woven editions: tokens, numbers, references, and what fails the weave."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from workspace import HELLO, Workspace

pytestmark = [
    pytest.mark.skipif(not (shutil.which("pandoc") and shutil.which("xelatex")),
                       reason="pandoc or xelatex is not installed"),
    pytest.mark.xdist_group("weave"),
]


@pytest.fixture(scope="module")
def woven(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("woven"))
    workspace.copy_sample()
    workspace.share_caches()
    result = workspace.run("weave", "html")
    assert result.returncode == 0, result.stderr
    return workspace


@pytest.fixture(scope="module")
def first(woven: Workspace) -> str:
    return woven.read("html/01-first.html")


def chunk(page: str, slug: str) -> str:
    found = re.search(rf'<figure class="chunk" id="{slug}">.*?</figure>', page, re.DOTALL)
    assert found, slug
    return found.group()


# ---- the web edition of the sample

def test_pages(woven: Workspace) -> None:
    assert {p.name for p in (woven.root / "html").glob("*.html")} == {
        "index.html", "00-preface.html", "01-first.html", "02-second.html", "A-notes.html",
        "bibliography.html", "chunks.html", "identifiers.html"}


def test_a_chunk_has_number_name_and_source(first: str, woven: Workspace) -> None:
    line = woven.read("book/01-first.nw").splitlines().index("<<kernel/count.c>>=") + 1
    text = chunk(first, "c-kernel-count-c")
    assert '<a class="n" href="#c-kernel-count-c">1.1</a>' in text
    assert "<code>kernel/count.c</code>" in text
    assert f"book/01-first.nw:{line}" in text
    assert f'data-n="{line + 1}"' in text


def test_references_lead_to_chunks(first: str) -> None:
    text = chunk(first, "c-kernel-count-c")
    assert ('<a class="cu" href="#c-count-one-more" data-parts="c-count-one-more">⟨count one more '
            "<small>1.3</small>⟩</a>") in text
    assert "Used in " in chunk(first, "c-count-one-more")


def test_kinds_of_words(first: str) -> None:
    text = chunk(first, "c-kernel-count-c")
    assert '<span class="ty">unsigned</span> <b class="def">counter</b>;' in text
    assert '<span class="pp">#include &lt;kernel/count.h&gt;</span>' in text
    assert '<span class="com">/* comment after another. */</span>' in text


def test_escaped_shifts_are_shown_as_shifts(first: str) -> None:
    assert "(<span class=\"num\">1u</span> &lt;&lt; <span class=\"num\">31</span>" in chunk(first, "c-count-one-more")


def test_identifiers_lead_to_definitions(first: str, woven: Workspace) -> None:
    assert '<a class="iu" href="#c-kernel-count-c">counter</a>' in chunk(first, "c-count-one-more")
    second = woven.read("html/02-second.html")
    assert 'extern</span> <a class="iu" href="01-first.html#c-kernel-count-c">count_up</a>' in second
    assert '<a class="iu" href="01-first.html#c-kernel-count-c"><code>count_up()</code></a>' in second


def test_assembly(woven: Workspace) -> None:
    text = chunk(woven.read("html/02-second.html"), "c-kernel-start-asm")
    assert '<span class="kw">global</span> start' in text
    assert '<b class="def">start</b>:' in text and '<b class="def">COUNT</b>' in text
    assert '<span class="com">; how often</span>' in text
    assert '<span class="kw">mov</span> <span class="ty">ecx</span>, COUNT' in text


def test_parts_and_replacements(first: str, woven: Workspace) -> None:
    second = woven.read("html/02-second.html")
    assert "Continued in <a class=\"cx\" href=\"02-second.html#c-count-h-prototypes-2\">2.3</a>" in first
    assert "(nothing yet)" in chunk(first, "c-count-h-prototypes")
    part = chunk(second, "c-count-h-prototypes-2")
    assert "+≡" in part and "Begun in" in part
    assert "Replaced in <a class=\"cx\" href=\"02-second.html#c-note-what-was-counted-2\">2.4</a>" in first
    assert "Replaces <a" in chunk(second, "c-note-what-was-counted-2")


def test_numbers_and_cross_references(first: str) -> None:
    for link in ('<a class="xr" href="#fig-counter">Figure 1.1</a>', '<a class="xr" href="#tab-words">Table 1.1</a>',
                 '<a class="xr" href="#sec-add">Section 1.1</a>', '<a class="xr" href="02-second.html#ch-second">Chapter 2</a>',
                 '<a class="xr" href="#inv-C1">C1</a>', '<a class="xr" href="#run-count">the run</a>'):
        assert link in first, link
    for target in ("fig-counter", "tab-words", "sec-add", "inv-C1", "run-count", "ex-down", "ch-first"):
        assert f'id="{target}"' in first, target
    assert "<b>Figure 1.1.</b> The word that" in first
    assert "<strong>Table 1.1.</strong> The words." in first


def test_figures_are_pictures_with_words(first: str) -> None:
    svg = re.search(r"<svg .*?</svg>", first, re.DOTALL)
    assert svg and 'role="img" aria-label="Two boxes with an arrow from the first to the second."' in svg.group()
    assert "currentColor" in svg.group() and "var(--accent)" in svg.group()
    assert "rgb(0%" not in svg.group()


def test_exercises_and_hints(first: str) -> None:
    assert "Exercise 1.1</a>" in first and 'aria-label="level 2 of 3: two to four hours">★★</span>' in first
    assert '<details class="hint"><summary>Hint</summary>' in first


def test_transcript(first: str) -> None:
    assert "<figcaption><code>make run CHAPTER=1</code></figcaption>" in first
    assert "counting from 0 to 1…" in first


def test_citations(first: str, woven: Workspace) -> None:
    assert 'href="bibliography.html#ref-knuth1984"' in first
    assert "Literate Programming" in woven.read("html/bibliography.html")


def test_indices(woven: Workspace) -> None:
    assert "count one more" in woven.read("html/chunks.html")
    identifiers = woven.read("html/identifiers.html")
    assert "<code>counter</code> <b><a class=\"cx\" href=\"01-first.html#c-kernel-count-c\">1.1</a></b>" in identifiers


def test_line_count_is_on_the_first_page(woven: Workspace) -> None:
    assert "21 lines of C and assembly" in woven.read("html/index.html")


def test_nothing_is_loaded_from_elsewhere(woven: Workspace) -> None:
    for path in (woven.root / "html").glob("*.html"):
        for address in re.findall(r'(?:src|href)="([^"]+)"', path.read_text()):
            if address.startswith(("http:", "https:")):
                assert f'<a href="{address}"' in path.read_text(), (path.name, address)


def test_output_directory_keeps_its_readme(woven: Workspace) -> None:
    woven.write("html/README.md", "output\n")
    woven.write("html/stale.html", "old\n")
    assert woven.run("weave", "html").returncode == 0
    assert (woven.root / "html/README.md").exists()
    assert not (woven.root / "html/stale.html").exists()


# ---- the other editions

def test_epub(woven: Workspace) -> None:
    result = woven.run("weave", "epub")
    assert result.returncode == 0, result.stderr
    jar = Path("/usr/share/java/epubcheck.jar")
    if not (jar.exists() and shutil.which("java")):
        pytest.skip("epubcheck is not installed")
    checked = subprocess.run(["java", "-jar", jar, "build/book/rux.epub"], cwd=woven.root, text=True,
                             capture_output=True, check=False)
    assert "0 errors / 0 warnings" in checked.stdout, checked.stdout + checked.stderr


def test_pdf(woven: Workspace) -> None:
    result = woven.run("weave", "pdf")
    assert result.returncode == 0, result.stderr
    text = subprocess.run(["pdftotext", "-layout", "build/book/rux.pdf", "-"], cwd=woven.root, text=True,
                          capture_output=True, check=True).stdout
    for words in ("21 lines of C and assembly", "Figure 1.1", "Table 1.1: The words.", "Exercise 1.1", "Hints",
                  "Bibliography", "Index of chunks", "Index of identifiers", "Colophon", "Output of make run CHAPTER=1"):
        assert words in text, words
    assert re.search(r"Continued in 2\.3 \(p\. \d+\)\. Used in 1\.2 \(p\. \d+\)\.", text)
    line = woven.read("book/01-first.nw").splitlines().index("unsigned counter;") + 1
    assert re.match(r"chunk 1\.1 <<kernel/count\.c>>, page 1\n", woven.run("where", f"1:{line}").stdout)


# ---- what fails the weave, and what it says

def prose(text: str) -> str:
    return HELLO + "\n" + text + "\n"


@pytest.mark.parametrize("text, complaint", [
    ("See @fig:nowhere.", "book/01-x.nw:12: error: the reference @fig:nowhere leads nowhere"),
    ("See @Sec:nowhere.", "book/01-x.nw:12: error: the reference @sec:nowhere leads nowhere"),
    ("See @inv:W9 now.", "book/01-x.nw:12: error: the reference @inv:W9 leads nowhere"),
    ("See [@nobody1999].", "book/01-x.nw:12: error: book/refs.bib has no entry nobody1999"),
    ("See @tbl:words.", "book/refs.bib has no entry tbl:words, and it is no reference"),
    ("See [[<<nothing>>]].", "book/01-x.nw:12: error: <<nothing>> is not defined"),
    ("## Twice {#sec:a}\n\n## Again {#sec:a}", "book/01-x.nw:12: error: the label sec:a is given twice"),
    ("# Another {#ch:another}", "a second level-one heading"),
    ("```{.tikz #fig:bad caption=\"Bad.\"}\n\\nonsense\n```",
     "book/01-x.nw:12: error: the figure fig:bad cannot be drawn: Undefined control sequence."),
    ("```{.tikz #fig:none src=none caption=\"None.\"}\n```", "there is no figures/none.tikz"),
    ("::: {.exrcise #ex:typo}\nX.\n:::", "the weave does not know ::: exrcise"),
    ("<<orphan>>=\nx();\n@", "<<orphan>> is an orphan"),
])
def test_mistakes(book: Workspace, text: str, complaint: str) -> None:
    book.copy_sample()
    for path in (book.root / "book").glob("*.nw"):
        path.unlink()
    book.chapter(1, prose(text))
    result = book.run("weave", "check")
    assert result.returncode != 0
    assert complaint in result.stderr


def test_unused_reference_of_code_to_nothing(book: Workspace) -> None:
    book.copy_sample()
    book.chapter(3, "# Three {#ch:three}\n\n<<kernel/three.c>>=\n<<absent>>\n@\n")
    assert "book/03-x.nw:4: error: <<absent>> is not defined" in book.run("weave", "check").stderr


def test_missing_program_names_its_package(book: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    book.copy_sample()
    only = book.root / "bin"
    only.mkdir()
    for program in ("sh", "dirname", "awk", "sort", "cut", "mktemp", "rm", "mkdir"):
        (only / program).symlink_to(str(shutil.which(program)))
    monkeypatch.setenv("PATH", str(only))
    assert "pandoc is missing; on Debian: apt-get install pandoc" in book.run("weave", "html").stderr




def test_without_npm_there_is_no_search(book: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    book.copy_sample()
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(book.root / "cache"))
    result = book.run("weave", "html")
    assert result.returncode == 0, result.stderr
    assert "the web edition has no search: " in result.stderr
    assert "data-search" not in book.read("html/index.html")
    assert not (book.root / "html/search.js").exists()
