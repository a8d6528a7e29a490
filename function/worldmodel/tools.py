"""Defines the three tools, and the role that may call each tool. Arguments are untrusted and validated
strictly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from function.shared.errors import first_error
from function.shared.facts import Name
from function.shared.resource import Resource
from function.shared.runs import Run
from function.shared.strict_json import STRICT, to_json
from function.worldmodel.context import World

T = TypeVar("T")

Role = Literal["reader", "writer"]
MAX_OUTCOMES = 50


class BadArguments(Exception):
    """The arguments are invalid. The message names the field, but quotes no value."""


@dataclass(frozen=True)
class ContextArguments:
    __pydantic_config__ = STRICT
    resource_type: Name
    resource_id: Name
    namespace: Name = ""
    cluster: Name | None = None
    """If it is missing, the resource is in the cluster that this world model reads."""
    alertname: Name = ""


@dataclass(frozen=True)
class OutcomesArguments:
    """The filters of a listing. All given filters have to match. Either resource_id or alertname is
    required."""

    __pydantic_config__ = STRICT
    cluster: Name | None = None
    resource_type: Name | None = None
    namespace: Name | None = None
    resource_id: Name | None = None
    alertname: Name | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_OUTCOMES)] = 10


@dataclass(frozen=True)
class Tool(Generic[T]):
    name: str
    description: str
    role: Role
    """Only a token of this role can see and call the tool."""
    arguments: type[T]
    call: Callable[[World, T], dict[str, Any]]

    def schema(self) -> dict[str, Any]:
        return TypeAdapter(self.arguments).json_schema()

    def run(self, world: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the result of the tool. Raises BadArguments, Unavailable."""
        try:
            valid = TypeAdapter(self.arguments).validate_json(to_json(arguments))
        except (ValidationError, ValueError, TypeError) as error:
            raise BadArguments(f"{self.name}: {_problem(error)}") from None
        return self.call(world, valid)


def _problem(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return "the arguments are not a JSON object"
    where, what = first_error(error)
    named = "" if what.startswith("Unexpected") else where  # the caller chose the field's name
    return f"{named or 'unknown argument'}: {what}"


def _context(world: World, arguments: ContextArguments) -> dict[str, Any]:
    cluster = world.cluster if arguments.cluster is None else arguments.cluster
    resource = Resource(cluster, arguments.resource_type, arguments.namespace, arguments.resource_id)
    return asdict(world.context(resource, arguments.alertname))


def _outcomes(world: World, arguments: OutcomesArguments) -> dict[str, Any]:
    where = {name: value for name, value in asdict(arguments).items() if isinstance(value, str)}
    if not where.keys() & {"resource_id", "alertname"}:
        raise BadArguments("list_outcomes: give a resource_id or an alertname")
    return {"outcomes": [asdict(run) for run in world.store.runs(where, arguments.limit)]}


def _record(world: World, run: Run) -> dict[str, Any]:
    run = run if run.cluster else replace(run, cluster=world.cluster)
    return {"session": run.session, "recorded": world.store.record(run)}


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "get_resource_context",
        "What is known about one resource: state, usage and growth, owners and dependents, limits, recent "
        "events and changes, what its owner authorised, what earlier runs did. Gaps list what is not known.",
        "reader",
        ContextArguments,
        _context,
    ),
    Tool(
        "list_outcomes",
        "Earlier runs on a resource or after an alert, the newest first.",
        "reader",
        OutcomesArguments,
        _outcomes,
    ),
    Tool(
        "record_outcome",
        "Record what a run did and its result. A session is recorded once; repeating it changes nothing.",
        "writer",
        Run,
        _record,
    ),
)
