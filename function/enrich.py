"""SREEvent -> Facts. A world model that is missing, slow or wrong is a stated gap, never an error."""

from __future__ import annotations

from collections.abc import Sequence

from function.errors import Unavailable
from function.model import Facts, Json, SREEvent, to_json
from function.ports import WorldModel

MAX_ITEMS = 50
MAX_BYTES = 32 * 1024
"""Of all items together, as JSON: half of what a prompt may hold."""


def enrich(event: SREEvent, world: WorldModel | None) -> Facts:
    """What the world model knows of the event's resource, within the bounds above."""
    if world is None:
        return Facts(gaps=("no_source",))
    try:
        told = world.facts(event)
    except Unavailable as error:
        return Facts(gaps=(error.code,))
    if not told:
        return Facts(gaps=("nothing_known",))
    kept = _bounded(told)
    return Facts(complete=len(kept) == len(told), gaps=() if len(kept) == len(told) else ("cut",), items=kept)


def _bounded(items: Sequence[Json]) -> tuple[Json, ...]:
    kept: list[Json] = []
    size = 0
    for item in items[:MAX_ITEMS]:
        size += len(to_json(item))
        if size > MAX_BYTES:
            break
        kept.append(item)
    return tuple(kept)
