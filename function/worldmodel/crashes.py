"""What crashed: the last end of each container, and why a container cannot start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from function.shared.symptoms import Crash, Crashes, Ended, Waits
from function.shared.text import cut_middle
from function.worldmodel import objects
from function.worldmodel.objects import Object

MAX_CRASHES = 5
MAX_LINES = 10
MAX_LOG = 2000
"""The maximum number of characters of a log's end. A kubelet keeps 4096 bytes of a termination message."""
STARTING = ("", "ContainerCreating", "PodInitializing")
"""Reasons to wait that every container has for a while."""


def crashes(pods: Iterable[Object], now: float) -> list[Crashes]:
    """Returns the fact about the containers that crashed or cannot start, the newest end first. The list is
    empty if there is no such container."""
    found = [crash for pod in pods for crash in _crashes(pod, now)]
    newest = sorted(found, key=lambda each: each.ended_seconds_ago or 0)
    return [Crashes(tuple(newest[:MAX_CRASHES]), max(0, len(newest) - MAX_CRASHES))] if newest else []


def _crashes(pod: Object, now: float) -> Iterator[Crash]:
    for status in objects.statuses(pod):
        state = status.get("state") or {}
        waiting = state.get("waiting") or {}
        earlier = (status.get("lastState") or {}).get("terminated") or {}
        end = state.get("terminated") or earlier
        cannot_start = _word(waiting.get("reason") or "", Waits) not in STARTING
        if cannot_start or earlier or end.get("exitCode"):
            yield _crash(objects.name(pod), status, waiting, end, now)


def _crash(
    pod: str, status: Mapping[str, Any], waiting: Mapping[str, Any], end: Mapping[str, Any], now: float
) -> Crash:
    started, finished = (objects.seconds(end[key]) if end.get(key) else None for key in _TIMES)
    ran = finished - started if finished is not None and started else None
    return Crash(
        pod=pod,
        container=status["name"],
        restarts=int(status.get("restartCount") or 0),
        waits=_word(waiting.get("reason") or "", Waits),
        ended=_word(end.get("reason") or "other", Ended) if end else None,
        exit_code=int(end["exitCode"]) if end else None,
        signal=int(end["signal"]) if end.get("signal") else None,
        ended_seconds_ago=max(0, int(now - finished)) if finished else None,
        ran_seconds=max(0, int(ran)) if ran is not None else None,
        message=cut_middle(waiting.get("message") or ""),
        log_end=_last_lines(str(end.get("message") or "")),
    )


_TIMES = ("startedAt", "finishedAt")


def _word(reason: str, words: Any) -> Any:
    """Returns the reason if it is a word of the fixed list, and `other` if not."""
    return reason if reason in get_args(words) else "other"


def _last_lines(text: str) -> tuple[str, ...]:
    lines = [line.rstrip() for line in text[-MAX_LOG:].splitlines() if line.strip()]
    return tuple(cut_middle(line) for line in lines[-MAX_LINES:])
