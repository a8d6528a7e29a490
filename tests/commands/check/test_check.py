from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from function.commands.check.cluster import Admission, ClusterAudit, Permission
from function.commands.check.models import model_rows
from function.commands.check.rows import Row, as_text
from function.commands.check.webhook import address
from function.dispatch.model import Grant
from function.shared.errors import Unavailable
from function.shared.kubernetes import Answer
from function.shared.memory import Store
from tests.process import ROOT, TIER_FILES
from tests.server import environment

EMBEDDED = {
    "SRE_DISPATCH_AUTH": "none",
    "HOST": "127.0.0.1",
    "SRE_DISPATCH_POLICY": "embedded",
    "SRE_DISPATCH_JOBS": "folder",
}


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "function", "check", *arguments)
    variables = environment(**EMBEDDED | settings)
    return subprocess.run(command, capture_output=True, text=True, env=variables, cwd=ROOT, check=False)


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A copy of the policy, to be spoilt."""
    return Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))


def test_a_usable_installation_passes_with_one_line_for_each_thing() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    names = [line[6:].split("  ")[0] for line in done.stdout.splitlines()]
    assert names == [
        "settings",
        "policy: a known LOW is done alone",
        "policy: an order to destroy data is blocked",
        "policy: an empty question is blocked",
        "policy: revision",
        "context",
    ]
    assert all(line.startswith("ok    ") for line in done.stdout.splitlines())


def test_json_is_for_a_program() -> None:
    rows = json.loads(run("--json").stdout)
    assert [set(row) for row in rows] == [{"name", "passed", "detail", "warning"}] * 6
    assert all(row["passed"] and not row["warning"] for row in rows)


def test_settings_that_are_wrong_are_named() -> None:
    done = run(SRE_DISPATCH_POLICY="opa", SRE_DISPATCH_OPA_URL="")
    assert done.returncode == 1
    assert done.stdout.startswith("FAIL  settings  SRE_DISPATCH_OPA_URL is not set")


def test_an_opa_that_is_not_there_fails_each_question() -> None:
    done = run(SRE_DISPATCH_POLICY="opa", SRE_DISPATCH_OPA_URL="http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stdout.count("OPA cannot be asked") == 3
    assert "policy: revision" in done.stdout and "no answer had a revision" in done.stdout


def test_a_policy_that_answers_otherwise_fails_and_says_how(policies: Path) -> None:
    (policies / "config" / "autonomy" / "data.yaml").write_text("enrolled: {}\n", encoding="utf-8")
    done = run(SRE_DISPATCH_POLICIES=str(policies))
    assert done.returncode == 1
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("FAIL"))
    assert 'effective is "MEDIUM", wanted "LOW"' in line


def test_a_policy_without_one_rules_data_fails(policies: Path) -> None:
    shutil.rmtree(policies / "config" / "freeze")
    done = run(SRE_DISPATCH_POLICIES=str(policies))
    assert done.returncode == 1 and "allowed is false, wanted true" in done.stdout


def test_a_folder_without_questions_is_said(policies: Path) -> None:
    (policies / "selftest.json").unlink()
    done = run(SRE_DISPATCH_POLICIES=str(policies))
    assert done.returncode == 1 and "selftest.json cannot be read" in done.stdout


def test_a_source_of_context_is_asked_and_its_gaps_are_told(tmp_path: Path) -> None:
    file = tmp_path / "world.db"
    Store(file)
    done = run(SRE_DISPATCH_CONTEXT="file", SRE_DISPATCH_CONTEXT_FILE=str(file))
    assert f"ok    context: {file}" in done.stdout and "1 facts, gaps: not_found" in done.stdout


def test_a_source_of_context_that_does_not_answer_fails_by_name() -> None:
    done = run(SRE_DISPATCH_CONTEXT="world-model", SRE_DISPATCH_WORLD_MODEL_URL="http://127.0.0.1:1/jsonrpc")
    assert done.returncode == 1
    assert (
        "FAIL  context: http://127.0.0.1:1/jsonrpc" in done.stdout
        and "world_model_unreachable" in done.stdout
    )


def test_a_file_of_context_that_is_not_there_fails_by_name(tmp_path: Path) -> None:
    done = run(SRE_DISPATCH_CONTEXT="file", SRE_DISPATCH_CONTEXT_FILE=str(tmp_path / "none"))
    assert done.returncode == 1
    assert "see SRE_DISPATCH_CONTEXT_FILE" in done.stdout


# --- a cluster: what a real one does not do on demand (the rest is in tests/real/test_check.py) ---------


def test_without_a_cluster_where_one_is_wanted_there_is_one_row_that_fails() -> None:
    done = run(SRE_DISPATCH_JOBS="kubernetes", KUBECONFIG="/none")
    assert done.returncode == 1 and done.stderr == ""
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("FAIL"))
    assert "cluster" in line and "no ServiceAccount and no usable KUBECONFIG" in line


class Server:
    """An API server that has one answer to everything, and remembers what was sent."""

    def __init__(self, status: int, body: Any = None, warning: str = "") -> None:
        self.answer = Answer(status, body or {}, warning)
        self.sent: list[Any] = []

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        self.sent.append((method, path, body, options.get("query")))
        return self.answer


def inspection(server: Server) -> ClusterAudit:
    return ClusterAudit(server, "sre-agents")  # type: ignore[arg-type]


def test_a_right_is_asked_for_with_its_group_and_its_subresource() -> None:
    server = Server(201, {"status": {"allowed": True}})
    assert inspection(server).may(Permission("create", "pods.metrics.k8s.io/exec", "f3iai"))
    (sent,) = server.sent
    assert sent[:2] == ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
    assert sent[2]["spec"]["resourceAttributes"] == {
        "verb": "create",
        "group": "metrics.k8s.io",
        "resource": "pods",
        "subresource": "exec",
        "namespace": "f3iai",
    }


def test_a_job_is_judged_by_a_dry_run() -> None:
    server = Server(201)
    assert inspection(server).judge({}) == Admission("")
    assert server.sent == [("POST", "/apis/batch/v1/namespaces/sre-agents/jobs", {}, {"dryRun": "All"})]


OURS = (
    "jobs.batch \"sre-1\" is forbidden: ValidatingAdmissionPolicy 'sre-dispatch-{}' with binding 'b' denied"
)


@pytest.mark.parametrize(
    ("status", "message", "by"),
    [
        (422, OURS.format("shape") + " request: sre-dispatch: a finalizer", "policy"),
        (
            422,
            OURS.format("template") + " request: failed to configure binding: no params found",
            "unwatched",
        ),
        (422, "invalid: " + OURS.format("shape") + " request: sre-dispatch: a finalizer", "other"),
        (403, "jobs.batch is forbidden: exceeded quota: pause, requested: 1", "quota"),
        (403, "jobs.batch is forbidden: User cannot create", "other"),
        (400, "admission webhook of others denied the request", "other"),
    ],
)
def test_who_refused_a_job_is_known_by_how_it_is_said(status: int, message: str, by: str) -> None:
    assert inspection(Server(status, {"message": message})).judge({}).by == by


def test_what_the_api_server_says_is_short_and_printable() -> None:
    verdict = inspection(Server(400, {"message": "no\x1b[2J\n" + "x" * 1000})).judge({})
    assert verdict.words.isprintable() and len(verdict.words) < 400


@pytest.mark.parametrize("body", [{}, {"status": None}, {"status": {"userInfo": "x"}}, {"status": []}])
def test_a_review_of_another_shape_is_unavailable(body: dict[str, Any]) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        inspection(Server(201, body)).who()


@pytest.mark.parametrize("body", [{}, {"status": None}, {"status": {}}])
def test_an_access_review_that_says_nothing_is_unavailable(body: dict[str, Any]) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        inspection(Server(201, body)).may(Permission("get", "secrets"))


# --- the models of the tiers --------------------------------------------------------------------------

BEFORE, AFTER = date(2026, 11, 1), date(2026, 12, 1)
"""Of the 30th of November, when claude-sonnet-4-5 retires."""
HIGH = Grant("investigate", "investigate", "sre-agent-investigate")


def told(server: Server, today: date = BEFORE, root: Path = ROOT) -> Row:
    (row,) = model_rows(inspection(server), root, [HIGH], today)
    return row


def naming(*named: str) -> Server:
    """An API server whose every ConfigMap is that of a tier which names these models."""
    tier = {"mode": "investigate", "model": named[0], "fallback_models": named[1:]}
    return Server(200, {"data": {"tier.json": json.dumps(tier)}})


def test_the_models_of_a_tier_are_read_from_its_config_map_and_named() -> None:
    server = naming("claude-sonnet-5-5", "claude-sonnet-5")
    assert told(server) == Row("model: investigate", True, "claude-sonnet-5-5, then claude-sonnet-5")
    (sent,) = server.sent
    assert sent[:2] == ("GET", "/api/v1/namespaces/sre-agents/configmaps/sre-agent-investigate")


@pytest.mark.parametrize("named", [["claude-sonnet-4-5"], ["claude-sonnet-5-5", "claude-sonnet-4-5"]])
def test_a_model_that_soon_retires_is_a_warning_and_then_a_fault(named: list[str]) -> None:
    before, after = told(naming(*named), BEFORE), told(naming(*named), AFTER)
    assert (before.passed, before.warning) == (True, True)
    assert before.detail.startswith("claude-sonnet-4-5 retires on 2026-11-30: name another model in")
    assert (after.passed, after.warning) == (False, False)
    assert after.detail.startswith("claude-sonnet-4-5 retired on 2026-11-30: name another model in")


@pytest.mark.parametrize(
    ("server", "remedy"),
    [
        (
            Server(403),
            "may not read the ConfigMap sre-agent-investigate: add its name to knative/base/check.yaml",
        ),
        (Server(404), "there is no ConfigMap sre-agent-investigate: apply knative/tiers"),
        (Server(200, {"data": {}}), "has no tier.json that names a model: apply knative/tiers"),
        (Server(500), "the API server answered 500 to: read the ConfigMap sre-agent-investigate"),
    ],
    ids=lambda part: part[:20] if isinstance(part, str) else "",
)
def test_a_config_map_that_cannot_be_read_fails_and_says_what_to_apply(server: Server, remedy: str) -> None:
    row = told(server)
    assert not row.passed and row.name == "model: investigate" and remedy in row.detail


def test_without_the_table_of_models_there_is_one_row_that_fails(tmp_path: Path) -> None:
    row = told(naming("claude-sonnet-5-5"), root=tmp_path)
    assert (row.name, row.passed) == ("models", False) and "set SRE_DISPATCH_ROOT" in row.detail


def test_a_warning_is_told_as_one() -> None:
    rows = [Row("a", True, "x"), Row("bb", True, "y", warning=True), Row("c", False, "z")]
    assert as_text(rows) == "ok    a   x\nWARN  bb  y\nFAIL  c   z\n"


def test_the_rights_name_the_config_map_of_each_tier_and_no_other() -> None:
    manifests = yaml.safe_load_all((ROOT / "knative" / "base" / "check.yaml").read_text(encoding="utf-8"))
    (role,) = (each for each in manifests if each["kind"] == "Role")
    rule, *listings = role["rules"]
    assert role["metadata"]["namespace"] == "sre-agents"
    assert (rule["resources"], rule["verbs"]) == (["configmaps"], ["get"])
    assert [(each["resources"], each["verbs"]) for each in listings] == [
        (["serviceaccounts"], ["list"]),
        (["cronjobs"], ["list"]),
    ]
    assert {*rule["resourceNames"]} == {f"sre-agent-{path.stem}" for path in TIER_FILES}


# --- the webhook's address ----------------------------------------------------------------------------


@contextmanager
def answering(status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/readiness" else 404)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_address_that_is_ready_passes() -> None:
    with answering(200) as url:
        row = address(url)
    assert (row.passed, row.detail) == (True, url)


@pytest.mark.parametrize("status", [204, 302, 404, 503])
def test_an_address_that_answers_otherwise_fails_and_says_how(status: int) -> None:
    with answering(status) as url:
        row = address(url)
    assert not row.passed and f"answers {status}" in row.detail


def test_an_address_where_nobody_listens_fails() -> None:
    row = address("http://127.0.0.1:1")
    assert not row.passed and "does not answer (ConnectError)" in row.detail


def test_a_name_that_is_not_known_is_said_to_be_that() -> None:
    def lookup(host: str, port: int) -> object:
        assert host == "sre-dispatch.f3iai.svc"
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    row = address("http://sre-dispatch.f3iai.svc", lookup)
    assert not row.passed and "DNS does not know sre-dispatch.f3iai.svc" in row.detail
