"""Settings -> Dependencies. This is the only module that selects adapters.

Some adapters are slow to import. So each of them is imported in the branch that selects it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from function.dispatch import labels, render
from function.dispatch.adapters.notify import Fanout, Log
from function.dispatch.adapters.token_reviews import TokenReviewCache
from function.dispatch.labels import Reading
from function.dispatch.port_errors import contained
from function.dispatch.ports import (
    BATCH,
    DELIVERIES,
    Authenticator,
    Cluster,
    Dependencies,
    Policy,
    Sink,
    WorldModel,
)
from function.dispatch.settings import Settings
from function.shared.errors import Misconfigured
from function.shared.http import token_in

if TYPE_CHECKING:
    from function.dispatch.adapters.opa import Opa

T = TypeVar("T")
U = TypeVar("U")


def dependencies(settings: Settings) -> Dependencies:
    """Returns the dependencies of the function. Raises Misconfigured."""
    cluster, events, authenticator = _cluster(settings)
    if settings.labels:
        reading(settings)  # a broken file shows at the start
    # Each delivery has BATCH threads for its alerts, and as many for its templates. So a slow delivery delays
    # only itself.
    threads = ThreadPoolExecutor(DELIVERIES * BATCH * 2, "batch")
    made = Dependencies(
        policy=policy(settings),
        cluster=cluster,
        sink=Fanout(Log(), *events, *_sinks(settings)),
        world=world(settings, time.time),
        prompts=render.environment(settings.root / "prompts"),
        namespace=settings.agents_namespace,
        reading=partial(reading, settings),
        parallel_map=partial(_side_by_side, threads),
        begin=lambda call: threads.submit(call).result,
        clock=time.time,
        monotonic=time.monotonic,
        authenticator=authenticator,
    )
    return contained(made)


def offline(
    settings: Settings, policy: Policy | None = None, clock: Callable[[], float] = time.time
) -> Dependencies:
    """Returns the dependencies of `explain`. They include the embedded policy, if no other policy is given,
    and the source of context in the settings. They create nothing and notify nobody."""
    from function.dispatch.adapters.local import DryRunCluster

    made = Dependencies(
        policy=policy or _embedded(settings),
        cluster=DryRunCluster(settings.root / "knative" / "tiers"),
        sink=Fanout(),
        world=world(settings, clock),
        prompts=render.environment(settings.root / "prompts"),
        namespace=settings.agents_namespace,
        reading=partial(reading, settings),
        parallel_map=map,
        begin=cache,
        clock=clock,
        monotonic=lambda: 0.0,
    )
    return contained(made)


def reading(settings: Settings) -> Reading:
    """Returns how labels are read. Raises Misconfigured if the operator's file cannot be used."""
    return Reading(labels.load(settings.labels), settings.cluster, settings.cluster_label)


def opa(url: str, token_file: Path | None = None) -> Opa:
    """Returns the policy of the OPA server at `url`. The token is read for each request."""
    from function.dispatch.adapters.opa import Opa

    return Opa(url, token_in(token_file, "SRE_DISPATCH_OPA_TOKEN_FILE", "opa_token") if token_file else None)


def _side_by_side(threads: ThreadPoolExecutor, call: Callable[[T], U], items: Iterable[T]) -> Iterable[U]:
    """Calls `call` on each item in a thread. One item needs no other thread."""
    several = list(items)
    return threads.map(call, several) if len(several) > 1 else map(call, several)


def policy(settings: Settings) -> Policy:
    """Returns the policy engine that the settings select. Raises Misconfigured."""
    if settings.policy == "opa":
        return opa(settings.opa_url, settings.opa_token_file)
    return _embedded(settings)


def world(settings: Settings, clock: Callable[[], float]) -> WorldModel | None:
    """Returns the source of context that the settings select, or None. Raises Misconfigured."""
    if settings.context == "world-model":
        from function.shared.mcp import Options, WorldModelClient

        file = settings.world_model_token_file
        options = Options(
            settings.world_model_timeout_seconds, settings.world_model_max_bytes, settings.world_model_tool
        )
        return WorldModelClient(
            settings.world_model_url,
            token_in(file, "SRE_DISPATCH_WORLD_MODEL_TOKEN_FILE", "world_model_token") if file else None,
            options,
        )
    if settings.context == "file":
        from function.shared.memory import Store

        if not settings.context_file.is_file():
            raise Misconfigured(
                f"{settings.context_file} does not exist: set SRE_DISPATCH_CONTEXT_FILE to an existing file"
            )
        return Store(settings.context_file, clock)
    return None


def _embedded(settings: Settings) -> Policy:
    try:
        from function.dispatch import policy_files
        from function.dispatch.adapters import rego
    except ImportError:
        raise Misconfigured(
            "the embedded policy engine is not installed: run pip install 'sre-dispatch[embedded]'"
        ) from None
    return rego.Rego(policy_files.read(settings.policies))


def _cluster(settings: Settings) -> tuple[Cluster, list[Sink], Authenticator | None]:
    """Returns the place for Jobs, a sink for Kubernetes Events, and the token reviews. Events and token
    reviews need an API server."""
    if settings.jobs == "folder":
        from function.dispatch.adapters.local import Folder

        return Folder(settings.root / "knative" / "tiers", settings.jobs_folder), [], None
    from function.dispatch.adapters.events import Events
    from function.dispatch.adapters.kubernetes import Kubernetes
    from function.dispatch.adapters.token_reviews import TokenReviews
    from function.shared.kubernetes import Api

    api = Api()
    events = Events(api, settings.own_namespace, time.time)
    audience, subject = settings.tokenreview_audience, settings.tokenreview_subject
    reviews = TokenReviewCache(TokenReviews(api).review, audience, subject) if audience else None
    return Kubernetes(api, settings.agents_namespace), [events], reviews


def _sinks(settings: Settings) -> list[Sink]:
    from function.dispatch.adapters import notify

    sinks: list[Sink] = []
    if settings.sink_url:
        sinks.append(notify.CloudEvents(settings.sink_url))
    if settings.alertmanager_url:
        sinks.append(notify.Alertmanager(settings.alertmanager_url, time.time))
    return sinks
