"""Storms: many new alerts of one group at once, which share one Job.

Such alerts usually have one cause. An agent for each would find it again, and nobody would read the reports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from math import inf

from function.dispatch.model import DeadLetter, Decision, Delivery, JobStatus, Outcome, Result
from function.dispatch.ports import BATCH
from function.dispatch.stages import Arrived, New
from function.dispatch.steps import Work, attempt, look_up, screen
from function.dispatch.storm_event import storm_event, worst_first
from function.shared.event import STORM, SREEvent, digest, job_name

FOLD_ABOVE = 20
"""More new problems than this, of one group and cluster in one delivery, are a storm. The policy lets as many
Jobs start within an hour (max_started_per_hour in policies/config/budget/data.yaml). More would only wait.
test_a_storm_begins_where_the_policys_budget_for_an_hour_ends holds the two numbers together."""

Dispatch = Callable[[Sequence[SREEvent], Work], Iterator[Result]]
"""pipeline.dispatch, which processes one batch."""


@dataclass(frozen=True)
class Storm:
    """Alerts of one group on one cluster that share a Job, the worst first."""

    identity: str
    alerts: tuple[SREEvent, ...]


@dataclass(frozen=True)
class Member:
    """An alert of a storm, with the decision of its triage if there was time for it."""

    event: SREEvent
    decision: Decision | None = None


@dataclass(frozen=True)
class Screened:
    """The alerts of a storm that did not end in triage."""

    members: list[Member]
    """Those that an agent may work on."""
    unread: Sequence[SREEvent]
    """Those for which there was no time."""
    refused: bool
    """Whether all the others were refused for good. The next try would get no further."""


def identify(cluster: str, group_labels: Mapping[str, str]) -> str:
    """SHA-256 in hex of the group on its cluster. It is the same in every delivery of the group.

    It is made of an even number of parts and an alert's identity of an odd one, so the two never collide.
    """
    return digest(cluster, STORM, *(part for pair in sorted(group_labels.items()) for part in pair))


def gather(delivery: Delivery, jobs: Mapping[str, JobStatus]) -> tuple[list[Storm], list[SREEvent]]:
    """The storms of a delivery, and the firing alerts that belong to none. `jobs` are the Jobs by name.

    A delivery is one group, so it has at most one storm for each cluster. An agent sees one cluster only.
    """
    new: defaultdict[str, list[SREEvent]] = defaultdict(list)
    for alert in delivery.firing:
        if alert.job not in jobs:
            new[alert.cluster].append(alert)
    storms = []
    for cluster, alerts in sorted(new.items()):
        identity = identify(cluster, delivery.group_labels)
        if folded := _folded(alerts, jobs.get(job_name(identity))):
            storms.append(Storm(identity, tuple(sorted(folded, key=worst_first))))
    inside = {alert.identity for storm in storms for alert in storm.alerts}
    return storms, [alert for alert in delivery.firing if alert.identity not in inside]


def _folded(new: Sequence[SREEvent], job: JobStatus | None) -> Sequence[SREEvent]:
    """The new alerts that share the Job: those that began before it was created. Later ones share it only if
    they are a storm by themselves."""
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
    unread = screened.unread
    if screened.members:
        itself = _storm_itself(found, screened, delivery, work, dispatch)
        yield itself
        outcome, code = _for_member(itself.outcome, itself.code)
        ended = screened.members
        if outcome is not Outcome.FOLDED:  # the next try would meet the same
            ended, unread = [*ended, *map(Member, unread)], ()
        for member in ended:
            yield Result(member.event, outcome, code, member.decision, job=itself.job, detail=itself.detail)
    unfinished = (
        (Outcome.DEAD_LETTERED, "storm_unread") if screened.refused else (Outcome.DEFERRED, "deadline")
    )
    yield from (Result(event, *unfinished) for event in unread)


def _share(job: JobStatus, identity: str, event: SREEvent, work: Work) -> Result:
    """End an alert whose storm has a Job already."""
    ended = attempt(work, look_up, Arrived(replace(event, identity=identity), job))
    if isinstance(ended, New):
        detail = f"Job {job.name} of the storm was deleted just now"
        return Result(event, Outcome.DEFERRED, "job_deleting", job=job.name, detail=detail)
    outcome, code = _for_member(ended.outcome, ended.code)
    return replace(ended, alert=event, outcome=outcome, code=code)


def _screen(alerts: Sequence[SREEvent], work: Work) -> Generator[Result, None, Screened]:
    """Triage of each alert, batch by batch until the deadline. Yields the Results of those that end."""
    started = replace(work, deadline=inf)  # a batch that was started is finished
    members: list[Member] = []
    retried = False
    for start in range(0, len(alerts), BATCH):
        if work.deps.monotonic() > work.deadline:
            return Screened(members, alerts[start:], start > 0 and not members and not retried)
        batch = map(New, alerts[start : start + BATCH])
        for outcome in work.deps.parallel_map(partial(attempt, started, _screen_member), batch):
            if isinstance(outcome, Member):
                members.append(outcome)
            else:
                retried |= outcome.outcome is Outcome.DEFERRED
                yield outcome
    return Screened(members, (), not members and not retried)


def _screen_member(item: New, work: Work) -> Member | Result:
    """Keeps the decision and drops the text: the texts of thousands of alerts would fill the memory."""
    triaged = screen(item, work)
    return triaged if isinstance(triaged, Result) else Member(triaged.event, triaged.decision)


def _storm_itself(
    found: Storm, screened: Screened, delivery: Delivery, work: Work, dispatch: Dispatch
) -> Result:
    """The Result of the storm's own event.

    No deadline stops it: without its Job the next delivery would start from the beginning. Texts that passed
    one by one can be refused together; then the event goes without them.
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
    return replace(bare, detail=bare.detail or f"made without the words of its alerts: {whole.code}")


def _for_member(outcome: Outcome, code: str) -> tuple[Outcome, str]:
    """What the outcome of a storm's Job means for an alert of the storm."""
    return (Outcome.FOLDED, "") if outcome in (Outcome.CREATED, Outcome.DUPLICATE) else (outcome, code)


def notices(results: Iterable[Result]) -> list[Result]:
    """What people are told of a delivery.

    There is one notice for all alerts that share a Job, and one for more than FOLD_ABOVE alerts with the same
    end; it says how many they are. Every other alert has a notice of its own.
    """
    alike: defaultdict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for result in results:
        alike[result.outcome, result.code, result.job].append(result)
    found: list[Result] = []
    for (_, _, job), group in alike.items():
        alerts = sum(not _is_storm(result.alert) for result in group)
        found += [replace(group[0], alerts=alerts)] if job or alerts > FOLD_ABOVE else group
    return found


def _is_storm(alert: SREEvent | DeadLetter) -> bool:
    return isinstance(alert, SREEvent) and alert.source == STORM
