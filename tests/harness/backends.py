"""OPA, the world model and the Kubernetes API in one server, which answers at once and always the same. By
itself: `python -m tests.harness.backends`."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import Any

import yaml

from tests.harness.fakes import CONTEXT, decided
from tests.harness.process import ROOT, TIER_FILES
from tests.harness.scripted import Request, Scripted, scripted

NO_JOBS = {"kind": "Table", "columnDefinitions": [{"name": "Name"}, {"name": "Status"}], "rows": []}
TIERS = {
    manifest["metadata"]["name"]: manifest
    for path in TIER_FILES
    for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    if manifest and manifest["kind"] == "CronJob"
}


CONTEXT_PATH = "/jsonrpc"
JSON: dict[str, Any] = {"Content_Type": "application/json"}


def _answer(request: Request) -> None:
    asked = request.asked
    if asked.method == "GET" and "/jobs/" in asked.path:
        request.reply({"kind": "Status", "code": 404}, 404, **JSON)
    elif asked.method == "GET":
        request.reply(TIERS.get(asked.path.partition("?")[0].rpartition("/")[2], NO_JOBS), **JSON)
    elif asked.path.startswith("/v1/data/"):
        bundle = {"revision": decided()["policy_revision"]}
        request.reply({"result": decided("MEDIUM"), "provenance": {"bundles": {"policy": bundle}}}, **JSON)
    elif asked.path == CONTEXT_PATH:
        result = {"structuredContent": CONTEXT}
        request.reply({"jsonrpc": "2.0", "id": asked.body["id"], "result": result}, **JSON)
    else:
        request.reply(asked.body, 201, **JSON)


def backends() -> AbstractContextManager[Scripted]:
    return scripted(_answer)


def settings(url: str, folder: Path) -> dict[str, str]:
    """The environment of a function that asks the server at `url`; its KUBECONFIG is written to `folder`."""
    kubeconfig = {
        "clusters": [{"name": "it", "cluster": {"server": url}}],
        "users": [{"name": "it", "user": {"token": "none"}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
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
    """What the environment needs besides for context from the same server."""
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
    with backends() as server:
        print(server.url, flush=True)
        Event().wait()
