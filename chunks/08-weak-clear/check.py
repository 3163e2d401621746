"""What is graded in weak-clear: the tree that the host has in mind is the judge."""

from __future__ import annotations

import random
from collections.abc import Callable

from grader.check import Check, Finding, Step, nothing_told

BEGIN, ORIGINAL, DERIVE, DELETE, PLAN, END, LOOK, LIST = range(1, 9)
STRIDE = 4096
SIZES = (512, 40, 40, 48)  # of the pools; the last is of leaves
LEAVES = 3
OBJECTS = 4
BROKEN = (1 << 64) - 1
STACK = 1024  # bytes that a clear may use more for a deep tree than for a shallow one


class Slot:
    """A slot in use: what it refers to, and what was derived from it, newest first."""

    def __init__(self, number: int, of: int, rights: int, badge: int,
                 siblings: list[Slot]) -> None:
        self.number, self.of, self.rights, self.badge = number, of, rights, badge
        self.siblings, self.children = siblings, list[Slot]()

    @property
    def is_leaf(self) -> bool:
        return self.number // STRIDE == LEAVES


class World:
    """The model: for each object its originals, newest first; and steps that make it so."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.steps: list[Step] = []
        self.tops: list[list[Slot]] = [[] for _ in range(OBJECTS)]
        self.slots: dict[int, Slot] = {}
        self.plans: dict[int, int] = {}
        for number in range(OBJECTS):
            self._step([BEGIN, number], f"begins object {number}")

    def _step(self, words: list[int], does: str,
              judge: Callable[[list[int]], Finding | None] = nothing_told,
              crash: str = "", hang: str = "") -> None:
        self.steps.append(Step(words, does, judge, crash, hang))

    def free(self, pools: tuple[int, ...]) -> int | None:
        """A free slot of one of these pools."""
        found = [n for pool in pools for n in range(pool * STRIDE, pool * STRIDE + SIZES[pool])
                 if n not in self.slots]
        return self.chance.choice(found) if found else None

    def capabilities(self, of: int) -> list[Slot]:
        return [slot for slot in self.slots.values() if slot.of == of and not slot.is_leaf]

    def _fill(self, number: int, of: int, rights: int, siblings: list[Slot]) -> Slot:
        slot = Slot(number, of, rights, self.chance.getrandbits(32), siblings)
        siblings.insert(0, slot)
        self.slots[number] = slot
        return slot

    def original(self, number: int, of: int) -> Slot:
        slot = self._fill(number, of, 15, self.tops[of])
        self._step([ORIGINAL, number, of, 15, slot.badge],
                   f"puts an original to object {of} into {name(number)}")
        return slot

    def derive(self, number: int, parent: Slot) -> Slot:
        asked = self.chance.getrandbits(4)
        slot = self._fill(number, parent.of, asked & parent.rights, parent.children)
        self._step([DERIVE, number, parent.number, asked, slot.badge],
                   f"derives {name(number)} from {name(parent.number)}")
        return slot

    def _remove(self, slot: Slot) -> None:
        place = slot.siblings.index(slot)
        slot.siblings[place:place + 1] = slot.children
        for child in slot.children:
            child.siblings = slot.siblings
        del self.slots[slot.number]

    def delete(self, slot: Slot) -> None:
        self._remove(slot)
        self._step([DELETE, slot.number], f"deletes {name(slot.number)}")

    def plan(self, number: int, victim: int) -> None:
        self.plans[number] = victim
        self._step([PLAN, number, victim],
                   f"lets the hook of {name(number)} delete {name(victim)}")

    def grow(self, of: int, capabilities: int, leaves: int, pools: tuple[int, ...]) -> None:
        """A random tree of references to an object."""
        for _ in range(capabilities):
            number, parents = self.free(pools), self.capabilities(of)
            if number is None:
                break
            if parents and self.chance.random() < 0.9:
                self.derive(number, self.chance.choice(parents[-6:]))
            else:
                self.original(number, of)
            if self.chance.random() < 0.1:
                self.delete(self.chance.choice(self.capabilities(of)))
        for _ in range(leaves):
            number, parents = self.free((LEAVES,)), self.capabilities(of)
            if number is not None and parents:
                self.derive(number, self.chance.choice(parents))

    def end(self, of: int, crash: str = "list-broken", hang: str = "list-broken",
            hooks: bool = True, stack: int = 0) -> None:
        """Ends an object; everything must be as the model has it afterwards.

        hooks says whether what they were told is judged, too, and stack how
        many bytes of it may be in use (0: any number).
        """
        gone, front = set[int](), [n for n, slot in self.slots.items() if slot.of == of]
        while front:
            number = front.pop()
            if number in self.slots:
                gone.add(number)
                self._remove(self.slots[number])
                if number in self.plans:
                    front.append(self.plans.pop(number))
        left = {number: (slot.of, slot.rights, slot.badge) for number, slot in self.slots.items()}
        lists = [links(top) for top in self.tops]
        told = dict[int, int]()  # filled in by the first judge, read by the second

        def judge_hooks(words: list[int]) -> Finding | None:
            pairs = list(zip(words[2::2], words[3::2]))
            told.clear()
            told.update({number: used for number, used in pairs})
            if len(pairs) != words[0]:
                raise ValueError
            return judge_told(pairs, gone) or judge_stack(words[1], stack)

        def judge_look(words: list[int]) -> Finding | None:
            return judge_slots(words, of, gone, left, set(told))

        self._step([END, of], f"ends object {of}, to which {count(len(gone), 'slot')} refer",
                   judge_hooks if hooks else self._defer(judge_hooks), crash, hang)
        self._step([LOOK], "looks at all slots", judge_look, crash, hang)
        for other in range(OBJECTS):
            self._step([LIST, other], f"reads the weak list of object {other}",
                       judge_list(other, lists[other]), "list-broken", "list-broken")
        self._step([BEGIN, of], f"begins object {of} anew")

    @staticmethod
    def _defer(judge: Callable[[list[int]], Finding | None]) -> Callable[[list[int]],
                                                                         Finding | None]:
        """Lets a judge take note, and leaves the verdict to the next step."""
        def note(words: list[int]) -> Finding | None:
            judge(words)
            return None
        return note


def name(number: int) -> str:
    pool, index = divmod(number, STRIDE)
    kind = "leaf" if pool == LEAVES else "slot"
    return f"{kind} {'abcd'[pool] if pool < 4 else '?'}{index}"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def some(numbers: set[int] | list[int]) -> str:
    """A few of these slots."""
    names = [name(number) for number in sorted(numbers)]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def links(slots: list[Slot]) -> list[int]:
    """The links of a list, without a step for each level."""
    found, stack = list[int](), [(slot, False) for slot in reversed(slots)]
    while stack:
        slot, closing = stack.pop()
        found.append(slot.number * 2 + closing)
        if not closing and not slot.is_leaf:
            stack.append((slot, True))
            stack += [(child, False) for child in reversed(slot.children)]
    return found


def judge_told(pairs: list[tuple[int, int]], gone: set[int]) -> Finding | None:
    numbers = [number for number, _ in pairs]
    early = [number for number, used in pairs if used]
    twice = {number for number in numbers if numbers.count(number) > 1}
    if early:
        return Finding(f"the hook for {some(early)} was called while the slot was still full.",
                       "told-too-early")
    if twice:
        return Finding(f"the hook was told twice about {some(twice)}.", "told-twice")
    if gone - set(numbers):
        missing = gone - set(numbers)
        return Finding(f"of {count(len(gone), 'slot')} that had to be emptied, the hooks never "
                       f"heard of {len(missing)}: {some(missing)}.",
                       "not-told" if len(missing) == len(gone) else "stops-early")
    if set(numbers) - gone:
        return Finding(f"the hooks were told about {some(set(numbers) - gone)}, which "
                       "should have stayed.", "too-much")
    return None


def judge_stack(used: int, limit: int) -> Finding | None:
    if limit and used > limit:
        return Finding(f"hooks were called at depths of the stack that differ by {used} bytes; "
                       f"{limit} are plenty for any tree.", "recursion")
    return None


def judge_slots(words: list[int], of: int, gone: set[int],
                left: dict[int, tuple[int, int, int]], told: set[int]) -> Finding | None:
    """The slots in use are those that the model has."""
    found = {words[i]: (words[i + 1], words[i + 2], words[i + 3])
             for i in range(0, len(words), 4)}
    full = {number for number in found if number in gone and number not in left}
    if full:
        diagnosis = "stops-early" if len(full) < len(gone) or told else "list-dropped"
        return Finding(f"{len(full)} of {count(len(gone), 'slot')} still refer to object {of}, "
                       f"which has ended: {some(full)}.", diagnosis)
    empty = {number for number in left if number not in found}
    if empty:
        return Finding(f"{some(empty)} referred to other objects, and are empty.", "too-much")
    if found != left:
        wrong = {n for n in found if found[n] != left.get(n)}
        return Finding(f"{some(wrong)} do not hold what was put there.", "list-broken")
    return None


def judge_list(of: int, wanted: list[int]) -> Callable[[list[int]], Finding | None]:
    def judge(words: list[int]) -> Finding | None:
        if words == wanted:
            return None
        if BROKEN in words:
            return Finding(f"the ring of object {of} is not closed after "
                           f"{count(len(words) - 1, 'link')}; there should be {len(wanted)}.",
                           "list-broken")
        return Finding(f"object {of} has {count(len(words), 'link')} on its list, and should "
                       f"have {len(wanted)}, or they stand in another order.", "list-broken")
    return judge


# --- The checks ------------------------------------------------------------------

def every_reference(chance: random.Random) -> list[Step]:
    """Random trees; one object after the other ends."""
    world = World(chance)
    for _ in range(6):
        for of in range(OBJECTS):
            world.grow(of, chance.randrange(2, 9), chance.randrange(1, 5), (1, 2))
        world.end(chance.randrange(OBJECTS), hooks=False)
    return world.steps


def told_once(chance: random.Random) -> list[Step]:
    """The same, and what the hooks were told is judged first."""
    world = World(chance)
    for of in range(OBJECTS):
        world.grow(of, chance.randrange(4, 16), chance.randrange(2, 6), (0, 1, 2))
    for of in chance.sample(range(OBJECTS), OBJECTS):
        world.end(of)
    return world.steps


def hooks_that_delete(chance: random.Random) -> list[Step]:
    """Each hook deletes a leaf; often one that stands next to it."""
    world = World(chance)
    for _ in range(4):
        for of in range(OBJECTS):
            world.grow(of, chance.randrange(3, 7), 0, (1, 2))
            parents = world.capabilities(of)
            for slot in chance.sample(parents, min(3, len(parents))):
                for _ in range(2):
                    number = world.free((LEAVES,))
                    if number is not None:
                        world.derive(number, slot)
        ending = chance.randrange(OBJECTS)
        for slot in [s for s in world.slots.values() if s.of == ending]:
            below = [s for s in slot.siblings + slot.children if s.is_leaf and s is not slot]
            elsewhere = [s for s in world.slots.values() if s.is_leaf and s is not slot]
            victims = below or elsewhere
            if victims:
                world.plan(slot.number, chance.choice(victims).number)
        world.end(ending, crash="next-remembered", hang="next-remembered")
    return world.steps


def deep_trees(chance: random.Random) -> list[Step]:
    """A chain of hundreds, each derived from the one before."""
    world = World(chance)
    for of in chance.sample(range(OBJECTS), 2):
        numbers = chance.sample(range(SIZES[0]), chance.randrange(300, 500))
        slot = world.original(numbers[0], of)
        for number in numbers[1:]:
            slot = world.derive(number, slot)
        world.grow((of + 1) % OBJECTS, 5, 2, (1, 2))
        world.end(of, crash="recursion", stack=STACK)
        world.end((of + 1) % OBJECTS, stack=STACK)
    return world.steps


CHECKS = [
    Check("When an object ends, every reference to it is gone, and no other", 4, every_reference),
    Check("Each pool is told of each slot, once, after it was emptied", 2, told_once),
    Check("Hooks that delete other leaves do no harm", 2, hooks_that_delete),
    Check("A tree may be deep; the stack is not", 2, deep_trees),
]
