"""The facts of a HorizontalPodAutoscaler, and of the workload that it scales."""

from __future__ import annotations

from function.shared.facts import Dependent
from function.worldmodel import objects
from function.worldmodel.events import events, happenings
from function.worldmodel.found import Found, state
from function.worldmodel.neighbours import dependents
from function.worldmodel.reader import Look
from function.worldmodel.scaling import scaling
from function.worldmodel.workload import workload

SCALED = ("Deployment", "StatefulSet", "ReplicaSet")


def autoscaler(look: Look, namespace: str, name: str) -> Found:
    requested = look.get("HorizontalPodAutoscaler", name, namespace)
    happened = events(look, "HorizontalPodAutoscaler", name, namespace)
    of = requested()
    if of is None:
        return Found()
    spec = objects.spec(of)
    kind, scaled = str(spec["scaleTargetRef"]["kind"]), str(spec["scaleTargetRef"]["name"])
    target = workload(look, kind, namespace, scaled) if kind in SCALED else Found()

    found = Found(exists=True, changes=target.changes)
    found.add(state(of, look.now, "exists" if target.exists else "its target is unknown or missing"))
    found.add(scaling(of))
    found.facts += [each for each in target.facts if each.kind != "scaling"]
    own = Dependent(kind, scaled, namespace, "is scaled by it")
    found.add(dependents([own]), happenings(happened(), look.now))
    found.watched = {
        "minimum": str(spec.get("minReplicas", 1)),
        "maximum": str(spec.get("maxReplicas", "")),
    }
    return found
