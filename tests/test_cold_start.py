"""What a cold start loads and asks, counted in a fresh process; `make bench` has the times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import backends
from tests.harness.scripted import Asked
from tests.harness.server import serving

JOBS = "/apis/batch/v1/namespaces/sre-agents/jobs"
TEMPLATE = "/apis/batch/v1/namespaces/sre-agents/cronjobs/sre-agent-propose"
DECISION = "/v1/data/sre_dispatch/decision"
CONTEXT = "/jsonrpc"


@dataclass(frozen=True)
class Start:
    """One process's inside as it was when ready and after its first delivery, and what it asked for that."""

    ready: Any
    answered: Any
    requests: list[Asked]

    def loaded(self, *packages: str, when: str = "answered") -> list[str]:
        """The modules of these packages that the process holds."""
        return [
            name
            for name in getattr(self, when)["modules"]
            if any(name == package or name.startswith(f"{package}.") for package in packages)
        ]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    folder: Path = tmp_path_factory.mktemp("start")
    with backends.backends() as behind:
        settings = {"SRE_DISPATCH_POLICY": "opa", "SRE_DISPATCH_JOBS": "kubernetes"}
        settings |= backends.settings(behind.url, folder) | backends.with_context(behind.url)
        with serving(folder, ("-m", "tests.harness.launch", "tests/harness/inside.py"), **settings) as server:
            ready = httpx.get(f"{server.url}/inside").json()
            reply = server.post(backends.five_alerts())
            assert reply.json() == {"outcomes": {"created": 5}}
            yield Start(ready, httpx.get(f"{server.url}/inside").json(), list(behind.requests))


def test_at_readiness_nothing_is_loaded_that_only_a_delivery_needs(start: Start) -> None:
    assert start.loaded("kubernetes", "urllib3", "httpx", "httpcore", "regorus", "yaml", when="ready") == []


def test_the_typed_kubernetes_api_is_never_loaded(start: Start) -> None:
    """`kubernetes.client.models` is a package that loads its 700 models one by one, when they are named."""
    assert start.loaded("kubernetes.client")  # the untyped client is there, else this would prove nothing
    assert start.loaded("kubernetes.client.models") == ["kubernetes.client.models"]
    assert start.loaded("kubernetes.client.api") == []


def test_no_policy_engine_no_cluster_and_no_source_of_context_is_loaded_but_the_chosen_one(
    start: Start,
) -> None:
    others: tuple[str, ...] = ("regorus", "sqlite3")
    others += ("function.dispatch.adapters.rego", "function.dispatch.adapters.local")
    others += ("function.shared.memory", "function.worldmodel", "mcp")
    assert start.loaded(*others) == []
    for chosen in ("dispatch.adapters.opa", "dispatch.adapters.kubernetes", "shared.mcp"):
        assert start.loaded(f"function.{chosen}") != []


def test_no_authorities_are_loaded_where_nothing_is_https(start: Start) -> None:
    """Reading the usual ones costs 38 ms. httpx makes a TLS context in any case; it has to stay empty."""
    assert start.ready["authorities"] == []
    assert set(start.answered["authorities"]) == {0}


def test_five_alerts_cost_one_look_one_listing_one_template_two_looks_one_context_and_one_job_each(
    start: Start,
) -> None:
    asked = Counter((request.method, request.path.partition("?")[0]) for request in start.requests)
    (named,) = [path for method, path in asked if method == "GET" and path.startswith(f"{JOBS}/")]
    reads = {("GET", named): 1, ("GET", JOBS): 1, ("GET", TEMPLATE): 1}
    assert asked == reads | {("POST", DECISION): 10, ("POST", CONTEXT): 5, ("POST", JOBS): 5}


def test_no_more_connections_are_made_than_requests_are_sent_at_a_time(start: Start) -> None:
    opa = {request.client for request in start.requests if request.path.startswith(DECISION)}
    kubernetes = {request.client for request in start.requests if request.path.startswith("/apis/")}
    assert len(kubernetes) <= 5  # five alerts, side by side
    assert len(opa) <= 5
