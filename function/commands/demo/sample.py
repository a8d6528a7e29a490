"""The data of the incident: its deliveries, and sample data about the volume. The sample data goes into a
world model's file, so that the demo needs neither a server nor a cluster."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from function.shared.facts import KINDS, Context, Growth, fact
from function.shared.memory import Store
from function.shared.resource import Resource
from function.shared.runs import Run

FOLDER = Path(__file__).parent
DELIVERIES = ("incident-75", "incident-90")
"""The names of the deliveries' files, in the order in which Alertmanager sends them."""
WORLD: Any = json.loads((FOLDER / "world.json").read_bytes())
CLAIM = Resource(**WORLD["claim"])
SOURCE = "sample"


def delivery(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def fill(store: Store, now: datetime, name: str = DELIVERIES[0], cluster: str = "") -> None:
    """Writes the facts about the claim in `cluster` at `now` into the world model's file, for the delivery
    `name`."""
    store.remember(CLAIM._replace(cluster=cluster), context(now, name), WORLD["watched"])
    store.record(replace(crash(now), cluster=cluster))


def context(now: datetime, name: str = DELIVERIES[0]) -> Context:
    """Returns the facts that a world model would send about the claim at `now`, for the delivery `name`."""
    told = WORLD["facts"] | WORLD["facts_at"].get(name, {})
    return Context(tuple(fact(_dated(_read(kind, data), now), SOURCE) for kind, data in told.items()))


def crash(now: datetime) -> Run:
    """Returns the run that describes the earlier crash, which came without a warning."""
    at = (now - timedelta(days=WORLD["crash"]["days_ago"])).astimezone(UTC)
    return Run(at=at.strftime("%Y-%m-%dT%H:%M:%SZ"), **WORLD["crash"]["run"])


def _read(kind: str, data: Any) -> object:
    return TypeAdapter(KINDS[kind]).validate_json(json.dumps(data))


def _dated(content: object, now: datetime) -> object:
    """Returns the fact. If it is a Growth with `full_in_hours`, sets `full_at` to `now` plus these hours."""
    if not isinstance(content, Growth) or content.full_in_hours is None:
        return content
    full_at = now + timedelta(hours=content.full_in_hours)
    return replace(content, full_at=full_at.strftime("%Y-%m-%dT%H:%MZ"))
