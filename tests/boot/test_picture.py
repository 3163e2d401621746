"""The README's picture shows what the system shows."""

from __future__ import annotations

import re

from picture import PICTURE, draw, session


def without_numbers(svg: str) -> str:
    """Addresses move whenever rinit changes; the picture need not follow."""
    return re.sub(r"0x[0-9a-f]+|[0-9]+", "0", svg)


def test_readme_picture_is_true() -> None:
    drawn = draw(session())
    assert without_numbers(PICTURE.read_text()) == without_numbers(drawn), \
        "the screen looks different now; make picture draws it again"
