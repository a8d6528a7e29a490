"""What is told of a Deployment, StatefulSet, DaemonSet, ReplicaSet or Job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from function.worldmodel import common, objects
from function.worldmodel.common import Found
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look

PODS_WITH_EVENTS = 3


def workload(look: Look, kind: str, namespace: str, name: str) -> Found:
    asked = look.get(kind, name, namespace)
    happened = common.events(look, kind, name, namespace)
    near = common.around(look, namespace)
    scalers = look.list("HorizontalPodAutoscaler", namespace) if kind != "Job" else tuple
    of = asked()
    if of is None:
        return Found()
    listed = look.list("Pod", namespace, labels=objects.as_query(objects.spec(of).get("selector") or {}))
    rollouts = common.rollout(look, of)
    chain = common.owners(look, of)
    ailing = [pod for pod in listed() if objects.troubles(pod)]
    about = [common.events(look, "Pod", objects.name(pod), namespace) for pod in ailing[:PODS_WITH_EVENTS]]

    found = Found(exists=True)
    scaled = _scaled(of, scalers())
    found.tell(_state(of, look.now, listed(), ailing, scaled))
    if kind != "Job":
        found.tell(common.replicas(of))
    labels = objects.template_labels(of)
    found.tell(common.dependents(common.clients(labels, near)), common.limits(near, [labels]))
    events = [event for each in (happened, *about) for event in each()]
    found.tell(*common.owned(chain), common.happenings(events, look.now))
    found.tell(common.depends_on(objects.needs(of)))
    found.changes = rollouts()
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
    return common.state(
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
