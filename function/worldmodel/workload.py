"""The facts of a Deployment, StatefulSet, DaemonSet, ReplicaSet or Job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from function.shared.facts import Reference
from function.worldmodel import objects
from function.worldmodel.crashes import crashes
from function.worldmodel.events import events, happenings
from function.worldmodel.found import Found, state
from function.worldmodel.neighbours import clients, dependents, depends_on, limits, neighbours
from function.worldmodel.objects import Object
from function.worldmodel.owners import owned, owners
from function.worldmodel.reader import Look
from function.worldmodel.readiness import node_of, readiness
from function.worldmodel.rollouts import CHANGE_CAUSE, replicas, rollout
from function.worldmodel.scaling import scales, scaling
from function.worldmodel.schedules import schedule
from function.worldmodel.services import endpoints, selecting, services

PODS_WITH_EVENTS = 3
MAX_SCALERS = 2


def workload(look: Look, kind: str, namespace: str, name: str) -> Found:
    requested = look.get(kind, name, namespace)
    happened = events(look, kind, name, namespace)
    near = neighbours(look, namespace)
    counted = endpoints(look, namespace) if kind != "Job" else lambda: None
    scalers = look.list("HorizontalPodAutoscaler", namespace) if kind != "Job" else tuple
    of = requested()
    if of is None:
        return Found()
    listed = look.list("Pod", namespace, labels=objects.as_query(objects.spec(of).get("selector") or {}))
    rolled = rollout(look, of)
    chain = owners(look, of)
    ailing = [pod for pod in listed() if objects.troubles(pod)]
    of_pods = [events(look, "Pod", objects.name(pod), namespace) for pod in ailing[:PODS_WITH_EVENTS]]

    node = node_of(look, ailing[0]) if ailing else lambda: None
    cronjob = _cronjob(look, chain)

    found = Found(exists=True)
    scalers_of = [each for each in scalers() if scales(each, of)]
    found.add(_state(of, look.now, listed(), ailing, scalers_of), *crashes(listed(), look.now))
    found.add(*map(scaling, scalers_of[:MAX_SCALERS]))
    if kind != "Job":
        found.add(replicas(of))
        found.add(*(readiness(each, node(), listed()) for each in ailing[:1]))
    found.add(*(schedule(each, look.now) for each in [cronjob()] if each))
    found.add(*rolled().facts)
    labels = objects.template_labels(of)
    found.add(*services(near.services(), counted(), selecting([labels]), [of]))
    found.add(dependents(clients(labels, near)), limits(near, [labels]))
    recent = [event for each in (happened, *of_pods) for event in each()]
    found.add(*owned(chain), happenings(recent, look.now))
    found.add(depends_on(objects.needs(of)))
    found.changes = rolled().changes
    desired = objects.spec(of).get("replicas")
    found.watched = {"images": ", ".join(objects.images(of))}
    found.watched |= {"replicas": str(desired)} if desired is not None and not scalers_of else {}
    return found


def _state(
    of: Object, now: float, pods: Sequence[Object], ailing: Sequence[Object], scalers: Sequence[Object]
) -> object:
    spec, status = objects.spec(of), objects.status(of)
    phases = Counter(objects.status(pod).get("phase", "Unknown") for pod in pods)
    counts = {name: status.get(name) for name in ("active", "succeeded", "failed", "unavailableReplicas")}
    return state(
        of,
        now,
        "pods " + (", ".join(f"{phase}: {count}" for phase, count in sorted(phases.items())) or "none"),
        images=objects.images(of),
        change_cause=objects.annotation(of, CHANGE_CAUSE),
        paused=spec.get("paused"),
        suspended=spec.get("suspend"),
        strategy=(spec.get("strategy") or spec.get("updateStrategy") or {}).get("type"),
        autoscaler=[_range(each) for each in scalers],
        troubles=[f"{objects.name(pod)} {each}" for pod in ailing for each in objects.troubles(pod)],
        controller_lags_behind=_lags(of) or None,
        **counts,
    )


def _lags(of: Object) -> bool:
    seen = objects.status(of).get("observedGeneration")
    return seen is not None and seen != of["metadata"].get("generation")


def _range(scaler: Object) -> str:
    spec = objects.spec(scaler)
    return f"{objects.name(scaler)}: {spec.get('minReplicas', 1)} to {spec['maxReplicas']}"


def _cronjob(look: Look, chain: Sequence[Reference]) -> Callable[[], Object | None]:
    """Requests the CronJob that made a Job."""
    owner = next((each for each in chain if each.kind == "CronJob"), None)
    return look.get(owner.kind, owner.name, owner.namespace) if owner else lambda: None
