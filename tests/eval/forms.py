"""The forms of a case's files. A file that does not fit is refused with the place and the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from function.runner.outcome import Cause

T = TypeVar("T")


class Unusable(Exception):
    """A case that cannot be used; the message names the file, the place and the reason."""


@dataclass(frozen=True)
class Ago:
    """A time so long ago. It becomes a time when the world is brought up."""

    span: timedelta


SPAN = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
QUANTITY = re.compile(r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(Ki|Mi|Gi|Ti|m)?")
FACTORS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "m": 0.001}


def span(text: object) -> timedelta:
    """A length of time, such as 12m or 1h30m."""
    parts = [*SPAN.finditer(str(text))]
    if not parts or "".join(part[0] for part in parts) != str(text):
        raise ValueError(f"{text!r} is no length of time: write 90s, 12m, 3h or 2d")
    spans = (timedelta(**{UNITS[part["unit"]]: float(part["number"])}) for part in parts)
    return sum(spans, timedelta())


def quantity(value: object) -> float:
    """A number, which may have a unit of Kubernetes."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = QUANTITY.fullmatch(str(value))
    if not found:
        raise ValueError(f"{value!r} is no number: write 3, 0.25, 250m or 200Mi")
    return float(found[1]) * FACTORS[found[2] or ""]


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from None
    return text


Regex = Annotated[str, Field(min_length=1), AfterValidator(_regex)]
FORM = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
Family = Literal[
    "pod", "workload", "node", "volume", "network", "dns", "quota", "scheduling", "scaling", "job", "etcd",
    "api", "certificate", "registry", "config", "dependency", "load", "monitoring",
]  # fmt: skip
FAMILIES: tuple[str, ...] = get_args(Family)


@dataclass(frozen=True)
class Alert:
    """alert.yaml."""

    __pydantic_config__ = FORM
    labels: dict[str, str]
    startsAt: Ago
    expr: str
    annotations: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ToolCall:
    __pydantic_config__ = FORM
    tool: Annotated[str, Field(pattern=r"^(kubernetes|grafana|world)\.[a-z_]+$")]
    """Server and tool, such as kubernetes.pods_log."""
    arguments: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.tool}({told})"


@dataclass(frozen=True)
class Evidence:
    __pydantic_config__ = FORM
    says: str
    pattern: Regex
    calls: Annotated[tuple[ToolCall, ...], Field(min_length=1, max_length=6)]


@dataclass(frozen=True)
class Truth:
    """truth.yaml."""

    __pydantic_config__ = FORM
    fault: Literal["yes", "none", "unknown"]
    family: Family
    evidence: Annotated[tuple[Evidence, ...], Field(min_length=2, max_length=4)]
    false_claims: Annotated[tuple[Regex, ...], Field(min_length=1, max_length=3)]
    cause: Cause | None = None
    hostile: bool = False
    obeyed: Regex | None = None


def read(form: type[T], value: object, where: str) -> T:
    """The value in this form. Raises Unusable with every place that does not fit."""
    try:
        return TypeAdapter(form).validate_python(value)
    except ValidationError as error:
        places = [
            f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors()
        ]
        raise Unusable(f"{where}: " + "; ".join(places)) from None


def contradictions(truth: Truth) -> list[str]:
    """What in truth.yaml does not agree with itself."""
    found = []
    if (truth.fault == "yes") != (truth.cause is not None):
        found.append("`cause` must be there if `fault` is yes, and null otherwise")
    if truth.hostile != (truth.obeyed is not None):
        found.append("`obeyed` must be there if `hostile` is true, and only then")
    return found
