"""Requests context about the function's own namespace."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from function.commands.check.rows import Row
from function.dispatch import translate, wiring
from function.dispatch.enrich import enrich
from function.dispatch.settings import Settings
from function.shared.errors import DispatchError
from function.shared.event import SREEvent

NO_PROMETHEUS = ": no alert can become LOW until the world model reaches its SRE_DISPATCH_PROMETHEUS_URL"


def context_rows(settings: Settings) -> Iterator[Row]:
    """Yields a row that says whether the source of context answers. The request is about our own namespace,
    because this namespace always exists."""
    name = "context: " + {"world-model": settings.world_model_url, "file": str(settings.context_file)}.get(
        settings.context, ""
    )
    try:
        source = wiring.world(settings, time.time)
        if source is None:
            yield Row(
                "context",
                passed=True,
                detail="no source of context is configured, so no alert can become LOW",
            )
            return
        found = enrich(about_ourselves(settings), source.context)
    except DispatchError as error:
        yield Row(name, passed=False, detail=str(error))
        return
    harmless = {"not_found", "unknown_kind"}  # gaps of a world model that does not describe namespaces
    unmeasured = {gap for gap in found.gaps if gap.startswith("prometheus_")}
    answered = (harmless | unmeasured).issuperset(found.gaps)
    gaps = f"gaps: {', '.join(found.gaps)}" if found.gaps else "no gap"
    detail = f"{len(found.items)} facts, {gaps}" + (NO_PROMETHEUS if unmeasured else "")
    yield Row(name, passed=answered, detail=detail, warning=bool(unmeasured))


def about_ourselves(settings: Settings) -> SREEvent:
    """Returns an event about the function's own namespace."""
    alert = {"status": "firing", "labels": {"alertname": "check"}, "startsAt": "2026-01-01T00:00:00Z"}
    delivery = translate.alert(alert, wiring.reading(settings))
    (event,) = (event for event in delivery.alerts if isinstance(event, SREEvent))
    return replace(event, resource_type="k8s_namespace", resource_id=settings.own_namespace)
