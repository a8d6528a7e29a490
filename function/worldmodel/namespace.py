"""The facts of a Namespace."""

from __future__ import annotations

from collections import Counter

from function.shared.facts import Dependent
from function.worldmodel import objects
from function.worldmodel.events import happenings
from function.worldmodel.found import Found, state
from function.worldmodel.neighbours import Neighbours, dependents, limits
from function.worldmodel.owners import WORKLOADS
from function.worldmodel.reader import Look
from function.worldmodel.services import endpoints, services


def namespace(look: Look, name: str) -> Found:
    requested = look.get("Namespace", name)
    lists = [look.list(kind, name, metadata=True) for kind in WORKLOADS]
    warnings = look.list("Event", name, fields="type=Warning")
    near = Neighbours(tuple, tuple, tuple, look.list("ResourceQuota", name))
    listed_services = look.list("Service", name)
    counted = endpoints(look, name)
    of = requested()
    if of is None:
        return Found()
    workloads = [each for listed in lists for each in listed()]
    counts = Counter(each["kind"] for each in workloads)

    found = Found(exists=True)
    shown = [f"{kind}: {count}" for kind, count in sorted(counts.items())]
    found.add(state(of, look.now, str(objects.status(of).get("phase", "")), workloads=shown))
    found.add(*services(listed_services(), counted(), lambda _: False, ()))
    found.add(
        dependents(Dependent(each["kind"], objects.name(each), name, "lives in it") for each in workloads),
        limits(near),
        happenings(warnings(), look.now),
    )
    return found
