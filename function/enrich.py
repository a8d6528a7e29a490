"""SREEvent -> Facts. A world model that is missing, slow or wrong is a stated gap, never an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from function.errors import Unavailable
from function.model import Facts, Json, SREEvent, to_json

MAX_ITEMS = 50
MAX_BYTES = 32 * 1024
"""Of all items together, as JSON: half of what a prompt may hold."""


def enrich(event: SREEvent, ask: Callable[[SREEvent], Facts] | None) -> Facts:
    """What the world model tells of the event's resource when asked, within the bounds above."""
    if ask is None:
        return Facts(gaps=("no_source",))
    try:
        told = ask(event)
    except Unavailable as error:
        return Facts(gaps=(error.code,))
    if not told.items:
        return Facts(gaps=(*told.gaps, "nothing_known"))
    kept = _bounded(told.items)
    if len(kept) == len(told.items):
        return told
    return replace(told, complete=False, gaps=(*told.gaps, "cut"), items=kept)


def _bounded(items: Sequence[Json]) -> tuple[Json, ...]:
    kept: list[Json] = []
    size = 0
    for item in items[:MAX_ITEMS]:
        size += len(to_json(item))
        if size > MAX_BYTES:
            break
        kept.append(item)
    return tuple(kept)
