"""The three tools, and who may call which. Arguments are untrusted, and read strictly."""

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
    """The arguments are not those of the tool; the message says where, and quotes none of them."""


@dataclass(frozen=True)
class ContextAsked:
    __pydantic_config__ = STRICT
    resource_type: Name
    resource_id: Name
    namespace: Name = ""
    cluster: Name = ""
    alertname: Name = ""


@dataclass(frozen=True)
class OutcomesAsked:
    """Each that is given has to be equal; a resource or an alert has to be."""

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
    """The one token with which it can be called, or even seen."""
    arguments: type[T]
    call: Callable[[World, T], dict[str, Any]]

    def schema(self) -> dict[str, Any]:
        return TypeAdapter(self.arguments).json_schema()

    def run(self, world: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The tool's answer. Raises BadArguments, Unavailable."""
        try:
            asked = TypeAdapter(self.arguments).validate_json(to_json(arguments))
        except (ValidationError, ValueError, TypeError) as error:
            raise BadArguments(f"{self.name}: {_where(error)}") from None
        return self.call(world, asked)


def _where(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return "the arguments are no JSON object"
    where, what = first_error(error)
    named = "" if what.startswith("Unexpected") else where  # its name would be the caller's own word
    return f"{named or 'an argument that there is not'}: {what}"


def _context(world: World, asked: ContextAsked) -> dict[str, Any]:
    resource = Resource(asked.cluster, asked.resource_type, asked.namespace, asked.resource_id)
    return asdict(world.context(resource, asked.alertname))


def _outcomes(world: World, asked: OutcomesAsked) -> dict[str, Any]:
    where = {name: value for name, value in asdict(asked).items() if isinstance(value, str)}
    if not where.keys() & {"resource_id", "alertname"}:
        raise BadArguments("list_outcomes: a resource_id or an alertname is wanted")
    return {"outcomes": [asdict(run) for run in world.store.runs(where, asked.limit)]}


def _record(world: World, told: Run) -> dict[str, Any]:
    run = told if told.cluster else replace(told, cluster=world.cluster)
    return {"session": run.session, "recorded": world.store.record(run)}


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "get_resource_context",
        "What is known of one resource: state, usage and growth, owners and dependents, limits, recent "
        "events and changes, what its owner authorised, what earlier runs did. Gaps: what is not known.",
        "reader",
        ContextAsked,
        _context,
    ),
    Tool(
        "list_outcomes",
        "Earlier runs, the newest first: of a resource, or after an alert.",
        "reader",
        OutcomesAsked,
        _outcomes,
    ),
    Tool(
        "record_outcome",
        "Remember what a run did and what came of it. A session is recorded once; again changes nothing.",
        "writer",
        Run,
        _record,
    ),
)
