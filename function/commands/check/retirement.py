"""The dates at which a tier's models retire, from the table in the pinned version of Claude Code.

knative/claude-code.models writes this table to knative/claude-code.models.json. The file has the dates of
several providers. This module uses the dates of Anthropic's own API.
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
"""The path of the table below SRE_DISPATCH_ROOT."""
PROVIDER = "firstParty"
WARNING_DAYS = 60
REMEDY = "name another model in the tier's file in knative/tiers, and apply it"

Retires = Mapping[str, date]
"""The retirement date of each model, by the model's name."""
Standing = Literal["current", "retiring", "retired"]


@dataclass(frozen=True)
class _Table:
    retires: Mapping[str, Mapping[str, date]]


@dataclass(frozen=True)
class _Named:
    """The fields of tier.json that name models."""

    model: str
    fallback_models: tuple[str, ...] = ()


def read(root: Path) -> Retires:
    """Returns the retirement dates in the table below `root`. Raises Misconfigured."""
    path = root / FILE
    try:
        table = TypeAdapter(_Table).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise Misconfigured(
            f"{path} is missing or unreadable: set SRE_DISPATCH_ROOT to the folder that contains knative/"
        ) from None
    return {name: days[PROVIDER] for name, days in table.retires.items() if PROVIDER in days}


def named(config: Json | None, name: str) -> tuple[str, ...]:
    """Returns the models in tier.json of the ConfigMap `name`, in the order in which Claude Code tries them.
    Raises Misconfigured."""
    if config is None:
        raise Misconfigured(f"there is no ConfigMap {name}: apply knative/tiers")
    try:
        tier = TypeAdapter(_Named).validate_json((config.get("data") or {}).get("tier.json", ""))
    except ValidationError:
        raise Misconfigured(
            f"the ConfigMap {name} has no tier.json that names a model: apply knative/tiers"
        ) from None
    return tier.model, *tier.fallback_models


def judge(models: Sequence[str], retires: Retires, today: date) -> tuple[Standing, str]:
    """Returns the worst standing of the models, and the text for the row."""
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
    """Returns the model's retirement date, or None. The table's names have no release date, and a 0 for a
    missing minor version."""
    family = re.sub(r"-20\d{6}$", "", model)
    return retires.get(family) or retires.get(f"{family}-0")
