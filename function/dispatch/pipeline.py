"""The order of the steps that each alert of a delivery goes through.

    look up -> triage -> enrich -> review -> render -> plan -> submit

The pipeline creates the Job and changes nothing else. It keeps no state between two deliveries. steps.py has
the single steps. storm.py turns a storm of new alerts into one event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, partial

from function.dispatch import jobs, marks, normalize, storm
from function.dispatch.batches import batches, bounded, is_long, size
from function.dispatch.enrich import FactSource
from function.dispatch.jobs import JobIndex
from function.dispatch.model import DeadLetter, Delivery, JobStatus, Level, Outcome, Result
from function.dispatch.ports import Dependencies
from function.dispatch.stages import Arrived
from function.dispatch.steps import (
    Work,
    attempt,
    each,
    enrich,
    expect_templates,
    in_turn,
    look_up,
    plan_job,
    reserve,
    review,
    submit,
    triage,
    write_prompt,
)
from function.shared.errors import Unavailable
from function.shared.event import SREEvent

SOFT_DEADLINE_SECONDS = 8.0
"""The time limit for starting a step. Alertmanager gives up after 14 s, and its HA peers send the same
delivery after 15 s."""
MAX_NAMED = 64
"""The number of Jobs above which a delivery lists all Jobs, and does not read its own by name."""


def run(delivery: Delivery, deps: Dependencies) -> Iterator[Result]:
    """Yield one Result for each alert and one for each new storm, as soon as the Result is known.

    Storms are processed first, then the other alerts in the order of their severity.
    """
    delivery = bounded(delivery)
    yield from _closed(delivery)
    if not delivery.firing:
        return
    try:
        work = _begin(delivery, deps)
    except Unavailable as error:
        yield from (
            Result(event, Outcome.DEFERRED, error.code, detail=str(error)) for event in delivery.firing
        )
        return
    storms, singles = storm.gather(delivery, work.index.jobs)
    for found in storms:
        for result in storm.fold(found, delivery, work, dispatch):
            work = work.after(result)
            yield result
    yield from _worst_first(singles, work)


def _worst_first(events: Sequence[SREEvent], work: Work) -> Iterator[Result]:
    """Process the alerts in the order of their severity, the problems with a long alert last.

    If an alert is deferred, the milder alerts of its problem wait for it: a problem has only one Job, and
    theirs could do more.
    """
    deferred: set[str] = set()
    long = {event.identity for event in events if is_long(event)}
    ordered = sorted(events, key=lambda event: (event.identity in long, -Level[event.severity]))
    for batch in batches(ordered, lambda event: event.identity, size):
        yield from (
            Result(event, Outcome.DEFERRED, "same_problem_deferred")
            for event in batch
            if event.identity in deferred
        )
        for result in dispatch([event for event in batch if event.identity not in deferred], work):
            work = work.after(result)
            if result.outcome is Outcome.DEFERRED and isinstance(result.alert, SREEvent):
                deferred.add(result.alert.identity)
            yield result


def dispatch(batch: Sequence[SREEvent], work: Work) -> Iterator[Result]:
    """Process one batch. No two of its alerts have the same identity."""
    arrived = [Arrived(event, work.index.jobs.get(event.job)) for event in batch]
    new = yield from each(work, look_up, arrived)
    triaged = yield from each(work, triage, new)
    counted = reserve(triaged, work.index)
    enriched = yield from enrich(work, counted)
    expect_templates(work, enriched)
    granted = yield from each(work, review, enriched)
    prompted = yield from in_turn(work, write_prompt, granted)
    planned = yield from in_turn(work, plan_job, prompted)
    for several in batches(planned, lambda item: marks.family(item.event)):
        for result in work.deps.parallel_map(partial(attempt, work, submit), several):
            work = work.after(result)
            yield result


def _closed(delivery: Delivery) -> Iterator[Result]:
    """Yields the Results of the alerts that need no decision."""
    for alert in delivery.alerts:
        if isinstance(alert, DeadLetter):
            yield Result(alert, Outcome.DEAD_LETTERED, alert.code)
        elif alert.status == "resolved":
            yield Result(alert, Outcome.RESOLVED)


def _begin(delivery: Delivery, deps: Dependencies) -> Work:
    """Prepare what the alerts of the delivery share. Raises Unavailable."""
    return Work(
        deps=deps,
        deadline=deps.monotonic() + SOFT_DEADLINE_SECONDS,
        notification=cache(partial(normalize.read, delivery.notification)),  # a duplicate does not need it
        index=_index(delivery, deps),
        job=cache(deps.cluster.job),  # several threads may use functools.cache
        template=cache(lambda name: deps.begin(partial(deps.cluster.template, name))),
        source=FactSource(deps.world),
    )


def _index(delivery: Delivery, deps: Dependencies) -> JobIndex:
    """Returns the Jobs. A delivery is usually a repetition, so its Jobs are read by name. All Jobs are listed
    only if an alert has none: the time of a listing grows with the number of Jobs."""
    names = sorted({event.job for event in delivery.firing})
    known = _named(names, deps) if len(names) <= MAX_NAMED else None
    if known is not None:
        return jobs.index_of(known, deps.clock(), complete=False)
    return jobs.index_of(deps.cluster.jobs(), deps.clock())


def _named(names: Sequence[str], deps: Dependencies) -> list[JobStatus] | None:
    """Returns the Jobs of these names. Returns None as soon as one does not exist. The first is read alone:
    if it does not exist, the others do not matter."""
    found: list[JobStatus] = []
    for batch in (names[:1], *batches(names[1:], str)):
        jobs_of_batch = [job for job in deps.parallel_map(deps.cluster.listed_job, batch) if job]
        if len(jobs_of_batch) < len(batch):
            return None
        found += jobs_of_batch
    return found
