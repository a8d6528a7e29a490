"""Reads what is ill around a resource. These requests follow the resource's own, in the time that is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from function.shared.fact_fields import MAX_LIST
from function.shared.facts import Change
from function.shared.surroundings import Around, EventAround, EventsAround, WorkloadAround
from function.shared.text import cut_middle
from function.worldmodel import objects
from function.worldmodel.cluster_state import cluster_state
from function.worldmodel.crashes import crashes
from function.worldmodel.events import happenings
from function.worldmodel.found import Found, few
from function.worldmodel.full_volumes import full_volumes
from function.worldmodel.network_policies import network_policies
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look
from function.worldmodel.readiness import is_ready
from function.worldmodel.rollouts import CHANGE_CAUSE, replicas, rolled

SCALED = ("Deployment", "StatefulSet")
REVISIONS = ("ReplicaSet", "ControllerRevision")
LATELY = 24 * 3600
MAX_CHANGES = 5
NOTED = ("type=Warning", "reason=ScalingReplicaSet")
"""Which Events are told of other objects, as field selectors."""


def surroundings(look: Look, namespace: str, own: Found) -> Found:
    """Returns what is ill in the namespace and in the cluster, without what the resource's own facts tell."""
    cluster = cluster_state(look, namespace)
    found = _namespace(look, namespace, own) if namespace else Found()
    found.facts += cluster()
    return found


def _namespace(look: Look, namespace: str, own: Found) -> Found:
    pods = look.some("Pod", namespace)
    workloads = [look.some(kind, namespace) for kind in SCALED]
    revisions = [look.some(kind, namespace) for kind in REVISIONS]
    noted = [look.some("Event", namespace, fields=each) for each in NOTED]
    policies = look.some("NetworkPolicy", namespace)
    volumes = full_volumes(look, namespace)
    told = {each["pod"] for each in _told(own, "crashes", "containers")}
    ill = [each for each in pods() if objects.name(each) not in told and _is_ill(each)]

    found = Found()
    found.add(*_around(ill, [each for listed in workloads for each in listed()], look.now))
    found.add(*network_policies(policies()))
    found.facts += volumes()
    shown = {each["subject"] for each in _told(own, "events", "events")}
    found.add(*_events([each for listed in noted for each in listed()], shown, look.now))
    recent = _changes([each for listed in revisions for each in listed()], look.now)
    known = {each.what for each in own.changes}
    found.changes = [each for each in recent if each.what not in known][:MAX_CHANGES]
    return found


def _told(own: Found, kind: str, entries: str) -> Iterable[Mapping[str, Any]]:
    return (each for fact in own.facts if fact.kind == kind for each in fact.data[entries])


def _is_ill(pod: Object) -> bool:
    return bool(objects.troubles(pod)) or not (is_ready(pod) or objects.is_over(pod))


def _around(ill: Sequence[Object], workloads: Iterable[Object], now: float) -> list[Around]:
    found = [_workload(each) for each in workloads]
    stopped = [each for each in found if not each.desired]
    lacking = [each for each in found if each.ready < each.desired]
    if not (ill or stopped or lacking):
        return []
    return [
        Around(
            unready_pods=len(ill),
            unready_workloads=len(lacking),
            stopped_workloads=len(stopped),
            pods=tuple(map(cut_middle, few([*map(_in_words, ill)]))),
            crashes=tuple(each for of in crashes(ill, now) for each in of.containers),
            workloads=tuple([*lacking, *stopped][:MAX_LIST]),
        )
    ]


def _workload(of: Object) -> WorkloadAround:
    counted, cause = replicas(of), objects.annotation(of, CHANGE_CAUSE) or ""
    return WorkloadAround(of["kind"], objects.name(of), counted.desired, counted.ready, cut_middle(cause))


def _in_words(pod: Object) -> str:
    why = dict.fromkeys([*objects.troubles(pod), *objects.conditions(pod)])
    where = objects.spec(pod).get("nodeName") or "no node"
    return (
        f"{objects.name(pod)} on {where}, {objects.status(pod).get('phase')}: {'; '.join(why) or 'not ready'}"
    )


def _events(found: Iterable[Object], told: set[str], now: float) -> list[EventsAround]:
    """Returns the newest Events about objects whose Events are not told yet."""
    shown = happenings((each for each in found if _subject(each) not in told), now)
    noted = (EventAround(of.subject, of.reason, of.message, of.count, of.ago) for of in shown.events)
    return [EventsAround(tuple(noted), shown.more)] if shown.events else []


def _subject(event: Object) -> str:
    about = event.get("involvedObject") or {}
    return f"{about.get('kind', '')}/{about.get('name', '')}"


def _changes(revisions: Iterable[Object], now: float) -> list[Change]:
    """Returns what the newest revisions changed that were made lately, the newest first."""
    by_owner: dict[tuple[str, str], list[Object]] = {}
    for each in revisions:
        if owner := objects.controller(each):
            by_owner.setdefault((owner.kind, owner.name), []).append(each)
    several = [(owner, own) for owner, own in by_owner.items() if len(own) > 1]
    made = {owner: max(map(objects.created, own)) for owner, own in several}
    late = [(owner, own) for owner, own in several if now - made[owner] < LATELY]
    late.sort(key=lambda each: -made[each[0]])
    return [change for (kind, name), own in late for change in rolled(kind, name, own, now).changes]
