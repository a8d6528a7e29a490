"""The rows of the table: what was looked at, whether it passed, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from function.shared.errors import DispatchError

MOST = 8
"""Of one kind of fault, how many are named; somebody who is cluster-admin has them all."""


@dataclass(frozen=True)
class Row:
    """One thing that was looked at."""

    name: str
    passed: bool
    detail: str = ""
    warning: bool = False
    """It is as it must be, and will not be for long."""


def row(name: str, good: str, faults: Iterable[str], remedy: str = "") -> Row:
    """Passed, with the detail `good`, where there are no faults; `remedy` is what to do about all of them."""
    try:
        told = list(faults)
    except DispatchError as error:
        return Row(name, passed=False, detail=str(error))
    if not told:
        return Row(name, passed=True, detail=good)
    more = [f"and {len(told) - MOST} more"] if len(told) > MOST else []
    return Row(name, passed=False, detail="; ".join([*told[:MOST], *more]) + remedy)


def value_at(value: object, *path: str) -> Any:
    """What stands there in nested objects, or None."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def as_text(rows: list[Row]) -> str:
    width = max(len(row.name) for row in rows)
    return "".join(f"{_state(row)}  {row.name:{width}}  {row.detail}".rstrip() + "\n" for row in rows)


def _state(row: Row) -> str:
    if not row.passed:
        return "FAIL"
    return "WARN" if row.warning else "ok  "
