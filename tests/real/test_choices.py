"""What the tiers' files offer as a choice of the operator, asked of the real servers that they name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.components import answers, find, need, running
from tests.harness.process import TIER_FILES, free_port

pytestmark = pytest.mark.real

CHOICE = re.compile(r"^#   (loki|tempo): ([a-z_ ]+)$", re.MULTILINE)
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@pytest.mark.parametrize("path", TIER_FILES, ids=lambda path: path.stem)
def test_the_tools_for_logs_and_traces_exist_and_only_read(path: Path, tmp_path: Path) -> None:
    choices = dict(CHOICE.findall(path.read_text(encoding="utf-8")))
    assert set(choices) == {"loki", "tempo"}

    there = grafana_tools(tmp_path, *choices)

    for names in choices.values():
        for name in names.split():
            assert there[name]["annotations"]["readOnlyHint"] is True


def grafana_tools(folder: Path, *sets: str) -> dict[str, Any]:
    """The tools of mcp-grafana with these sets, by name."""
    need("mcp-grafana")
    address = f"127.0.0.1:{free_port()}"
    flags = ["--transport=streamable-http", f"--address={address}", "--disable-write"]
    command = [str(find("mcp-grafana")), *flags, f"--enabled-tools={','.join(sets)}"]
    environment = {"GRAFANA_URL": "http://127.0.0.1:9", "HOME": str(folder)}
    with running(command, folder, lambda: answers(f"http://{address}/healthz"), environment):
        client = {
            "protocolVersion": "2025-03-26",
            "capabilities": {},
            "clientInfo": {"name": "x", "version": "1"},
        }
        with httpx.Client(base_url=f"http://{address}", headers=HEADERS, trust_env=False, timeout=30) as http:
            session = ask(http, "initialize", client).headers.get("mcp-session-id", "")
            http.headers["mcp-session-id"] = session
            body = ask(http, "tools/list", {}).text
    told = json.loads(body[body.index("{") :])
    return {tool["name"]: tool for tool in told["result"]["tools"]}


def ask(http: httpx.Client, method: str, parameters: dict[str, Any]) -> httpx.Response:
    return http.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
