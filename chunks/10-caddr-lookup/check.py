"""What is graded in caddr-lookup: the host walks the same pools in its mind."""

from __future__ import annotations

import random
from collections.abc import Callable

from grader.check import Check, Finding, Step, nothing_told

BEGIN, PUT, LOOKUP, FULL = range(1, 5)
POOLS, SLOTS, HOPS = 8, 256, 8
OTHER = POOLS  # the number of an object that is no pool
READ, WRITE, ALL = 1, 2, 15
ERRORS = ["NO_ERROR", "BAD_ADDRESS", "NO_CAPABILITY", "WRONG_TYPE", "NO_RIGHT"]
BAD_ADDRESS, NO_CAPABILITY, WRONG_TYPE, NO_RIGHT = range(1, 5)


class World:
    """Pools: for each the slots that are full, with object and rights."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.pools: list[dict[int, tuple[int, int]]] = [{} for _ in range(POOLS)]
        self.steps = [Step([BEGIN], "makes eight pools", nothing_told)]

    def put(self, pool: int, index: int, what: int, rights: int) -> None:
        if index in self.pools[pool]:
            return
        self.pools[pool][index] = what, rights
        name = f"pool {what}" if what < POOLS else "the log"
        self.steps.append(Step(
            [PUT, pool, index, what, rights, self.chance.getrandbits(32)],
            f"puts {name} with rights {rights} into slot {index} of pool {pool}", nothing_told))

    def fill(self, per_pool: int, rights: Callable[[], int], others: float = 0.1) -> None:
        """Random arrows between the pools, cycles among them."""
        for pool in range(POOLS):
            for _ in range(per_pool):
                what = OTHER if self.chance.random() < others else self.chance.randrange(POOLS)
                self.put(pool, self.chance.randrange(SLOTS), what, rights())

    def walk(self, root: int, hops: list[int]) -> tuple[set[int], int, int]:
        """The errors that would be right, or none, pool and index."""
        pool = root
        for hop in hops[:-1]:
            if hop not in self.pools[pool]:
                return {NO_CAPABILITY}, 0, 0
            what, rights = self.pools[pool][hop]
            errors = {WRONG_TYPE} if what == OTHER else set()
            errors |= set() if rights & READ else {NO_RIGHT}
            if errors:
                return errors, 0, 0
            pool = what
        return set(), pool, hops[-1]

    def is_ambiguous(self, root: int, hops: list[int]) -> bool:
        """Whether a right at the last hop and one before it could be confused."""
        errors, pool, index = self.walk(root, hops)
        through = [self.walk(root, hops[:n + 1])[1:] for n in range(len(hops) - 1)]
        full = all(self.pools[pool].get(index, (0, 0))[1] == ALL for pool, index in through)
        return not errors and not full and not self.pools[pool].get(index, (0, READ))[1] & READ

    def way(self, length: int, root: int, sure: bool = False) -> list[int]:
        """Hops that mostly lead through pools; or surely, if there is a way."""
        hops, pool = list[int](), root
        while len(hops) < length - 1:
            slots = self.pools[pool]
            good = [n for n, (what, rights) in slots.items() if what != OTHER and rights & READ]
            if good and (sure or self.chance.random() < 0.9):
                hop = self.chance.choice(good)
            elif slots and self.chance.random() < 0.7:
                hop = self.chance.choice(list(slots))
            else:
                hop = self.chance.randrange(SLOTS)
            hops.append(hop)
            pool = slots.get(hop, (pool, 0))[0] % POOLS
        last = self.chance.choice(sorted(self.pools[pool]) or [0])
        return [*hops, last if self.chance.random() < 0.6 else self.chance.randrange(SLOTS)]

    def way_into_the_log(self, length: int, root: int) -> list[int]:
        """Hops that pass through pools, and then through what is no pool."""
        hops = self.way(length, root, sure=True)[:-2]
        _, pool, _ = self.walk(root, [*hops, 0])
        logs = [n for n, (what, _) in self.pools[pool].items() if what == OTHER]
        return [*hops, self.chance.choice(logs or [0]), self.chance.randrange(SLOTS)]

    def look_up(self, hops: list[int], length: int, root: int) -> None:
        """Asks for an address; bytes behind its last hop are rubbish."""
        rest = [self.chance.randrange(256) for _ in range(HOPS - len(hops))]
        word = int.from_bytes(bytes(hops[:HOPS] + rest), "little")
        operation = self.chance.choice([LOOKUP, LOOKUP, FULL])
        errors, pool, index = {BAD_ADDRESS}, 0, 0
        last_is_closed = last_is_empty = False
        if 1 <= length <= HOPS:
            errors, pool, index = self.walk(root, hops[:length])
            last_is_closed = not self.pools[pool].get(index, (0, READ))[1] & READ
            last_is_empty = index not in self.pools[pool]
            if operation == FULL and not errors and index not in self.pools[pool]:
                errors = {NO_CAPABILITY}
        shown = ".".join(map(str, hops[:length])) if length <= HOPS else f"of {length} hops"
        asked = "a full slot" if operation == FULL else "the slot"
        does = f"looks for {asked} at address {shown or 'of no hop'} from pool {root}"
        self.steps.append(Step([operation, root, word, length], does,
                               judge(errors, pool, index, last_is_empty, last_is_closed),
                               "not-a-pool" if 1 <= length <= HOPS else "length", "length"))


def judge(errors: set[int], pool: int, index: int, last_is_empty: bool,
          last_is_closed: bool) -> Callable[[list[int]], Finding | None]:
    wanted = " or ".join(ERRORS[error] for error in sorted(errors)) or \
        f"slot {index} of pool {pool}"

    def look(words: list[int]) -> Finding | None:
        if words[1]:
            return Finding("the lookup has written to a pool.", "written")
        if words[0] in errors or (not errors and words[0] == 0 and words[2:4] == [pool, index]):
            return None
        got = ERRORS[words[0]] if words[0] < len(ERRORS) else "another error"
        if not words[0]:
            got = f"slot {words[3]} of pool {words[2]}" if words[2] < POOLS else "no slot at all"
        return Finding(f"it found {got}; right is {wanted}.",
                       why(errors, words[0], last_is_empty, last_is_closed))
    return look


def why(right: set[int], got: int, last_is_empty: bool, last_is_closed: bool) -> str:
    """The diagnosis for an answer in place of the right one."""
    if BAD_ADDRESS in right or got == BAD_ADDRESS:
        return "length"
    if not right:
        return {NO_CAPABILITY: "empty-last" if last_is_empty else "wrong-slot",
                NO_RIGHT: "last-right" if last_is_closed else "read-right"}.get(got, "wrong-slot")
    if right == {NO_RIGHT} or got == NO_RIGHT and right == {NO_CAPABILITY}:
        return "read-right"
    if WRONG_TYPE in right:
        return "not-a-pool"
    return "wrong-error" if got else "wrong-slot"


# --- The checks ------------------------------------------------------------------

def short_addresses(chance: random.Random) -> list[Step]:
    """One hop, to slots full and empty; then two, to full ones."""
    world = World(chance)
    world.fill(20, lambda: ALL)
    for _ in range(40):
        root = chance.randrange(POOLS)
        world.look_up(world.way(1, root), 1, root)
    for _ in range(80):
        root = chance.randrange(POOLS)
        hops = world.way(2, root)
        errors, pool, index = world.walk(root, hops)
        if errors or index in world.pools[pool]:
            world.look_up(hops, 2, root)
    return world.steps


def long_addresses(chance: random.Random) -> list[Step]:
    """Up to eight hops, through cycles, and into what is no pool."""
    world = World(chance)
    world.fill(30, lambda: ALL)
    for pool in range(POOLS):
        world.put(pool, chance.randrange(SLOTS), pool, ALL)
        world.put(pool, chance.randrange(SLOTS), OTHER, ALL)
    for _ in range(120):
        root, length = chance.randrange(POOLS), chance.randrange(3, HOPS + 1)
        hops = world.way_into_the_log(length, root) if chance.random() < 0.2 else \
            world.way(length, root, chance.random() < 0.7)
        world.look_up(hops, len(hops), root)
    return world.steps


def lengths(chance: random.Random) -> list[Step]:
    """Lengths that no address has, among those that one has."""
    world = World(chance)
    world.fill(20, lambda: ALL)
    for _ in range(120):
        root = chance.randrange(POOLS)
        hops = world.way(HOPS, root, sure=True)
        length = chance.choice([0, 0, 1, 8, chance.randrange(1, 9), 9, 10, 255, 256, 257,
                                (1 << 31) + chance.randrange(9), (1 << 32) - 1])
        world.look_up(hops, length, root)
    return world.steps


def rights(chance: random.Random) -> list[Step]:
    """Ways that are closed, and ways that are open with the right to read alone."""
    world = World(chance)
    world.fill(30, lambda: chance.choice([READ, ALL, READ, ALL & ~READ, WRITE,
                                          chance.randrange(16)]))
    for _ in range(120):
        root = chance.randrange(POOLS)
        hops = world.way(chance.choice([1, 2, 2, 3, 4, 5]), root)
        if not world.is_ambiguous(root, hops):
            world.look_up(hops, len(hops), root)
    return world.steps


CHECKS = [
    Check("Addresses of one and two hops", 2, short_addresses),
    Check("Up to eight hops, around cycles, into what is no pool", 3, long_addresses),
    Check("Lengths that no address has", 2, lengths),
    Check("The right to read opens a pool, and nothing else does", 3, rights),
]
