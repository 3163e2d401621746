"""What a hand-in may contain.

A hand-in is an overlay that replaces certain chunks of the book. It must
replace every chunk that the exercise is about, or the book's own would stay
and be graded, and it may replace no other.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .exercise import Exercise, chunk_names
from .trouble import Refused, Trouble

SIZE_LIMIT = 128 << 10


@dataclass(frozen=True)
class Mention:
    """A chunk that is defined or used in a line of the hand-in."""

    name: str
    line: int


def read(path: Path, name: str) -> str:
    """The text of a hand-in that was called `name`."""
    if not path.exists():
        raise Refused(f"{name} does not exist.")
    if not path.is_file():
        raise Refused(f"{name} is no ordinary file.")
    if path.stat().st_size > SIZE_LIMIT:
        raise Refused(f"{name} has {path.stat().st_size} bytes; an answer has {SIZE_LIMIT} "
                      "at most.")
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"{name} is no text: byte {error.start} is not UTF-8.") from None
    if "\0" in text:
        raise Refused(f"{name} is no text: it contains a NUL character.")
    return text


def check(exercise: Exercise, path: Path, name: str) -> None:
    """Refuses a hand-in that does not keep to the exercise."""
    text = read(path, name)
    defined, used = _mentions(path)
    if not defined:
        raise Refused(f"{name} defines no chunk: code stands between a line like "
                      f"<<{exercise.chunks[0]}>>= and a line that begins with @.")
    for mention in defined:
        _check_definition(exercise, mention, f"{name}:{mention.line}")
    own = {mention.name for mention in defined}
    for missing in (chunk for chunk in exercise.chunks if chunk not in own):
        raise Refused(f"{name} does not define <<{missing}>>, which this exercise is about.")
    for mention in used:
        if mention.name not in own | set(exercise.given) and mention.name in chunk_names():
            raise Refused(f"{name}:{mention.line}: <<{mention.name}>> is the book's own code "
                          "for what you are asked to write; write yours, under a new name.")
    _check_includes(text, name)


def _check_definition(exercise: Exercise, mention: Mention, place: str) -> None:
    kind, _, rest = mention.name.rpartition(": ") if \
        mention.name.startswith(("also: ", "replace: ")) else ("", "", mention.name)
    if kind:
        rest = mention.name.split(": ", 1)[1]
        if mention.name.startswith("also: ") and rest in exercise.extends:
            return
        raise Refused(f"{place}: <<{mention.name}>>= is not possible in this exercise; "
                      + (f"write <<{rest}>>=" if rest in exercise.chunks else _choices(exercise)))
    if rest in exercise.chunks:
        return
    if rest in chunk_names():
        raise Refused(f"{place}: <<{rest}>> is not part of this exercise; {_choices(exercise)}")
    if "/" in rest or re.fullmatch(r"[\w.+-]*\.[\w+-]+", rest):
        raise Refused(f"{place}: <<{rest}>> would be a file of its own; an answer is part of "
                      f"the book's files. {_choices(exercise).capitalize()}")


def _choices(exercise: Exercise) -> str:
    names = " and ".join(f"<<{chunk}>>" for chunk in exercise.chunks)
    also = "".join(f", append to it with <<also: {chunk}>>=" for chunk in exercise.extends)
    return f"define {names}{also}, and new chunks that they refer to."


def _check_includes(text: str, name: str) -> None:
    """Only what belongs to the kernel is included."""
    plain = re.sub(r"/\*.*?\*/", " ", re.sub(r"\\\n", "", text), flags=re.DOTALL)
    for found in re.finditer(r"^[ \t]*(?:#|%:)[ \t]*(?:include\w*|embed)\b(.*)$", plain,
                             re.MULTILINE):
        target = found[1].strip()
        inside = re.match(r'"(?:kernel|lib|rux)/[\w/.-]+\.h"|<(?:rux/\w+|std\w+)\.h>', target)
        if not inside or ".." in target:
            raise Refused(f"{name}: #include {target} is not possible: an answer includes "
                          "headers of the kernel only.")
    if re.search(r"\.?incbin|\.include", plain):
        raise Refused(f"{name}: an answer takes nothing in from other files "
                      "(.incbin, .include).")


def _mentions(path: Path) -> tuple[list[Mention], list[Mention]]:
    """The chunks that are defined and those that are used, as noweb reads them."""
    defined, used, line, in_code = [], [], 1, False
    for token in _tokens(path):
        if token.startswith("@begin code"):
            in_code = True
        elif token.startswith("@end code"):
            in_code = False
        elif token.startswith("@defn "):
            defined.append(Mention(token[6:], line))
        elif token.startswith("@use ") and in_code:
            used.append(Mention(token[5:], line))
        elif token in ("@nl", "@index nl"):
            line += 1
    return defined, used


def _tokens(path: Path) -> list[str]:
    places = os.environ.get("NOWEB_LIB", "/usr/lib/noweb /usr/local/lib/noweb").split()
    markup = next((Path(place, "markup") for place in places if Path(place, "markup").exists()),
                  None)
    if markup is None:
        raise Trouble("noweb is missing; on Debian it is in the package noweb")
    # What markup complains about, tangling will complain about, with line numbers.
    output = subprocess.run([markup, "-t", path], capture_output=True, check=False).stdout
    return output.decode("utf-8", "replace").split("\n")
