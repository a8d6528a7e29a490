from __future__ import annotations

import json
import math
import socket
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from function.commands import record
from function.shared.errors import Misconfigured, Rejected, Unavailable
from function.shared.memory import Store
from tests.harness import mcp
from tests.harness.mcp import speaking, talking
from tests.harness.process import ROOT
from tests.harness.scripted import scripted
from tests.harness.server import environment

FILE = ROOT / "tests" / "runs" / "grew-to-40gi.json"
RUN: dict[str, Any] = json.loads(FILE.read_bytes())


def body(**changes: Any) -> bytes:
    return json.dumps({**RUN, **changes}).encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "world.db"
    Store(path)
    return path


def test_a_run_is_recorded_once(file: Path) -> None:
    assert [record.record(body(), str(file)) for _ in range(2)] == [True, False]


def test_a_run_without_a_time_ended_now(file: Path) -> None:
    record.record(body(), str(file))
    (run,) = Store(file).runs({}, 1)
    assert abs(datetime.fromisoformat(run.at) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_run_with_a_time_keeps_it(file: Path) -> None:
    record.record(body(at="2026-03-29T06:10:00+02:00"), str(file))
    (run,) = Store(file).runs({}, 1)
    assert run.at == "2026-03-29T06:10:00+02:00"


def test_a_run_is_recorded_as_it_is(file: Path) -> None:
    record.record(body(at="2026-03-29T06:10:00Z", action="grew \U0001f4be\n"), str(file))
    (run,) = Store(file).runs({}, 1)
    told = {name: value for name, value in asdict(run).items() if value}
    assert told == {**RUN, "at": "2026-03-29T06:10:00Z", "action": "grew \U0001f4be\n"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"", "Invalid JSON"),
        (b"canary", "Invalid JSON"),
        (b'{"session": "canary"', "Invalid JSON"),
        (b"[" * 100_000, "Invalid JSON"),
        (b"9" * 5000, "Invalid JSON"),
        (b"[]", "the body"),
        (b'"canary"', "the body"),
        (body(session=None), "session"),
        (body(session=["canary"]), "session"),
        (body(confidence="canary"), "confidence"),
        (body(confidence=math.nan), "confidence"),
        (body(verification="canary"), "verification"),
        (body(action="canary" * 999), "action"),
        (body(resource_id={"canary": 1}), "resource_id"),
        (body(identity="canary"), "identity"),
        (body(at="2026-13-01T00:00:00Z"), "at"),
        (body(confidence=1.5), "confidence"),
        (body(status="canary"), "status"),
        (body(resource_type="canary!"), "resource_type"),
        (body(at="canary"), "at"),
        (body(at=None), "at"),
        (body(resolved_by="canary"), "resolved_by"),
    ],
)
def test_what_is_no_run_is_refused_by_its_field_and_no_value_is_shown(
    file: Path, text: bytes, named: str
) -> None:
    with pytest.raises(Rejected, match=f"invalid run: .*{named}") as refused:
        record.record(text, str(file))
    assert (refused.value.status, refused.value.code) == (400, "bad_run")
    assert "canary" not in str(refused.value)
    assert Store(file).runs({}, 1) == []


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="does not exist"):
        record.record(body(), str(tmp_path / "mistyped.db"))
    assert [*tmp_path.iterdir()] == []


def test_a_url_is_a_world_model_with_the_token_of_a_writer(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token-of-a-writer\n")
    told = {"jsonrpc": "2.0", "id": 1, "result": {"structuredContent": {"recorded": True}}}
    with scripted(lambda request: request.reply(told)) as server:
        assert record.record(body(), f"{server.url}/jsonrpc", tmp_path / "token")
    assert server.requests[0].headers["Authorization"] == "Bearer a-token-of-a-writer"


def test_a_url_says_that_a_session_is_recorded_already() -> None:
    sessions: set[str] = set()

    def remember(line: mcp.Line, asked: mcp.Asked) -> None:
        session = asked.body["params"]["arguments"]["session"]
        told = {"session": session, "recorded": session not in sessions}
        sessions.add(session)
        mcp.result({"content": [], "structuredContent": told})(line, asked)

    with talking(speaking(tools_call=remember)) as server:
        for path in ("/jsonrpc", "/mcp"):
            run = body(session=path)
            assert [record.record(run, server.url + path) for _ in range(2)] == [True, False]
    assert all("Authorization" not in asked.headers for asked in server.asked)


def test_what_is_no_run_is_sent_nowhere() -> None:
    with talking(speaking()) as server, pytest.raises(Rejected):
        record.record(body(confidence=2), f"{server.url}/mcp")
    assert server.asked == []


def test_a_world_model_that_is_not_there_is_a_failure_by_name() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listened on
        with pytest.raises(Unavailable) as failure:
            record.record(body(), f"http://127.0.0.1:{taken.getsockname()[1]}/jsonrpc")
    assert failure.value.code == "world_model_unreachable"


def test_a_token_file_that_cannot_be_read_is_named_and_nobody_is_asked(tmp_path: Path) -> None:
    with talking(speaking()) as server, pytest.raises(Unavailable, match="--token-file") as failure:
        record.record(body(), f"{server.url}/jsonrpc", tmp_path / "missing")
    assert (failure.value.code, server.asked) == ("world_model_token", [])


def test_a_file_that_is_no_world_models_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    songs = tmp_path / "songs.txt"
    songs.write_text("no database at all, but long enough for the header of one" * 9)
    before = songs.read_bytes()
    with pytest.raises(Misconfigured, match="not a usable world model file"):
        record.record(body(), str(songs))
    assert songs.read_bytes() == before


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = (sys.executable, "-m", "function", "record", *arguments)
    return subprocess.run(line, capture_output=True, text=True, env=environment(), cwd=ROOT, check=False)


def test_the_command_says_whether_it_is_new(file: Path) -> None:
    assert command(str(FILE), "--to", str(file)).stdout == "recorded\n"
    assert command(str(FILE), "--to", str(file)).stdout.startswith("already recorded")


def test_the_command_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    done = command(str(FILE), "--to", str(tmp_path / "none.db"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
