"""The whole program in order: what happens to each alert of a delivery.

    translate -> survey -> triage -> enrich -> review -> render -> plan -> submit

A storm of new alerts goes through triage alert by alert, and the rest of the way as one. The Job is the only
effect; nothing is remembered here between deliveries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from typing import Any, TypeVar, cast

from function.dispatch import decide, jobs, normalize, storm
from function.dispatch.enrich import enrich
from function.dispatch.jobs import JobIndex
from function.dispatch.model import (
    Activity,
    DeadLetter,
    Decision,
    Delivery,
    Facts,
    Grant,
    JobStatus,
    Level,
    Outcome,
    Prompt,
    Result,
)
from function.dispatch.plan import plan
from function.dispatch.ports import Dependencies, WorldModel
from function.dispatch.render import CONTEXT, render
from function.shared.errors import DispatchError, PermanentError, Unavailable, location
from function.shared.event import SREEvent, job_name
from function.shared.strict_json import Json

T = TypeVar("T")

SOFT_DEADLINE_SECONDS = 8.0
"""After this no further event of a delivery is begun. Alertmanager's HA peers send the same delivery
after 15 s without an answer, and its own time limit is 14 s."""

BATCH = 8
"""Alerts that are looked at side by side. Each batch is finished before the next is begun, so that a delivery
too large for the deadline gets on at every try."""


@dataclass
class Work:
    """Where the work on one delivery stands. Lives as long as the delivery."""

    app: Dependencies
    index: JobIndex
    around: normalize.NormalizedText
    """The text of the notification, which counts for each of its alerts."""
    templates: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Each tier's template as read in this delivery: fresh for every delivery, read once in it."""
    facts: dict[str, Facts] = field(default_factory=dict)
    """What is known of each resource; asked once in a delivery, also where several alerts are about it."""
    world_failure: Unavailable | None = None
    """Why the world model could not be asked. It is not asked again in this delivery: waiting for it once for
    each batch would use up the time of them all."""

    def template(self, name: str) -> Mapping[str, Any]:
        if name not in self.templates:
            self.templates[name] = _asked(self.app.cluster.template, name)
        return self.templates[name]


LEARNT = ("decision", "facts", "prompt", "job", "manifest")


@dataclass
class Case:
    """One alert on its way. A field is set where the way comes by, and kept where the way breaks off."""

    alert: SREEvent | DeadLetter
    event: SREEvent = field(init=False)
    text: decide.PolicyText = field(init=False)
    activity: Activity = field(init=False)
    decision: Decision = field(init=False)
    facts: Facts | None = None
    grant: Grant = field(init=False)
    prompt: Prompt = field(init=False)
    job: str = ""
    manifest: Json = field(init=False)
    result: Result | None = None
    """The end of the way."""

    def end(self, outcome: Outcome, code: str = "", detail: str = "") -> None:
        learnt = {name: vars(self)[name] for name in LEARNT if name in vars(self)}
        self.result = Result(self.alert, outcome, code, detail=detail, **learnt)


def run(delivery: Delivery, app: Dependencies) -> Iterator[Result]:
    """One Result for each alert of the delivery, and one for each storm of them that is new, each as soon as
    it is known; the most severe come first."""
    deadline = app.monotonic() + SOFT_DEADLINE_SECONDS
    work = _begun(delivery, app)
    alerts: Sequence[SREEvent | DeadLetter] = delivery.alerts
    if isinstance(work, Work):
        storms, alerts = storm.gather(delivery, work.index.jobs)
        for found in storms:
            yield from _fold(found, delivery, work, deadline)
    for batch in _batches(sorted(alerts, key=_urgency)):
        for case in batch:
            _sort_out(case, work)
        if isinstance(work, Work):
            _work_on(batch, work, partial(_attempt, work, deadline))
        yield from (case.result for case in batch if case.result)


def _work_on(batch: list[Case], work: Work, attempt: Callable[..., None]) -> None:
    """Both looks at the policy, and the context between them, side by side; then the Jobs one by one."""
    for case in _open(batch):
        case.activity = work.index.activity(case.event)
    _side_by_side(work, partial(attempt, _triage), batch)
    index = work.index
    for case in _open(batch):  # whatever an earlier one may start counts for the later ones
        case.activity = index.activity(case.event)
        index = index.admit(case.event)
    _side_by_side(work, partial(attempt, _enrich), _first_of_each_resource(batch, work))
    _side_by_side(work, partial(attempt, _review), batch)
    for case in _open(batch):
        attempt(_submit, case)


def _fold(found: storm.Storm, delivery: Delivery, work: Work, deadline: float) -> Iterator[Result]:
    """A storm's alerts: all of them with the Job that is there, or what triage allows with a new one."""
    cases = [_case(alert) for alert in found.alerts]
    if job_name(found.identity) in work.index.jobs:
        for case in cases:
            _attempt(work, deadline, partial(_join, found), case)
    else:
        looked_at = _sifted(cases, work, deadline)
        yield from _one_job(found, cases[:looked_at], cases[looked_at:], delivery, work)
    yield from (case.result for case in cases if case.result)


def _sifted(cases: list[Case], work: Work, deadline: float) -> int:
    """For how many of the cases there was time for triage."""
    for start in range(0, len(cases), BATCH):
        if work.app.monotonic() > deadline:
            return start
        batch = cases[start : start + BATCH]
        for case in batch:
            case.activity = work.index.activity(case.event)
        _side_by_side(work, partial(_attempt, work, inf, _sift), batch)
        for case in batch:
            vars(case).pop("text", None)  # that of thousands would fill the memory, and is not needed again
    return len(cases)


def _one_job(
    found: storm.Storm, read: list[Case], unread: list[Case], delivery: Delivery, work: Work
) -> Iterator[Result]:
    """The Job of those read that may be worked on, and what it means for them. Those unread come back and
    find it there. Where nothing read may be worked on, the next try would get no further: it ends here."""
    refused = bool(read) and all(map(_refused, read))
    if members := _open(read):
        told = _storm_itself(found, members, len(unread), delivery, work)
        yield told
        joined = _joined(told.outcome, told.code)
        for case in members if joined[0] is Outcome.FOLDED else members + unread:
            case.job = told.job
            case.end(*joined, told.detail)
    for case in _open(unread):
        case.end(*(Outcome.DEAD_LETTERED, "storm_unread") if refused else (Outcome.DEFERRED, "deadline"))


def _storm_itself(
    found: storm.Storm, members: list[Case], unread: int, delivery: Delivery, work: Work
) -> Result:
    """What becomes of the storm's own event. No deadline cuts off its way: without its Job the next try would
    begin anew. Where its members' words are refused together, each of which passed alone, it goes without."""
    events = [case.event for case in members]
    told = _alone(storm.event(found, events, delivery.group_labels, unread), work)
    if told.outcome not in (Outcome.BLOCKED, Outcome.DEAD_LETTERED):
        return told
    bare = _alone(storm.event(found, events, delivery.group_labels, unread, named=False), work)
    return replace(bare, detail=bare.detail or f"made without the words of its alerts: {told.code}")


def _alone(event: SREEvent, work: Work) -> Result:
    case = _case(event)
    case.activity = work.index.activity(event)
    work.facts[event.resource] = Facts(gaps=("no_resource",))  # so that none are asked for
    for step in (_triage, _review, _submit):
        if case.result is None:
            _attempt(work, inf, step, case)
    return cast(Result, case.result)  # which the last step leaves in any case


def _case(event: SREEvent) -> Case:
    case = Case(event)
    case.event = event
    return case


def _refused(case: Case) -> bool:
    return case.result is not None and case.result.outcome is not Outcome.DEFERRED


def _joined(outcome: Outcome, code: str) -> tuple[Outcome, str]:
    """What the state of a storm's Job means for one of its alerts."""
    return (Outcome.FOLDED, "") if outcome in (Outcome.CREATED, Outcome.DUPLICATE) else (outcome, code)


def _side_by_side(work: Work, attempt: Callable[[Case], None], batch: list[Case]) -> None:
    for _ in work.app.each(attempt, _open(batch)):
        pass


def _first_of_each_resource(batch: list[Case], work: Work) -> list[Case]:
    """One case for each resource that nothing is known of yet."""
    first = {case.event.resource: case for case in reversed(_open(batch))}
    return [case for resource, case in first.items() if resource not in work.facts]


def _batches(alerts: list[SREEvent | DeadLetter]) -> Iterator[list[Case]]:
    """In their order. Two of one identity never stand in one batch: the second is known by then."""
    batch: list[Case] = []
    seen: set[str] = set()
    for alert in alerts:
        identity = alert.identity if isinstance(alert, SREEvent) else ""
        if len(batch) == BATCH or (identity and identity in seen):
            yield batch
            batch, seen = [], set()
        batch.append(Case(alert))
        seen.add(identity)
    yield batch


def _urgency(alert: SREEvent | DeadLetter) -> int:
    """Sorts the most severe first, so that of two alerts of one identity it is the one that is worked on."""
    return -Level[alert.severity] if isinstance(alert, SREEvent) else 0


def _begun(delivery: Delivery, app: Dependencies) -> Work | Unavailable:
    """The Jobs listed once, and only for a delivery that can need one."""
    try:
        index = jobs.take(_asked(app.cluster.jobs) if delivery.firing else (), app.clock())
        return Work(app, index, normalize.read(delivery.notification))
    except Unavailable as error:
        return error


def _sort_out(case: Case, work: Work | Unavailable) -> None:
    """Ends the case where there is nothing to decide, or no way to."""
    if isinstance(case.alert, DeadLetter):
        case.end(Outcome.DEAD_LETTERED, case.alert.code)
        return
    case.event = case.alert
    if case.event.status == "resolved":
        case.end(Outcome.RESOLVED)
    elif isinstance(work, Unavailable):
        case.end(Outcome.DEFERRED, work.code, str(work))


def _open(batch: list[Case]) -> list[Case]:
    return [case for case in batch if case.result is None]


def _attempt(work: Work, deadline: float, step: Callable[[Case, Work], None], case: Case) -> None:
    """One step of a case; a failure ends it, never its neighbours."""
    try:
        if work.app.monotonic() > deadline:
            case.end(Outcome.DEFERRED, "deadline")
        else:
            step(case, work)
    except Unavailable as error:
        case.end(Outcome.DEFERRED, error.code, str(error))
    except PermanentError as error:
        case.end(Outcome.DEAD_LETTERED, error.code, str(error))
    except Exception as error:  # noqa: BLE001  a fault of ours in a pure stage: it would come back each time
        case.end(Outcome.DEAD_LETTERED, "internal_error", location(error))


def _triage(case: Case, work: Work) -> None:
    if (job := _known(case.event, work)) is not None:
        case.job = job.name
        return case.end(*jobs.outcome_for(case.event, job))
    _sift(case, work)
    if case.result is None and not case.decision.allowed:
        case.end(*_refusal(case.decision))


def _sift(case: Case, work: Work) -> None:
    """The first look, which ends what is refused for good. What is denied for now may still share a Job."""
    case.text = decide.prepared(case.event, work.around)
    case.decision = _look(case, work)
    if not case.decision.allowed and _refusal(case.decision)[0] is not Outcome.DEFERRED:
        case.end(*_refusal(case.decision))


def _join(found: storm.Storm, case: Case, work: Work) -> None:
    """Ends an alert of a storm whose Job is there as that Job has it."""
    event = replace(case.event, identity=found.identity)
    if (job := _known(event, work)) is None:
        raise Unavailable("job_deleting", f"Job {event.job} of the storm was deleted just now")
    case.job = job.name
    case.end(*_joined(*jobs.outcome_for(event, job)))


def _enrich(case: Case, work: Work) -> None:
    ask = partial(_told, work, work.app.world) if work.app.world else None
    work.facts[case.event.resource] = enrich(case.event, ask)


def _told(work: Work, world: WorldModel, event: SREEvent) -> object:
    if work.world_failure:
        raise work.world_failure
    try:
        return _asked(world.context, event)
    except Unavailable as error:
        work.world_failure = error
        raise


def _review(case: Case, work: Work) -> None:
    case.facts = case.facts or work.facts[case.event.resource]
    case.decision = decide.confirm(case.decision, _look(case, work))
    if case.decision.grant is None:
        return case.end(*_refusal(case.decision))
    case.grant = case.decision.grant


def _submit(case: Case, work: Work) -> None:
    event = case.event
    case.prompt = _rendered(case, work)
    if case.facts and case.facts.complete and CONTEXT in case.prompt.cut:
        # What was decided for an agent with the whole context before it is decided anew for one without.
        case.facts = replace(case.facts, complete=False, gaps=(*case.facts.gaps, "cut"))
        _review(case, work)
        if case.result:
            return
        case.prompt = _rendered(case, work)
    template = work.template(case.grant.template)
    case.manifest = plan(event, case.decision, case.grant, case.prompt, template, work.app.namespace)
    case.job = event.job
    outcome, code = _created(event, case.manifest, work.app)
    if outcome is Outcome.CREATED:
        work.index = work.index.admit(event)
    case.end(outcome, code)


def _rendered(case: Case, work: Work) -> Prompt:
    return render(case.event, case.decision, case.facts or Facts(), work.app.prompts)


def _known(event: SREEvent, work: Work) -> JobStatus | None:
    job = work.index.jobs.get(event.job)
    if job is not None and jobs.needs_completion_time(event, job):
        job = _asked(work.app.cluster.job, event.job)
        work.index = work.index.seen(event.job, job)  # the alerts of a storm would each look again
    return job


def _look(case: Case, work: Work) -> Decision:
    document = decide.question(case.event, case.text, case.activity, work.app.clock(), case.facts)
    return decide.decide(case.event, _asked(work.app.policy.ask, document))


def _refusal(decision: Decision) -> tuple[Outcome, str]:
    if decision.effective == "CRITICAL":
        return Outcome.BLOCKED, "critical"
    final = [denial.code for denial in decision.denials if not denial.retry]
    if final:
        return Outcome.DENIED, final[0]
    return Outcome.DEFERRED, decision.denials[0].code


def _created(event: SREEvent, manifest: Json, app: Dependencies) -> tuple[Outcome, str]:
    for _ in range(2):  # twice: the Job that holds the name may go between our POST and our look
        if _asked(app.cluster.create, manifest):
            return Outcome.CREATED, ""
        if (job := _asked(app.cluster.job, event.job)) is not None:
            return jobs.outcome_for(event, job)
    raise Unavailable("name_conflict", f"the name {event.job} is taken and free in turn")


def _asked(port: Callable[..., T], *arguments: Any) -> T:
    """A port's answer. What it ends in, other than our own errors, is a failure of what is behind it and may
    pass: no alert is given up for that."""
    try:
        return port(*arguments)
    except DispatchError:
        raise
    except Exception as error:  # noqa: BLE001
        raise Unavailable("dependency_error", location(error)) from None
