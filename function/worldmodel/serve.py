"""Starts the world model and serves it until SIGTERM."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import uvicorn
import yaml
from uvicorn.protocols.http.h11_impl import H11Protocol

from function.shared import auth
from function.shared.connections import options
from function.shared.errors import Misconfigured, Unavailable
from function.shared.facts import Governance
from function.shared.http import SHAPE_ERRORS, token_in
from function.shared.kubernetes import Api, connect
from function.shared.memory import Store
from function.shared.prometheus import Bounds, Prometheus
from function.worldmodel.context import World, governed
from function.worldmodel.objects import Objects
from function.worldmodel.reader import Threads
from function.worldmodel.server import app
from function.worldmodel.settings import WorldModelSettings

KUBERNETES_AT_ONCE, PROMETHEUS_AT_ONCE = 32, 16
"""The maximum number of parallel requests to each source. A context needs about twenty requests to Kubernetes
and six to Prometheus."""
PROMETHEUS = Bounds(seconds=1.0, connect_seconds=0.3, max_bytes=1024 * 1024)
"""The limits of a query. A query has to end before its reading does (reader.SECONDS)."""
GRACE_SECONDS = 10


def serve(settings: WorldModelSettings) -> None:
    """Serves until SIGTERM. Raises Misconfigured before it listens."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("sre-dispatch").setLevel(logging.INFO)
    _check_tokens(settings)
    served = app(settings, world(settings))
    logging.getLogger("sre-dispatch").info("listening on %s:%s", settings.host, settings.port)
    uvicorn.run(
        served,
        host=settings.host,
        port=settings.port,
        timeout_graceful_shutdown=GRACE_SECONDS,
        **options(H11Protocol),
    )


def world(settings: WorldModelSettings) -> World:
    """Opens the sources of a context. Raises Misconfigured."""
    url, file = settings.prometheus_url, settings.prometheus_token_file
    read_token = token_in(file, "SRE_DISPATCH_PROMETHEUS_TOKEN_FILE", "prometheus_status") if file else None
    return World(
        objects=Objects(Api(partial(connect, KUBERNETES_AT_ONCE))),
        prometheus=Prometheus(url, PROMETHEUS, "SRE_DISPATCH_PROMETHEUS_URL", read_token) if url else None,
        store=Store(settings.file),
        threads=Threads(
            ThreadPoolExecutor(KUBERNETES_AT_ONCE, "kubernetes"),
            ThreadPoolExecutor(PROMETHEUS_AT_ONCE, "prometheus"),
        ),
        writer=ThreadPoolExecutor(1, "writer"),
        clock=time.time,
        cluster=settings.cluster,
        governance=governance(settings.governance_file) if settings.governance_file else {},
    )


def governance(path: Path) -> Mapping[str, Governance]:
    """Reads the operator's file with the limits of each namespace. Raises Misconfigured.

    namespaces:
      f3iai: {classification: internal, scope: autonomous}
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {
            str(name): governed(_text(of, "classification"), _text(of, "scope"))
            for name, of in content["namespaces"].items()
        }
    except (OSError, yaml.YAMLError, *SHAPE_ERRORS) as error:
        what = "has to hold `namespaces:` and, below each name, `classification` or `scope` as text"
        raise Misconfigured(
            f"{path} (see SRE_DISPATCH_WORLD_MODEL_GOVERNANCE_FILE) {what} ({type(error).__name__})"
        ) from None


def _text(of: Mapping[str, object], key: str) -> str | None:
    if not of.keys() <= {"classification", "scope"}:
        raise ValueError("unknown key")
    value = of.get(key)
    if value is not None and not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _check_tokens(settings: WorldModelSettings) -> None:
    """Raises Misconfigured if a token cannot be read, or if a reader and a writer have the same token."""
    try:
        reads = auth.accepted(settings.reader_token_files, "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES")
        writes = auth.accepted(settings.writer_token_files, "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES")
    except Unavailable as error:
        raise Misconfigured(str(error)) from None
    if {*reads} & {*writes}:
        raise Misconfigured("a reader and a writer have the same token: give each one its own")
