"""What is graded in retype-no-overlap: two watermarks in the host's mind."""

from __future__ import annotations

import random
from collections.abc import Callable

from grader.check import Check, Finding, Step, nothing_told

SIZES, RAM, DEVICE, RETYPE, VERIFY, RESET = range(1, 7)
SLOTS, TOP, RAW, PAGE, MOST = 160, 160, 16, 4096, 16
UNTYPED_STRUCTURE = 128
NAMES = ["NONE", "LOG", "PORTS", "UNTYPED", "SMALL", "LARGE", "FRAME", "TABLE"]
NONE, LOG, PORTS, UNTYPED, SMALL, LARGE, FRAME, TABLE = range(8)
# What can be made: its structure, rounded up, and its page memory.
STRUCTURE = {UNTYPED: UNTYPED_STRUCTURE, SMALL: 128, LARGE: 3008, FRAME: 144, TABLE: 208}
MEMORY = {SMALL: 0, LARGE: 0, FRAME: PAGE, TABLE: 2 * PAGE}
ERRORS = ["NO_ERROR", "BAD_ARGUMENT", "BAD_SIZE", "BAD_SLOT", "SLOT_IN_USE", "NO_MEMORY"]
BAD_ARGUMENT, BAD_SIZE, BAD_SLOT, SLOT_IN_USE, NO_MEMORY = range(1, 6)
OWNED = 0b111111


class Untyped:
    """Free memory, as distances from both ends."""

    def __init__(self, space: int, structures: int | None = None) -> None:
        self.space, self.low, self.high = space, 0, 0
        self.structures = structures  # a device's structures have room of their own

    def free(self) -> int:
        return self.space - self.low - self.high

    def has_room(self, structure: int, memory: int) -> bool:
        if self.structures is not None:
            return memory <= self.space - self.high and structure <= self.structures - self.low
        return structure + memory <= self.free()


class World:
    def __init__(self, chance: random.Random, pages: int, device: bool = False,
                 clean: bool = False, owned: bool = False) -> None:
        self.chance, self.pages, self.device = chance, pages, device
        self.clean, self.owned = clean, owned  # what is judged besides places
        self.steps: list[Step] = []
        self.untypeds: dict[int, Untyped] = {}
        self.used: set[int] = set()
        self._step([SIZES], "measures an untyped", judge_sizes)
        self._step([DEVICE if device else RAM, pages, chance.randrange(1, 256)],
                   f"makes an untyped of {pages} pages")
        self._begin()

    def _begin(self) -> None:
        self.used.clear()
        self.untypeds = {TOP: Untyped(self.pages * PAGE, PAGE - UNTYPED_STRUCTURE) if self.device
                         else Untyped(self.pages * PAGE - UNTYPED_STRUCTURE)}

    def _step(self, words: list[int], does: str,
              judge: Callable[[list[int]], Finding | None] = nothing_told,
             crash: str = "overlap") -> None:
        self.steps.append(Step(words, does, judge, crash, crash))

    def reset(self) -> None:
        self._begin()
        self._step([RESET, self.chance.randrange(1, 256)], "resets the untyped")

    def free_slot(self) -> int:
        return self.chance.choice([n for n in range(SLOTS) if n not in self.used])

    def verify(self) -> None:
        def judge(words: list[int]) -> Finding | None:
            if not words:
                return None
            return Finding(f"{len(words)} objects were written over by others, among them the "
                           f"one in slot {words[0]}.", "overlap")
        self._step([VERIFY], "looks whether objects overlap", judge)

    def retype(self, kind: int, bytes_: int, slot: int, source: int = TOP,
               count: int = 1) -> None:
        """Tries to make something, and knows what must come of it."""
        untyped = self.untypeds[source]
        refusals = self._refusals(untyped, kind, bytes_, slot, count)
        what = NAMES[kind] if kind < len(NAMES) else f"type {kind}"
        does = (f"retypes to {what}, {size(bytes_)}, into slot {slot}, "
                + (f"{count} of them, from " if count != 1 else "from ")
                + (f"the untyped in slot {source}" if source != TOP else "the first untyped")
                + f" with {untyped.free()} bytes free")
        if refusals:
            judge = judge_refusal(refusals, untyped.low, untyped.high, bytes_ >= 1 << 62)
        else:
            judge = self._make(untyped, kind, bytes_, slot)
        self._step([RETYPE, kind, source, bytes_, slot, count], does, judge,
                   "unchecked" if refusals - {NO_MEMORY} else "overlap")

    def _refusals(self, untyped: Untyped, kind: int, bytes_: int, slot: int,
                  count: int) -> set[int]:
        """Every error that would be right."""
        refusals = set()
        if kind not in STRUCTURE or (self.device and kind != FRAME):
            refusals.add(BAD_ARGUMENT)
        if (bytes_ == 0 or bytes_ % PAGE) if kind == UNTYPED else bytes_:
            refusals.add(BAD_SIZE)
        if not 1 <= count <= MOST:
            refusals.add(BAD_ARGUMENT)
        if slot + count > SLOTS or slot >= SLOTS:
            refusals.add(BAD_SLOT)
        if self.used & set(range(slot, min(slot + count, SLOTS))):
            refusals.add(SLOT_IN_USE)
        memory = bytes_ if kind == UNTYPED else MEMORY.get(kind, 0)
        if not untyped.has_room(STRUCTURE.get(kind, 0) * count, memory * count):
            refusals.add(NO_MEMORY)
        return refusals

    def _make(self, untyped: Untyped, kind: int, bytes_: int,
              slot: int) -> Callable[[list[int]], Finding | None]:
        place = untyped.low
        untyped.low += STRUCTURE[kind]
        untyped.high += bytes_ if kind == UNTYPED else MEMORY[kind]
        self.used.add(slot)
        if kind == UNTYPED:
            self.untypeds[slot] = Untyped(bytes_)
        pages = untyped.high if kind in (UNTYPED, FRAME, TABLE) else None
        return judge_made(place, untyped.low, untyped.high, pages,
                          clean=self.clean, owned=self.owned, device=self.device)

    def some(self) -> None:
        """Something that fits, mostly."""
        kind = self.chance.choices([UNTYPED, SMALL, LARGE, FRAME, TABLE], [2, 5, 2, 4, 2])[0]
        bytes_ = PAGE * self.chance.randrange(1, 5) if kind == UNTYPED else 0
        self.retype(kind, bytes_, self.free_slot(), self.chance.choice(list(self.untypeds)))


def size(bytes_: int) -> str:
    return f"{bytes_:#x} bytes" if bytes_ > 1 << 20 else f"{bytes_} bytes"


def error_name(code: int) -> str:
    return ERRORS[code] if code < len(ERRORS) else "another error"


def judge_sizes(words: list[int]) -> Finding | None:
    if words == [UNTYPED_STRUCTURE]:
        return None
    return Finding(f"the structure of an untyped takes {words[0]} bytes, and check.py knows "
                   f"{UNTYPED_STRUCTURE}: the fault is the exercise's.", "")


def judge_refusal(refusals: set[int], low: int, high: int,
                  huge: bool) -> Callable[[list[int]], Finding | None]:
    wanted = " or ".join(ERRORS[code] for code in sorted(refusals))

    def judge(words: list[int]) -> Finding | None:
        if words[0] == 0:
            diagnosis = "unchecked"
            if refusals == {NO_MEMORY}:
                diagnosis = "wraps" if huge else "overlap"
            return Finding(f"it succeeded, and should have been refused with {wanted}.", diagnosis)
        if words[0] not in refusals:
            return Finding(f"it was refused with {error_name(words[0])} in place of {wanted}.",
                           "wrong-error")
        if words[1] or words[2:4] != [low, high]:
            return Finding("it was refused, as it should be, and yet something was changed.",
                           "changed")
        return None
    return judge


def judge_made(place: int, low: int, high: int, pages: int | None, *, clean: bool, owned: bool,
               device: bool) -> Callable[[list[int]], Finding | None]:
    def judge(words: list[int]) -> Finding | None:
        if words[0]:
            return Finding(f"it was refused with {error_name(words[0])}, and there is room.",
                           "wasteful" if words[0] == NO_MEMORY else "wrong-error")
        if words[2] != low:
            return Finding(f"the structures take {words[2]} bytes after it, and should take "
                           f"{low}.", "not-rounded")
        if words[3] != high:
            return Finding(f"the page memory takes {words[3]} bytes after it, and should take "
                           f"{high}.", "overlap")
        if words[4] != place:
            return Finding(f"the object lies {words[4]} bytes after the first structure, and "
                           f"should lie {place} bytes after it.", "misplaced")
        if pages is not None and words[5] != pages:
            return Finding(f"its page memory begins {words[5]} bytes before the end, and should "
                           f"begin {pages} bytes before it.", "misplaced")
        return judge_rest(words)

    def judge_rest(words: list[int]) -> Finding | None:
        if clean and words[6]:
            return Finding(f"{words[6]} bytes of its structure are not zero.", "not-clean")
        if clean and not device and words[7]:
            return Finding(f"{words[7]} bytes of its page memory are not zero.", "not-clean")
        if clean and device and words[7] != PAGE:
            return Finding(f"{PAGE - words[7]} bytes of the device were written to.",
                           "device-touched")
        if owned and words[8] != OWNED:
            wrong = [text for bit, text in enumerate((
                "its type", "its strong count", "its parent", "its place among the children",
                "the rights of its capability", "the badge of its capability"))
                if not words[8] >> bit & 1]
            return Finding(f"these are wrong: {', '.join(wrong)}.", "not-owned")
        return None
    return judge


# --- The checks ------------------------------------------------------------------

def side_by_side(chance: random.Random) -> list[Step]:
    """Random retypes, of untypeds from untypeds too, over several resets."""
    world = World(chance, chance.randrange(16, 25))
    for _ in range(5):
        for _ in range(chance.randrange(12, 30)):
            world.some()
        world.verify()
        world.reset()
    return world.steps


def clean(chance: random.Random) -> list[Step]:
    """Memory that was full of other things."""
    world = World(chance, chance.randrange(12, 20), clean=True)
    for _ in range(4):
        for kind in chance.sample([SMALL, LARGE, FRAME, TABLE, FRAME, SMALL], 6):
            world.retype(kind, 0, world.free_slot())
        world.reset()
    return world.steps


def device(chance: random.Random) -> list[Step]:
    """A device, which is not RAM: pages only, and hands off."""
    world = World(chance, chance.randrange(3, 9), device=True, clean=True)
    for _ in range(chance.randrange(14, 20)):
        kind = chance.choice([FRAME, FRAME, FRAME, SMALL, TABLE, UNTYPED])
        world.retype(kind, PAGE if kind == UNTYPED else 0, world.free_slot())
    return world.steps


def to_the_last_byte(chance: random.Random) -> list[Step]:
    """Memory is used up from both ends, and sizes are as large as numbers go."""
    world = World(chance, chance.randrange(4, 9))
    for _ in range(3):
        top = world.untypeds[TOP]
        world.retype(UNTYPED, PAGE * chance.randrange(1, 4), world.free_slot())
        inner = next(slot for slot in world.untypeds if slot != TOP)
        for bytes_ in hostile_sizes(chance, top):
            world.retype(UNTYPED, bytes_, world.free_slot())
            world.retype(UNTYPED, bytes_, world.free_slot(), inner)
        for source in (inner, TOP):
            squeeze(world, source)
            fill_up(world, source)
        world.verify()
        world.reset()
    return world.steps


def hostile_sizes(chance: random.Random, untyped: Untyped) -> list[int]:
    """Sizes that only a careless sum would grant."""
    pages = (untyped.free() // PAGE) * PAGE
    return chance.sample([(1 << 64) - PAGE, (1 << 64) - 2 * PAGE, 1 << 63,
                          (1 << 64) - max(pages, PAGE), pages + PAGE, pages + 2 * PAGE,
                          1 << 48, 1 << 32], 6)


def squeeze(world: World, source: int) -> None:
    """Leaves room for a page or for a structure, and asks for both."""
    untyped = world.untypeds[source]
    while untyped.free() >= PAGE + STRUCTURE[FRAME]:
        kind = SMALL
        if untyped.free() >= 2 * PAGE + STRUCTURE[FRAME]:
            kind = FRAME
        elif untyped.free() >= PAGE + STRUCTURE[LARGE]:
            kind = LARGE
        world.retype(kind, 0, world.free_slot(), source)
    world.retype(FRAME, 0, world.free_slot(), source)


def fill_up(world: World, source: int) -> None:
    """Leaves no room for anything, and asks for more."""
    untyped = world.untypeds[source]
    while untyped.has_room(STRUCTURE[LARGE], 0):
        world.retype(LARGE, 0, world.free_slot(), source)
    for kind in (LARGE, FRAME, TABLE):
        world.retype(kind, 0, world.free_slot(), source)
    while untyped.has_room(STRUCTURE[SMALL], 0) and len(world.used) < SLOTS - 2:
        world.retype(SMALL, 0, world.free_slot(), source)
    world.retype(SMALL, 0, world.free_slot(), source)


def exact_fit(chance: random.Random) -> list[Step]:
    """An untyped of one page: how many structures of 128 bytes go in? Exactly 32."""
    world = World(chance, chance.randrange(8, 20))
    for _ in range(3):
        slot = world.free_slot()
        pages = chance.randrange(1, 3)
        world.retype(UNTYPED, pages * PAGE, slot)
        for _ in range(pages * PAGE // 128 + 1):
            world.retype(SMALL, 0, world.free_slot(), slot)
        world.verify()
        world.reset()
    return world.steps


def refusals(chance: random.Random) -> list[Step]:
    """Each error from its own cause, among retypes that succeed."""
    world = World(chance, chance.randrange(12, 25))
    for _ in range(3):
        world.some()
    for _ in range(50):
        used = chance.choice(sorted(world.used))
        bad = chance.choice([
            lambda: world.retype(chance.choice([NONE, LOG, PORTS]), 0, world.free_slot()),
            lambda: world.retype(RAW + chance.randrange(100), 0, world.free_slot()),
            lambda: world.retype(RAW + (1 << 31) - chance.randrange(1, 99), 0, world.free_slot()),
            lambda: world.retype(UNTYPED, chance.choice([0, 1, PAGE - 1, PAGE + 16, PAGE // 2]),
                                 world.free_slot()),
            lambda: world.retype(chance.choice([SMALL, FRAME, TABLE]), PAGE, world.free_slot()),
            lambda: world.retype(SMALL, 0, chance.choice([SLOTS, SLOTS + 1, (1 << 32) - 1])),
            lambda: world.retype(SMALL, 0, world.free_slot(),
                                 count=chance.choice([0, MOST + 1, 100, (1 << 64) - 1])),
            lambda: world.retype(SMALL, 0, used),
            lambda: world.retype(UNTYPED, PAGE * 100, world.free_slot()),
        ])
        bad()
        if chance.random() < 0.2:
            world.some()
    for slot in (SLOTS, (1 << 32) + 1, (1 << 64) - 1):
        world.retype(SMALL, 0, slot)
    for count in (0, MOST + 1, (1 << 64) - 1):
        world.retype(SMALL, 0, world.free_slot(), count=count)
    world.retype(SMALL, 0, world.free_slot())
    world.verify()
    return world.steps


def owned(chance: random.Random) -> list[Step]:
    """Who owns what was made, and what its first capability can do."""
    world = World(chance, chance.randrange(12, 25), owned=True)
    for _ in range(chance.randrange(15, 25)):
        world.some()
    return world.steps


CHECKS = [
    Check("What is made lies side by side, and nothing overlaps", 2, side_by_side),
    Check("What is made is clean", 2, clean),
    Check("Memory is given to the last byte, and not a byte more", 2, to_the_last_byte),
    Check("Structures fill an untyped exactly", 1, exact_fit),
    Check("Each refusal has its own error, and changes nothing", 1, refusals),
    Check("A device makes pages only, and is not written to", 1, device),
    Check("What is made has an owner and a capability", 1, owned),
]
