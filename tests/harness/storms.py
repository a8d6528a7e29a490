"""Many alerts at once, and the Jobs that they may have."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from function.dispatch import storm
from function.dispatch.model import DeadLetter, Delivery, JobStatus
from function.shared.event import SREEvent
from tests.harness.fakes import NOW, delivery, event, known

EARLIER, LATER = NOW - timedelta(minutes=5), NOW + timedelta(minutes=5)
GROUP = {"alertname": "PVCUsageHigh", "namespace": "f3iai"}


def alert(number: int, **changes: Any) -> SREEvent:
    """An alert about a claim of that number, which began before NOW."""
    own: dict[str, Any] = {
        "identity": f"{number:04x}".ljust(64, "0"),
        "resource_id": f"claim-{number}",
        "starts_at": EARLIER,
    }
    return replace(event(), **own | changes)


def alerts(count: int, start: int = 0, **changes: Any) -> list[SREEvent]:
    return [alert(number, **changes) for number in range(start, start + count)]


def of(*members: SREEvent | DeadLetter) -> Delivery:
    return replace(delivery("incident-75"), alerts=members, group_labels=GROUP)


def job_of(identity: str, created_at: datetime = NOW, **changes: Any) -> dict[str, JobStatus]:
    """The Jobs by name, where the one of that identity is the only one."""
    job = known(replace(event(), identity=identity), created_at=created_at, **changes)
    return {job.name: job}


HERE = storm.identify(event().cluster, GROUP)
