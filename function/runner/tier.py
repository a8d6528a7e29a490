"""Reads the tier's files: what the agent may do (tier.json) and how the run is reported (report.json)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from function.shared.errors import Misconfigured, first_error
from function.shared.strict_json import STRICT

T = TypeVar("T")
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:[_-][a-z0-9]+)*$", max_length=32)]
Tool = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""A permission rule joins a server's name and a tool by two underscores; these patterns keep it
unambiguous."""
BuiltIn = Literal["Read", "Edit", "Write", "Grep", "Glob"]
"""No shell, no network, no subagents: no tier can have these tools."""


def _url(text: str) -> str:
    """Raises ValueError if httpx finds no host, or the standard library no port from 1 to 65535."""
    import httpx

    try:
        found = bool(httpx.URL(text).host) and urlsplit(text).port != 0
    except (httpx.InvalidURL, ValueError):
        found = False
    if not found:
        raise ValueError("not a URL such as https://host/path or http://host:8080/path")
    return text


def _below(path: str) -> str:
    """Raises ValueError for . and .. in the path, because no path in a git tree has them."""
    if {".", ".."} & set(path.split("/")):
        raise ValueError("name a folder inside the repository, without . or .. in its path")
    return path


Url = Annotated[str, Field(pattern=r"^https?://[^\s$@]+$", max_length=1024), AfterValidator(_url)]
"""Without user and password: these belong into a file."""
Model = Annotated[str, Field(pattern=r"^[\w.:@/-]{1,128}$")]
File = Annotated[str, Field(pattern=r"^/", max_length=1024)]
Folder = Annotated[str, Field(pattern=r"^(?:[\w.-]+/)*[\w.-]*$", max_length=512), AfterValidator(_below)]


@dataclass(frozen=True)
class Server:
    """An MCP server over HTTP, and those of its tools that the agent may call."""

    __pydantic_config__ = STRICT
    url: Url
    tools: Annotated[tuple[Tool, ...], Field(min_length=1)]
    token_file: str = ""
    """File with a bearer token. Everything in the agent's container can read it."""


@dataclass(frozen=True)
class Repository:
    """The repository that deploys some resources. If several entries fit, the one with the most names counts.
    policies/config/repository has the same names for the policy."""

    __pydantic_config__ = STRICT
    url: Url
    namespace: str
    """Of the subject; empty for cluster-scoped resources."""
    resource_type: str = ""
    """As function/dispatch/subject.py names it; empty fits every type."""
    resource_id: str = ""
    branch: Annotated[str, Field(pattern=r"^[\w][\w./-]{0,127}$")] = "main"
    path: Folder = ""
    """A proposal may change only this folder; empty is the whole repository."""
    forge: Literal["gitea", "forgejo", "gitlab"] = "gitea"


@dataclass(frozen=True)
class JiraTarget:
    __pydantic_config__ = STRICT
    url: Url
    project: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,19}$")]
    token_file: File
    user: str = ""
    """E-mail address of the token's owner, for Jira Cloud. Empty for Data Center, which has personal access
    tokens."""
    issue_type: str = "Task"


@dataclass(frozen=True)
class PrometheusTarget:
    """The Prometheus that verifies whether the alert cleared."""

    __pydantic_config__ = STRICT
    url: Url
    seconds: Annotated[int, Field(ge=0, le=900)] = 300
    """How long after the run an alert may take to clear."""


@dataclass(frozen=True)
class WorldModelTarget:
    """The world model that records the run."""

    __pydantic_config__ = STRICT
    url: Url
    token_file: File
    tool: str = "record_outcome"


@dataclass(frozen=True)
class Reporting:
    """Settings of the roles `prepare` and `report`. Only their containers mount the credentials."""

    __pydantic_config__ = STRICT
    repositories: tuple[Repository, ...] = ()
    git_credentials: File | None = None
    """A file in the form of git-credential-store(1), one line per server: https://user:token@host"""
    jira: JiraTarget | None = None
    prometheus: PrometheusTarget | None = None
    world_model: WorldModelTarget | None = None

    @property
    def git_file(self) -> Path | None:
        return Path(self.git_credentials) if self.git_credentials else None


@dataclass(frozen=True)
class Tier:
    __pydantic_config__ = STRICT
    mode: Literal["autonomous", "merge-request", "investigate"]
    model: Model
    servers: Mapping[Name, Server]
    fallback_models: Annotated[tuple[Model, ...], Field(max_length=3)] = ()
    """Models that take over, in this order, while `model` is missing or overloaded. Each turn tries `model`
    first again. `sre-dispatch check` warns before a model retires."""
    built_in: tuple[BuiltIn, ...] = ()
    """Tools for the files of the repository."""
    max_turns: Annotated[int, Field(ge=1, le=500)] = 60
    max_cost_usd: Annotated[float, Field(gt=0, le=100)] = 3.0
    """By list prices, counted by Claude Code and checked after each answer."""
    seconds: Annotated[int, Field(ge=1, le=3300)] = 1500
    """For the run. The deadline of the pod has to leave time for wrap-up and report after it."""


def read(folder: Path) -> Tier:
    """Reads tier.json in the folder. Raises Misconfigured."""
    return _read(folder / "tier.json", TypeAdapter(Tier))


def read_reporting(folder: Path) -> Reporting:
    """Reads report.json in the folder. Raises Misconfigured."""
    return _read(folder / "report.json", TypeAdapter(Reporting))


def repository_of(event: Mapping[str, Any], repositories: Sequence[Repository]) -> Repository | None:
    """The repository of the event's resource: of the entries that fit, the one with the most names, and of
    equals the first. None if no entry fits."""

    def fits(each: Repository) -> bool:
        return (
            each.namespace == event.get("namespace", "")
            and each.resource_type in ("", event.get("resource_type", ""))
            and each.resource_id in ("", event.get("resource_id", ""))
        )

    def names(each: Repository) -> int:
        return sum(map(bool, (each.resource_type, each.resource_id)))

    return max(filter(fits, repositories), key=names, default=None)


def _read(path: Path, form: TypeAdapter[T]) -> T:
    try:
        return form.validate_json(path.read_bytes())
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be read ({error.strerror}): check that the tier's ConfigMap is mounted"
        ) from None
    except ValidationError as error:
        where, what = first_error(error)
        raise Misconfigured(f"{path}: {where or 'the file'}: {what}") from None
