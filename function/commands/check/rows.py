"""The rows of the table that `check` prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from function.shared.errors import DispatchError

MOST = 8
"""Faults that one row names. An account with cluster-admin would have all of them."""


@dataclass(frozen=True)
class Row:
    """One check: what was checked, the result, and what to do."""

    name: str
    passed: bool
    detail: str = ""
    warning: bool = False
    """It works today and will fail soon."""


def row(name: str, good: str, faults: Iterable[str], remedy: str = "") -> Row:
    """A row that passes with the detail `good` if there are no faults. `remedy` ends a failure's detail."""
    try:
        found = list(faults)
    except DispatchError as error:
        return Row(name, passed=False, detail=str(error))
    if not found:
        return Row(name, passed=True, detail=good)
    more = [f"and {len(found) - MOST} more"] if len(found) > MOST else []
    return Row(name, passed=False, detail="; ".join([*found[:MOST], *more]) + remedy)


def value_at(value: object, *path: str) -> Any:
    """The value at the path in nested objects, or None."""
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
