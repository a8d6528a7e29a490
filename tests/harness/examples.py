"""How many examples there are. `make test` takes a few, the same ones each time. With THOROUGH=1, as in
`make thorough`, there are many, new ones each time, and every combination where other runs take some."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import combinations
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

THOROUGH = os.environ.get("THOROUGH") == "1"
USUAL = 30
FACTOR = 20
"""How many examples of a thorough run stand for one of a quick one."""

TIMELESS: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
"""A busy machine is no failure: neither an example nor making it up has a limit of time."""

settings.register_profile("quick", max_examples=USUAL, derandomize=True, database=None, **TIMELESS)
settings.register_profile("thorough", max_examples=FACTOR * USUAL, **TIMELESS)


def load() -> None:
    settings.load_profile("thorough" if THOROUGH else "quick")


def examples(quick: int, slow_to_make: bool = False) -> settings:
    """So many examples in `make test`, for what needs more than usual, or can afford less."""
    skipped = list(HealthCheck) if slow_to_make else [HealthCheck.too_slow]
    count = FACTOR * quick if THOROUGH else quick
    return settings(max_examples=count, deadline=None, suppress_health_check=skipped)


FUZZ_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
FUZZ_SECONDS = 20
"""The time limit for one example of `make fuzz`. The work on a flawed document is bounded like other work."""


def fuzzed(quick: int) -> settings:
    """So many examples in `make test`, and FUZZ_EXAMPLES in `make fuzz`. There they are new each time. What
    failed is kept in .hypothesis/, and tried first at the next run."""
    if not FUZZ_EXAMPLES:
        return examples(quick, slow_to_make=True)
    return settings(
        max_examples=FUZZ_EXAMPLES,
        deadline=timedelta(seconds=FUZZ_SECONDS),
        derandomize=False,
        database=DirectoryBasedExampleDatabase(".hypothesis/fuzz"),
        suppress_health_check=list(HealthCheck),
    )


def cover(rows: Sequence[Mapping[str, Any]]) -> set[int]:
    """The numbers of rows that stand for all: every value is in one of them and, with three columns or more,
    every two values of different columns. In a thorough run all rows stand for themselves."""
    if THOROUGH:
        return set(range(len(rows)))
    columns = dict.fromkeys(_numbered([row[name] for row in rows]) for name in rows[0])
    parts = [_parts([column[number] for column in columns]) for number in range(len(rows))]
    left, found = set[Any]().union(*parts), set[int]()
    while left:
        best = max(range(len(rows)), key=lambda number: len(left & parts[number]))
        found.add(best)
        left -= parts[best]
    return found


def _numbered(values: Sequence[Any]) -> tuple[int, ...]:
    """Each value as a number, so that columns which change together are one."""
    first = {id(value): number for number, value in reversed([*enumerate(values)])}
    return tuple(first[id(value)] for value in values)


def _parts(row: Sequence[int]) -> set[Any]:
    return set(combinations(enumerate(row), 1 if len(row) < 3 else 2))
