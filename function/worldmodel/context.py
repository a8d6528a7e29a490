"""Makes the context of a resource: the present state, earlier runs, and the owner's limits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from function.shared.errors import Unavailable, location
from function.shared.fact_fields import MAX_LIST
from function.shared.facts import MODES, Change, Changes, Context, Fact, Governance, fact
from function.shared.kubernetes import SHAPE_ERRORS
from function.shared.memory import Store
from function.shared.prometheus import Prometheus
from function.shared.resource import Resource, is_name
from function.shared.text import cut
from function.worldmodel import objects
from function.worldmodel.api_service import api_service
from function.worldmodel.autoscaler import autoscaler
from function.worldmodel.cronjob import cronjob
from function.worldmodel.found import SOURCE, Found
from function.worldmodel.metrics import whole_control_plane
from function.worldmodel.namespace import namespace
from function.worldmodel.network import ingress, service
from function.worldmodel.node import host, node
from function.worldmodel.objects import Object, Objects
from function.worldmodel.pod import pod
from function.worldmodel.pvc import claim
from function.worldmodel.quotas import quota
from function.worldmodel.reader import Look, Threads
from function.worldmodel.surroundings import surroundings
from function.worldmodel.workload import workload

log = logging.getLogger("sre-dispatch")
T = TypeVar("T")

CLASSIFICATION, SCOPE = "sre-dispatch/classification", "sre-dispatch/scope"
"""Labels that the owner of a Namespace sets. The scope is the widest mode that the owner authorises."""

NAMESPACED: Mapping[str, Callable[[Look, str, str], Found]] = {
    "k8s_pvc": claim,
    "k8s_pod": pod,
    "k8s_deployment": lambda look, where, name: workload(look, "Deployment", where, name),
    "k8s_statefulset": lambda look, where, name: workload(look, "StatefulSet", where, name),
    "k8s_daemonset": lambda look, where, name: workload(look, "DaemonSet", where, name),
    "k8s_replicaset": lambda look, where, name: workload(look, "ReplicaSet", where, name),
    "k8s_job": lambda look, where, name: workload(look, "Job", where, name),
    "k8s_cronjob": cronjob,
    "k8s_hpa": autoscaler,
    "k8s_service": service,
    "k8s_ingress": ingress,
    "k8s_resourcequota": quota,
}
IN_THE_CLUSTER: Mapping[str, Callable[[Look, str], Found]] = {
    "k8s_node": node,
    "k8s_namespace": namespace,
    "k8s_apiservice": api_service,
    "host": host,
}
"""Functions that read a cluster-scoped resource. The keys are types of function/dispatch/subject.py."""


@dataclass(frozen=True)
class World:
    """The sources of a context."""

    objects: Objects
    prometheus: Prometheus | None
    store: Store
    threads: Threads
    writer: Executor
    """An executor with one thread. It stores contexts in the order in which they were read."""
    clock: Callable[[], float]
    """Seconds since the epoch."""
    cluster: str
    """The name of the cluster that is read. For a resource of another cluster, a context has only the
    memory."""
    governance: Mapping[str, Governance] = field(default_factory=dict)
    """The limits of each namespace from the operator's file. These limits override the labels of the
    namespace."""

    def context(self, resource: Resource, alertname: str) -> Context:
        """Returns the context within reader.SECONDS and the limits of facts.py. A failed read becomes a gap
        and never an error."""
        look = Look(self.objects, self.prometheus, self.threads, self.clock())
        try:
            found, governance = self._live(look, resource)
            remembered = self._remembered(look, resource, alertname, found)
        finally:
            look.close()
        context = Context((*found.facts, *governance, *remembered), tuple(sorted(look.gaps)))
        if found.exists and not _unread(look):  # never replaces a complete context with an incomplete one
            self.writer.submit(self._remember, resource, context, found.watched)
        return context

    def _live(self, look: Look, resource: Resource) -> tuple[Found, list[Fact]]:
        """Returns the facts from the cluster, and the limits that the resource's owner set."""
        reader = self._reader(look, resource)
        if reader is None:
            return self._without_it(look, resource), []
        owner = self._owner(look, resource)
        found = _shaped(look, lambda: reader(look))
        found.extend(_shaped(look, lambda: surroundings(look, found.namespace or _where(resource), found)))
        if not found.exists and not _unread(look):
            look.gaps.add("not_found")
        return found, _shaped(look, lambda: Found(owner())).facts

    def _remember(self, resource: Resource, context: Context, watched: Mapping[str, str]) -> None:
        """Stores the context. It runs in the writer's thread, so the response does not wait for the disk."""
        try:
            self.store.remember(resource, context, watched)
        except Unavailable as error:
            log.error("%s", error)  # noqa: TRY400

    def _reader(self, look: Look, resource: Resource) -> Callable[[Look], Found] | None:
        """Returns the function that reads a resource of this type. If there is none, it adds a gap with the
        reason."""
        where, name = resource.namespace, resource.resource_id
        is_known = resource.resource_type in NAMESPACED or resource.resource_type in IN_THE_CLUSTER
        namespaced = resource.resource_type in NAMESPACED
        gaps = {
            "no_resource": not name,
            "other_cluster": resource.cluster != self.cluster,
            "unknown_kind": not is_known,
            "bad_name": not is_name(name) or (namespaced and not is_name(where)),
        }
        if gap := next((gap for gap, holds in gaps.items() if holds), ""):
            look.gaps.add(gap)
            return None
        if namespaced:
            return lambda look: NAMESPACED[resource.resource_type](look, where, name)
        return lambda look: IN_THE_CLUSTER[resource.resource_type](look, name)

    def _without_it(self, look: Look, resource: Resource) -> Found:
        """Returns what is known if the resource cannot be read: the facts of its namespace. Without a
        namespace, an alert without a resource is often about the control plane."""
        unnamed, where = not resource.resource_id, resource.namespace
        if resource.cluster != self.cluster or not (unnamed or "unknown_kind" in look.gaps):
            return Found()
        if where and not is_name(where):
            return Found()
        control_plane = whole_control_plane(look) if unnamed and not where else list
        found = _shaped(look, lambda: namespace(look, where)) if where else Found()
        found.extend(_shaped(look, lambda: surroundings(look, where, found)))
        return Found([*control_plane(), *found.facts], found.changes)

    def _owner(self, look: Look, resource: Resource) -> Callable[[], list[Fact]]:
        """Requests the limits that the owner of the namespace set. Returns a function that waits for them."""
        where = resource.resource_id if resource.resource_type == "k8s_namespace" else resource.namespace
        if where in self.governance:
            return lambda: [fact(self.governance[where], "configuration")]
        if not where:
            return list
        requested = look.get("Namespace", where)
        return lambda: [fact(_governance(of), SOURCE) for of in [requested()] if of is not None]

    def _remembered(self, look: Look, resource: Resource, alertname: str, found: Found) -> list[Fact]:
        """Returns earlier runs and changes. If the cluster cannot be read, it adds the last stored facts."""
        store = self.store
        memory = _stored(partial(store.memory, resource, alertname), look, None)
        seen: list[Change] = _stored(partial(store.changes, resource, found.watched), look, [])
        facts = [memory] if memory else []
        if changes := [*seen, *found.changes]:
            facts.append(fact(Changes(tuple(changes[:MAX_LIST])), SOURCE))
        if not found.exists and _unread(look):
            recalled: list[Fact] = _stored(partial(store.recall, resource), look, [])
            fresh = {each.kind for each in found.facts}
            facts += [each for each in recalled if each.kind not in fresh]
        return facts


def _where(resource: Resource) -> str:
    """Returns the namespace that the resource is in, or that it is."""
    if resource.resource_type == "k8s_namespace":
        return resource.resource_id
    return resource.namespace if resource.resource_type in NAMESPACED else ""


def _shaped(look: Look, read: Callable[[], Found]) -> Found:
    """Returns what a reader finds. If an object has an unexpected shape, it returns nothing and adds a
    gap."""
    try:
        return read()
    except SHAPE_ERRORS as error:
        log.error("an object of an unexpected shape could not be read: %s", location(error))  # noqa: TRY400
        look.gaps.add("kubernetes_answer")
        return Found()


def _unread(look: Look) -> bool:
    """Returns whether a read of the cluster failed."""
    return any(gap.startswith("kubernetes_") for gap in look.gaps)


def _stored(call: Callable[[], T], look: Look, otherwise: T) -> T:
    """Returns the result of a call of the store. A failure is logged and becomes a gap."""
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
    """Returns the owner's classification and scope. A scope that is not a mode authorises nothing."""
    if widest is None:
        return Governance(classification, None)
    known = MODES.index(widest) if widest in MODES else len(MODES)
    return Governance(classification, MODES[known:])
