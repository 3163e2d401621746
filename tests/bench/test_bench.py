"""The figures of `make bench`: exact, complete, and read right."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "boot")]

import bench  # noqa: E402
from images import FULL, ROOT  # noqa: E402
from test_commands import make  # noqa: E402

PROGRAM = FULL.directory / "programs" / "bench.elf"
MEASURE = FULL.directory / "measure"
LIMIT = 10_000  # instructions with interrupts off


@pytest.fixture(scope="module")
def said() -> str:
    return bench.run(FULL.kernel, PROGRAM)


def test_two_runs_are_alike_to_the_instruction(said: str) -> None:
    """What the machine has said contains the counts of its clock, too."""
    assert bench.run(FULL.kernel, PROGRAM) == said


def test_every_figure_has_a_row_and_is_plausible(said: str) -> None:
    figures = bench.figures_in(said)
    assert set(figures) <= {row["key"] for row in bench.rows()}
    assert all(20 <= value < 100_000 for value in figures.values()), figures
    assert figures["null"] == min(value for key, value in figures.items() if key != "revoke")


@pytest.fixture(scope="module")
def counted() -> tuple[str, dict[str, dict[str, int]]]:
    make("bench")  # builds the plugin
    return bench.run_counting(FULL.directory)


def test_counting_what_is_hidden_changes_no_figure(
        said: str, counted: tuple[str, dict[str, dict[str, int]]]) -> None:
    assert counted[0] == said


def test_what_is_hidden_is_as_the_design_says(
        counted: tuple[str, dict[str, dict[str, int]]]) -> None:
    """One way: at most one address space, no model specific register, sysret."""
    hidden = counted[1]
    null = hidden["null"]
    assert {name for name in bench.HIDDEN if null[name]} == {"sysret", "code", "data"}
    assert null["sysret"] == 1 and 1 < null["code"] < 8 and 1 < null["data"] < 12
    for key, ways in {"call-0": 2, "call-4": 2, "call-10": 2, "call-capability": 1,
                      "put-preempt": 1, "yield": 1, "put-stay": 0}.items():
        assert hidden[key]["cr3"] == ways, key
        assert hidden[key]["sysret"] == max(ways, 1), key
    for key, counts in hidden.items():
        assert counts["wrmsr"] == counts["fxsave"] == 0, key
    assert hidden["interrupt"]["ports"] == 1


def test_counts_of_other_rows_than_the_program_has_are_refused() -> None:
    line = " ".join(["1"] * len(bench.HIDDEN)) + "\n"
    assert bench.hidden_in(f"{line}{line}row\nrow\n", ["a", "b"]) == {
        "a": dict.fromkeys(bench.HIDDEN, 1)}
    for counted in (f"{line}row\n", f"{line}row\n{line}", f"row\n{line}row\nrow\n"):
        with pytest.raises(bench.Trouble, match="2 rows, but counts"):
            bench.hidden_in(counted, ["a", "b"])


@pytest.fixture(scope="module")
def said_inside() -> str:
    """What the kernel says that measures itself."""
    return bench.run(MEASURE / "rux.elf", MEASURE / "programs" / "stretch.elf")


def test_interrupts_are_never_off_for_long(said_inside: str) -> None:
    stretches = bench.stretches_in(said_inside)
    print("\n".join(f"{value:9,}  {what}" for what, value in stretches.items()))
    assert len(stretches) > 30
    assert {what for what, value in stretches.items() if value > LIMIT} == set()


def blind_kernel(directory: Path) -> Path:
    """The same objects linked so that the kernel never sees an interrupt waiting."""
    kernel, blind = directory / "rux.elf", directory / "blind.c"
    blind.write_text("int __wrap_interrupt_waits(void) { return 0; }\n")
    objects = [name for name in (MEASURE / "obj" / "objects").read_text().split()
               if name.endswith(".o") and "/obj/user/" not in name]
    listed = re.search(r"^MEASURED := ((?:\\\n|.)*)", (HERE / "bench.mk").read_text(), re.MULTILINE)
    assert listed
    functions = [*listed[1].replace("\\", " ").split(), "interrupt_waits"]
    subprocess.run(["gcc", "-ffreestanding", "-mcmodel=kernel", "-fno-pie", "-c", blind,
                    "-o", f"{blind}.o"], check=True)
    subprocess.run(["ld", "-static", "-nostdlib", "-z", "max-page-size=0x1000",
                    "-z", "noexecstack", "--gc-sections",
                    *(f"--wrap={function}" for function in functions),
                    "-T", MEASURE / "tangled" / "kernel" / "kernel.ld",
                    "-o", kernel, *objects, f"{blind}.o"], cwd=ROOT, check=True)
    return kernel


def test_a_kernel_that_never_looks_is_found_out(tmp_path: Path) -> None:
    said = bench.run(blind_kernel(tmp_path), MEASURE / "programs" / "stretch.elf")
    long = {what for what, value in bench.stretches_in(said).items() if value > LIMIT}
    assert len(long) >= 15
    assert {"revoke 10,000 capabilities", "reset 10,000 objects", "retype a page of 2 MiB",
            "retype 16 pools", "free a full table, in use"} <= long


def test_the_boot_is_counted(said_inside: str) -> None:
    assert 50_000 < bench.figures_in(said_inside)["boot"] < 1_000_000


def test_a_kernel_that_does_not_measure_is_noticed() -> None:
    with pytest.raises(bench.Trouble, match="does not measure"):
        bench.stretches_in(bench.run(FULL.kernel, FULL.directory / "programs" / "stretch.elf"))


@functools.cache
def made() -> tuple[str, dict[str, dict[str, int]]]:
    """What make bench prints, and what it leaves behind."""
    done = make("bench")
    assert done.returncode == 0, done.stdout
    return done.stdout, json.loads((FULL.directory / "bench.json").read_text())


def test_make_bench_prints_the_table_and_leaves_the_figures() -> None:
    printed, left = made()
    figures = left["rows"]
    for row in bench.rows():
        if row["key"] in figures:
            assert f"{figures[row['key']]:,}" in next(
                line for line in printed.splitlines() if line.startswith(row["name"]))


def test_the_bytes_are_counted_and_nothing_else_is_touched() -> None:
    before = Path("/dev/stdout").is_symlink()
    assert 30_000 < bench.size_of(FULL.kernel) < 60_000
    assert Path("/dev/stdout").is_symlink() == before


def test_the_lines_are_those_of_the_cover() -> None:
    weave = (ROOT / "book" / "tools" / "weave").read_text()
    assert '"$TOOLS/lines"' in weave
    assert 1000 < bench.count_lines() < 6500  # the table tells the target


def test_the_book_quotes_what_is_measured() -> None:
    figures = made()[1]
    assert bench.stale_quotes({**figures["stretches"], **figures["rows"]}, mend=False) == []


def test_quotes_are_renewed() -> None:
    text = 'takes [9]{bench="copy"} or [1,234]{bench="retype\n16 pools"}, not [3] {bench}'
    new = bench.quotes_renewed(text, {"copy": 1601, "retype 16 pools": 7}, "here")
    assert new == 'takes [1,601]{bench="copy"} or [7]{bench="retype\n16 pools"}, not [3] {bench}'
    with pytest.raises(bench.Trouble, match="here: there is no figure"):
        bench.quotes_renewed(text, {"copy": 1}, "here")


def test_a_figure_above_its_target_is_marked() -> None:
    drawn = bench.table({"copy": 100, "mint": 100_000})
    assert "copy a capability" in drawn and "map" not in drawn
    assert [line[-1] for line in drawn.splitlines()[1:]] == ["0", "*", "2"]


def test_a_figure_without_a_row_is_refused() -> None:
    with pytest.raises(bench.Trouble, match="teleport"):
        bench.table({"teleport": 1})


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(bench.Trouble, match="nothing.elf is not there"):
        bench.run(FULL.kernel, tmp_path / "nothing.elf")


def test_a_program_that_measures_nothing_is_quoted() -> None:
    with pytest.raises(bench.Trouble, match="hello; slots in use"):
        bench.figures_in(bench.run(FULL.kernel, FULL.directory / "programs" / "hello.elf"))
