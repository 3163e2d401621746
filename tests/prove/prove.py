"""Proves the contracts of tests/prove/*.c with Frama-C:  prove.py TREE OUT

Each file includes a tangled source of the book and gives contracts to some of
its functions. All of them must be proved, with the absence of undefined
behaviour in them; what was proved is printed, a line for each function.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
PROVERS = "z3,cvc4"
CONTRACT = re.compile(r"/\*@ (?:requires|assigns)(?:(?!\*/).)*\*/\s*[^;{]*?(\w+)\(", re.DOTALL)
GOAL = re.compile(r"^\[wp\] \[(?:\w|[ .])+\] Goal typed_(\w+) *(?:\(.*?\) )?: Valid", re.MULTILINE)
TOTAL = re.compile(r"Proved goals: +(\d+) / (\d+)")


def functions_of(source: Path) -> list[str]:
    return CONTRACT.findall(source.read_text())


def function_of(goal: str, functions: list[str]) -> str:
    return max((name for name in functions if goal.startswith(name + "_")), key=len)


def prove(source: Path, tree: Path) -> bool:
    functions = functions_of(source)
    include = f"-I {HERE} -I {HERE.parent}/host/fake -I {tree}/include -I {tree}"
    done = subprocess.run(
        ["frama-c", "-c11", "-machdep", "gcc_x86_64", f"-cpp-extra-args={include}", "-wp",
         "-wp-rte", "-wp-prover", PROVERS, "-wp-timeout", "20", "-wp-par", "2",
         "-wp-fct", ",".join(functions), source],
        capture_output=True, text=True, timeout=900)
    total = TOTAL.search(done.stdout)
    if done.returncode or not total or total[1] != total[2]:
        print(done.stdout + done.stderr, file=sys.stderr)
        print(f"{source.name}: not everything could be proved", file=sys.stderr)
        return False
    goals = Counter(function_of(goal, functions) for goal in GOAL.findall(done.stdout))
    for name in functions:
        print(f"{name:24} {goals[name]:3} goals proved")
    return sum(goals.values()) == int(total[1]) and all(goals[name] for name in functions)


def main() -> int:
    tree, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    os.environ["WHY3CONFIG"] = str(out / "why3.conf")
    subprocess.run(["why3", "config", "detect"], check=True, capture_output=True)
    return 0 if all([prove(source, tree) for source in sorted(HERE.glob("*.c"))]) else 1


if __name__ == "__main__":
    sys.exit(main())
