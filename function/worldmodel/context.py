"""A resource -> its context: what is so now, what was done before, what its owner allows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from function.shared.errors import Unavailable, location
from function.shared.facts import MODES, Change, Changes, Context, Fact, Governance, fact
from function.shared.kubernetes import SHAPE_ERRORS
from function.shared.memory import Store
from function.shared.prometheus import Prometheus
from function.shared.resource import Resource, is_name
from function.shared.text import cut
from function.worldmodel import objects
from function.worldmodel.common import SOURCE, Found
from function.worldmodel.namespace import namespace
from function.worldmodel.node import node
from function.worldmodel.objects import Object, Objects
from function.worldmodel.pod import pod
from function.worldmodel.pvc import claim
from function.worldmodel.reader import Look, Threads
from function.worldmodel.workload import workload

log = logging.getLogger("sre-dispatch")
T = TypeVar("T")

CLASSIFICATION, SCOPE = "sre-dispatch/classification", "sre-dispatch/scope"
"""Labels of a Namespace, which its owner sets. A scope names the widest mode that is authorised."""

NAMESPACED: Mapping[str, Callable[[Look, str, str], Found]] = {
    "k8s_pvc": claim,
    "k8s_pod": pod,
    "k8s_deployment": lambda look, where, name: workload(look, "Deployment", where, name),
    "k8s_statefulset": lambda look, where, name: workload(look, "StatefulSet", where, name),
    "k8s_daemonset": lambda look, where, name: workload(look, "DaemonSet", where, name),
    "k8s_replicaset": lambda look, where, name: workload(look, "ReplicaSet", where, name),
    "k8s_job": lambda look, where, name: workload(look, "Job", where, name),
}
IN_THE_CLUSTER: Mapping[str, Callable[[Look, str], Found]] = {"k8s_node": node, "k8s_namespace": namespace}
"""By the types of function/subject.py."""


@dataclass(frozen=True)
class World:
    """All that a context is made of."""

    objects: Objects
    prometheus: Prometheus | None
    store: Store
    threads: Threads
    writer: Executor
    """One thread, so that what is kept later stands later."""
    clock: Callable[[], float]
    """Seconds since the epoch."""
    cluster: str
    """The name of the cluster that is read; questions about another one get memory alone."""
    governance: Mapping[str, Governance] = field(default_factory=dict)
    """By namespace, from the operator's file; it stands in place of the namespace's labels."""

    def context(self, resource: Resource, alertname: str) -> Context:
        """What is known of the resource, within look.SECONDS and the limits of facts.py. Never raises for
        what cannot be found out: that is a gap."""
        look = Look(self.objects, self.prometheus, self.threads, self.clock())
        try:
            found, stated = self._live(look, resource)
            remembered = self._remembered(look, resource, alertname, found)
        finally:
            look.close()
        context = Context((*found.facts, *stated, *remembered), tuple(sorted(look.gaps)))
        if found.exists and not _unread(look):  # what is told less well replaces nothing
            self.writer.submit(self._remember, resource, context, found.watched)
        return context

    def _live(self, look: Look, resource: Resource) -> tuple[Found, list[Fact]]:
        """What the cluster says now, and what the owner of the resource says."""
        reader = self._reader(look, resource)
        if reader is None:
            return Found(), []
        try:
            owner = self._owner(look, resource)
            found = reader(look)
            stated = owner()
        except (
            *SHAPE_ERRORS,
            ArithmeticError,
        ) as error:  # of an object that nobody foresaw: told to the operator by its place
            log.error("an object could not be read: %s", location(error))  # noqa: TRY400
            look.gaps.add("kubernetes_answer")
            return Found(), []
        if not found.exists and not _unread(look):
            look.gaps.add("not_found")
        return found, stated

    def _remember(self, resource: Resource, context: Context, watched: Mapping[str, str]) -> None:
        """After the answer, which does not wait for the disk."""
        try:
            self.store.remember(resource, context, watched)
        except Unavailable as error:
            log.error("%s", error)  # noqa: TRY400

    def _reader(self, look: Look, resource: Resource) -> Callable[[Look], Found] | None:
        """What reads such a resource, else a gap that says why nothing does."""
        where, name = resource.namespace, resource.resource_id
        known = resource.resource_type in NAMESPACED or resource.resource_type in IN_THE_CLUSTER
        namespaced = resource.resource_type in NAMESPACED
        gaps = {
            "no_resource": not name,
            "other_cluster": resource.cluster != self.cluster,
            "unknown_kind": not known,
            "bad_name": not is_name(name) or (namespaced and not is_name(where)),
        }
        if gap := next((gap for gap, holds in gaps.items() if holds), ""):
            look.gaps.add(gap)
            return None
        if namespaced:
            return lambda look: NAMESPACED[resource.resource_type](look, where, name)
        return lambda look: IN_THE_CLUSTER[resource.resource_type](look, name)

    def _owner(self, look: Look, resource: Resource) -> Callable[[], list[Fact]]:
        """What the owner of the resource's namespace says; call to wait for it."""
        where = resource.resource_id if resource.resource_type == "k8s_namespace" else resource.namespace
        if where in self.governance:
            return lambda: [fact(self.governance[where], "configuration")]
        if not where:
            return list
        asked = look.get("Namespace", where)
        return lambda: [fact(_governance(of), SOURCE) for of in [asked()] if of is not None]

    def _remembered(self, look: Look, resource: Resource, alertname: str, found: Found) -> list[Fact]:
        """Earlier runs, changes seen, and what was told last where the cluster cannot be read now."""
        store = self.store
        memory = _kept(partial(store.memory, resource, alertname), look, None)
        seen: list[Change] = _kept(partial(store.changes, resource, found.watched), look, [])
        told = [memory] if memory else []
        if changes := [*seen, *found.changes]:
            told.append(fact(Changes(tuple(changes)), SOURCE))
        if not found.exists and _unread(look):
            told += _kept(partial(store.recall, resource), look, [])
        return told


def _unread(look: Look) -> bool:
    """Whether anything of the cluster could not be read."""
    return any(gap.startswith("kubernetes_") for gap in look.gaps)


def _kept(call: Callable[[], T], look: Look, otherwise: T) -> T:
    """What the store says; where it fails that is a gap, and told to the operator."""
    try:
        return call()
    except Unavailable as error:
        log.error("%s", error)  # noqa: TRY400
        look.gaps.add(error.code)
        return otherwise


def _governance(of: Object) -> Governance:
    labels = objects.labels(of)
    classification = labels.get(CLASSIFICATION)
    return governed(cut(classification) if classification else None, labels.get(SCOPE))


def governed(classification: str | None, widest: str | None) -> Governance:
    """The owner's word as a fact. A scope that is no mode authorises nothing."""
    if widest is None:
        return Governance(classification, None)
    known = MODES.index(widest) if widest in MODES else len(MODES)
    return Governance(classification, MODES[known:])
