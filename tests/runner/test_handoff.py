from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from function.runner import handoff
from function.runner.outcome import Report
from function.shared.errors import Unavailable
from tests.harness.process import ROOT

AGENT = """
import sys, time
from pathlib import Path
from function.runner import handoff
from function.runner.outcome import Report
with handoff.held(Path(sys.argv[1])):
    print(flush=True)
    if sys.stdin.readline():
        handoff.write_report(Path(sys.argv[1]), Report(0, "completed"))
    else:
        time.sleep(99)
"""


@contextmanager
def agent(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that lives as an agent's runner does. It reports when it is told a line."""
    command = (sys.executable, "-c", AGENT, str(folder))
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def take(folder: Path, seconds: float = 60) -> Report:
    until = time.monotonic() + seconds
    return handoff.wait_for_report(folder, lambda: until - time.monotonic())


def code(folder: Path, seconds: float = 60) -> str:
    with pytest.raises(Unavailable) as refused:
        take(folder, seconds)
    return refused.value.code


def test_a_report_is_taken_once_its_agent_has_ended(tmp_path: Path) -> None:
    with agent(tmp_path) as process:
        assert code(tmp_path, 0.3) == "agent_late"
        process.communicate("report\n")
        assert take(tmp_path) == Report(0, "completed")


def test_an_agent_that_reported_and_lives_is_waited_for(tmp_path: Path) -> None:
    with agent(tmp_path):
        handoff.write_report(tmp_path, Report(0, "completed"))
        assert code(tmp_path, 0.3) == "agent_late"


def test_a_killed_agent_is_known_at_once(tmp_path: Path) -> None:
    with agent(tmp_path) as process:
        process.kill()
        assert code(tmp_path) == "agent_killed"


def test_an_agent_that_never_began_is_waited_for(tmp_path: Path) -> None:
    assert code(tmp_path, 0.3) == "agent_late"
    (tmp_path / handoff.REPORT).write_text("{}")
    assert code(tmp_path, 0.3) == "agent_late"


NO_COST = '{"exit_code": 0, "ended": "completed", "cost_usd": NaN}'
"""The termination message of this report would be no JSON."""


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"exit_code": 0}', '{"exit_code": "x", "ended": 1}', NO_COST]
)
def test_what_is_no_report_is_told_by_name(tmp_path: Path, content: str) -> None:
    with handoff.held(tmp_path):
        (tmp_path / handoff.REPORT).write_text(content)
    assert code(tmp_path) == "agent_report"


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/passwd"), os.mkfifo, Path.mkdir])
def test_what_is_no_plain_file_is_not_followed(tmp_path: Path, make: Callable[[Path], object]) -> None:
    with handoff.held(tmp_path):
        make(tmp_path / handoff.REPORT)
    assert code(tmp_path) == "agent_report"


def test_a_lock_that_is_a_link_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / handoff.LOCK).symlink_to("/etc/passwd")
    assert code(tmp_path) == "agent_report"


def test_without_a_folder_there_is_nobody_to_report_to(tmp_path: Path) -> None:
    with handoff.held(tmp_path / "none"):
        handoff.write_report(tmp_path / "none", Report(0, "completed"))
    assert [*tmp_path.iterdir()] == []


def test_what_stands_in_the_way_of_an_agent_is_told_before_it_begins(tmp_path: Path) -> None:
    assert handoff.obstacle(tmp_path) == handoff.obstacle(tmp_path / "none") == ""
    handoff.obstruct(tmp_path, "the repository could not be fetched")
    assert handoff.obstacle(tmp_path) == "the repository could not be fetched"
