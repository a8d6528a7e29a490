"""The steps that one alert goes through. pipeline.py has their order.

A step takes a frozen value of stages.py. It returns the value of the next stage, or the alert's Result.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from function.dispatch import decide, jobs
from function.dispatch.decide import PolicyText
from function.dispatch.enrich import FactSource
from function.dispatch.jobs import JobIndex
from function.dispatch.model import (
    LABELS_MOVE,
    Activity,
    Decision,
    Facts,
    JobStatus,
    Outcome,
    Result,
)
from function.dispatch.normalize import NormalizedText
from function.dispatch.plan import plan
from function.dispatch.ports import Dependencies
from function.dispatch.render import note_cut, render
from function.dispatch.stages import Arrived, Enriched, Granted, New, Planned, Prompted, Stage, Triaged
from function.shared.errors import PermanentError, Unavailable, location
from function.shared.event import SREEvent

S = TypeVar("S", bound=Stage)
T = TypeVar("T")


@dataclass(frozen=True)
class Work:
    """The values that the alerts of one delivery share."""

    deps: Dependencies
    deadline: float
    """The time after which no step is started."""
    notification: Callable[[], NormalizedText]
    """Returns the text of the whole notification. The policy reads it with each alert."""
    index: JobIndex
    job: Callable[[str], JobStatus | None]
    """Reads one Job with its completion time, at most once for each name."""
    template: Callable[[str], Callable[[], Mapping[str, Any]]]
    """Begins to read a tier's template, at most once in a delivery, and returns a function that waits for it.
    The next delivery reads it again, because a tier can change."""
    source: FactSource

    def after(self, result: Result) -> Work:
        """Returns the same values. If the result created a Job, the index includes it, so that later alerts
        find the Job and count it."""
        if result.outcome is Outcome.CREATED and isinstance(result.alert, SREEvent):
            return replace(self, index=self.index.admit(result.alert))
        return self


def attempt(work: Work, step: Callable[[S, Work], T | Result], item: S) -> T | Result:
    """Run one step on one alert. A failure ends only this alert."""
    try:
        if work.deps.monotonic() > work.deadline:
            return item.end(Outcome.DEFERRED, "deadline")
        return step(item, work)
    except Unavailable as error:
        return item.end(Outcome.DEFERRED, error.code, str(error))
    except PermanentError as error:
        return item.end(Outcome.DEAD_LETTERED, error.code, str(error))
    except Exception as error:  # noqa: BLE001  a bug of ours: a retry would meet it again
        return item.end(Outcome.DEAD_LETTERED, "internal_error", location(error))


def each(
    work: Work, step: Callable[[S, Work], T | Result], items: Sequence[S]
) -> Generator[Result, None, list[T]]:
    """Run one step on all items in parallel. Yield the Results of the alerts that end, and return the next
    values of the others."""
    return (yield from _next_values(work.deps.parallel_map(partial(attempt, work, step), items)))


def in_turn(
    work: Work, step: Callable[[S, Work], T | Result], items: Sequence[S]
) -> Generator[Result, None, list[T]]:
    """Run one step on all items in sequence, in this thread. Apart from this it works like `each`."""
    return (yield from _next_values(map(partial(attempt, work, step), items)))


def _next_values(outcomes: Iterable[T | Result]) -> Generator[Result, None, list[T]]:
    values: list[T] = []
    for outcome in outcomes:
        if isinstance(outcome, Result):
            yield outcome
        else:
            values.append(outcome)
    return values


def look_up(item: Arrived, work: Work) -> New | Result:
    """End an alert that already has a Job."""
    job = item.job
    if job is not None and jobs.needs_completion_time(item.event, job):
        job = work.job(job.name)
    if job is None and not work.index.complete:
        raise Unavailable("job_deleting", f"Job {item.event.job} was deleted just now")
    if job is None:
        return fold_family(item, work) or New(item.event)
    return item.end(*jobs.outcome_for(item.event, job))


def fold_family(item: Arrived | Planned, work: Work) -> Result | None:
    """End an alert whose alertname and subject have enough Jobs already. It shares the newest of them."""
    family = work.index.family(item.event)
    if len(family) < jobs.MAX_FAMILY:
        return None
    moving = ", ".join(jobs.moving_labels(item.event, family))
    detail = (
        f"{len(family)} Jobs for this alertname and subject differ in the labels {moving}: add labels that "
        "change without a new problem to `volatile` in the file of SRE_DISPATCH_LABELS"
    )
    ended = item.end(Outcome.FOLDED, LABELS_MOVE, detail)
    return replace(ended, job=family[-1].name, manifest=None)


def screen(item: New, work: Work) -> Triaged | Result:
    """Evaluate the policy without context. End an alert that the policy refuses for good. An alert that the
    policy refuses only for now goes on, because it may still share the Job of a storm."""
    text = decide.prepared(item.event, work.notification())
    activity = work.index.activity(item.event)
    decision = _ask_policy(item.event, text, activity, work)
    triaged = Triaged(item.event, text, activity, decision)
    if decision.allowed:
        return triaged
    outcome, code = _refusal(decision)
    return triaged if outcome is Outcome.DEFERRED else triaged.end(outcome, code)


def triage(item: New, work: Work) -> Triaged | Result:
    """Evaluate the policy without context, and end each alert that the policy refuses."""
    triaged = screen(item, work)
    if isinstance(triaged, Result) or triaged.decision.allowed:
        return triaged
    return triaged.end(*_refusal(triaged.decision))


def reserve(triaged: Iterable[Triaged], index: JobIndex) -> list[Triaged]:
    """Return the alerts with new counts of Jobs. Each alert counts as active the Jobs that the alerts before
    it may start."""
    counted = []
    for item in triaged:
        counted.append(replace(item, activity=index.activity(item.event)))
        index = index.reserve(item.event)
    return counted


def enrich(work: Work, triaged: Sequence[Triaged]) -> Generator[Result, None, list[Enriched]]:
    """Fetch the facts of all resources in parallel. Alerts of one resource share one request."""
    first = {item.event.resource: item for item in reversed(triaged)}
    found = work.deps.parallel_map(partial(attempt, work, _facts), first.values())
    by_resource = dict(zip(first, found, strict=True))
    enriched = []
    for item in triaged:
        facts = by_resource[item.event.resource]
        if isinstance(facts, Result):
            yield item.end(facts.outcome, facts.code, facts.detail)
        else:
            enriched.append(Enriched(item.event, item.text, item.activity, item.decision, facts))
    return enriched


def _facts(item: Triaged, work: Work) -> Facts | Result:
    return work.source.facts(item.event)


def expect_templates(work: Work, enriched: Iterable[Enriched]) -> None:
    """Begin to read the templates that triage has granted. Usually review grants the same ones, and they have
    arrived by then."""
    for item in enriched:
        if item.decision.grant is not None:
            work.template(item.decision.grant.template)


def review(item: Enriched, work: Work) -> Granted | Result:
    """Evaluate the policy again, with the facts. Facts that do not fit into the prompt count as
    incomplete."""
    facts = note_cut(item.event, item.facts)
    reviewed = _ask_policy(item.event, item.text, item.activity, work, facts)
    decision = decide.confirm(item.decision, reviewed)
    if decision.grant is None:
        return Result(item.event, *_refusal(decision), decision, facts)
    return Granted(item.event, decision, facts, decision.grant)


def write_prompt(item: Granted, work: Work) -> Prompted | Result:
    return Prompted(item, render(item.event, item.decision, item.facts, work.deps.prompts))


def plan_job(item: Prompted, work: Work) -> Planned | Result:
    granted = item.granted
    template = work.template(granted.grant.template)()
    manifest = plan(
        granted.event, granted.decision, granted.grant, item.prompt, template, work.deps.namespace
    )
    return Planned(item, granted.event, manifest)


def submit(item: Planned, work: Work) -> Result:
    """Create the Job."""
    if folded := fold_family(item, work):  # the alerts before it in this delivery may have used the last Job
        return folded
    cluster = work.deps.cluster
    for _ in range(2):  # the Job of that name can disappear between our POST and our GET
        if cluster.create(item.manifest):
            return item.end(Outcome.CREATED)
        if (job := cluster.job(item.event.job)) is not None:
            return item.end(*jobs.outcome_for(item.event, job))
    raise Unavailable(
        "name_conflict", f"the API server says that Job {item.event.job} exists, but does not return it"
    )


def _ask_policy(
    event: SREEvent, text: PolicyText, activity: Activity, work: Work, facts: Facts | None = None
) -> Decision:
    document = decide.question(event, text, activity, work.deps.clock(), facts)
    return decide.decide(event, work.deps.policy.ask(document))


def _refusal(decision: Decision) -> tuple[Outcome, str]:
    """Returns the outcome and code of a decision that allows no Job."""
    if decision.effective == "CRITICAL":
        return Outcome.BLOCKED, "critical"
    final = [denial.code for denial in decision.denials if not denial.retry]
    if final:
        return Outcome.DENIED, final[0]
    return Outcome.DEFERRED, decision.denials[0].code
