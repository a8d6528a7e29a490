from __future__ import annotations

import queue
import sys
from pathlib import Path
from typing import Any

import pytest

from function.runner.agent.process import ENDED, MAX_LINE, UNREADABLE, Claude

ECHO = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('{}', flush=True)\nwhile True: time.sleep(1)"
)


def program(code: str, folder: Path, heard: Any = lambda _: None) -> Claude:
    return Claude((sys.executable, "-c", code), {}, folder, queue.SimpleQueue(), heard)


def test_what_is_sent_and_what_is_said_are_lines_of_json(tmp_path: Path) -> None:
    lines: list[bytes] = []
    claude = program(ECHO, tmp_path, lines.append)
    claude.send({"type": "user", "text": "two\nlines"})
    assert claude.next(60) == {"type": "user", "text": "two\nlines"}
    assert claude.close() == 0
    assert len(lines) == 1
    assert claude.next(60) is ENDED


def test_what_is_no_json_object_is_heard_and_is_no_event(tmp_path: Path) -> None:
    lines: list[bytes] = []
    claude = program("print('words')\nprint('[1]')\nprint('{\"a\": 1}')", tmp_path, lines.append)
    assert [claude.next(60), claude.next(60)] == [{"a": 1}, ENDED]
    claude.close()
    assert len(lines) == 3


@pytest.mark.parametrize("said", [f"'x' * {MAX_LINE + 9}", "'[' * 500_000 + ']' * 500_000"])
def test_an_event_that_cannot_be_read_ends_the_reading_by_its_name(said: str, tmp_path: Path) -> None:
    claude = program(f"print({said}, end='')\nprint()\nprint('{{}}')", tmp_path)
    assert [claude.next(60), claude.next(60)] == [UNREADABLE, ENDED]
    claude.close(grace=0.2)


def test_nothing_within_the_time_is_none(tmp_path: Path) -> None:
    claude = program(ECHO, tmp_path)
    assert claude.next(0.05) is None
    claude.close()


def test_saying_something_to_one_that_has_ended_is_no_error(tmp_path: Path) -> None:
    claude = program("", tmp_path)
    assert claude.next(60) is ENDED
    for _ in range(3):
        claude.send({"type": "user"})
    assert claude.close() == 0


def test_one_that_does_not_end_is_ended(tmp_path: Path) -> None:
    claude = program(STUBBORN, tmp_path)
    assert claude.next(60) == {}
    assert claude.close(grace=0.2) == -9


def test_its_complaint_is_kept_to_its_end(tmp_path: Path) -> None:
    claude = program("import sys\nsys.stderr.write('x' * 9000 + 'at the end')", tmp_path)
    assert claude.next(60) is ENDED
    claude.close()
    assert claude.stderr().endswith("at the end") and len(claude.stderr()) <= 4096


def test_one_that_does_not_listen_holds_up_nobody(tmp_path: Path) -> None:
    claude = program("import time\nprint('{}', flush=True)\ntime.sleep(99)", tmp_path)
    assert claude.next(60) == {}
    for _ in range(4):
        claude.send({"text": "x" * 100_000})
    assert claude.next(0.05) is None
    assert claude.close(grace=0.2) < 0
