"""What a world model tells about a resource, and what it remembers: the contract between both sides.

Our own server builds its answer from these classes; what any server says is read by them, and refused fact by
fact where it does not fit. A fact says where it comes from and how old it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from function.model import STRICT

MAX_TEXT = 256
"""Characters of one text in a fact: an event's message fits, an essay does not."""
MAX_LIST = 20
"""Entries of one list in a fact."""
MAX_RUN_TEXT = 1000
"""Characters of one text in the record of a run."""

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
    why: Text


@dataclass(frozen=True)
class State:
    """What the resource is now; details differ from kind to kind."""

    __pydantic_config__ = STRICT
    status: Text
    details: Annotated[Mapping[Name, Detail], Few]


@dataclass(frozen=True)
class Usage:
    __pydantic_config__ = STRICT
    of: Text
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
class Budget:
    """A PodDisruptionBudget."""

    __pydantic_config__ = STRICT
    name: Name
    disruptions_allowed: Count


@dataclass(frozen=True)
class Limits:
    """What else stands in the way of a remedy."""

    __pydantic_config__ = STRICT
    quotas: Annotated[tuple[Quota, ...], Few] = ()
    disruption_budgets: Annotated[tuple[Budget, ...], Few] = ()
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
    of: Text
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
    {f"ffo_{why}" for why in ("unreachable", "slow", "status", "token", "answer", "refused")}
    | {
        f"kubernetes_{why}"
        for why in ("unreachable", "slow", "status", "answer", "forbidden", "unconfigured")
    }
    | {f"prometheus_{why}" for why in ("unreachable", "slow", "status", "answer", "none", "no_series")}
    | {"memory_unreadable", "memory_unwritable"}
    | {"no_source", "no_resource", "bad_name", "unknown_kind", "other_cluster", "not_found", "nothing_known"}
    | {"too_many", "cut", "stale", "bad_answer", "bad_fact", "port_failed", "other"}
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
    told: Mapping[str, Any]
    """The fields of the class that KINDS names."""


def fact(told: object, source: str, age_seconds: float = 0) -> Fact:
    """The fact that `told`, an instance of a class in KINDS, makes."""
    return Fact(NAMES[type(told)], source, max(0, int(age_seconds)), asdict(told))  # type: ignore[call-overload]


@dataclass(frozen=True)
class Context:
    """The answer of `get_resource_context`."""

    __pydantic_config__ = STRICT
    facts: tuple[Fact, ...] = ()
    gaps: tuple[str, ...] = ()
    """Of GAPS: what could not be found out."""


RFC_3339 = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$"


def _time(text: str) -> str:
    """Raises ValueError where the text is no time since 1970."""
    if datetime.fromisoformat(text) < datetime(1970, 1, 1, tzinfo=UTC):
        raise ValueError("no time since 1970")
    return text


Stated = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
RunText = Annotated[str, Field(max_length=MAX_RUN_TEXT)]


@dataclass(frozen=True)
class Run:
    """What an agent, or a person, did about an alert and what came of it: what `record_outcome` takes.

    The text in it was written by a model that had read untrusted data, and is untrusted itself.
    """

    __pydantic_config__ = STRICT
    session: Stated
    """Names the run; recording the same one again changes nothing."""
    at: Annotated[str, Field(pattern=RFC_3339), AfterValidator(_time)]
    """When it ended, RFC 3339."""
    resource_type: Annotated[str, Field(pattern=r"^(unknown_)?(k8s_[a-z]+|ceph|host|instance)$|^$")]
    """As function/subject.py names them, such as k8s_pvc."""
    resource_id: Name
    alertname: Stated
    status: RunStatus
    action: RunText
    verification: Verification
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    """Of the root cause, 0 to 1."""
    root_cause: RunText = ""
    namespace: Name = ""
    cluster: Name = ""
    identity: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


def cut(text: object, length: int = MAX_TEXT) -> str:
    """The text, at most so long, the cut marked."""
    whole = str(text)
    return whole if len(whole) <= length else whole[: length - 5] + "[cut]"


def ago(seconds: float) -> str:
    """A time span as people say it."""
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
