"""Reads the tier's files. tier.json defines what the agent may do. report.json defines how the run is
reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from function.shared.errors import Misconfigured, first_error
from function.shared.strict_json import STRICT

T = TypeVar("T")
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:[_-][a-z0-9]+)*$", max_length=32)]
Tool = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""The name of a tool. A permission rule joins a server's name and a tool with two underscores. The patterns
of Name and Tool make the rule unambiguous."""
BuiltIn = Literal["Read", "Edit", "Write", "Grep", "Glob"]
"""The built-in tools that a tier may list. No tier can have a shell, network access or subagents."""
Effort = Literal["low", "medium", "high", "xhigh", "max"]


def _url(text: str) -> str:
    """Returns the URL. Raises ValueError if it has no host or an invalid port."""
    import httpx

    try:
        found = bool(httpx.URL(text).host) and urlsplit(text).port != 0
    except (httpx.InvalidURL, ValueError):
        found = False
    if not found:
        raise ValueError("not a URL such as https://host/path or http://host:8080/path")
    return text


def _below(path: str) -> str:
    """Returns the path. Raises ValueError if it contains . or .., because no path in a git tree contains
    them."""
    if {".", ".."} & set(path.split("/")):
        raise ValueError("name a folder inside the repository, without . or .. in its path")
    return path


Url = Annotated[str, Field(pattern=r"^https?://[^\s$@]+$", max_length=1024), AfterValidator(_url)]
"""A URL without user and password. Credentials belong in a file."""
Model = Annotated[str, Field(pattern=r"^[\w.:@/-]{1,128}$")]
File = Annotated[str, Field(pattern=r"^/", max_length=1024)]
Folder = Annotated[str, Field(pattern=r"^(?:[\w.-]+/)*[\w.-]*$", max_length=512), AfterValidator(_below)]

Ending = Annotated[str, Field(pattern=r"^\.[a-z0-9][a-z0-9._-]{0,30}$")]
"""The end of a file's name: .yaml, .values.yaml"""
ENDINGS = (".yaml", ".yml", ".json", ".md")


@dataclass(frozen=True)
class Server:
    """An MCP server over HTTP, and the tools that the agent may call."""

    __pydantic_config__ = STRICT
    url: Url
    tools: Annotated[tuple[Tool, ...], Field(min_length=1)]
    token_file: str = ""
    """The file with a bearer token. Every process in the agent's container can read the file."""


@dataclass(frozen=True)
class Repository:
    """The repository that deploys some resources. If several entries match a resource, the most specific
    entry is used. policies/config/repository lists the same resources for the policy."""

    __pydantic_config__ = STRICT
    url: Url
    namespace: str
    """The namespace of the resource. It is empty for a cluster-scoped resource."""
    resource_type: str = ""
    """A type from function/dispatch/subject.py. An empty string matches every type."""
    resource_id: str = ""
    branch: Annotated[str, Field(pattern=r"^[\w][\w./-]{0,127}$")] = "main"
    path: Folder = ""
    """The folder that a proposal may change. An empty string allows the whole repository."""
    forge: Literal["gitea", "forgejo", "gitlab"] = "gitea"


@dataclass(frozen=True)
class Proposals:
    """The files that a proposal may change. Every other file is refused, and with it the whole proposal."""

    __pydantic_config__ = STRICT
    endings: Annotated[tuple[Ending, ...], Field(min_length=1, max_length=20)] = ENDINGS
    """The ends of the names of files that a proposal may change or add, in lower case. Files that machines
    obey are refused in any case (see report/automation.py)."""
    may_delete: bool = False
    """Whether a proposal may delete files with these endings. To rename a file is to delete it."""


@dataclass(frozen=True)
class JiraTarget:
    __pydantic_config__ = STRICT
    url: Url
    project: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,19}$")]
    token_file: File
    user: str = ""
    """The e-mail address of the token's owner, for Jira Cloud. It is empty for Data Center, which uses
    personal access tokens."""
    issue_type: str = "Task"


@dataclass(frozen=True)
class PrometheusTarget:
    """The Prometheus that verifies whether the alert cleared."""

    __pydantic_config__ = STRICT
    url: Url
    seconds: Annotated[int, Field(ge=0, le=900)] = 300
    """The time that an alert may take to clear after the run."""


@dataclass(frozen=True)
class WorldModelTarget:
    """The world model that records the run."""

    __pydantic_config__ = STRICT
    url: Url
    token_file: File
    tool: str = "record_outcome"


@dataclass(frozen=True)
class Reporting:
    """The settings of the roles `prepare` and `report`. Only the containers of these roles mount the
    credentials."""

    __pydantic_config__ = STRICT
    repositories: tuple[Repository, ...] = ()
    git_credentials: File | None = None
    """The file with the credentials, in the format of git-credential-store(1). It has one line for each
    server: https://user:token@host"""
    proposals: Proposals = field(default_factory=Proposals)
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
    """The models that Claude Code uses, in this order, while `model` is missing or overloaded. Each turn
    tries `model` first. `sre-dispatch check` warns before a model retires."""
    effort: Effort | None = None
    """How thoroughly the model thinks. More effort costs more. Without a value, Claude Code decides."""
    built_in: tuple[BuiltIn, ...] = ()
    """The tools for files. They reach the working folder, and the long answers of MCP servers, which Claude
    Code saves to files. They reach nothing else."""
    max_turns: Annotated[int, Field(ge=1, le=500)] = 60
    """The limit of responses of the model. At 90 % of this limit, or of one of the next two, the runner stops
    the agent and requests the outcome (see agent/budget.py)."""
    max_cost_usd: Annotated[float, Field(gt=0, le=100)] = 3.0
    """The limit of the cost by list prices. The cost of a response is known only after it, so a response can
    pass the limit. At 125 % Claude Code ends the run."""
    seconds: Annotated[int, Field(ge=1, le=3300)] = 1500
    """The limit of time. The pod's deadline has to leave time for the wrap-up and the report."""


def read(folder: Path) -> Tier:
    """Reads tier.json in the folder. Raises Misconfigured."""
    return _read(folder / "tier.json", TypeAdapter(Tier))


def read_reporting(folder: Path) -> Reporting:
    """Reads report.json in the folder. Raises Misconfigured."""
    return _read(folder / "report.json", TypeAdapter(Reporting))


def repository_of(event: Mapping[str, Any], repositories: Sequence[Repository]) -> Repository | None:
    """Returns the repository of the event's resource, or None if no entry matches. If several entries match,
    it returns the most specific one. Among equals, the first entry is used."""

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
