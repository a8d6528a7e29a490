"""The facts about a resource. These classes are the contract between a world model and its clients.

The dispatcher validates each fact of a response with them. Each fact has its source and its age.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from function.shared import control_plane, surroundings, symptoms
from function.shared.fact_fields import Count, Few, Name, Number, Text, Texts
from function.shared.strict_json import STRICT

Mode = Literal["autonomous", "merge-request", "investigate"]
MODES: tuple[Mode, ...] = ("autonomous", "merge-request", "investigate")
"""The scopes that an owner can authorise, the widest first. Each scope includes all later ones."""
Detail = bool | Annotated[int, Field(gt=-(2**53), lt=2**53)] | Number | Text | Texts


@dataclass(frozen=True)
class Reference:
    __pydantic_config__ = STRICT
    kind: Name
    name: Name
    namespace: Name = ""


@dataclass(frozen=True)
class Dependent:
    __pydantic_config__ = STRICT
    kind: Name
    name: Name
    namespace: Name
    reason: Text


@dataclass(frozen=True)
class State:
    """The present state of the resource. Each kind of resource has its own details."""

    __pydantic_config__ = STRICT
    status: Text
    details: Annotated[Mapping[Name, Detail], Few]


@dataclass(frozen=True)
class Usage:
    __pydantic_config__ = STRICT
    subject: Text
    used_gib: Number
    capacity_gib: Number
    used_percent: Number
    inodes_used_percent: Number | None = None


@dataclass(frozen=True)
class Growth:
    """The growth of a volume, by linear regression. full_at follows from the steeper slope. A slope of None
    is unknown. full_at is None if the volume does not grow, or if the growth is unknown."""

    __pydantic_config__ = STRICT
    gib_per_hour_over_6h: Number | None
    gib_per_hour_over_24h: Number | None
    full_in_hours: Number | None
    full_at: Text | None


@dataclass(frozen=True)
class Storage:
    """The storage behind a claim, and whether it can grow."""

    __pydantic_config__ = STRICT
    storage_class: Name
    provisioner: Name
    allow_volume_expansion: bool | None
    """None if the storage class could not be read."""
    access_modes: Texts
    volume: Name
    reclaim_policy: Text
    max_storage: Text | None = None
    """The operator's limit, from the annotation sre-dispatch/max-storage of the claim. Without a limit, the
    claim may not grow."""
    max_storage_gib: Number | None = None
    """The same limit as a number, which an agent that acts alone gets too."""


@dataclass(frozen=True)
class Replicas:
    __pydantic_config__ = STRICT
    desired: Count
    ready: Count
    available: Count
    max_replicas: Count | None = None
    """The number up to which an agent may scale a Deployment, from its annotation sre-dispatch/max-replicas.
    Without it, no agent may."""


@dataclass(frozen=True)
class Owners:
    """The controllers of the resource, the closest first."""

    __pydantic_config__ = STRICT
    chain: Annotated[tuple[Reference, ...], Few]


@dataclass(frozen=True)
class Dependents:
    """The objects that fail if the resource fails. `count` is the number of all of them, even if the list is
    cut."""

    __pydantic_config__ = STRICT
    count: Count
    dependents: Annotated[tuple[Dependent, ...], Few]


@dataclass(frozen=True)
class DependsOn:
    __pydantic_config__ = STRICT
    needs: Annotated[tuple[Reference, ...], Few]
    more: Count = 0


@dataclass(frozen=True)
class Quota:
    __pydantic_config__ = STRICT
    name: Name
    resource: Name
    used: Text
    hard: Text


@dataclass(frozen=True)
class DisruptionBudget:
    """A PodDisruptionBudget."""

    __pydantic_config__ = STRICT
    name: Name
    disruptions_allowed: Count


@dataclass(frozen=True)
class Limits:
    """Quotas and disruption budgets that can block a remedy."""

    __pydantic_config__ = STRICT
    quotas: Annotated[tuple[Quota, ...], Few] = ()
    disruption_budgets: Annotated[tuple[DisruptionBudget, ...], Few] = ()
    more: Count = 0
    """The number of quotas that are left out. The listed quotas are fuller."""


@dataclass(frozen=True)
class Governance:
    """The owner's classification of the data, and the owner's limit for agents. A field is None if the owner
    set nothing."""

    __pydantic_config__ = STRICT
    classification: Name | None
    scope: Annotated[tuple[Mode, ...], Field(max_length=len(MODES))] | None


@dataclass(frozen=True)
class Change:
    __pydantic_config__ = STRICT
    what: Text
    ago: Text


@dataclass(frozen=True)
class Changes:
    __pydantic_config__ = STRICT
    changes: Annotated[tuple[Change, ...], Few]


@dataclass(frozen=True)
class Happening:
    """A Kubernetes Event."""

    __pydantic_config__ = STRICT
    subject: Text
    type: Text
    reason: Text
    message: Text
    count: Count
    ago: Text


@dataclass(frozen=True)
class Happenings:
    __pydantic_config__ = STRICT
    events: Annotated[tuple[Happening, ...], Few]
    more: Count = 0


RunStatus = Literal["resolved", "mitigated", "proposed", "investigated", "inconclusive", "failed", "refused"]
Verification = Literal["cleared", "firing", "inconclusive", "none"]


@dataclass(frozen=True)
class Remembered:
    """A summary of an earlier run."""

    __pydantic_config__ = STRICT
    ago: Text
    on: Text
    """The resource of the earlier run: the same one, or another one with the same failure."""
    alertname: Text
    status: RunStatus
    action: Text
    verification: Verification
    confidence: Number
    root_cause: Text


@dataclass(frozen=True)
class Memory:
    __pydantic_config__ = STRICT
    failures_in_a_week: Count
    """The number of remediations of this resource in the last seven days that failed or left the alert
    firing."""
    runs: Annotated[tuple[Remembered, ...], Few]


@dataclass(frozen=True)
class Note:
    """A fact that matches no other kind."""

    __pydantic_config__ = STRICT
    title: Text
    text: Text


KINDS: Mapping[str, type] = {
    "state": State,
    "crashes": symptoms.Crashes,
    "readiness": symptoms.Readiness,
    "scaling": symptoms.Scaling,
    "schedule": symptoms.Schedule,
    "targets": symptoms.Targets,
    "etcd": control_plane.Etcd,
    "api_server": control_plane.ApiServer,
    "machine": surroundings.Machine,
    "usage": Usage,
    "cpu": symptoms.Cpu,
    "filesystems": symptoms.FileSystems,
    "growth": Growth,
    "storage": Storage,
    "replicas": Replicas,
    "rollout": symptoms.Rollout,
    "services": symptoms.Services,
    "around": surroundings.Around,
    "full_volumes": surroundings.FullVolumes,
    "cluster": surroundings.Cluster,
    "alerts": surroundings.Alerts,
    "memory": Memory,
    "dependents": Dependents,
    "governance": Governance,
    "limits": Limits,
    "owners": Owners,
    "events": Happenings,
    "changes": Changes,
    "depends_on": DependsOn,
    "network_policies": surroundings.NetworkPolicies,
    "events_around": surroundings.EventsAround,
    "note": Note,
}
"""Every kind of fact, in the order of a prompt. Important kinds come first, because a long prompt is cut at
the end. An agent that acts alone gets no field with a Text or a Name (see dispatch/closed_facts.py)."""
NAMES = {of: kind for kind, of in KINDS.items()}


@dataclass(frozen=True)
class Fact:
    __pydantic_config__ = STRICT
    kind: Annotated[str, Field(max_length=32)]
    source: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    age_seconds: Count
    """The age of the fact when the server built its response."""
    data: Mapping[str, Any]
    """The fields of the fact's class in KINDS."""


def fact(content: object, source: str, age_seconds: float = 0) -> Fact:
    """Returns a fact with `content`, an instance of a class in KINDS."""
    return Fact(NAMES[type(content)], source, max(0, int(age_seconds)), asdict(content))  # type: ignore[call-overload]


@dataclass(frozen=True)
class Context:
    """The response of `get_resource_context`."""

    __pydantic_config__ = STRICT
    facts: tuple[Fact, ...] = ()
    gaps: tuple[str, ...] = ()
    """The reasons why something is unknown. Each reason is a member of gaps.GAPS."""
