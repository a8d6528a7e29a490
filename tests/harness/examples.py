"""How many examples there are. `make test` takes a few, the same ones each time. With THOROUGH=1, as in
`make thorough`, there are many, new ones each time, and every combination where other runs take some."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

from hypothesis import HealthCheck, settings

THOROUGH = os.environ.get("THOROUGH") == "1"
USUAL = 30
FACTOR = 20
"""How many examples of a thorough run stand for one of a quick one."""

settings.register_profile("quick", deadline=None, max_examples=USUAL, derandomize=True, database=None)
settings.register_profile("thorough", deadline=None, max_examples=FACTOR * USUAL)


def load() -> None:
    """No example has a deadline: a busy machine is no failure."""
    settings.load_profile("thorough" if THOROUGH else "quick")


def examples(quick: int, slow_to_make: bool = False) -> settings:
    """So many examples in `make test`, for what needs more than usual, or can afford less."""
    skipped = list(HealthCheck) if slow_to_make else []
    count = FACTOR * quick if THOROUGH else quick
    return settings(max_examples=count, deadline=None, suppress_health_check=skipped)


def chosen(*values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Combinations of one value of each: all of them in a thorough run, else so many that any two values of
    different kinds are together in one."""
    everything = [*product(*values)]
    if THOROUGH:
        return everything
    left = {pair for one in everything for pair in _pairs(one)}
    found: list[tuple[Any, ...]] = []
    while left:
        best = max(everything, key=lambda one: len(left & _pairs(one)))
        found.append(best)
        left -= _pairs(best)
    return found


def _pairs(one: tuple[Any, ...]) -> set[Any]:
    """By place and text, as values need not be hashable."""
    return {((i, repr(one[i])), (j, repr(one[j]))) for i, j in combinations(range(len(one)), 2)}
