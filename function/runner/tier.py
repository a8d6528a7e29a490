"""The tier's mounted files -> what its agent may do and how it reports. The operator's, read strictly."""

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
"""A permission rule joins both by two underscores, so that neither may blur where one ends."""
BuiltIn = Literal["Read", "Edit", "Write", "Grep", "Glob"]
"""No shell, no network, no further agents: such tools do not exist for any tier."""


def _url(text: str) -> str:
    """Raises ValueError where httpx would find no host, or the standard library no port of 1 to 65535."""
    import httpx

    try:
        found = bool(httpx.URL(text).host) and urlsplit(text).port != 0
    except (httpx.InvalidURL, ValueError):
        found = False
    if not found:
        raise ValueError("that is no URL: it has to be like https://host/path or http://host:8080/path")
    return text


def _below(path: str) -> str:
    """Raises ValueError for . and .. in the path: no path in a git tree has them, so none would be below."""
    if {".", ".."} & set(path.split("/")):
        raise ValueError("a folder below the repository's own is wanted, without . or .. in its path")
    return path


Url = Annotated[str, Field(pattern=r"^https?://[^\s$@]+$", max_length=1024), AfterValidator(_url)]
"""Without a user or a password in it: those stand in a file."""
Model = Annotated[str, Field(pattern=r"^[\w.:@/-]{1,128}$")]
File = Annotated[str, Field(pattern=r"^/", max_length=1024)]
Folder = Annotated[str, Field(pattern=r"^(?:[\w.-]+/)*[\w.-]*$", max_length=512), AfterValidator(_below)]


@dataclass(frozen=True)
class Server:
    """An MCP server over HTTP, and the tools of it that may be called."""

    __pydantic_config__ = STRICT
    url: Url
    tools: Annotated[tuple[Tool, ...], Field(min_length=1)]
    token_file: str = ""
    """File with a bearer token for it. All that runs in the agent's container can read it."""


@dataclass(frozen=True)
class Repository:
    """Where resources are deployed from. Of the entries that fit a subject the one with the most names
    counts; policies/config/repository says the same names to the policy."""

    __pydantic_config__ = STRICT
    url: Url
    namespace: str
    """Of the subject; empty for what is in no namespace."""
    resource_type: str = ""
    """As function/subject.py names it; empty fits each."""
    resource_id: str = ""
    branch: Annotated[str, Field(pattern=r"^[\w][\w./-]{0,127}$")] = "main"
    path: Folder = ""
    """The folder outside which a proposal may change nothing; empty is the whole repository."""
    forge: Literal["gitea", "forgejo", "gitlab"] = "gitea"


@dataclass(frozen=True)
class JiraTarget:
    __pydantic_config__ = STRICT
    url: Url
    project: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,19}$")]
    token_file: File
    user: str = ""
    """E-mail address of the token's owner, for Jira Cloud. Without, the token is a personal access token of
    Jira Data Center."""
    issue_type: str = "Task"


@dataclass(frozen=True)
class PrometheusTarget:
    """Whom a run's success is asked of."""

    __pydantic_config__ = STRICT
    url: Url
    seconds: Annotated[int, Field(ge=0, le=900)] = 300
    """How long an alert has to clear after the run."""


@dataclass(frozen=True)
class WorldModelTarget:
    """Where a run is remembered."""

    __pydantic_config__ = STRICT
    url: Url
    token_file: File
    tool: str = "record_outcome"


@dataclass(frozen=True)
class Reporting:
    """What `prepare` and `report` do. Their credentials are files that no other container has."""

    __pydantic_config__ = STRICT
    repositories: tuple[Repository, ...] = ()
    git_credentials: File | None = None
    """In the form of git-credential-store(1), a line a server: https://user:token@host"""
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
    """Who is asked in their order where `model` is not there or overloaded; at each turn it is tried first
    again. `sre-dispatch check` tells when a model retires."""
    built_in: tuple[BuiltIn, ...] = ()
    """Tools for the files of the clone."""
    max_turns: Annotated[int, Field(ge=1, le=500)] = 60
    max_cost_usd: Annotated[float, Field(gt=0, le=100)] = 3.0
    """By list prices, as the program counts them; checked after each answer."""
    seconds: Annotated[int, Field(ge=1, le=3300)] = 1500
    """For the run. The pod's own deadline has to leave time for the wrap-up and the report after it."""


def read(folder: Path) -> Tier:
    """The tier in the folder's tier.json. Raises Misconfigured, naming what is wrong."""
    return _read(folder / "tier.json", TypeAdapter(Tier))


def read_reporting(folder: Path) -> Reporting:
    """How it reports, from the folder's report.json. Raises Misconfigured, naming what is wrong."""
    return _read(folder / "report.json", TypeAdapter(Reporting))


def repository_of(event: Mapping[str, Any], repositories: Sequence[Repository]) -> Repository | None:
    """Where the event's resource is deployed from: of the entries that fit, the one with the most names, the
    first of equals. None where none fits."""

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
            f"{path} cannot be read: {error.strerror}: is the tier's ConfigMap mounted?"
        ) from None
    except ValidationError as error:
        where, what = first_error(error)
        raise Misconfigured(f"{path}: {where or 'it'}: {what}") from None
