"""From the agent's container to the one that reports: a folder that both have, and a lock that tells a death.

The kernel lets go of the lock when the agent's runner ends, however it ends: the reporter learns of a kill at
once, and never takes a slow agent for a dead one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from function.errors import Unavailable
from function.model import to_json
from function.runner.outcome import Report

LOCK = "agent.lock"
REPORT = "report.json"
MAX_REPORT = 512 * 1024
"""Bytes; a report whose every text is as long as it may be has 70 KB."""
POLL_SECONDS = 0.2


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Says to who waits in the folder that the agent lives, until the end of the block. A try-out on a laptop
    has no such folder."""
    if not folder.is_dir():
        yield
        return
    new = folder / f"{LOCK}.new"
    with new.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        new.rename(folder / LOCK)  # locked before anybody can see it
        yield


def give(folder: Path, report: Report) -> None:
    """Hands the report over, whole or not at all."""
    if not folder.is_dir():
        return
    new = folder / f"{REPORT}.new"
    new.write_text(to_json(asdict(report)), encoding="ascii")
    new.rename(folder / REPORT)


def take(folder: Path, until: float) -> Report:
    """The report, once the agent has ended; `until` is of time.monotonic(). Raises Unavailable where it ended
    without one, or has not ended in time."""
    while not _is_released(folder / LOCK):
        if time.monotonic() > until:
            raise Unavailable("agent_late", "the agent had not ended when it was time to report")
        time.sleep(POLL_SECONDS)
    try:
        with (folder / REPORT).open("rb") as file:
            return TypeAdapter(Report).validate_json(file.read(MAX_REPORT))
    except FileNotFoundError:
        raise Unavailable("agent_killed", "the agent was killed: see its container's last state") from None
    except (OSError, ValidationError) as error:
        raise Unavailable(
            "agent_report", f"the agent's report is unreadable: {type(error).__name__}"
        ) from None


def _is_released(lock: Path) -> bool:
    """Whether there was an agent and it has ended."""
    try:
        file = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True
