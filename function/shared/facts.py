"""What a world model tells about a resource, and what it remembers: the contract between both sides.

Our own server builds its answer from these classes; what any server says is read by them, and refused fact by
fact where it does not fit. A fact says where it comes from and how old it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from function.shared.strict_json import STRICT
from function.shared.text import MAX_TEXT

MAX_LIST = 20
"""Entries of one list in a fact."""
MAX_NAME = 253
"""Characters of a Kubernetes name: an RFC 1123 subdomain."""
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Name = Annotated[str, Field(max_length=MAX_NAME)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Mode = Literal["autonomous", "merge-request", "investigate"]
MODES: tuple[Mode, ...] = ("autonomous", "merge-request", "investigate")
"""The scopes that an owner can authorise, the widest first; each includes those after it."""
Few = Field(max_length=MAX_LIST)
Texts = Annotated[tuple[Text, ...], Few]
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
    """What the resource is now; details differ from kind to kind."""

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
    """Slopes by linear regression; full_at goes by the steeper one. None is not known, or not growing."""

    __pydantic_config__ = STRICT
    gib_per_hour_over_6h: Number | None
    gib_per_hour_over_24h: Number | None
    full_in_hours: Number | None
    full_at: Text | None


@dataclass(frozen=True)
class Storage:
    """What holds a claim, and whether it can grow."""

    __pydantic_config__ = STRICT
    storage_class: Name
    provisioner: Name
    allow_volume_expansion: bool | None
    """None where the class could not be read."""
    access_modes: Texts
    volume: Name
    reclaim_policy: Text
    max_storage: Text | None = None
    """The operator's ceiling, the claim's annotation sre-dispatch/max-storage; None: it may not grow."""


@dataclass(frozen=True)
class Replicas:
    __pydantic_config__ = STRICT
    desired: Count
    ready: Count
    available: Count


@dataclass(frozen=True)
class Owners:
    """Who controls the resource, the closest first."""

    __pydantic_config__ = STRICT
    chain: Annotated[tuple[Reference, ...], Few]


@dataclass(frozen=True)
class Dependents:
    """Who is hurt when the resource is; `count` is all of them, the list may be cut."""

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
    """What else stands in the way of a remedy."""

    __pydantic_config__ = STRICT
    quotas: Annotated[tuple[Quota, ...], Few] = ()
    disruption_budgets: Annotated[tuple[DisruptionBudget, ...], Few] = ()
    more: Count = 0
    """Quotas that are left out, less full than those told."""


@dataclass(frozen=True)
class Governance:
    """What the resource's owner says of its data and of how far an agent may go; None: says nothing."""

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


RunStatus = Literal["resolved", "mitigated", "proposed", "investigated", "failed", "refused"]
Verification = Literal["cleared", "firing", "inconclusive", "none"]


@dataclass(frozen=True)
class Remembered:
    """An earlier run, as the next one is told of it."""

    __pydantic_config__ = STRICT
    ago: Text
    on: Text
    """The same resource, or which other one had the same kind of failure."""
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
    """Remediations of this resource in the last seven days that failed or left the alert firing."""
    runs: Annotated[tuple[Remembered, ...], Few]


@dataclass(frozen=True)
class Note:
    """What no other kind has a place for."""

    __pydantic_config__ = STRICT
    title: Text
    text: Text


KINDS: Mapping[str, type] = {
    "state": State,
    "usage": Usage,
    "growth": Growth,
    "storage": Storage,
    "replicas": Replicas,
    "memory": Memory,
    "dependents": Dependents,
    "governance": Governance,
    "limits": Limits,
    "owners": Owners,
    "events": Happenings,
    "changes": Changes,
    "depends_on": DependsOn,
    "note": Note,
}
"""Every kind of fact in the order in which a prompt shows them: what is cut is cut from the end."""
GAPS = frozenset(
    {f"world_model_{why}" for why in ("unreachable", "slow", "status", "token", "answer", "refused")}
    | {
        f"kubernetes_{why}"
        for why in ("unreachable", "slow", "status", "answer", "forbidden", "unconfigured")
    }
    | {f"prometheus_{why}" for why in ("unreachable", "slow", "status", "answer", "none", "no_series")}
    | {"memory_unreadable", "memory_unwritable"}
    | {"no_source", "no_resource", "bad_name", "unknown_kind", "other_cluster", "not_found", "nothing_known"}
    | {"too_many", "cut", "stale", "bad_answer", "bad_fact", "dependency_error", "other"}
)
"""Every gap there can be. They stand in a prompt outside the data, so that no server may make up its own."""
NAMES = {of: kind for kind, of in KINDS.items()}


@dataclass(frozen=True)
class Fact:
    __pydantic_config__ = STRICT
    kind: Annotated[str, Field(max_length=32)]
    source: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    age_seconds: Count
    """How old it was when it was told."""
    data: Mapping[str, Any]
    """The fields of the class that KINDS names."""


def fact(content: object, source: str, age_seconds: float = 0) -> Fact:
    """The fact that `content`, an instance of a class in KINDS, makes."""
    return Fact(NAMES[type(content)], source, max(0, int(age_seconds)), asdict(content))  # type: ignore[call-overload]


@dataclass(frozen=True)
class Context:
    """The answer of `get_resource_context`."""

    __pydantic_config__ = STRICT
    facts: tuple[Fact, ...] = ()
    gaps: tuple[str, ...] = ()
    """Of GAPS: what could not be found out."""
