"""Finds the owners of an object."""

from __future__ import annotations

from collections.abc import Sequence

from function.shared.facts import Owners, Reference
from function.worldmodel import objects
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look

WORKLOADS = ("StatefulSet", "Deployment", "DaemonSet", "CronJob")
"""The kinds of workloads that people create. A chain of owners ends at such a workload."""
MAX_CHAIN = 4


def owners(look: Look, of: Object) -> list[Reference]:
    """Returns the controller of the object, then the controller's own controller, and so on."""
    chain: list[Reference] = []
    found: Object | None = of
    while found is not None and len(chain) < MAX_CHAIN and (owner := objects.controller(found)):
        chain.append(owner)
        goes_on = owner.kind in objects.PATHS and owner.kind not in WORKLOADS
        found = look.get(owner.kind, owner.name, owner.namespace)() if goes_on else None
    return chain


def workload_of(look: Look, pod: Object) -> Reference:
    """Returns the workload that runs the pod."""
    return outermost(owners(look, pod), pod)


def outermost(chain: Sequence[Reference], pod: Object) -> Reference:
    """Returns the last of the pod's owners, or the pod itself. A Node does not count as an owner, because it
    only mirrors a static pod."""
    real = [owner for owner in chain if owner.kind != "Node"]
    return real[-1] if real else Reference("Pod", objects.name(pod), objects.namespace(pod))


def owned(chain: Sequence[Reference]) -> list[Owners]:
    """Returns the fact about the owners, or an empty list without owners."""
    return [Owners(tuple(chain))] if chain else []
