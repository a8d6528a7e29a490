"""What the program needs from outside: one protocol for each dependency, and the bundle of them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from function.dispatch.model import JobStatus, Result
from function.shared.event import SREEvent
from function.shared.strict_json import Json

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

T = TypeVar("T")
U = TypeVar("U")

BATCH = 8
"""How many alerts are processed side by side. Each batch is finished before the next one starts. So a
delivery that is too large for the deadline gets further with every retry."""


class Policy(Protocol):
    def ask(self, document: Json) -> object:
        """Return the policy's raw answer to one input; None if it has none. Raises Unavailable."""


class WorldModel(Protocol):
    def context(self, event: SREEvent) -> object:
        """Return the world model's raw answer about the event's resource. Raises Unavailable."""


class Cluster(Protocol):
    def jobs(self) -> Sequence[JobStatus]:
        """List every Job in the agents' namespace with one request. Raises Unavailable."""

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
        """Tell people about results. May raise anything: Fanout logs it."""


class Authenticator(Protocol):
    async def accept(self, token: bytes) -> bool:
        """Whether the owner of this bearer token may send deliveries. Raises Unavailable if nobody can tell
        right now."""


class ParallelMap(Protocol):
    def __call__(self, call: Callable[[T], U], items: Iterable[T], /) -> Iterable[U]:
        """Like the built-in `map`. The results come in the order of the items."""


@dataclass(frozen=True)
class Dependencies:
    """Everything that a delivery is processed with. Built once at start and never changed."""

    policy: Policy
    cluster: Cluster
    sink: Sink
    world: WorldModel | None
    prompts: ImmutableSandboxedEnvironment
    """The prompt templates, as render.environment loads them."""
    namespace: str
    """The namespace in which the agents' Jobs are created."""
    cluster_name: str
    volatile_labels: Set[str]
    parallel_map: ParallelMap
    """Runs a step on the alerts of a batch: in threads, or one after the other with the built-in `map`."""
    clock: Callable[[], float]
    """Seconds since the epoch, as the policy sees the time."""
    monotonic: Callable[[], float]
    """Seconds, for the deadline of a delivery."""
    authenticator: Authenticator | None = None
    """Accepts senders whose token is in no file. None: nobody else may send."""
