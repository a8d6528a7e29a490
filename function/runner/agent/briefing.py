"""Tells the agent what only the runner knows: the time, the budgets, and what a proposal may change.

The text comes from the clock and from the tier's files. It has no text of an alert.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from function.runner import tier
from function.runner.tier import Reporting, Tier, repository_of
from function.shared.errors import Misconfigured


def briefing(folder: Path, allowed: Tier, event: Mapping[str, Any], now: float) -> str:
    """Returns the text before the prompt. `folder` has the tier's files."""
    try:
        reporting = tier.read_reporting(folder)
    except Misconfigured:  # the role `report` says so
        reporting = Reporting()
    return "# This run\n\n" + "".join(f"- {line}\n" for line in _lines(allowed, reporting, event, now)) + "\n"


def _lines(allowed: Tier, reporting: Reporting, event: Mapping[str, Any], now: float) -> Iterator[str]:
    yield f"It is {datetime.fromtimestamp(now, UTC).isoformat(timespec='seconds')}."
    minutes = max(1, allowed.seconds // 60)
    money = f"{allowed.max_cost_usd:g} US dollars"
    yield f"You have {minutes} minutes, {allowed.max_turns} turns and {money}, the report included."
    if allowed.mode == "merge-request":
        yield _proposal(reporting, event)
    elif allowed.mode == "autonomous" and reporting.prometheus:
        watched = f"up to {reporting.prometheus.seconds} seconds"
        yield f"After your run, a program asks Prometheus for {watched} whether the alert has cleared."


def _proposal(reporting: Reporting, event: Mapping[str, Any]) -> str:
    """Returns the sentences on the repository of the event's resource, and on what a proposal may change."""
    found = repository_of(event, reporting.repositories)
    if found is None:
        return "No repository is known for the resource. Describe the change in your report."
    where = f"below the folder {found.path}" if found.path else "in the whole repository"
    endings = ", ".join(reporting.proposals.endings)
    delete = "may" if reporting.proposals.may_delete else "may not"
    return (
        f"The working folder has the repository of the resource. A proposal may change or add files {where} "
        f"that end in {endings}. It {delete} delete or rename files. If a single file is beyond these "
        "limits, the whole proposal is refused."
    )
