"""Passes the agent's report to the role `report`, by a folder that both containers mount, and a lock.

When the agent's runner ends in any way, the kernel releases the lock. So the role `report` notices a killed
agent at once, and continues to wait for a slow one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from function.runner.outcome import Report
from function.shared.errors import Unavailable
from function.shared.strict_json import to_json

LOCK = "agent.lock"
REPORT = "agent.json"
OBSTACLE = "obstacle"
MAX_REPORT = 512 * 1024
"""The maximum size of a report in bytes. A report with every text at its limit has 70 KB."""
POLL_SECONDS = 0.2


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the lock until the end of the block. A try-out on a laptop has no such folder and needs no
    lock."""
    if not folder.is_dir():
        yield
        return
    new = folder / f"{LOCK}.new"
    with new.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        new.rename(folder / LOCK)  # the role `report` sees the file only after it is locked
        yield


def obstruct(folder: Path, why: str) -> None:
    """Prevents the agent from starting. `why` is the reason for the operator."""
    (folder / OBSTACLE).write_text(why, encoding="utf-8")


def obstacle(folder: Path) -> str:
    """Returns the reason why the agent must not start. It is empty if the agent may start."""
    try:
        return (folder / OBSTACLE).read_text(encoding="utf-8")
    except OSError:
        return ""


def write_report(folder: Path, report: Report) -> None:
    """Writes the report atomically."""
    if not folder.is_dir():
        return
    new = folder / f"{REPORT}.new"
    new.write_text(to_json(asdict(report)), encoding="ascii")
    new.rename(folder / REPORT)


def wait_for_report(folder: Path, left: Callable[[], float]) -> Report:
    """Waits for the end of the agent and returns its report. Raises Unavailable if the agent left no report,
    or is still running when no seconds are `left`."""
    while not _is_released(folder / LOCK):
        if left() <= 0:
            raise Unavailable("agent_late", "the agent did not end in time for the report")
        time.sleep(POLL_SECONDS)
    try:
        return TypeAdapter(Report).validate_json(_content(folder / REPORT))
    except FileNotFoundError:
        what = "the agent left no report: see the last state of its container"
        raise Unavailable("agent_killed", what) from None
    except (OSError, ValidationError) as error:
        raise Unavailable(
            "agent_report", f"the agent's report cannot be read: {type(error).__name__}"
        ) from None


def _content(path: Path) -> bytes:
    """Returns the content of a plain file. It opens no link and no pipe, because an agent could have replaced
    the file with one."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError
        return file.read(MAX_REPORT)


def _is_released(lock: Path) -> bool:
    """Returns whether an agent has run and ended."""
    try:
        file = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    except OSError as error:
        why = f"the agent's lock cannot be read: {type(error).__name__}"
        raise Unavailable("agent_report", why) from None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True
