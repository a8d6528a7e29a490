from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from function.commands.demo import sample
from function.shared.memory import Store
from tests.harness.deliveries import AT, DELIVERIES, REFUSED
from tests.harness.process import ROOT
from tests.harness.server import environment

FIELDS = {
    "identity",
    "job",
    "alertname",
    "namespace",
    "resource_type",
    "resource_id",
    "severity",
    "description",
}
FIELDS |= {"outcome", "decision", "context", "prompt"}


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = (sys.executable, "-m", "function", "explain", *arguments)
    return subprocess.run(command, input=stdin, capture_output=True, env=environment(), cwd=ROOT, check=False)


def test_the_command_prints_one_json_object_with_the_named_fields() -> None:
    done = run("--json", "--at", AT, "tests/deliveries/incident-75.json")
    assert (done.returncode, done.stderr) == (0, b"")
    report = json.loads(done.stdout)
    assert set(report) == {"delivery", "events"}
    assert set(report["events"][0]) >= FIELDS
    assert report["events"][0]["outcome"] == "created"


def test_it_reads_standard_input_and_says_the_same_bytes_again() -> None:
    body = DELIVERIES[0].read_bytes()
    one, two = (run("--json", "--at", AT, "-", stdin=body) for _ in range(2))
    assert one.stdout == two.stdout != b""


def test_blocked_is_an_answer_and_has_neither_job_nor_prompt() -> None:
    done = run("--json", "tests/deliveries/destructive.json")
    told = json.loads(done.stdout)["events"][0]
    assert done.returncode == 0
    assert (told["outcome"], told["job"], told["prompt"]) == ("blocked", None, None)


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_what_the_web_edge_would_refuse_is_exit_2_with_the_reason_on_stderr(path: str) -> None:
    done = run("--json", str(path))
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"sre-dispatch: refused: ") and done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"version": "4"}', "\ufeff{}".encode(), b"\xff"])
def test_a_broken_body_is_exit_2(body: bytes) -> None:
    assert run("-", stdin=body).returncode == 2


@pytest.mark.parametrize(
    "at",
    [
        "now",
        "2026-03-29",
        "2026-03-29T03:10:00",
        "2026-W13-7T03:10Z",
        "1960-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_time_without_an_offset_is_refused(at: str) -> None:
    done = run("--at", at, "tests/deliveries/incident-75.json")
    assert done.returncode == 2 and b"--at" in done.stderr


def test_the_text_for_people_holds_no_control_character_of_the_alert() -> None:
    done = run("tests/deliveries/hostile-text.json")
    assert done.returncode == 0
    assert done.stdout.isascii() and b"\x1b" not in done.stdout


def test_settings_that_it_does_not_use_are_left_alone() -> None:
    wrong = {"SRE_DISPATCH_OPA_URL": "x", "PORT": "abc", "SRE_DISPATCH_JOBS": "bad", "K_SERVICE": "x"}
    command = (sys.executable, "-m", "function", "explain", "tests/deliveries/incident-75.json")
    assert (
        subprocess.run(
            command, capture_output=True, env=environment(**wrong), cwd=ROOT, check=False
        ).returncode
        == 0
    )


def test_a_policy_that_cannot_be_asked_is_exit_1_with_the_reason() -> None:
    done = run("--opa", "http://127.0.0.1:1", "tests/deliveries/incident-75.json")
    assert done.returncode == 1
    assert b"deferred opa_unreachable" in done.stdout and b"no answer from OPA" in done.stdout


def test_a_body_over_8_mib_is_exit_2() -> None:
    assert run("-", stdin=b" " * 9_000_000).returncode == 2


def test_a_missing_file_is_said() -> None:
    assert b"No such file" in run("nowhere.json").stderr


def test_a_file_of_context_that_is_not_there_is_exit_2_and_none_is_made(tmp_path: Path) -> None:
    missing = tmp_path / "none.db"
    done = run("--context", str(missing), "tests/deliveries/asks-low.json")
    assert (done.returncode, done.stdout) == (2, b"")
    assert str(missing).encode() in done.stderr
    assert not missing.exists()


def test_the_texts_that_no_enrolment_lists_are_named_and_not_shown() -> None:
    body = json.loads((ROOT / "tests" / "deliveries" / "asks-low.json").read_text(encoding="utf-8"))
    body["alerts"][0]["labels"]["zo\x1bne" + "x" * 100] = "canary"
    body["alerts"][0]["annotations"]["hint"] = "canary"
    done = run("-", stdin=json.dumps(body).encode())
    (line,) = [line for line in done.stdout.decode().splitlines() if "to list:" in line]
    assert line.strip().startswith("to list: label zo\\u001bnexxx") and line.endswith(", annotation hint")
    assert len(line) < 120 and "canary" not in line
    for name in ("incident-75", "asks-low"):
        assert b"to list:" not in run(f"tests/deliveries/{name}.json").stdout


def test_context_from_a_file_counts(tmp_path: Path) -> None:
    file = tmp_path / "world.db"
    sample.fill(Store(file), datetime.now(UTC))
    done = run("--json", "--context", str(file), "tests/deliveries/asks-low.json")
    (event,) = json.loads(done.stdout)["events"]
    assert event["context"] == {"status": "complete", "gaps": []}
    assert event["decision"]["effective"] == "LOW"
