"""OPA as knative/base/opa.yaml runs it, with the files of knative/opa and small policies of our own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from function.dispatch import pipeline
from function.dispatch.adapters.opa import PATH, Opa
from function.dispatch.model import Outcome
from function.dispatch.policy_files import write
from function.shared.errors import Unavailable
from function.shared.event import SREEvent
from function.shared.http import token_in
from tests.harness.components import (
    OPA_SECRET,
    ApiServer,
    Broken,
    OpaServer,
    answers,
    find,
    need,
    opa,
    wait_until,
)
from tests.harness.fakes import FakeCluster, FakeWorld, app, delivery
from tests.harness.process import ROOT, free_port

pytestmark = pytest.mark.real

SYSTEM = ROOT / "knative" / "opa"
MANIFEST = ROOT / "knative" / "base" / "opa.yaml"
REVISION = "ab" * 32
IDENTITY = "0f" * 32
TOKEN = OPA_SECRET["token"]
POLICY = 'package sre_dispatch\n\ndecision := {"policy_revision": data.revision.sha256}\n'


def made(folder: Path, policy: str = POLICY, revision: str = REVISION, manifest: str = "") -> Path:
    """A bundle with the policy; its manifest names the revision too, unless told another one."""
    folder.mkdir(parents=True)
    roots = ["sre_dispatch", "config", "tiers", "revision"]
    (folder / "main.rego").write_text(policy)
    (folder / "data.json").write_text(json.dumps({"revision": {"sha256": revision}}))
    (folder / ".manifest").write_text(json.dumps({"revision": manifest or revision, "roots": roots}))
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpaServer]:
    need("opa")
    folder = tmp_path_factory.mktemp("opa")
    with opa(folder, made(folder / "bundle")) as running:
        yield running


@contextmanager
def asking(url: str, token: str = TOKEN) -> Iterator[Opa]:
    """The function's adapter."""
    with closing(Opa(url, lambda: token)) as adapter:
        yield adapter


def answer(
    url: str, method: str, path: str, authorization: str = f"Bearer {TOKEN}", body: str = '{"input": {}}'
) -> int:
    """The status of a request whose path is sent exactly as it is written here."""
    with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)) as connection:
        headers = {"Authorization": authorization} if authorization else {}
        connection.request(method, path, body, headers)
        return connection.getresponse().status


def test_its_own_tools_have_nothing_to_say_of_the_system_policies() -> None:
    need("opa")
    files = sorted(path.name for path in SYSTEM.glob("*.rego"))
    for arguments in (
        ["fmt", "--list", "--fail"],
        ["check", "--strict"],
        ["test", "--coverage", "--threshold", "100", "--fail-on-empty"],
    ):
        command = [str(find("opa")), *arguments, *files]
        done = subprocess.run(command, cwd=SYSTEM, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_real_api_server_takes_the_manifest_also_where_pods_are_restricted(api: ApiServer) -> None:
    restricted = "pod-security.kubernetes.io/warn=restricted"
    api.kubectl("create", "namespace", "opa-restricted")
    api.kubectl("label", "namespace", "opa-restricted", restricted)
    for namespace in ("f3iai", "opa-restricted"):
        manifest = MANIFEST.read_text(encoding="utf-8").replace("namespace: f3iai", f"namespace: {namespace}")
        said = api.kubectl("apply", "--dry-run=server", "--warnings-as-errors", "-f", "-", stdin=manifest)
        assert said.count("created (server dry run)") == 3


@pytest.mark.parametrize("token", OPA_SECRET.values(), ids=OPA_SECRET)
def test_a_decision_is_for_the_holder_of_either_token(server: OpaServer, token: str) -> None:
    with asking(server.url, token) as adapter:
        assert adapter.ask({}) == {"policy_revision": REVISION}


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer the-token-that-opa-accept",
        f"Bearer {TOKEN}{TOKEN}",
        f"Bearer {TOKEN.upper()}",
        f"bearer {TOKEN}",
        f"Basic {TOKEN}",
        TOKEN,
    ],
)
def test_anybody_else_is_refused(server: OpaServer, authorization: str) -> None:
    assert answer(server.url, "POST", PATH, authorization) == 401


@pytest.mark.parametrize("secret", [{}, {"token": ""}, {"token": " ", "next": "fifteen-letters"}], ids=str)
def test_without_a_token_of_some_length_it_answers_nobody(secret: Mapping[str, str], tmp_path: Path) -> None:
    need("opa")
    with opa(tmp_path, made(tmp_path / "bundle"), secret=secret) as server:
        for given in {"", " ", *secret.values()}:
            assert answer(server.url, "POST", PATH, f"Bearer {given}") == 401
        assert answer(server.url, "POST", PATH, "") == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *((method, PATH) for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS")),
        *(("POST", path) for path in ("/", "/v1", "/v1/data", "/v1/data/sre_dispatch")),
        ("POST", "/v0/data/sre_dispatch/decision"),
        ("POST", "/v1/data/system/authz/allow"),
        ("POST", "/v1/data/revision"),
        ("POST", f"{PATH}/policy_revision"),
        ("POST", f"/{PATH}"),
        ("POST", "/v1//data/sre_dispatch/decision"),
        ("POST", "/v1/data//sre_dispatch/decision"),
        ("POST", "/v1/data/sre_dispatch//decision"),
        ("POST", "/v1/data/./sre_dispatch/decision"),
        ("POST", "/v1/data/%2e/sre_dispatch/decision"),
        ("POST", "/v1/data/system/../sre_dispatch/decision"),
        ("POST", "/v1/data/system/%2e%2e/sre_dispatch/decision"),
        ("POST", f"{PATH}/../../system/authz"),
        ("POST", f"{PATH}/%2e%2e/%2e%2e/system/authz"),
        ("POST", "/v1/data/sre_dispatch%2fdecision"),
        ("POST", "/v1%2fdata%2fsre_dispatch%2fdecision"),
        ("POST", f"{PATH}%00"),
        ("POST", f"{PATH}%20"),
        ("POST", "/v1/data/sre_dispatch/Decision"),
        ("POST", "/v1/compile"),
        ("POST", "/v1/compile/sre_dispatch/decision"),
        ("POST", "/v1/query"),
        ("GET", "/v1/query?q=data"),
        ("GET", "/v1/data"),
        ("PUT", "/v1/data/revision"),
        ("PATCH", "/v1/data/revision"),
        ("DELETE", "/v1/data/system"),
        ("GET", "/v1/policies"),
        ("PUT", "/v1/policies/mine"),
        ("PUT", "/v1/policies/authz.rego"),
        ("DELETE", "/v1/policies/authz.rego"),
        ("GET", "/v1/config"),
        ("GET", "/v1/status"),
        ("GET", "/"),
        ("GET", "/health/live"),
        ("POST", "/health"),
    ],
)
def test_with_the_token_too_nothing_else_is_admitted(server: OpaServer, method: str, path: str) -> None:
    assert answer(server.url, method, path) == 401


@pytest.mark.parametrize("path", [f"{PATH}/", f"{PATH}%2f", "/v1/data/", "/v1/policies/"])
def test_a_path_with_a_slash_at_its_end_is_not_answered_either(server: OpaServer, path: str) -> None:
    """OPA redirects it before it asks authz.rego; the function follows no redirect."""
    assert answer(server.url, "POST", path) == 301


def test_health_and_metrics_are_for_everybody_and_stand_apart_from_the_policy(server: OpaServer) -> None:
    for url in (server.url, server.diagnostics):
        assert answer(url, "GET", "/health?bundles", "") == 200
        assert answer(url, "GET", "/metrics", "") == 200
    assert answer(server.diagnostics, "POST", PATH) == 404


def test_a_question_of_more_than_two_mebibytes_is_refused(server: OpaServer) -> None:
    with asking(server.url) as adapter, pytest.raises(Unavailable, match="400"):
        adapter.ask({"text": "a" * 2 * 1024 * 1024})


def test_a_token_is_rotated_without_a_restart_of_the_function(server: OpaServer, tmp_path: Path) -> None:
    file = tmp_path / "token"
    with closing(Opa(server.url, token_in(file, "SRE_DISPATCH_OPA_TOKEN_FILE", "opa_token"))) as adapter:
        for token in OPA_SECRET.values():
            file.write_text(f"{token}\n")
            assert adapter.ask({}) == {"policy_revision": REVISION}
        file.write_text("a-token-that-was-never-accepted")
        with pytest.raises(Unavailable, match=r"401.*SRE_DISPATCH_OPA_TOKEN_FILE"):
            adapter.ask({})


def test_it_listens_only_once_the_policy_is_in_force(tmp_path: Path) -> None:
    """The bundle comes through a pipe, so that OPA is seen while it waits for the policy."""
    need("opa")
    bundle, pipe = made(tmp_path / "bundle"), tmp_path / "pipe"
    with tarfile.open(tmp_path / "bundle.tar.gz", "w:gz") as archive:
        archive.add(bundle, "/")
    os.mkfifo(pipe)
    with opa(tmp_path, pipe, wait=False) as server:
        with os.fdopen(opened(pipe), "wb") as end:
            assert not answers(f"{server.diagnostics}/health")
            with asking(server.url) as adapter, pytest.raises(Unavailable, match="ConnectError"):
                adapter.ask({})
            end.write((tmp_path / "bundle.tar.gz").read_bytes())
        wait_until(lambda: answers(f"{server.diagnostics}/health?bundles"), "OPA to be ready")
        with asking(server.url) as adapter:
            assert adapter.ask({}) == {"policy_revision": REVISION}


def opened(pipe: Path) -> int:
    """The end to write to, which cannot be had before somebody reads."""
    found: list[int] = []

    def is_read() -> bool:
        try:
            found.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    wait_until(is_read, "OPA to read its bundle", seconds=10)
    return found[0]


def test_a_policy_that_does_not_compile_ends_it_and_is_named_in_the_log(tmp_path: Path) -> None:
    need("opa")
    broken = made(tmp_path / "bundle", "package sre_dispatch\n\ndecision := missing\n")
    with pytest.raises(Broken, match="ended with 1"), opa(tmp_path, broken):
        pass
    assert "rego_unsafe_var_error" in (tmp_path / "opa.log").read_text()


def test_without_a_policy_it_decides_nothing(tmp_path: Path) -> None:
    need("opa")
    bundle = made(tmp_path / "bundle", "package sre_dispatch\n")
    with opa(tmp_path, bundle) as server, asking(server.url) as adapter:
        assert adapter.ask({}) is None


def test_a_bundle_that_claims_all_of_data_is_never_ready_and_opens_nothing(tmp_path: Path) -> None:
    """A manifest without roots owns `system` too: OPA then drops authz.rego and refuses everything."""
    need("opa")
    bundle = made(tmp_path / "bundle")
    (bundle / ".manifest").write_text(json.dumps({"revision": REVISION}))
    with opa(tmp_path, bundle, wait=False) as server:
        wait_until(
            lambda: "activated successfully" in server.process.log.read_text(), "the bundle to be active"
        )
        wait_until(lambda: refuses(server), "OPA to answer")
        assert not answers(f"{server.diagnostics}/health?bundles")
        assert answer(server.url, "PUT", "/v1/policies/mine") == 500
        with asking(server.url) as adapter, pytest.raises(Unavailable, match="500"):
            adapter.ask({})


def refuses(server: OpaServer) -> bool:
    try:
        return answer(server.diagnostics, "GET", "/health") == 500
    except OSError:
        return False


def test_a_decision_of_another_revision_than_the_bundles_is_refused(tmp_path: Path) -> None:
    need("opa")
    bundle = made(tmp_path / "bundle", manifest="cd" * 32)
    with (
        opa(tmp_path, bundle) as server,
        asking(server.url) as adapter,
        pytest.raises(Unavailable) as refusal,
    ):
        adapter.ask({})
    assert refusal.value.code == "policy_revision"


def test_while_function_and_policy_are_of_two_versions_nothing_is_decided(tmp_path: Path) -> None:
    """An earlier policy reads `look` for `phase`. Neither version decides about the input of the other. So
    the alert is deferred. The outcome `blocked` would be final."""
    need("opa")
    (asked, *_) = json.loads((ROOT / "policies" / "selftest.json").read_text(encoding="utf-8"))
    question = asked["input"]
    former = {("look" if key == "phase" else key): value for key, value in question.items()}
    bundle = tmp_path / "bundle"
    write(ROOT / "policies", bundle)
    with opa(tmp_path / "now", bundle) as server, asking(server.url) as adapter:
        assert adapter.ask(question)["mode"] == "autonomous"  # type: ignore[index]
        with pytest.raises(Unavailable) as refusal:
            adapter.ask(former)
        assert refusal.value.code == "policy_revision"
    for module in bundle.rglob("*.rego"):
        module.write_text(module.read_text(encoding="utf-8").replace(".phase", ".look"), encoding="utf-8")
    with opa(tmp_path / "before", bundle) as server, asking(server.url) as adapter:
        assert adapter.ask(former)["mode"] == "autonomous"  # type: ignore[index]
        with pytest.raises(Unavailable) as refusal:
            adapter.ask(question)
        assert refusal.value.code == "policy_revision"


def test_a_policy_that_was_replaced_between_two_looks_shows_in_the_second(tmp_path: Path) -> None:
    need("opa")
    port = free_port()
    with asking(f"http://127.0.0.1:{port}") as adapter:
        for revision in (REVISION, "cd" * 32):
            with opa(tmp_path / revision, made(tmp_path / revision / "bundle", revision=revision), port):
                assert adapter.ask({}) == {"policy_revision": revision}


def test_a_policy_that_changes_between_the_two_looks_of_an_alert_starts_no_job(tmp_path: Path) -> None:
    need("opa")
    port = free_port()
    for name, overlay in (("before", None), ("after", ROOT / "policies" / "overlay-example")):
        write(ROOT / "policies", tmp_path / name, overlay)

    class Changing(FakeWorld):
        """Context is fetched between the two looks."""

        def context(self, event: SREEvent) -> object:
            servers.close()
            servers.enter_context(opa(tmp_path / "opa-after", tmp_path / "after", port))
            return super().context(event)

    cluster = FakeCluster()
    with ExitStack() as servers, asking(f"http://127.0.0.1:{port}") as policy:
        servers.enter_context(opa(tmp_path / "opa-before", tmp_path / "before", port))
        (result,) = pipeline.run(delivery("incident-75"), app(policy, cluster, Changing()))
    assert (result.outcome, result.code) == (Outcome.DEFERRED, "policy_changed")
    assert cluster.created == []


def test_when_it_is_gone_it_cannot_be_asked_and_once_back_it_can(tmp_path: Path) -> None:
    need("opa")
    port = free_port()
    bundle = made(tmp_path / "bundle")
    with asking(f"http://127.0.0.1:{port}") as adapter:
        for _ in range(2):
            with pytest.raises(Unavailable, match="ConnectError"):
                adapter.ask({})
            with opa(tmp_path, bundle, port):
                assert adapter.ask({}) == {"policy_revision": REVISION}


def test_one_that_hangs_is_given_up_and_asked_again_once_it_goes_on(tmp_path: Path) -> None:
    need("opa")
    with opa(tmp_path, made(tmp_path / "bundle")) as server, asking(server.url) as adapter:
        assert adapter.ask({}) == {"policy_revision": REVISION}
        server.process.signal(signal.SIGSTOP)
        with pytest.raises(Unavailable, match="ReadTimeout"):
            adapter.ask({})
        server.process.signal(signal.SIGCONT)
        assert adapter.ask({}) == {"policy_revision": REVISION}


def test_an_answer_of_more_than_256_kib_is_refused(tmp_path: Path) -> None:
    need("opa")
    bundle = made(tmp_path / "bundle", POLICY.replace("{", '{"many": numbers.range(1, 100000), '))
    too_much = pytest.raises(Unavailable, match="exceeds 262144 bytes")
    with opa(tmp_path, bundle) as server, asking(server.url) as adapter, too_much:
        adapter.ask({})


def test_a_built_in_that_fails_is_no_rule_that_does_not_fire(tmp_path: Path) -> None:
    """Nor does the error, which quotes what the built-in was given, get into the log."""
    need("opa")
    policy = POLICY + "\ndecision := {} if to_number(input.text.words[0]) > 0\n"
    with opa(tmp_path, made(tmp_path / "bundle", policy)) as server:
        with asking(server.url) as adapter, pytest.raises(Unavailable, match="500"):
            adapter.ask(question("canary"))
        wait_until(lambda: '"resp_status":500' in server.process.log.read_text(), "the request to be logged")
    assert "canary" not in server.process.log.read_text()


ACTIVITY = {
    "active": 1,
    "on_resource": 0,
    "started_last_hour": 2,
    "share_active": 1,
    "share_started_last_hour": 1,
}


def question(text: str, identity: str = "", severity: str = "") -> dict[str, Any]:
    """A document of the policy's input with the text for every string and name that could be an alert's."""
    event = ("alertname", "cluster", "namespace", "resource_type", "resource_id", text)
    return {
        "phase": "review",
        "event": dict.fromkeys(event, text)
        | {
            "identity": identity or text,
            "severity": severity or text,
            "namespaces": [text],
            "severity_known": True,
        },
        "text": {"words": [f" {text} "], "sentences": [[text]], "signals": [text], "truncated": False},
        "facts": {
            "complete": True,
            "dependents": 3,
            "replicas": None,
            "classification": text,
            "scope": [text],
            "failures": 0,
        },
        "activity": {
            "active": 1,
            "on_resource": 0,
            "started_last_hour": 2,
            "share_active": 1,
            "share_started_last_hour": 1,
        },
        "clock": {"epoch": 1774753800, "utc": text, "weekday": text, "minute_of_day": 190, text: text},
        text: {text: text},
    }


def test_the_decision_log_holds_nothing_that_the_alert_said(tmp_path: Path) -> None:
    need("opa")
    with opa(tmp_path, made(tmp_path / "bundle")) as server:
        with asking(server.url) as adapter:
            adapter.ask(question("canary"))
            adapter.ask(question("canary", IDENTITY, "LOW"))
            adapter.ask({"canary": "canary"})
        wait_until(lambda: len(logged(server)) == 3, "the decisions to be logged")
    said = server.process.log.read_text()
    assert not [text for text in ("canary", *OPA_SECRET.values()) if text in said]
    _, known, _ = logged(server)
    assert known["input"] == {
        "phase": "review",
        "event": {"identity": IDENTITY, "severity": "LOW"},
        "text": {"truncated": False},
        "facts": {"complete": True, "dependents": 3, "replicas": None, "failures": 0},
        "activity": {
            "active": 1,
            "on_resource": 0,
            "started_last_hour": 2,
            "share_active": 1,
            "share_started_last_hour": 1,
        },
        "clock": {"epoch": 1774753800, "minute_of_day": 190},
    }
    assert known["result"] == {"policy_revision": REVISION}


def logged(server: OpaServer) -> list[Any]:
    lines = (
        json.loads(line) for line in server.process.log.read_text().splitlines(keepends=True) if "\n" in line
    )
    return [line for line in lines if line["msg"] == "Decision Log"]
