"""When a tier's models retire, by the table of the Claude Code that the agents' image has.

knative/claude-code.models writes that table to knative/claude-code.models.json. The days are those of
Anthropic's own API: who reaches a model by another provider has another day, which the file names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from function.shared.errors import Misconfigured
from function.shared.strict_json import Json

FILE = Path("knative") / "claude-code.models.json"
"""Below the root."""
PROVIDER = "firstParty"
WARNING_DAYS = 60
REMEDY = "name another model in the tier's file in knative/tiers, and apply it"

Retires = Mapping[str, date]
"""The day from which a model does not answer, by its name."""
Standing = Literal["current", "retiring", "retired"]


@dataclass(frozen=True)
class _Table:
    retires: Mapping[str, Mapping[str, date]]


@dataclass(frozen=True)
class _Named:
    """What of tier.json names models; the runner reads the whole of it."""

    model: str
    fallback_models: tuple[str, ...] = ()


def read(root: Path) -> Retires:
    """Raises Misconfigured, naming what to do."""
    path = root / FILE
    try:
        table = TypeAdapter(_Table).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise Misconfigured(
            f"{path} is not there or not what knative/claude-code.models writes: set SRE_DISPATCH_ROOT"
        ) from None
    return {name: days[PROVIDER] for name, days in table.retires.items() if PROVIDER in days}


def named(config: Json | None, name: str) -> tuple[str, ...]:
    """The models in tier.json of the ConfigMap `name`, the first to be asked first. Raises Misconfigured."""
    if config is None:
        raise Misconfigured(f"there is no ConfigMap {name}: apply knative/tiers")
    try:
        told = TypeAdapter(_Named).validate_json((config.get("data") or {}).get("tier.json", ""))
    except ValidationError:
        raise Misconfigured(
            f"the ConfigMap {name} has no tier.json that names a model: apply knative/tiers"
        ) from None
    return told.model, *told.fallback_models


def judge(models: Sequence[str], retires: Retires, today: date) -> tuple[Standing, str]:
    """How the tier stands, which is as its worst model does, and that in words."""
    days = {model: day for model in models if (day := _day(model, retires))}
    gone = [f"{model} retired on {day}" for model, day in days.items() if day <= today]
    going = [
        f"{model} retires on {day}"
        for model, day in days.items()
        if today < day <= today + timedelta(days=WARNING_DAYS)
    ]
    if gone or going:
        return "retired" if gone else "retiring", f"{'; '.join([*gone, *going])}: {REMEDY}"
    return "current", ", then ".join(models)


def _day(model: str, retires: Retires) -> date | None:
    """The table has names without the day of their release, and with a 0 where no minor version is."""
    family = re.sub(r"-20\d{6}$", "", model)
    return retires.get(family) or retires.get(f"{family}-0")
