"""Facts -> the facts for an agent that acts alone: without texts, and without names that somebody chose.

Whoever can name a pod or write an Event in the cluster could write an order into a fact. The types in
shared/facts.py say which fields can contain one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from function.shared.facts import KINDS


def without_texts(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parts of a fact's data in which nobody can write a text or choose a name: numbers, truth
    values, and words of a fixed list. The types of the fields say which parts these are."""
    return _closed(KINDS[kind], data) or {} if kind in KINDS else {}


def _closed(of: Any, value: Any) -> Any:
    """Returns the closed parts of a value of the type, or None if it has none."""
    if is_dataclass(of):
        return _closed_fields(of, value) if isinstance(value, Mapping) else None
    types, outer = get_args(of), get_origin(of)
    if outer is Literal:
        return value if value in types else None
    if outer in (Union, UnionType) and len(types) == 2 and NoneType in types:
        return _closed(types[types[0] is NoneType], value)
    if outer is tuple and isinstance(value, list | tuple):
        kept = [part for part in (_closed(types[0], each) for each in value) if part is not None]
        return kept if kept or not value else None
    return value if of in (bool, int, float) and isinstance(value, bool | int | float) else None


def _closed_fields(of: Any, value: Mapping[str, Any]) -> dict[str, Any] | None:
    parts = {name: _closed(hint, value.get(name)) for name, hint in _hints(of).items()}
    return {name: part for name, part in parts.items() if part is not None} or None


_hints = cache(get_type_hints)
