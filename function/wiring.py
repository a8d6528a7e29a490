"""Settings -> App. The only place that picks adapters; what is heavy is imported in its branch."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from function import render
from function.adapters.sink import All, Log
from function.errors import Misconfigured
from function.pipeline import BATCH
from function.ports import App, Callers, Cluster, Policy, Sink, WorldModel
from function.settings import Settings
from function.tokens import Reviews
from function.wire import token_in

if TYPE_CHECKING:
    from function.adapters.opa import Opa


def app(settings: Settings) -> App:
    """The bundle that every delivery is worked with. Raises Misconfigured."""
    cluster, events, callers = _cluster(settings)
    return App(
        policy=policy(settings),
        cluster=cluster,
        sink=All(Log(), *events, *_sinks(settings)),
        world=world(settings, time.time),
        prompts=render.environment(settings.root / "prompts"),
        namespace=settings.namespace,
        cluster_name=settings.cluster,
        volatile_labels=settings.volatile_labels,
        each=ThreadPoolExecutor(BATCH, "look").map,
        clock=time.time,
        monotonic=time.monotonic,
        callers=callers,
    )


def offline(settings: Settings, policy: Policy | None = None, clock: Callable[[], float] = time.time) -> App:
    """The bundle of `explain`: embedded policy unless one is given, context as the settings say, nothing
    created or told."""
    from function.adapters.local import Nowhere

    return App(
        policy=policy or _embedded(settings),
        cluster=Nowhere(settings.root / "knative" / "tiers"),
        sink=All(),
        world=world(settings, clock),
        prompts=render.environment(settings.root / "prompts"),
        namespace=settings.namespace,
        cluster_name=settings.cluster,
        volatile_labels=settings.volatile_labels,
        each=map,
        clock=clock,
        monotonic=lambda: 0.0,
    )


def opa(url: str, token_file: Path | None = None) -> Opa:
    """The policy that the OPA server at `url` holds; the token is read anew at each question."""
    from function.adapters.opa import Opa

    return Opa(url, token_in(token_file, "OPA_TOKEN_FILE", "opa_token") if token_file else None)


def policy(settings: Settings) -> Policy:
    """The engine that the settings choose. Raises Misconfigured."""
    if settings.policy == "opa":
        return opa(settings.opa_url, settings.opa_token_file)
    return _embedded(settings)


def world(settings: Settings, clock: Callable[[], float]) -> WorldModel | None:
    """The source of context that the settings choose. Raises Misconfigured."""
    if settings.context == "ffo":
        from function.adapters.ffo import Ffo, Options

        file = settings.ffo_token_file
        options = Options(settings.ffo_seconds, settings.ffo_bytes, settings.ffo_tool)
        return Ffo(settings.ffo_url, token_in(file, "FFO_TOKEN_FILE", "ffo_token") if file else None, options)
    if settings.context == "file":
        from function.adapters.store import Store

        if not settings.context_file.is_file():
            raise Misconfigured(f"there is no {settings.context_file}: see SRE_DISPATCH_CONTEXT_FILE")
        return Store(settings.context_file, clock)
    return None


def _embedded(settings: Settings) -> Policy:
    try:
        from function import bundle
        from function.adapters import rego
    except ImportError:
        raise Misconfigured(
            "the embedded policy engine is not installed: pip install 'sre-dispatch[embedded]'"
        ) from None
    return rego.Rego(bundle.read(settings.policies))


def _cluster(settings: Settings) -> tuple[Cluster, list[Sink], Callers | None]:
    """Where Jobs go, and what comes with it: sinks, and callers whom the API server knows."""
    if settings.jobs == "folder":
        from function.adapters.local import Folder

        return Folder(settings.root / "knative" / "tiers", settings.jobs_folder), [], None
    from function.adapters.kube import Api, Events, Kubernetes, TokenReviews

    api = Api()
    events = Events(api, settings.own_namespace, time.time)
    audience, subject = settings.tokenreview_audience, settings.tokenreview_subject
    callers = Reviews(TokenReviews(api).review, audience, subject) if audience else None
    return Kubernetes(api, settings.namespace), [events], callers


def _sinks(settings: Settings) -> list[Sink]:
    from function.adapters import sink

    sinks: list[Sink] = []
    if settings.sink_url:
        sinks.append(sink.CloudEvents(settings.sink_url))
    if settings.alertmanager_url:
        sinks.append(sink.Alertmanager(settings.alertmanager_url, time.time))
    return sinks
