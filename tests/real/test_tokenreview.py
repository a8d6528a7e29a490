"""Alertmanager's own token in place of a shared one: the function asks a real API server whose it is.

The function's rights and settings are those of knative/components/tokenreview, laid over the base.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from function.dispatch.adapters.token_reviews import KEPT_SECONDS
from tests.harness.components import ApiServer, alertmanager, wait_until
from tests.harness.fakes import delivery_bytes
from tests.harness.firing import ROUTE, alert, fire
from tests.harness.manifests import KNATIVE
from tests.harness.server import Server, serving

COMPONENT = KNATIVE / "components" / "tokenreview"
FOR_US = "--audience=sre-dispatch"
ALERTMANAGER = "kube-prom-stack-kube-prome-alertmanager"
"""Its ServiceAccount in kube-prometheus-stack 83.4.1, where the release is kube-prom-stack."""
IMITATION = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOlsic3JlLWRpc3BhdGNoIl19.c2lnbmF0dXJl"
SERVE = ("-m", "function", "serve")

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def reviewing(api: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The rights and Alertmanager's namespace in the cluster; the settings of the Service."""
    folder = tmp_path_factory.mktemp("kustomize")
    wanted = {
        "resources": [os.path.relpath(KNATIVE / "base", folder)],
        "components": [os.path.relpath(COMPONENT, folder)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(wanted), encoding="utf-8")
    rendered = [found for found in yaml.safe_load_all(api.kubectl("kustomize", folder)) if found]
    ours = [found for found in rendered if found["metadata"]["name"] == "sre-dispatch-tokenreview"]
    assert sorted(found["kind"] for found in ours) == ["ClusterRole", "ClusterRoleBinding"]
    api.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(ours))
    api.kubectl("create", "namespace", "monitoring")
    for account in (ALERTMANAGER, "prometheus", "leaving"):
        api.kubectl("create", "serviceaccount", account, "-n", "monitoring")
    (service,) = (found for found in rendered if found["apiVersion"] == "serving.knative.dev/v1")
    entries = service["spec"]["template"]["spec"]["containers"][0]["env"]
    return {entry["name"]: entry["value"] for entry in entries if "TOKENREVIEW" in entry["name"]}


@pytest.fixture
def server(api: ApiServer, reviewing: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """The function as its own ServiceAccount, without a token in a file."""
    kubeconfig = api.kubeconfig_of("f3iai", "sre-dispatch", tmp_path)
    with api.client(api.token("f3iai", "sre-dispatch")) as function:
        wait_until(lambda: _asks(function) == 201, "the function's right to ask")
    settings = {"SRE_DISPATCH_JOBS": "kubernetes", "KUBECONFIG": str(kubeconfig)}
    with serving(tmp_path, SERVE, SRE_DISPATCH_TOKEN_FILES="", **settings, **reviewing) as running:
        yield running


def _asks(function: httpx.Client) -> int:
    review = {"spec": {"token": "x"}}
    return function.post("/apis/authentication.k8s.io/v1/tokenreviews", json=review).status_code


def token(api: ApiServer, account: str = ALERTMANAGER, *flags: str, namespace: str = "monitoring") -> str:
    return api.kubectl("create", "token", account, "-n", namespace, *flags).strip()


def sent(server: Server, token: str) -> int:
    return server.post(delivery_bytes("resolved"), Authorization=f"Bearer {token}").status_code


def reviews(api: ApiServer) -> int:
    """How many TokenReviews the API server was asked for so far."""
    with api.client() as admin:
        metrics = admin.get("/metrics").text
    found = re.findall(r'^apiserver_request_total\{.*resource="tokenreviews".* (\d+)$', metrics, re.M)
    return sum(map(int, found))


def test_alertmanagers_token_for_us_is_accepted(api: ApiServer, server: Server) -> None:
    assert sent(server, token(api, ALERTMANAGER, FOR_US)) == 200
    assert sent(server, token(api, ALERTMANAGER, FOR_US, "--audience=another")) == 200


REFUSED: dict[str, Callable[[ApiServer], str]] = {
    "for another audience": lambda api: token(api, ALERTMANAGER, "--audience=sre-dispatch-2"),
    "for the API server": lambda api: token(api, ALERTMANAGER),
    "of another ServiceAccount": lambda api: token(api, "prometheus", FOR_US),
    "of the function itself": lambda api: token(api, "sre-dispatch", FOR_US, namespace="f3iai"),
    "with another signature": lambda api: token(api, ALERTMANAGER, FOR_US).rpartition(".")[0] + ".c2ln",
    "of nobody": lambda _: IMITATION,
    "of an administrator, which is no JWT": lambda api: api.admin_token,
}


@pytest.mark.parametrize("whose", REFUSED)
def test_a_token_is_refused_that_is(api: ApiServer, server: Server, whose: str) -> None:
    given = REFUSED[whose](api)
    reply = server.post(delivery_bytes("resolved"), Authorization=f"Bearer {given}")
    assert (reply.status_code, reply.content) == (401, b"")
    assert not any(given in line for line in server.lines)


def test_the_token_of_a_serviceaccount_that_is_gone_is_refused(
    api: ApiServer, server: Server, reviewing: dict[str, str], tmp_path: Path
) -> None:
    """As an expired one is, which takes ten minutes."""
    leaving = reviewing | {"SRE_DISPATCH_TOKENREVIEW_SUBJECT": "system:serviceaccount:monitoring:leaving"}
    settings = {"SRE_DISPATCH_JOBS": "kubernetes", "KUBECONFIG": str(tmp_path / "kubeconfig-sre-dispatch")}
    one, other = (token(api, "leaving", FOR_US) for _ in range(2))
    with serving(tmp_path, SERVE, SRE_DISPATCH_TOKEN_FILES="", **settings, **leaving) as knows_it:
        assert sent(knows_it, one) == 200
        api.kubectl("delete", "serviceaccount", "leaving", "-n", "monitoring")
        assert sent(knows_it, other) == 401


def test_a_function_without_the_right_to_ask_says_so_and_alertmanager_comes_again(
    api: ApiServer, server: Server
) -> None:
    api.kubectl("delete", "clusterrolebinding", "sre-dispatch-tokenreview")
    try:
        with api.client(api.token("f3iai", "sre-dispatch")) as function:
            wait_until(lambda: _asks(function) == 403, "the right to be gone")
        given = token(api, ALERTMANAGER, FOR_US)
        reply = server.post(delivery_bytes("resolved"), Authorization=f"Bearer {given}")
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "15")
        assert server.said("may not create TokenReviews", "apply knative/components/tokenreview")
        assert not any(given in line for line in server.lines)
    finally:
        api.kubectl("apply", "-f", COMPONENT / "rbac.yaml")


def test_while_the_api_server_is_away_alertmanager_comes_again(api: ApiServer, server: Server) -> None:
    known, unknown = token(api, ALERTMANAGER, FOR_US), token(api, "prometheus", FOR_US)
    api.kill()
    try:
        assert (sent(server, known), sent(server, unknown)) == (503, 503)
        assert sent(server, "no-token-of-a-serviceaccount") == 401
    finally:
        api.restart()
    assert (sent(server, known), sent(server, unknown)) == (200, 401)


def test_one_bad_token_posted_two_hundred_times_at_once_reaches_the_api_server_once(
    api: ApiServer, server: Server
) -> None:
    given, before, started = token(api, "prometheus", FOR_US), reviews(api), time.monotonic()
    with ThreadPoolExecutor(50) as threads:
        statuses = Counter(threads.map(lambda _: sent(server, given), range(200)))
    assert statuses == {401: 200}
    again = (time.monotonic() - started) // KEPT_SECONDS  # on a machine that is that slow
    assert 1 <= reviews(api) - before <= 1 + again


def test_an_alertmanager_with_its_own_token_delivers(
    api: ApiServer, server: Server, admin: httpx.Client, tmp_path: Path
) -> None:
    file = tmp_path / "projected"
    file.write_text(token(api, ALERTMANAGER, FOR_US), encoding="utf-8")
    route = ROUTE.format(url=server.url, token=file, repeat="1h", wait="500ms", interval="2s")
    with alertmanager(tmp_path / "am", route) as url:
        fire(url, alert("typedb-data"))
        wait_until(lambda: outcomes(server) == ["created"], "the Job", seconds=30)


def outcomes(server: Server) -> list[Any]:
    return [line["audit"]["outcome"] for line in server.audit]
