from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from function.shared.connections import MAX_CONNECTIONS
from function.shared.errors import Misconfigured, Unavailable
from function.shared.mcp import WorldModelClient
from function.shared.runs import FINDINGS, Run
from function.worldmodel.serve import governance, serve
from function.worldmodel.settings import WorldModelSettings
from tests.harness.fakes import event
from tests.harness.half_open import all_of, half_open
from tests.harness.process import ROOT, free_port
from tests.harness.server import environment
from tests.harness.worldmodel import READER, WRITER, WorldModel, world_model

CLAIM = {"resource_type": "k8s_pvc", "namespace": "f3iai", "resource_id": "typedb-data"}
RUN: dict[str, Any] = CLAIM | {
    "session": "s-1",
    "at": "2026-03-29T04:10:00Z",
    "alertname": "PVCUsageHigh",
    "status": "resolved",
    "action": "grew to 40Gi",
    "verification": "cleared",
    "confidence": 0.9,
}
READERS_TOOLS = ["get_resource_context", "list_outcomes"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldModel]:
    with world_model(tmp_path_factory.mktemp("world")) as world:
        yield world


def test_it_is_ready_without_a_token(world: WorldModel) -> None:
    assert httpx.get(f"{world.url}/health/liveness").status_code == 200
    assert httpx.get(f"{world.url}/health/readiness").status_code == 200


def test_a_token_decides_which_tools_there_are(world: WorldModel) -> None:
    def named(token: str) -> list[str]:
        return [tool["name"] for tool in world.ask("tools/list", {}, token)["result"]["tools"]]

    assert named(READER) == READERS_TOOLS
    assert named(WRITER) == ["record_outcome"]


@pytest.mark.parametrize("path", ["/jsonrpc", "/mcp"])
@pytest.mark.parametrize("token", ["", "a-token-of-nobody-at-all"])
def test_without_an_accepted_token_nothing_is_answered(world: WorldModel, path: str, token: str) -> None:
    reply = world.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, token, path)
    assert (reply.status_code, reply.content) == (401, b"")


def test_a_reader_cannot_write(world: WorldModel) -> None:
    told = world.ask("tools/call", {"name": "record_outcome", "arguments": {**RUN, "session": "stolen"}})
    assert told["error"]["code"] == -32602
    assert "stolen" not in [
        run["session"]
        for run in world.call("list_outcomes", {"resource_id": "typedb-data", "limit": 50})["outcomes"]
    ]


def test_what_a_writer_records_a_reader_is_told_and_a_session_counts_once(world: WorldModel) -> None:
    assert world.call("record_outcome", RUN, WRITER) == {"session": "s-1", "recorded": True}
    again = {**RUN, "action": "something else"}
    assert world.call("record_outcome", again, WRITER) == {"session": "s-1", "recorded": False}
    (told,) = world.call("list_outcomes", {**CLAIM, "limit": 50})["outcomes"]
    assert told == {"cluster": "", "identity": "", "root_cause": "", **dict.fromkeys(FINDINGS, ""), **RUN}
    (memory,) = world.call("get_resource_context", CLAIM)["facts"]
    assert memory["data"]["runs"][0]["action"] == "grew to 40Gi"


def test_a_context_without_a_cluster_says_so(world: WorldModel) -> None:
    assert "kubernetes_unconfigured" in world.call("get_resource_context", CLAIM)["gaps"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_stock_mcp_client_works(world: WorldModel, mode: str) -> None:
    async def asked() -> tuple[list[str], Any, Any]:
        headers = {"Authorization": f"Bearer {READER}"}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(f"{world.url}/mcp", http_client=http), mode=mode) as client,
        ):
            names = [tool.name for tool in (await client.list_tools()).tools]
            context = await client.call_tool("get_resource_context", CLAIM)
            refused = await client.call_tool("record_outcome", RUN)
            return names, context, refused

    names, context, refused = asyncio.run(asked())
    assert names == READERS_TOOLS
    assert not context.is_error and set(context.structured_content) == {"facts", "gaps"}
    assert refused.is_error and "no such tool" in refused.content[0].text


@pytest.mark.parametrize("path", ["/jsonrpc", "/mcp"])
def test_our_own_client_works_in_both_forms(world: WorldModel, path: str) -> None:
    told = WorldModelClient(world.url + path, lambda: READER).context(event())
    assert isinstance(told, dict) and told["gaps"] == ["other_cluster"]
    run = Run(**{**RUN, "session": f"by {path}"})
    writer = WorldModelClient(world.url + path, lambda: WRITER)
    assert [writer.record(run), writer.record(run)] == [True, False]
    with pytest.raises(Unavailable) as refused:
        WorldModelClient(world.url + path, lambda: READER).record(run)
    assert refused.value.code == "world_model_refused"


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        (b"", 400, -32700),
        (b"\xff", 400, -32700),
        (b'{"jsonrpc": "2.0", "id": 1, "id": 2}', 400, -32700),
        (b'{"a": NaN}', 400, -32700),
        (b"[" * 100_000, 400, -32700),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "\ud800"}}, 400, -32700),
        ([], 200, -32600),
        ({"id": 1, "method": "tools/list"}, 200, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "resources/list"}, 200, -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": ["tools/call"]}, 200, -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}, 200, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": {}}}, 200, -32602),
        (
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": "list_outcomes", "arguments": 7},
            },
            200,
            -32602,
        ),
    ],
    ids=lambda value: str(value)[:70],
)
def test_what_is_no_request_gets_an_error_that_quotes_nothing(
    world: WorldModel, message: Any, status: int, code: int
) -> None:
    reply = world.post(message)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


def test_arguments_are_read_strictly_and_never_quoted(world: WorldModel) -> None:
    for arguments in (
        {},
        {**CLAIM, "resource_id": 7},
        {**CLAIM, "<script>": "x"},
        {**CLAIM, "namespace": "canary" * 100},
    ):
        told = world.ask("tools/call", {"name": "get_resource_context", "arguments": arguments})
        assert told["error"]["code"] == -32602
        assert "canary" not in str(told) and "script" not in str(told)


def test_a_notification_has_no_answer(world: WorldModel) -> None:
    reply = world.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (reply.status_code, reply.content) == (202, b"")


def test_bodies_are_bounded(world: WorldModel) -> None:
    for path in ("/jsonrpc", "/mcp"):
        assert world.post(b" " * 300_000, path=path).status_code == 413


def test_other_methods_and_paths_are_refused(world: WorldModel) -> None:
    headers = {"Authorization": f"Bearer {READER}"}
    assert httpx.get(f"{world.url}/mcp", headers=headers).status_code == 405
    assert httpx.delete(f"{world.url}/mcp", headers=headers).status_code == 405
    assert httpx.get(f"{world.url}/jsonrpc", headers=headers).status_code == 405
    assert httpx.get(f"{world.url}/metrics").status_code == 404


def test_a_token_is_rotated_without_a_restart(world: WorldModel) -> None:
    file = world.folder / "reader"
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    try:
        file.write_text("another-token-for-readers", encoding="utf-8")
        assert world.post(message).status_code == 401
        assert world.post(message, "another-token-for-readers").status_code == 200
        file.unlink()
        assert world.post(message).status_code == 503
    finally:
        file.write_text(READER, encoding="utf-8")


def test_a_sender_that_does_not_come_to_an_end_is_let_go(world: WorldModel) -> None:
    head = (
        f"POST /jsonrpc HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {READER}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    with socket.create_connection(("127.0.0.1", int(world.url.rsplit(":", 1)[1])), timeout=120) as line:
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 408")


def test_connections_without_a_request_keep_nobody_out(world: WorldModel) -> None:
    with half_open(world.url, MAX_CONNECTIONS + 50) as lines:
        assert httpx.get(f"{world.url}/health/liveness").status_code == 200
        assert world.call("get_resource_context", CLAIM)["facts"] is not None
        assert all_of(lines[0]).startswith(b"HTTP/1.1 503 ")


def test_a_body_of_brackets_and_quotes_is_refused(world: WorldModel) -> None:
    """A check that begins anew at each quote would take minutes."""
    assert world.post(b"[" * 200_001 + b'"' + b'\\"' * 30_000).status_code == 400


def test_the_log_tells_what_was_asked_and_never_a_token_or_an_answer(world: WorldModel) -> None:
    world.call("get_resource_context", {**CLAIM, "alertname": "a\nforged line"})
    lines = world.log.splitlines()
    told = [json.loads(line.partition(" ")[2]) for line in lines if '"tool":"get_resource_context"' in line]
    assert told[-1]["alertname"] == "a\nforged line"
    assert not any(word in world.log for word in (READER, WRITER, "grew to 40Gi"))


@pytest.fixture
def unusable(tmp_path: Path) -> dict[str, str]:
    """Settings that would do, and files beside them that would not."""
    for name, text in {
        "reader": READER,
        "writer": WRITER,
        "foreign.db": "this is no database, and long enough to be looked at as one" * 10,
        "governance.yaml": "namespaces: {f3iai: {scope: [autonomous]}}",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return {
        "SRE_DISPATCH_WORLD_MODEL_FILE": str(tmp_path / "world.db"),
        "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES": str(tmp_path / "reader"),
        "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES": str(tmp_path / "writer"),
        "PORT": str(free_port()),
    }


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES", "", "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES"),
        (
            "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES",
            "a,b,c",
            "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES",
        ),
        (
            "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES",
            "{}/missing",
            "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES",
        ),
        ("SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES", "{}/reader", "the same token"),
        ("SRE_DISPATCH_WORLD_MODEL_FILE", "{}/foreign.db", "not a usable world model file"),
        ("SRE_DISPATCH_WORLD_MODEL_FILE", "{}/missing/x.db", "not a usable world model file"),
        (
            "SRE_DISPATCH_WORLD_MODEL_GOVERNANCE_FILE",
            "{}/missing",
            "SRE_DISPATCH_WORLD_MODEL_GOVERNANCE_FILE",
        ),
        (
            "SRE_DISPATCH_WORLD_MODEL_GOVERNANCE_FILE",
            "{}/governance.yaml",
            "SRE_DISPATCH_WORLD_MODEL_GOVERNANCE_FILE",
        ),
        ("SRE_DISPATCH_PROMETHEUS_URL", "prometheus:9090", "SRE_DISPATCH_PROMETHEUS_URL"),
        ("PORT", "0", "PORT"),
    ],
)
def test_it_refuses_to_start_with_what_is_unusable(
    tmp_path: Path, unusable: dict[str, str], setting: str, value: str, named: str
) -> None:
    with pytest.raises(Misconfigured, match=named):
        serve(WorldModelSettings.read(unusable | {setting: value.format(tmp_path)}))


@pytest.mark.parametrize("text", ["namespaces: !!int ''", "[" * 3000, "- 1", "namespaces: 2026-13-41"])
def test_limits_that_cannot_be_read_are_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "governance.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match="SRE_DISPATCH_WORLD_MODEL_GOVERNANCE_FILE"):
        governance(path)


def test_the_command_says_in_a_line_why_it_does_not_start(unusable: dict[str, str]) -> None:
    done = subprocess.run(
        (sys.executable, "-m", "function", "worldmodel"),
        env=environment(**unusable | {"PORT": "0"}),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "PORT" in done.stderr and "Traceback" not in done.stderr
