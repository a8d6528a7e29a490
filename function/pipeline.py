"""The whole program in order: what happens to each alert of a delivery.

    translate -> survey -> triage -> enrich -> review -> render -> plan -> submit

The Job is the only effect; nothing is remembered here between deliveries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from function import decide, survey
from function.enrich import enrich
from function.errors import DispatchError, Poison, Unavailable, place
from function.model import (
    DeadLetter,
    Decision,
    Delivery,
    Facts,
    Json,
    KnownJob,
    Level,
    Outcome,
    Prompt,
    Result,
    SREEvent,
)
from function.plan import plan
from function.ports import App
from function.render import render

T = TypeVar("T")

SOFT_DEADLINE_SECONDS = 8.0
"""After this no further event of a delivery is begun. Alertmanager's HA peers send the same delivery
after 15 s without an answer, and its own time limit is 14 s."""


@dataclass
class Work:
    """Where the work on one delivery stands. Lives as long as the delivery."""

    app: App
    survey: survey.Survey
    templates: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Each tier's template as read in this delivery: fresh for every delivery, read once in it."""

    def template(self, name: str) -> Mapping[str, Any]:
        if name not in self.templates:
            self.templates[name] = _asked(self.app.cluster.template, name)
        return self.templates[name]


@dataclass
class Found:
    """What was learnt on an event's way, kept also where the way breaks off; the fields are Result's."""

    decision: Decision | None = None
    facts: Facts | None = None
    prompt: Prompt | None = None
    job: str = ""
    manifest: Json | None = None


def run(delivery: Delivery, app: App) -> Iterator[Result]:
    """One Result for each alert of the delivery, each as soon as it is known; the most severe come first."""
    deadline = app.monotonic() + SOFT_DEADLINE_SECONDS
    work = _begun(delivery, app)
    for alert in sorted(delivery.alerts, key=_urgency):
        if isinstance(alert, DeadLetter):
            yield Result(alert, Outcome.DEAD_LETTERED, alert.code)
        elif alert.status == "resolved":
            yield Result(alert, Outcome.RESOLVED)
        elif isinstance(work, Unavailable):
            yield Result(alert, Outcome.DEFERRED, work.code, detail=str(work))
        elif app.monotonic() > deadline:
            yield Result(alert, Outcome.DEFERRED, "deadline")
        else:
            yield _settled(alert, work)


def _urgency(alert: SREEvent | DeadLetter) -> int:
    """Sorts the most severe first, so that of two alerts of one identity it is the one that is worked on."""
    return -Level[alert.severity] if isinstance(alert, SREEvent) else 0


def _begun(delivery: Delivery, app: App) -> Work | Unavailable:
    """The Jobs listed once, and only for a delivery that can need one."""
    try:
        firing = any(isinstance(alert, SREEvent) and alert.status == "firing" for alert in delivery.alerts)
        return Work(app, survey.take(_asked(app.cluster.jobs) if firing else (), app.clock()))
    except Unavailable as error:
        return error


def _settled(event: SREEvent, work: Work) -> Result:
    """What became of the event; a failure ends it, never its neighbours."""
    found = Found()
    try:
        outcome, code = _govern(event, work, found)
        if outcome is Outcome.CREATED:
            work.survey = work.survey.admit(event)
        return Result(event, outcome, code, **vars(found))
    except Unavailable as error:
        return Result(event, Outcome.DEFERRED, error.code, detail=str(error), **vars(found))
    except Poison as error:
        return Result(event, Outcome.DEAD_LETTERED, error.code, detail=str(error), **vars(found))
    except Exception as error:  # noqa: BLE001  a fault of ours in a pure stage: it would come back each time
        return Result(event, Outcome.DEAD_LETTERED, "internal_error", detail=place(error), **vars(found))


def _govern(event: SREEvent, work: Work, found: Found) -> tuple[Outcome, str]:
    """The way of one event, in order. `found` keeps what was learnt, also where the way breaks off."""
    app = work.app
    job = _known(event, work)
    if job is not None:
        found.job = job.name
        return survey.standing(event, job)
    text = decide.prepared(event)
    triage = found.decision = _look(event, text, work)
    if not triage.allowed:
        return _refusal(triage)
    facts = found.facts = enrich(event, partial(_asked, app.world.facts) if app.world else None)
    review = found.decision = decide.confirm(triage, _look(event, text, work, facts))
    if review.grant is None:
        return _refusal(review)
    prompt = found.prompt = render(event, review, facts, app.prompts)
    template = work.template(review.grant.template)
    manifest = found.manifest = plan(event, review, review.grant, prompt, template, app.namespace)
    found.job = event.job
    return _submit(event, manifest, app)


def _known(event: SREEvent, work: Work) -> KnownJob | None:
    job = work.survey.jobs.get(event.job)
    if job is not None and survey.wants_a_closer_look(event, job):
        return _asked(work.app.cluster.job, event.job)
    return job


def _look(event: SREEvent, text: decide.PolicyText, work: Work, facts: Facts | None = None) -> Decision:
    document = decide.question(event, text, work.survey.activity(event), work.app.clock(), facts)
    return decide.decide(event, _asked(work.app.policy.ask, document))


def _refusal(decision: Decision) -> tuple[Outcome, str]:
    if decision.effective == "CRITICAL":
        return Outcome.BLOCKED, "critical"
    final = [denial.code for denial in decision.denials if not denial.retry]
    if final:
        return Outcome.DENIED, final[0]
    return Outcome.DEFERRED, decision.denials[0].code


def _submit(event: SREEvent, manifest: Json, app: App) -> tuple[Outcome, str]:
    for _ in range(2):  # twice: the Job that holds the name may go between our POST and our look
        if _asked(app.cluster.create, manifest):
            return Outcome.CREATED, ""
        if (job := _asked(app.cluster.job, event.job)) is not None:
            return survey.standing(event, job)
    raise Unavailable("name_taken", f"the name {event.job} is taken and free in turn")


def _asked(port: Callable[..., T], *arguments: Any) -> T:
    """A port's answer. What it ends in, other than our own errors, is a failure of what is behind it and may
    pass: no alert is given up for that."""
    try:
        return port(*arguments)
    except DispatchError:
        raise
    except Exception as error:  # noqa: BLE001
        raise Unavailable("port_failed", place(error)) from None
