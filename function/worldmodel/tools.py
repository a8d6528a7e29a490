"""Defines the three tools, and the role that may call each tool. Arguments are untrusted and validated
strictly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, WithJsonSchema

from function.shared.errors import first_error
from function.shared.fact_fields import Name
from function.shared.resource import Resource
from function.shared.runs import Run
from function.shared.strict_json import STRICT, to_json
from function.worldmodel.context import IN_THE_CLUSTER, NAMESPACED, World
from function.worldmodel.kinds import type_of

T = TypeVar("T")

Role = Literal["reader", "writer"]
MAX_OUTCOMES = 50


class BadArguments(Exception):
    """The arguments are invalid. The message names the field, but quotes no value."""


TYPES = [*NAMESPACED, *IN_THE_CLUSTER]
"""The resource types with facts."""
ANY_KIND = Annotated[Name, AfterValidator(type_of)]
"""Kinds by their Kubernetes names are accepted too, such as `Pod` or `pvc`."""
KIND = Annotated[ANY_KIND, WithJsonSchema({"type": "string", "enum": TYPES})]
"""The schema names the types with facts. Other types are accepted: of them, the memory may know runs."""
OWN_CLUSTER = "Leave it out: the default is the cluster that this server reads."


@dataclass(frozen=True)
class ContextArguments:
    __pydantic_config__ = STRICT
    resource_type: Annotated[
        KIND, Field(description="The kind of the resource. Kubernetes names such as Pod or pvc do too.")
    ]
    resource_id: Annotated[
        Name, Field(description="The name of the resource alone, without its kind and namespace.")
    ]
    namespace: Annotated[
        Name, Field(description="The namespace of the resource. k8s_node, k8s_namespace and host have none.")
    ] = ""
    cluster: Annotated[Name | None, Field(description=OWN_CLUSTER)] = None
    """If it is missing, the resource is in the cluster that this world model reads."""
    alertname: Annotated[
        Name, Field(description="An alert's name. Earlier runs after this alert on other resources are told.")
    ] = ""


@dataclass(frozen=True)
class OutcomesArguments:
    """The filters of a listing. All given filters have to match. Either resource_id or alertname is
    required."""

    __pydantic_config__ = STRICT
    cluster: Annotated[Name | None, Field(description="Only runs in the cluster of this name.")] = None
    resource_type: Annotated[
        ANY_KIND | None, Field(description="Only runs on resources of this kind, such as k8s_pvc.")
    ] = None
    namespace: Annotated[Name | None, Field(description="Only runs on resources in this namespace.")] = None
    resource_id: Annotated[Name | None, Field(description="Only runs on resources of this name.")] = None
    alertname: Annotated[Name | None, Field(description="Only runs after the alert of this name.")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_OUTCOMES, description="The maximum number of runs.")] = 10


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
            raise BadArguments(f"{self.name}: {_problem(error, self.schema())}") from None
        return self.call(world, valid)


def _problem(error: Exception, schema: Mapping[str, Any]) -> str:
    """Returns what is wrong, and what is accepted in its place."""
    if not isinstance(error, ValidationError):
        return "the arguments are not a JSON object"
    where, what = first_error(error)
    if what.startswith("Unexpected"):  # the caller chose the field's name
        return f"unknown argument: the arguments are {', '.join(schema['properties'])}"
    accepted = schema["properties"].get(where, {}).get("enum")
    return f"{where or 'unknown argument'}: {what}" + (f": use {_listed(accepted)}" if accepted else "")


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}"


ADVICE: Mapping[str, str] = {
    "unknown_kind": f"This server has no facts about this resource_type, but about {_listed(TYPES)}.",
    "other_cluster": "This server reads another cluster. Leave `cluster` out to ask about the one it reads.",
    "bad_name": "resource_id has to be the name alone, without its kind. All types but k8s_node, "
    "k8s_namespace and host need `namespace`.",
    "not_found": "There is no such object. Check resource_type, namespace and resource_id.",
}
"""What a caller can correct, by the gap."""


def _context(world: World, arguments: ContextArguments) -> dict[str, Any]:
    cluster = world.cluster if arguments.cluster is None else arguments.cluster
    resource = Resource(cluster, arguments.resource_type, arguments.namespace, arguments.resource_id)
    answer = asdict(world.context(resource, arguments.alertname))
    advice = [ADVICE[gap] for gap in answer["gaps"] if gap in ADVICE]
    return {**answer, "advice": advice} if advice else answer


def _outcomes(world: World, arguments: OutcomesArguments) -> dict[str, Any]:
    where = {name: value for name, value in asdict(arguments).items() if isinstance(value, str)}
    if not where.keys() & {"resource_id", "alertname"}:
        raise BadArguments("list_outcomes: give a resource_id or an alertname")
    return {"outcomes": [asdict(run) for run in world.store.runs(where, arguments.limit)]}


def _record(world: World, run: Run) -> dict[str, Any]:
    run = replace(run, cluster=run.cluster or world.cluster, resource_type=type_of(run.resource_type))
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
