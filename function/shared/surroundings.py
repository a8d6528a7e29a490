"""More kinds of facts: what is ill around a resource, in its namespace, on its machine, and in the cluster.

The fields are open or closed as in symptoms.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from function.shared.fact_fields import Count, Few, Name, Number, Text, Texts
from function.shared.strict_json import STRICT
from function.shared.symptoms import Crash, ServiceHealth


@dataclass(frozen=True)
class WorkloadAround:
    """A workload that lacks replicas, or of which nobody wants any."""

    __pydantic_config__ = STRICT
    kind: Name
    name: Name
    desired: Count
    ready: Count
    change_cause: Text = ""


@dataclass(frozen=True)
class Around:
    """What is ill in the namespace, apart from the resource itself."""

    __pydantic_config__ = STRICT
    unready_pods: Count
    unready_workloads: Count
    stopped_workloads: Count
    """The workloads that somebody scaled to no replica."""
    pods: Texts = ()
    """The pods that are not ready or have failed, with their nodes and the reason."""
    crashes: Annotated[tuple[Crash, ...], Few] = ()
    """What crashed in these pods, the newest end first."""
    workloads: Annotated[tuple[WorkloadAround, ...], Few] = ()


@dataclass(frozen=True)
class EventAround:
    """A Kubernetes Event about another object: a Warning, or that a workload was scaled."""

    __pydantic_config__ = STRICT
    subject: Text
    reason: Text
    message: Text
    count: Count
    ago: Text


@dataclass(frozen=True)
class EventsAround:
    """The newest of these Events in the namespace."""

    __pydantic_config__ = STRICT
    events: Annotated[tuple[EventAround, ...], Few]
    more: Count = 0


@dataclass(frozen=True)
class FullVolume:
    __pydantic_config__ = STRICT
    claim: Name
    of: Literal["bytes", "inodes"]
    used_percent: Number


@dataclass(frozen=True)
class FullVolumes:
    """The volumes of the namespace that are nearly full, the fullest first."""

    __pydantic_config__ = STRICT
    volumes: Annotated[tuple[FullVolume, ...], Few]


@dataclass(frozen=True)
class NetworkPolicy:
    """Which pods a NetworkPolicy selects, and with whom alone they may speak in these directions."""

    __pydantic_config__ = STRICT
    policy: Name
    selects: Text
    directions: Annotated[tuple[Literal["Ingress", "Egress"], ...], Few]
    ingress: Texts = ()
    egress: Texts = ()


@dataclass(frozen=True)
class NetworkPolicies:
    __pydantic_config__ = STRICT
    policies: Annotated[tuple[NetworkPolicy, ...], Few]
    more: Count = 0


@dataclass(frozen=True)
class Cluster:
    """What everything in the cluster depends on. None means that it is unknown."""

    __pydantic_config__ = STRICT
    unready_nodes: Count | None
    cordoned_nodes: Count | None
    nodes: Texts = ()
    """The nodes that are not ready or cordoned."""
    dns: ServiceHealth | None = None


@dataclass(frozen=True)
class Firing:
    __pydantic_config__ = STRICT
    alertname: Name
    namespace: Name
    firing_seconds: Count
    """How long the condition of the oldest of these alerts has held."""


@dataclass(frozen=True)
class Alerts:
    """The alerts that fire, those of the namespace first, then those of the whole cluster."""

    __pydantic_config__ = STRICT
    alerts: Annotated[tuple[Firing, ...], Few]
    more: Count = 0


@dataclass(frozen=True)
class PodUse:
    """One of the pods that use the most of a machine: cores, GiB of memory, or MiB written in a second."""

    __pydantic_config__ = STRICT
    of: Literal["cpu", "memory", "disk_writes"]
    namespace: Name
    pod: Name
    used: Number
    memory_limit_gib: Number | None = None


@dataclass(frozen=True)
class Machine:
    """A node, as its exporter measures it. None means that Prometheus has no such series."""

    __pydantic_config__ = STRICT
    cpu_used_percent: Number | None
    cpu_used_percent_an_hour_ago: Number | None
    memory_used_percent: Number | None
    memory_used_percent_an_hour_ago: Number | None
    disk_busy_percent: Number | None
    disk_busy_percent_an_hour_ago: Number | None
    network_errors_per_second: Number | None
    clock_synchronised: bool | None
    clock_offset_seconds: Number | None
    failed_units: Texts = ()
    """The systemd units that failed."""
    pods: Annotated[tuple[PodUse, ...], Few] = ()
