"""When a CronJob runs, and when one of its Jobs last succeeded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from function.shared.symptoms import Schedule
from function.shared.text import cut
from function.worldmodel import objects
from function.worldmodel.objects import Object


def schedule(of: Object, now: float) -> Schedule:
    """Returns what a CronJob does, and when one of its Jobs last succeeded."""
    spec, status = objects.spec(of), objects.status(of)
    return Schedule(
        cronjob=objects.name(of),
        schedule=cut(spec.get("schedule") or ""),
        suspended=spec.get("suspend") is True,
        active=len(status.get("active") or ()),
        last_scheduled_seconds_ago=_since(status, "lastScheduleTime", now),
        last_success_seconds_ago=_since(status, "lastSuccessfulTime", now),
    )


def _since(status: Mapping[str, Any], key: str, now: float) -> int | None:
    return max(0, int(now - objects.seconds(status[key]))) if status.get(key) else None
