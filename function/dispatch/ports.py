"""What the program needs from outside, each as small as its use, and App, the bundle made at start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from function.dispatch.model import JobStatus, Result
from function.shared.event import SREEvent
from function.shared.strict_json import Json

T = TypeVar("T")


class Policy(Protocol):
    def ask(self, document: Json) -> object:
        """The policy's raw answer to one input, None where it has none. Raises Unavailable."""


class WorldModel(Protocol):
    def context(self, event: SREEvent) -> object:
        """The world model's raw answer about the event's resource. Raises Unavailable."""


class Cluster(Protocol):
    def jobs(self) -> Sequence[JobStatus]:
        """Every Job in the agents' namespace, by one listing. Raises Unavailable."""

    def job(self, name: str) -> JobStatus | None:
        """The Job of that name, with the time it completed, or None. Raises Unavailable."""

    def template(self, name: str) -> Mapping[str, Any]:
        """The jobTemplate of the tier's CronJob of that name. Raises Unavailable."""

    def create(self, manifest: Json) -> bool:
        """Create the Job; False where its name is taken. Raises Unavailable where the outcome is not
        known or may change, Poison where this manifest can never be accepted."""


class Sink(Protocol):
    def notify(self, results: Iterable[Result]) -> None:
        """Bring outcomes to people. May raise anything: the sink that holds the others logs it."""


class Authenticator(Protocol):
    async def accept(self, token: bytes) -> bool:
        """Whether who sends this bearer token may send deliveries. Raises Unavailable where that cannot be
        known now."""


class SideBySide(Protocol):
    def __call__(self, call: Callable[[T], None], of: Iterable[T], /) -> Iterable[None]:
        """As the built-in `map`, which does one after the other; what it gives has to be taken."""


@dataclass(frozen=True)
class Dependencies:
    """All that a delivery is worked with; made once at start, never changed."""

    policy: Policy
    cluster: Cluster
    sink: Sink
    world: WorldModel | None
    prompts: Any
    """The Jinja environment that render.py made."""
    namespace: str
    """Where the agents' Jobs are created."""
    cluster_name: str
    volatile_labels: Set[str]
    each: SideBySide
    """How the events of a delivery are looked at."""
    clock: Callable[[], float]
    """Seconds since the epoch; what the policy is told of time."""
    monotonic: Callable[[], float]
    """Seconds, for the deadline of a delivery."""
    callers: Authenticator | None = None
    """Who may send besides those with a token from a file; None: nobody."""
