"""Reads the replicas of a workload, and the time at which the pod template last changed."""

from __future__ import annotations

from collections.abc import Callable

from function.shared.facts import Change, Replicas
from function.shared.text import ago, cut_middle
from function.worldmodel import objects
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look

REVISIONS = {
    "Deployment": "ReplicaSet",
    "StatefulSet": "ControllerRevision",
    "DaemonSet": "ControllerRevision",
}
"""The kinds of revisions. At each change of the pod template, a workload creates a new object of this
kind."""


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
    )


def rollout(look: Look, of: Object) -> Callable[[], list[Change]]:
    """Requests the workload's revisions. Returns a function that waits for the newest one."""
    kind = REVISIONS.get(of["kind"])
    selector = objects.spec(of).get("selector")
    if kind is None or not selector:
        return list
    revisions = look.list(kind, objects.namespace(of), labels=objects.as_query(selector), metadata=True)

    def newest() -> list[Change]:
        own = [
            each
            for each in revisions()
            if (owner := objects.controller(each))
            and (owner.kind, owner.name) == (of["kind"], objects.name(of))
        ]
        latest = objects.newest(own)
        if latest is None:
            return []
        what = f"the newest revision of {of['kind']} {objects.name(of)} was made ({len(own)} are kept)"
        return [Change(cut_middle(what), ago(look.now - objects.created(latest)))]

    return newest
