"""More kinds of facts about a resource: what crashed, what is not ready, what was rolled out, what scales,
what cannot be reached, and what is scarce.

Numbers, truth values and words of a fixed list are closed: an agent that acts alone gets them. A Text and a
Name are free: somebody in the cluster can write them, so such an agent does not get them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from function.shared.fact_fields import Count, Few, Name, Number, Text, Texts
from function.shared.strict_json import STRICT

Ended = Literal[
    "Completed",
    "Error",
    "OOMKilled",
    "ContainerCannotRun",
    "ContainerStatusUnknown",
    "DeadlineExceeded",
    "StartError",
    "other",
]
"""Why a container ended, in the words of kubelets and container runtimes."""
Waits = Literal[
    "",
    "ContainerCreating",
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImagePull",
    "ErrImageNeverPull",
    "ImagePullBackOff",
    "InvalidImageName",
    "PodInitializing",
    "RunContainerError",
    "other",
]
"""Why a container waits, in the words of kubelets. It is empty if the container does not wait."""
Pressure = Literal["DiskPressure", "MemoryPressure", "NetworkUnavailable", "PIDPressure"]
ExitCode = Annotated[int, Field(gt=-(2**53), lt=2**53)]


@dataclass(frozen=True)
class Crash:
    """The last end of a container, or the reason for which it cannot start."""

    __pydantic_config__ = STRICT
    pod: Name
    container: Name
    restarts: Count
    waits: Waits = ""
    ended: Ended | None = None
    exit_code: ExitCode | None = None
    signal: Count | None = None
    ended_seconds_ago: Count | None = None
    ran_seconds: Count | None = None
    message: Text = ""
    """Why it waits, in the kubelet's words."""
    log_end: Texts = ()
    """The last lines of the termination message. With `FallbackToLogsOnError` it is the end of the log."""


@dataclass(frozen=True)
class Crashes:
    __pydantic_config__ = STRICT
    containers: Annotated[tuple[Crash, ...], Few]
    more: Count = 0


@dataclass(frozen=True)
class Probe:
    __pydantic_config__ = STRICT
    container: Name
    kind: Literal["liveness", "readiness", "startup"]
    by: Literal["exec", "grpc", "http", "tcp", "other"]
    target: Text
    """The path and port, or the command."""
    initial_delay_seconds: Count
    period_seconds: Count
    timeout_seconds: Count
    failure_threshold: Count


@dataclass(frozen=True)
class Readiness:
    """Why a pod may not be ready: its probes, its node, and how the other pods of its owner do."""

    __pydantic_config__ = STRICT
    ready: bool
    probes: Annotated[tuple[Probe, ...], Few]
    node: Name = ""
    node_ready: bool | None = None
    """None if the pod has no node, or if the node could not be read."""
    node_pressures: Annotated[tuple[Pressure, ...], Few] = ()
    siblings: Count = 0
    """The number of the other pods of the same owner."""
    siblings_ready: Count | None = None
    not_ready: Texts = ()
    """The other pods that are not ready, with their nodes."""


@dataclass(frozen=True)
class Revision:
    """A ReplicaSet of a Deployment, or a ControllerRevision. The latter knows no replicas."""

    __pydantic_config__ = STRICT
    name: Name
    made_seconds_ago: Count
    desired: Count | None = None
    ready: Count | None = None


@dataclass(frozen=True)
class ContainerChange:
    """What differs in a container between two revisions. Of environment variables it has only the names."""

    __pydantic_config__ = STRICT
    container: Name
    image: Text = ""
    resources: Texts = ()
    variables_added: Texts = ()
    variables_removed: Texts = ()
    variables_changed: Texts = ()
    other: Texts = ()
    """The names of the other fields that differ."""


@dataclass(frozen=True)
class Rollout:
    """The newest revision of a workload against the one before."""

    __pydantic_config__ = STRICT
    workload: Text
    new: Revision
    old: Revision | None = None
    containers: Annotated[tuple[ContainerChange, ...], Few] = ()
    images_changed: Count = 0
    resources_changed: Count = 0
    variables_changed: Count = 0
    other: Texts = ()
    """The names of the pod's other fields that differ."""


@dataclass(frozen=True)
class Cpu:
    """The CPU time of a container in cores, and the share of periods in which it was throttled."""

    __pydantic_config__ = STRICT
    container: Name
    limit_cores: Number | None
    request_cores: Number | None
    used_cores: Number | None
    used_cores_an_hour_ago: Number | None
    used_cores_a_day_ago: Number | None
    throttled_percent: Number | None
    throttled_percent_an_hour_ago: Number | None


@dataclass(frozen=True)
class FileSystem:
    __pydantic_config__ = STRICT
    mountpoint: Text
    device: Text
    size_gib: Number
    used_percent: Number
    used_percent_a_day_ago: Number | None = None
    inodes_used_percent: Number | None = None


@dataclass(frozen=True)
class PodDisk:
    """The bytes that the containers of a pod wrote to their own file systems."""

    __pydantic_config__ = STRICT
    namespace: Name
    pod: Name
    gib: Number


@dataclass(frozen=True)
class FileSystems:
    """The file systems of a node, the fullest first."""

    __pydantic_config__ = STRICT
    filesystems: Annotated[tuple[FileSystem, ...], Few]
    biggest_pods: Annotated[tuple[PodDisk, ...], Few] = ()
    more: Count = 0


@dataclass(frozen=True)
class Schedule:
    """A CronJob."""

    __pydantic_config__ = STRICT
    cronjob: Name
    schedule: Text
    suspended: bool
    active: Count
    last_scheduled_seconds_ago: Count | None
    last_success_seconds_ago: Count | None
    """None if no Job of it ever succeeded."""


@dataclass(frozen=True)
class ScalingMetric:
    __pydantic_config__ = STRICT
    name: Text
    current: Text
    target: Text
    current_percent: Count | None = None
    target_percent: Count | None = None


@dataclass(frozen=True)
class Scaling:
    """A HorizontalPodAutoscaler."""

    __pydantic_config__ = STRICT
    autoscaler: Name
    scales: Text
    minimum: Count
    maximum: Count
    current: Count
    desired: Count
    limited: bool
    """Whether it wants another number of replicas than its limits allow."""
    metrics: Annotated[tuple[ScalingMetric, ...], Few] = ()
    conditions: Texts = ()


@dataclass(frozen=True)
class ServicePort:
    __pydantic_config__ = STRICT
    port: Count
    target: Text
    declared: bool | None
    """Whether a container of the pods declares the target. None without pods. No container can serve an
    undeclared name. It can serve an undeclared number."""


@dataclass(frozen=True)
class ServiceHealth:
    __pydantic_config__ = STRICT
    service: Name
    ready_endpoints: Count
    unready_endpoints: Count
    ports: Annotated[tuple[ServicePort, ...], Few] = ()


@dataclass(frozen=True)
class Services:
    """The Services that lead to the resource, and those of its namespace without a ready endpoint."""

    __pydantic_config__ = STRICT
    services: Annotated[tuple[ServiceHealth, ...], Few]
    more: Count = 0


@dataclass(frozen=True)
class Target:
    __pydantic_config__ = STRICT
    instance: Text
    job: Text
    up: bool


@dataclass(frozen=True)
class Targets:
    """The scrape targets of a Service, those that are down first."""

    __pydantic_config__ = STRICT
    up: Count
    down: Count
    targets: Annotated[tuple[Target, ...], Few]
