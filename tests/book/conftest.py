"""Fixtures for the tests of the book's tools."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from workspace import Workspace  # noqa: E402


@pytest.fixture
def book(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The sample book; tests that share it do not change it."""
    workspace = Workspace(tmp_path_factory.mktemp("sample"))
    workspace.copy_sample()
    return workspace
