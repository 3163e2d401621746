"""The kernel's file is laid out as two loaders and the page tables want it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from images import FULL, Tree, prefixes

TREES = [pytest.param(tree, id=tree.name,
                      marks=[pytest.mark.chapter(tree.number)] if tree.number else [])
         for tree in [*prefixes(), FULL]]

PT_LOAD, EXECUTE, WRITE = 1, 1, 2
MULTIBOOT1 = (0x1BADB002, 8192, 4)
MULTIBOOT2 = (0xE85250D6, 32768, 8)


@dataclass(frozen=True)
class Segment:
    kind: int
    flags: int
    offset: int
    virtual: int
    physical: int
    in_file: int
    in_memory: int
    align: int


def segments(image: Path) -> list[Segment]:
    """What the file's program headers say is loaded."""
    data = image.read_bytes()
    start, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = (Segment(*struct.unpack_from("<IIQQQQQQ", data, start + size * i))
               for i in range(count))
    return [header for header in headers if header.kind == PT_LOAD]


def header(image: Path, magic: int, limit: int, align: int) -> int:
    """Where in the file a loader would find the header with this magic."""
    data = image.read_bytes()[:limit]
    found = [at for at in range(0, len(data) - 12, align)
             if struct.unpack_from("<I", data, at)[0] == magic]
    assert len(found) == 1, f"{len(found)} headers with magic {magic:#x}"
    return found[0]


@pytest.mark.parametrize("tree", TREES)
def test_the_file_is_one_block_of_memory(tree: Tree) -> None:
    """Invariant B1, without which QEMU's -kernel loads parts to wrong places."""
    distances = {segment.physical - segment.offset
                 for segment in segments(tree.kernel) if segment.in_file}
    assert len(distances) == 1


@pytest.mark.parametrize("tree", TREES)
def test_no_segment_is_writable_and_executable(tree: Tree) -> None:
    for segment in segments(tree.kernel):
        assert segment.flags & (WRITE | EXECUTE) != WRITE | EXECUTE
        assert segment.virtual % 4096 == 0


@pytest.mark.parametrize("tree", TREES)
def test_both_loaders_find_their_headers(tree: Tree) -> None:
    data = tree.kernel.read_bytes()
    at = header(tree.kernel, *MULTIBOOT1)
    magic, flags, checksum, where, start, end_of_file, end, _ = struct.unpack_from("<8I", data, at)
    assert (magic + flags + checksum) % 2**32 == 0
    parts = segments(tree.kernel)
    first = min(parts, key=lambda segment: segment.physical)
    assert where - first.physical == at - first.offset
    assert start == first.physical
    assert end_of_file == max(part.physical + part.in_file for part in parts if part.in_file)
    assert end == max(part.physical + part.in_memory for part in parts)
    at = header(tree.kernel, *MULTIBOOT2)
    assert sum(struct.unpack_from("<4I", data, at)) % 2**32 == 0
