"""Facts about the control plane of a cluster: etcd and the API server.

All fields but `verb` and `webhook` are closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from function.shared.fact_fields import Few, Name, Number
from function.shared.strict_json import STRICT


@dataclass(frozen=True)
class Etcd:
    """A member of etcd, or the worst values of several members. None means that Prometheus
    has no such series."""

    __pydantic_config__ = STRICT
    has_leader: bool | None
    leader_changes_in_an_hour: Number | None
    fsync_p99_seconds: Number | None
    fsync_p99_seconds_an_hour_ago: Number | None
    commit_p99_seconds: Number | None
    size_gib: Number | None
    quota_gib: Number | None


@dataclass(frozen=True)
class Verb:
    __pydantic_config__ = STRICT
    verb: Name
    requests_per_second: Number
    errors_per_second: Number
    """The requests that the API server answered with a status of 500 or more."""


@dataclass(frozen=True)
class Webhook:
    __pydantic_config__ = STRICT
    webhook: Name
    errors_per_second: Number
    """The requests that failed because the webhook could not be called."""


@dataclass(frozen=True)
class ApiServer:
    """The requests to one API server or to all of them, by verb, the verbs with the most errors first."""

    __pydantic_config__ = STRICT
    verbs: Annotated[tuple[Verb, ...], Few]
    failing_webhooks: Annotated[tuple[Webhook, ...], Few] = ()
