"""What is told of a Namespace."""

from __future__ import annotations

from collections import Counter

from function.shared.facts import Dependent
from function.worldmodel import common, objects
from function.worldmodel.common import Found
from function.worldmodel.reader import Look


def namespace(look: Look, name: str) -> Found:
    asked = look.get("Namespace", name)
    lists = [look.list(kind, name, metadata=True) for kind in common.WORKLOADS]
    warnings = look.list("Event", name, fields="type=Warning")
    near = common.Around(tuple, tuple, tuple, look.list("ResourceQuota", name))
    of = asked()
    if of is None:
        return Found()
    workloads = [each for listed in lists for each in listed()]
    counts = Counter(each["kind"] for each in workloads)

    found = Found(exists=True)
    told = [f"{kind}: {count}" for kind, count in sorted(counts.items())]
    found.tell(common.state(of, look.now, str(objects.status(of).get("phase", "")), workloads=told))
    found.tell(
        common.dependents(
            Dependent(each["kind"], objects.name(each), name, "lives in it") for each in workloads
        ),
        common.limits(near),
        common.happenings(warnings(), look.now),
    )
    return found
