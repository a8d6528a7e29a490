"""The incident as data: its deliveries, and a small sample world. The world fills the file that a world model
keeps, so that a laptop needs neither server nor cluster."""

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
"""Their files, in the order in which Alertmanager sends them."""
WORLD: Any = json.loads((FOLDER / "world.json").read_bytes())
CLAIM = Resource(**WORLD["claim"])
SOURCE = "sample"


def delivery(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def fill(store: Store, now: datetime, name: str = DELIVERIES[0]) -> None:
    """As if the world model had been asked about the claim at `now`, when that delivery came."""
    store.remember(CLAIM, context(now, name), WORLD["watched"])
    store.record(crash(now))


def context(now: datetime, name: str = DELIVERIES[0]) -> Context:
    """What a world model would say about the claim at `now`, when that delivery came."""
    told = WORLD["facts"] | WORLD["facts_at"].get(name, {})
    return Context(tuple(fact(_dated(_read(kind, data), now), SOURCE) for kind, data in told.items()))


def crash(now: datetime) -> Run:
    """What happened when nobody was warned."""
    at = (now - timedelta(days=WORLD["crash"]["days_ago"])).astimezone(UTC)
    return Run(at=at.strftime("%Y-%m-%dT%H:%M:%SZ"), **WORLD["crash"]["run"])


def _read(kind: str, data: Any) -> object:
    return TypeAdapter(KINDS[kind]).validate_json(json.dumps(data))


def _dated(content: object, now: datetime) -> object:
    """A growth says when the volume will be full: that depends on `now`."""
    if not isinstance(content, Growth) or content.full_in_hours is None:
        return content
    full_at = now + timedelta(hours=content.full_in_hours)
    return replace(content, full_at=full_at.strftime("%Y-%m-%dT%H:%MZ"))
