"""The facts of a Deployment, StatefulSet, DaemonSet, ReplicaSet or Job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from function.worldmodel import objects
from function.worldmodel.events import events, happenings
from function.worldmodel.found import Found, state
from function.worldmodel.neighbours import clients, dependents, depends_on, limits, neighbours
from function.worldmodel.objects import Object
from function.worldmodel.owners import owned, owners
from function.worldmodel.reader import Look
from function.worldmodel.rollouts import replicas, rollout

PODS_WITH_EVENTS = 3


def workload(look: Look, kind: str, namespace: str, name: str) -> Found:
    requested = look.get(kind, name, namespace)
    happened = events(look, kind, name, namespace)
    near = neighbours(look, namespace)
    scalers = look.list("HorizontalPodAutoscaler", namespace) if kind != "Job" else tuple
    of = requested()
    if of is None:
        return Found()
    listed = look.list("Pod", namespace, labels=objects.as_query(objects.spec(of).get("selector") or {}))
    changes = rollout(look, of)
    chain = owners(look, of)
    ailing = [pod for pod in listed() if objects.troubles(pod)]
    of_pods = [events(look, "Pod", objects.name(pod), namespace) for pod in ailing[:PODS_WITH_EVENTS]]

    found = Found(exists=True)
    scaled = _scaled(of, scalers())
    found.add(_state(of, look.now, listed(), ailing, scaled))
    if kind != "Job":
        found.add(replicas(of))
    labels = objects.template_labels(of)
    found.add(dependents(clients(labels, near)), limits(near, [labels]))
    recent = [event for each in (happened, *of_pods) for event in each()]
    found.add(*owned(chain), happenings(recent, look.now))
    found.add(depends_on(objects.needs(of)))
    found.changes = changes()
    desired = objects.spec(of).get("replicas")
    found.watched = {"images": ", ".join(objects.images(of))}
    found.watched |= {"replicas": str(desired)} if desired is not None and not scaled else {}
    return found


def _state(
    of: Object, now: float, pods: Sequence[Object], ailing: Sequence[Object], scaled: list[str]
) -> object:
    spec, status = objects.spec(of), objects.status(of)
    phases = Counter(objects.status(pod).get("phase", "Unknown") for pod in pods)
    counts = {name: status.get(name) for name in ("active", "succeeded", "failed", "unavailableReplicas")}
    return state(
        of,
        now,
        "pods " + (", ".join(f"{phase}: {count}" for phase, count in sorted(phases.items())) or "none"),
        images=objects.images(of),
        paused=spec.get("paused"),
        suspended=spec.get("suspend"),
        strategy=(spec.get("strategy") or spec.get("updateStrategy") or {}).get("type"),
        autoscaler=scaled,
        troubles=[f"{objects.name(pod)} {each}" for pod in ailing for each in objects.troubles(pod)],
        controller_lags_behind=_lags(of) or None,
        **counts,
    )


def _lags(of: Object) -> bool:
    seen = objects.status(of).get("observedGeneration")
    return seen is not None and seen != of["metadata"].get("generation")


def _scaled(of: Object, scalers: Sequence[Object]) -> list[str]:
    own = [(each, objects.spec(each)) for each in scalers]
    return [
        f"{objects.name(each)}: {spec.get('minReplicas', 1)} to {spec['maxReplicas']}"
        for each, spec in own
        if (spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]) == (of["kind"], objects.name(of))
    ]
