from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from function.runner.agent.transcript import MAX_LINE, MAX_TRANSCRIPT, Transcript
from function.shared.errors import Unavailable

TOKEN = "a-token-of-the-world-model-0001"


def told(capsys: pytest.CaptureFixture[str], *lines: bytes) -> list[dict[str, object]]:
    transcript = Transcript([TOKEN])
    for line in lines:
        transcript.write(line)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_event_is_a_line_without_its_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, json.dumps({"a": f"x {TOKEN} y"}).encode() + b"\n") == [{"a": "x [redacted] y"}]


def test_a_token_that_it_read_is_never_written_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").write_text("another-token-of-a-server-0002\n")
    transcript = Transcript([])
    assert transcript.token(str(tmp_path / "token")) == "another-token-of-a-server-0002"
    transcript.write(b'{"a": "another-token-of-a-server-0002"}')
    assert json.loads(capsys.readouterr().out) == {"a": "[redacted]"}
    with pytest.raises(Unavailable):
        transcript.token(str(tmp_path / "none"))


@pytest.mark.parametrize("line", [b"words\n", b"\xff\xfe", b"[" * 100_000])
def test_what_cannot_be_read_is_told_by_its_length_alone(
    capsys: pytest.CaptureFixture[str], line: bytes
) -> None:
    assert told(capsys, line) == [{"unreadable": len(line)}]


def test_a_long_line_is_cut_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = told(capsys, json.dumps({"a": "x" * 100_000}).encode())
    assert line["cut"] == 100_009 and len(str(line["begins"])) == MAX_LINE


def test_there_is_an_end_to_it_and_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, *[json.dumps({"a": "x" * 60_000}).encode()] * 400)
    assert len(lines) < MAX_TRANSCRIPT // 60_000 + 2
    assert lines[-1] == {"cut": "the transcript is over its limit; the run goes on"}


@settings(deadline=None)
@given(st.integers(0, 300_000), st.sampled_from([" ", "\n", "\u20ac", "\\"]))
def test_no_cut_shows_a_secret_by_half(size: int, before: str) -> None:
    line = json.dumps({"a": "x" * size + before + TOKEN + before + "y" * 70_000}).encode()
    assert TOKEN[:12] not in Transcript([TOKEN])._told(line)
