"""The rows of the table that `check` prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from function.shared.errors import DispatchError

MOST = 8
"""The maximum number of faults in one row. An account with cluster-admin has very many."""


@dataclass(frozen=True)
class Row:
    """The name of one check, its result, and what to do."""

    name: str
    passed: bool
    detail: str = ""
    warning: bool = False
    """Whether the check passes today and will fail soon."""


def row(name: str, good: str, faults: Iterable[str], remedy: str = "") -> Row:
    """Returns a row. If there are no faults, it passes with the detail `good`. Otherwise it fails, and its
    detail has the faults and then `remedy`."""
    try:
        found = list(faults)
    except DispatchError as error:
        return Row(name, passed=False, detail=str(error))
    if not found:
        return Row(name, passed=True, detail=good)
    more = [f"and {len(found) - MOST} more"] if len(found) > MOST else []
    return Row(name, passed=False, detail="; ".join([*found[:MOST], *more]) + remedy)


def value_at(value: object, *path: str) -> Any:
    """Returns the value at the path in nested objects, or None."""
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
