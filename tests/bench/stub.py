"""OPA, FFO and the Kubernetes API in one process, `python -m tests.bench.stub`: they answer at once and
always the same."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.fakes import CONTEXT, decided
from tests.process import ROOT, TIER_FILES

NO_JOBS = {"kind": "Table", "columnDefinitions": [{"name": "Name"}, {"name": "Status"}], "rows": []}
TIERS = {
    manifest["metadata"]["name"]: manifest
    for path in TIER_FILES
    for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    if manifest and manifest["kind"] == "CronJob"
}


CONTEXT_PATH = "/jsonrpc"


class Request(NamedTuple):
    connection: tuple[str, int]
    method: str
    path: str


class Stub(ThreadingHTTPServer):
    """Listens on a free port of loopback and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.requests: list[Request] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Stub

    def do_GET(self) -> None:
        self._answer(200, TIERS.get(self.path.rpartition("/")[2], NO_JOBS))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/v1/data/"):
            bundle = {"revision": decided()["policy_revision"]}
            answer = {"result": decided("MEDIUM"), "provenance": {"bundles": {"policy": bundle}}}
            self._answer(200, answer)
        elif self.path == CONTEXT_PATH:
            result = {"structuredContent": CONTEXT}
            self._answer(200, {"jsonrpc": "2.0", "id": json.loads(body)["id"], "result": result})
        else:
            self._answer(201, json.loads(body))

    def _answer(self, status: int, body: Any) -> None:
        self.server.requests.append(Request(self.client_address, self.command, self.path.partition("?")[0]))
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def settings(url: str, folder: Path) -> dict[str, str]:
    """The environment of a function that asks the stub at `url`; its KUBECONFIG is written to `folder`."""
    kubeconfig = {
        "clusters": [{"name": "stub", "cluster": {"server": url}}],
        "users": [{"name": "stub", "user": {"token": "none"}}],
        "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "stub"}}],
        "current-context": "stub",
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
    return {
        "SRE_DISPATCH_OPA_URL": url,
        "KUBECONFIG": str(path),
        "SRE_DISPATCH_AUTH": "none",
        "HOST": "127.0.0.1",
    }


def with_context(url: str) -> dict[str, str]:
    """What the environment needs besides for context from the stub."""
    return {"SRE_DISPATCH_CONTEXT": "world-model", "SRE_DISPATCH_WORLD_MODEL_URL": url + CONTEXT_PATH}


def five_alerts() -> bytes:
    """The incident's first delivery, grown to five volumes."""
    body = json.loads((ROOT / "tests" / "deliveries" / "incident-75.json").read_bytes())
    (alert,) = body["alerts"]
    body["alerts"] = [
        {**alert, "labels": {**alert["labels"], "persistentvolumeclaim": f"typedb-data-{number}"}}
        for number in range(5)
    ]
    return json.dumps(body).encode()


if __name__ == "__main__":
    stub = Stub()
    print(stub.url, flush=True)
    stub.serve_forever()
