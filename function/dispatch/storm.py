"""Storms: many new alerts of one group arrive at once, and share one Job.

Such alerts usually have one cause. If each alert had an agent, all agents would find the same cause, and
people would have too many reports to read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from math import inf
from typing import Any

from function.dispatch.batches import batches, is_long, size
from function.dispatch.model import (
    NOT_LISTED,
    SHARE_HOUR,
    DeadLetter,
    Decision,
    Delivery,
    JobStatus,
    Outcome,
    Result,
)
from function.dispatch.stages import Arrived, New
from function.dispatch.steps import Work, attempt, look_up, screen
from function.dispatch.storm_event import not_listed, storm_event, worst_first
from function.shared.event import STORM, SREEvent, digest, job_name

FOLD_ABOVE = 20
"""The number of new problems, of one group and cluster in one delivery, above which they are a storm. It is
the number of Jobs that the policy allows within an hour (max_started_per_hour in
policies/config/budget/data.yaml). test_a_storm_begins_where_the_policys_budget_for_an_hour_ends compares the
two numbers."""

OWN_SECONDS = 3.0
"""How much of a delivery's time is left for the storm's own event."""

Dispatch = Callable[[Sequence[SREEvent], Work], Iterator[Result]]
"""The type of pipeline.dispatch, which processes one batch."""


@dataclass(frozen=True)
class Storm:
    """Alerts of one group and cluster that share a Job. The worst alert is the first."""

    identity: str
    alerts: tuple[SREEvent, ...]


@dataclass(frozen=True)
class Member:
    """An alert of a storm. It has the decision of its triage if there was time for triage."""

    event: SREEvent
    decision: Decision | None = None


@dataclass(frozen=True)
class Screened:
    """The alerts of a storm that did not end in triage."""

    members: list[Member]
    """The alerts that an agent may work on."""
    unread: Sequence[SREEvent]
    """The alerts for which there was no time."""


def identify(cluster: str, group_labels: Mapping[str, str]) -> str:
    """Returns the SHA-256 of group and cluster in hex. It is the same in every delivery of the group.

    This hash has an even number of parts, and an alert's identity has an odd number. So they never collide.
    """
    return digest(cluster, STORM, *(part for pair in sorted(group_labels.items()) for part in pair))


def gather(delivery: Delivery, jobs: Mapping[str, JobStatus]) -> tuple[list[Storm], list[SREEvent]]:
    """Returns the storms of a delivery, and the firing alerts that belong to no storm. `jobs` are the Jobs by
    name.

    A delivery is one group, so it has at most one storm for each cluster. An agent works on one cluster only.
    """
    new: defaultdict[str, list[SREEvent]] = defaultdict(list)
    for alert in delivery.firing:
        if alert.job not in jobs:
            new[alert.cluster].append(alert)
    storms = []
    for cluster, alerts in sorted(new.items()):
        identity = identify(cluster, delivery.group_labels)
        if folded := _folded(alerts, jobs.get(job_name(identity))):
            storms.append(Storm(identity, tuple(sorted(folded, key=_order))))
    inside = {alert.identity for storm in storms for alert in storm.alerts}
    return storms, [alert for alert in delivery.firing if alert.identity not in inside]


def _order(alert: SREEvent) -> tuple[bool, tuple[Any, ...]]:
    return is_long(alert), worst_first(alert)


def _folded(new: Sequence[SREEvent], job: JobStatus | None) -> Sequence[SREEvent]:
    """Returns the new alerts that share the Job. Alerts that began before the Job was created share it. Later
    alerts share it only if they are a storm by themselves."""
    began: dict[str, datetime] = {}
    for alert in new:
        began[alert.identity] = min(alert.starts_at, began.get(alert.identity, alert.starts_at))
    later = {identity for identity, at in began.items() if job is None or at > job.created_at}
    if len(later) > FOLD_ABOVE:
        return new
    return [alert for alert in new if alert.identity not in later]


def fold(found: Storm, delivery: Delivery, work: Work, dispatch: Dispatch) -> Iterator[Result]:
    """Yield one Result for each alert of the storm, and one for the storm if its Job is new."""
    job = work.index.jobs.get(job_name(found.identity))
    if job is not None:
        yield from (_share(job, found.identity, event, work) for event in found.alerts)
        return
    screened = yield from _screen(found.alerts, work)
    if not screened.members:
        yield from (Result(event, Outcome.DEFERRED, "deadline") for event in screened.unread)
        return
    itself = _storm_itself(found, screened, delivery, work, dispatch)
    yield itself
    yield from _ended(screened, itself)


def _ended(screened: Screened, itself: Result) -> Iterator[Result]:
    """Yields the Results of the alerts, from the Result of the storm. The alerts for which there was no time
    share its Job too: the agent does not see their texts, and people are told how many they are."""
    outcome, code = _for_member(itself.outcome, itself.code)
    is_folded = outcome is Outcome.FOLDED
    hidden = not_listed([member.event for member in screened.members]) if is_folded else frozenset()
    for member in screened.members:
        told = NOT_LISTED if member.event.identity in hidden else code
        yield Result(member.event, outcome, told, member.decision, job=itself.job, detail=itself.detail)
    for event in screened.unread:
        if is_folded:
            yield Result(event, outcome, NOT_LISTED, job=itself.job)
        else:
            yield Result(event, Outcome.DEFERRED, "deadline")


def _share(job: JobStatus, identity: str, event: SREEvent, work: Work) -> Result:
    """End an alert whose storm already has a Job."""
    ended = attempt(work, look_up, Arrived(replace(event, identity=identity), job))
    if isinstance(ended, New):
        detail = f"Job {job.name} of the storm was deleted just now"
        return Result(event, Outcome.DEFERRED, "job_deleting", job=job.name, detail=detail)
    outcome, code = _for_member(ended.outcome, ended.code)
    return replace(ended, alert=event, outcome=outcome, code=code)


def _screen(alerts: Sequence[SREEvent], work: Work) -> Generator[Result, None, Screened]:
    """Run triage on each alert, batch by batch, as long as there is time. Yield the Results of the alerts
    that end."""
    started = replace(work, deadline=inf)  # the deadline does not interrupt a batch
    members: list[Member] = []
    done = 0
    for batch in batches(alerts, length=size):
        if work.deps.monotonic() > work.deadline - OWN_SECONDS:
            return Screened(members, alerts[done:])
        done += len(batch)
        for outcome in work.deps.parallel_map(partial(attempt, started, _screen_member), map(New, batch)):
            if isinstance(outcome, Member):
                members.append(outcome)
            else:
                yield outcome
    return Screened(members, ())


def _screen_member(item: New, work: Work) -> Member | Result:
    """Run triage on one alert. Return its decision without its text, because the texts of thousands of alerts
    would fill the memory."""
    triaged = screen(item, work)
    return triaged if isinstance(triaged, Result) else Member(triaged.event, triaged.decision)


def _storm_itself(
    found: Storm, screened: Screened, delivery: Delivery, work: Work, dispatch: Dispatch
) -> Result:
    """Returns the Result of the storm's own event.

    The deadline does not stop this event: if it had no Job, the next delivery would start from the beginning.
    The policy may allow each text alone and refuse all texts together. Then the event is dispatched without
    texts.
    """
    events = [member.event for member in screened.members]

    def dispatched(named: bool) -> Result:
        event = storm_event(found.identity, events, delivery.group_labels, len(screened.unread), named=named)
        (result,) = dispatch([event], replace(work, deadline=inf))
        return result

    whole = dispatched(named=True)
    if whole.outcome not in (Outcome.BLOCKED, Outcome.DEAD_LETTERED):
        return whole
    bare = dispatched(named=False)
    return replace(bare, detail=bare.detail or f"made without the texts of its alerts: {whole.code}")


def _for_member(outcome: Outcome, code: str) -> tuple[Outcome, str]:
    """Returns the outcome and code of an alert, from the outcome and code of its storm."""
    return (Outcome.FOLDED, "") if outcome in (Outcome.CREATED, Outcome.DUPLICATE) else (outcome, code)


def notices(results: Iterable[Result]) -> list[Result]:
    """Returns the notices about a delivery.

    All alerts that share a Job make one notice, and so do all alerts of a namespace that has used its share.
    More than FOLD_ABOVE alerts with the same outcome and code make one notice too. Such a notice has the
    number of its alerts. Every other alert has a notice of its own.
    """
    alike: defaultdict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for result in results:
        shared = result.job
        if result.code == SHARE_HOUR and isinstance(result.alert, SREEvent):
            shared = f"the share of {result.alert.charged_to}"
        alike[result.outcome, result.code, shared].append(result)
    found: list[Result] = []
    for (_, _, shared), group in alike.items():
        alerts = sum(not _is_storm(result.alert) for result in group)
        found += [replace(group[0], alerts=alerts)] if shared or alerts > FOLD_ABOVE else group
    return found


def _is_storm(alert: SREEvent | DeadLetter) -> bool:
    return isinstance(alert, SREEvent) and alert.source == STORM
