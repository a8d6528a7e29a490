"""Audit lines on standard output: one for each alert and each storm, and lines about refused requests.

Anybody who reaches the port can cause a refusal. So the lines about unknown senders are limited: in each
minute only the 1st, 2nd, 4th, 8th ... refusal of a code has a line. The line contains this number, so the
last line of a minute shows more than half of them. Each refusal of a known sender has a line.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime

from function.dispatch.model import Outcome, Result
from function.shared.event import SREEvent
from function.shared.strict_json import to_json

MAX_AGENT = 128
"""The maximum number of characters of a User-Agent header in a line."""


@dataclass(frozen=True)
class Refusal:
    """A request that ended with an error. If the code is `deadline` or `internal_error`, some of its alerts
    may have lines of their own."""

    code: str
    status: int
    bytes: int | None
    """How much of the body was read. If nothing was read, the length that the sender declared."""
    agent: str
    """The User-Agent header, which is any text."""
    is_sender_known: bool
    """Whether the sender's credentials were accepted before the error."""


class Sampler:
    """Chooses the refusals that have a line. It stores a minute and a number for each code."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}

    def line(self, refusal: Refusal, epoch_seconds: float) -> str:
        """Returns the refusal's line, or an empty text if the refusal has none."""
        if refusal.is_sender_known:
            return refusal_line(refusal, epoch_seconds)
        minute = int(epoch_seconds // 60)
        last, count = self._seen.get(refusal.code, (minute, 0))
        number = count + 1 if last == minute else 1
        self._seen[refusal.code] = minute, number
        return refusal_line(refusal, epoch_seconds, number) if number.bit_count() == 1 else ""


def alert_line(result: Result, epoch_seconds: float) -> str:
    """Returns one line of ASCII JSON with the decision and the outcome. If the outcome is final, the line has
    the raw alert too. A deferred alert comes again, and its text would fill the log."""
    alert = result.alert
    raw = alert.raw_payload if isinstance(alert, SREEvent) else alert.raw
    return to_json(
        {
            "audit": result.summary(),
            "time": datetime.fromtimestamp(epoch_seconds, UTC),
            **result.payload(),
            **({"raw": raw} if result.outcome is not Outcome.DEFERRED else {}),
        }
    )


def refusal_line(refusal: Refusal, epoch_seconds: float, number: int = 0) -> str:
    """Returns one line of ASCII JSON. Its only text of the request is the start of the User-Agent header.
    `number` counts the refusals of unknown senders with this code in this minute."""
    request = {"status": refusal.status, "bytes": refusal.bytes, "agent": refusal.agent[:MAX_AGENT]}
    return to_json(
        {
            "audit": {"outcome": "refused", "code": refusal.code},
            "time": datetime.fromtimestamp(epoch_seconds, UTC),
            "request": request | ({"number_in_minute": number} if number else {}),
        }
    )


def write(line: str) -> None:
    """Prints the line as a whole. Several threads may print at the same time."""
    with _printing:  # a long line is written in pieces
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


_printing = threading.Lock()
