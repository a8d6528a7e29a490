from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from function import record
from function.adapters.store import Store
from function.errors import Misconfigured, Rejected
from tests.adapters.test_opa import stub
from tests.process import ROOT
from tests.server import environment

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


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"", "Invalid JSON"),
        (b"[]", "it"),
        (body(confidence=1.5), "confidence"),
        (body(status="canary"), "status"),
        (body(resource_type="pvc"), "resource_type"),
        (body(at="yesterday"), "at"),
        (body(canary=1), "canary"),
    ],
)
def test_what_is_no_run_is_refused_by_its_field(file: Path, text: bytes, named: str) -> None:
    with pytest.raises(Rejected, match=named):
        record.record(text, str(file))
    assert Store(file).runs({}, 1) == []


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="there is no"):
        record.record(body(), str(tmp_path / "mistyped.db"))
    assert [*tmp_path.iterdir()] == []


def test_a_url_is_a_world_model_with_the_token_of_a_writer(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token-of-a-writer\n")
    told = {"jsonrpc": "2.0", "id": 1, "result": {"structuredContent": {"recorded": True}}}
    with stub(lambda request: request.reply(told)) as server:
        assert record.record(body(), f"{server.url}/jsonrpc", tmp_path / "token")
    assert server.requests[0].headers["Authorization"] == "Bearer a-token-of-a-writer"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = (sys.executable, "-m", "function", "record", *arguments)
    return subprocess.run(line, capture_output=True, text=True, env=environment(), cwd=ROOT, check=False)


def test_the_command_says_whether_it_is_new(file: Path) -> None:
    assert command(str(FILE), "--to", str(file)).stdout == "recorded\n"
    assert command(str(FILE), "--to", str(file)).stdout.startswith("recorded already")


def test_the_command_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    done = command(str(FILE), "--to", str(tmp_path / "none.db"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
