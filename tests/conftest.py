"""What all tests share: the choice of a chapter, and the last line."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chapter", default="", metavar="NN",
                     help="only the tests that belong to this chapter's prefix")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chapter = config.getoption("--chapter")
    if not chapter:
        return
    chosen = [item for item in items
              if any(mark.args == (chapter,) for mark in item.iter_markers("chapter"))]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends the output with the line that people and machines look for."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    count = {kind: len(reports) for kind, reports in reporter.stats.items()}
    if count.get("skipped"):
        print(f"{count['skipped']} skipped")
    print(f"{count.get('passed', 0)} passed, "
          f"{count.get('failed', 0) + count.get('error', 0)} failed", flush=True)
