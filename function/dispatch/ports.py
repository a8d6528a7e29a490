"""One protocol for each dependency of the pipeline, and the dataclass that contains all dependencies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from function.dispatch.labels import Reading
from function.dispatch.model import JobStatus, Result
from function.shared.event import SREEvent
from function.shared.strict_json import Json

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

T = TypeVar("T")
U = TypeVar("U")

BATCH = 8
"""How many alerts are processed in parallel. Each batch is finished before the next one starts. So a delivery
that is too large for the deadline makes progress with every retry."""

DELIVERIES = 10
"""How many deliveries are processed at once: the containerConcurrency of the Knative Service."""


class Policy(Protocol):
    def ask(self, document: Json) -> object:
        """Return the policy's raw answer to one input, or None if the policy has no answer. Raises
        Unavailable."""


class WorldModel(Protocol):
    def context(self, event: SREEvent) -> object:
        """Return the world model's raw answer about the event's resource. Raises Unavailable."""


class Cluster(Protocol):
    def jobs(self) -> Sequence[JobStatus]:
        """List every Job in the agents' namespace with one request. Raises Unavailable."""

    def listed_job(self, name: str) -> JobStatus | None:
        """Return the Job of that name as a list shows it, or None. Raises Unavailable."""

    def job(self, name: str) -> JobStatus | None:
        """Return the Job of that name with its completion time, or None. Raises Unavailable."""

    def template(self, name: str) -> Mapping[str, Any]:
        """Return the jobTemplate of the tier's CronJob. Raises Unavailable."""

    def create(self, manifest: Json) -> bool:
        """Create the Job. Return False if its name is taken.

        Raises Unavailable if the result is unknown or can change, PermanentError if the API server can never
        accept this manifest.
        """


class Sink(Protocol):
    def notify(self, results: Iterable[Result]) -> None:
        """Notify people of results. It may raise any exception: Fanout logs it."""


class Authenticator(Protocol):
    async def accept(self, token: bytes) -> bool:
        """Return whether the owner of this bearer token may send deliveries. Raises Unavailable if the token
        cannot be reviewed now."""


class ParallelMap(Protocol):
    def __call__(self, call: Callable[[T], U], items: Iterable[T], /) -> Iterable[U]:
        """Call `call` on each item, like the built-in `map`. The results are in the order of the items."""


class Begin(Protocol):
    def __call__(self, call: Callable[[], T], /) -> Callable[[], T]:
        """Begin the call, and return a function that waits for it. That function returns the call's result or
        raises its error. `functools.cache` makes the call only when its result is needed."""


@dataclass(frozen=True)
class Dependencies:
    """All that the processing of a delivery needs. It is built once at start and never changes."""

    policy: Policy
    cluster: Cluster
    sink: Sink
    world: WorldModel | None
    prompts: ImmutableSandboxedEnvironment
    """The prompt templates, as render.environment loads them."""
    namespace: str
    """The namespace in which the agents' Jobs are created."""
    reading: Callable[[], Reading]
    """Returns how labels are read. It reads labels.yaml at the first call, not at the start."""
    parallel_map: ParallelMap
    """Runs a step on the alerts of a batch: in threads, or in sequence with the built-in `map`."""
    begin: Begin
    """Runs a call beside the steps."""
    clock: Callable[[], float]
    """Returns the time in seconds since the epoch. The policy receives this time."""
    monotonic: Callable[[], float]
    """Returns seconds from a clock that never goes back. The deadline of a delivery uses it."""
    authenticator: Authenticator | None = None
    """Accepts senders whose token is in no token file. If it is None, such senders are refused."""
