"""Which objects control an object."""

from __future__ import annotations

from collections.abc import Sequence

from function.shared.facts import Owners, Reference
from function.worldmodel import objects
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look

WORKLOADS = ("StatefulSet", "Deployment", "DaemonSet", "CronJob")
"""Kinds that people work with. A chain of owners ends with one of them."""
MAX_CHAIN = 4


def owners(look: Look, of: Object) -> list[Reference]:
    """The controller of the object, the controller of that one, and so on."""
    chain: list[Reference] = []
    found: Object | None = of
    while found is not None and len(chain) < MAX_CHAIN and (owner := objects.controller(found)):
        chain.append(owner)
        goes_on = owner.kind in objects.PATHS and owner.kind not in WORKLOADS
        found = look.get(owner.kind, owner.name, owner.namespace)() if goes_on else None
    return chain


def workload_of(look: Look, pod: Object) -> Reference:
    """The workload that runs the pod."""
    return outermost(owners(look, pod), pod)


def outermost(chain: Sequence[Reference], pod: Object) -> Reference:
    """The last of the pod's owners, or the pod itself. A Node, which only mirrors a static pod, does not
    count."""
    real = [owner for owner in chain if owner.kind != "Node"]
    return real[-1] if real else Reference("Pod", objects.name(pod), objects.namespace(pod))


def owned(chain: Sequence[Reference]) -> list[Owners]:
    """The fact about the owners, if there are any."""
    return [Owners(tuple(chain))] if chain else []
