"""Reads the replicas of a workload, when the pod template last changed, and what changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from function.shared.fact_fields import MAX_LIST
from function.shared.facts import Change, Replicas
from function.shared.symptoms import Revision, Rollout
from function.shared.text import ago, cut_middle
from function.worldmodel import objects
from function.worldmodel.found import few
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look
from function.worldmodel.revisions import container_changes, in_words, other_changes, template_of

REVISIONS = {
    "Deployment": "ReplicaSet",
    "StatefulSet": "ControllerRevision",
    "DaemonSet": "ControllerRevision",
}
"""The kinds of revisions. At each change of the pod template, a workload creates a new object of this
kind."""
MAX_REPLICAS = "sre-dispatch/max-replicas"
"""The annotation with the operator's limit for a Deployment."""
REPLICAS = re.compile("[1-9][0-9]{0,3}")
"""The limits that knative/base/ceilings.yaml accepts."""
CHANGE_CAUSE = "kubernetes.io/change-cause"
"""The annotation in which people say why they changed a workload."""
NUMBER = "deployment.kubernetes.io/revision"
"""The annotation with the number of a ReplicaSet."""


def replicas(of: Object) -> Replicas:
    """Returns the replicas of a Deployment, StatefulSet, ReplicaSet or DaemonSet."""
    spec, status = objects.spec(of), objects.status(of)
    if of["kind"] == "DaemonSet":
        names = ("desiredNumberScheduled", "numberReady", "numberAvailable")
        return Replicas(*(int(status.get(name) or 0) for name in names))
    desired = spec.get("replicas")
    return Replicas(
        1 if desired is None else int(desired),
        int(status.get("readyReplicas") or 0),
        int(status.get("availableReplicas") or 0),
        _ceiling(of) if of["kind"] == "Deployment" else None,
    )


def _ceiling(of: Object) -> int | None:
    """Returns the operator's limit of replicas. It is None if there is none that admission accepts."""
    text = objects.annotation(of, MAX_REPLICAS) or ""
    return int(text) if REPLICAS.fullmatch(text) else None


@dataclass(frozen=True)
class Rolled:
    """The newest revision of a workload: as a fact, and as a change."""

    facts: list[Rollout] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


def rollout(look: Look, of: Object) -> Callable[[], Rolled]:
    """Requests the workload's revisions. Returns a function that waits for the newest one, and says what it
    changed."""
    kind = REVISIONS.get(of["kind"])
    selector = objects.spec(of).get("selector")
    if kind is None or not selector:
        return Rolled
    revisions = look.list(kind, objects.namespace(of), labels=objects.as_query(selector))

    def newest() -> Rolled:
        own = [
            each
            for each in revisions()
            if (owner := objects.controller(each))
            and (owner.kind, owner.name) == (of["kind"], objects.name(of))
        ]
        return rolled(of["kind"], objects.name(of), own, look.now) if own else Rolled()

    return newest


def _number(revision: Object) -> tuple[int, float]:
    """Returns the number of a revision. After a rollback, an old ReplicaSet has the highest number."""
    number = revision.get("revision") or objects.annotation(revision, NUMBER) or 0
    return int(number), objects.created(revision)


def rolled(kind: str, name: str, revisions: Iterable[Object], now: float) -> Rolled:
    """Returns the newest of a workload's revisions, and what it changed. There is at least one."""
    newest_first = sorted(revisions, key=_number, reverse=True)
    new, old = newest_first[0], newest_first[1] if len(newest_first) > 1 else None
    templates = [template_of(old), template_of(new)] if old else []
    changed = container_changes(*templates) if templates else []
    other = other_changes(*templates) if templates else []
    workload = f"{kind} {name}"
    told = Rollout(
        workload=cut_middle(workload),
        new=_revision(new, now),
        old=_revision(old, now) if old else None,
        containers=tuple(changed[:MAX_LIST]),
        images_changed=sum(bool(each.image) for each in changed),
        resources_changed=sum(bool(each.resources) for each in changed),
        variables_changed=sum(
            len(each.variables_added) + len(each.variables_removed) + len(each.variables_changed)
            for each in changed
        ),
        other=tuple(cut_middle(each) for each in few(other)),
    )
    words = [f"{each.container}: {', '.join(in_words(each))}" for each in changed] + other
    what = f"the newest revision of {workload} was made ({len(newest_first)} are kept)"
    what += f", which changed {'; '.join(words)}" if words else ""
    return Rolled([told], [Change(cut_middle(what), ago(now - objects.created(new)))])


def _revision(of: Object, now: float) -> Revision:
    made = max(0, int(now - objects.created(of)))
    if of["kind"] != "ReplicaSet":
        return Revision(objects.name(of), made)
    counted = replicas(of)
    return Revision(objects.name(of), made, counted.desired, counted.ready)
