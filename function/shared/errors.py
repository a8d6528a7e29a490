"""What can go wrong, named by its consequence.

DispatchError
├── Rejected        the request is at fault: 4xx, Alertmanager does not retry it at once
├── Unavailable     something we need is not there: the event is deferred, 503, Alertmanager comes back
├── PermanentError  one alert cannot be handled, now or later: dead letter, its neighbours go on
└── Misconfigured   we are at fault: refuses to start

Every error carries a `code` (a short constant, safe in replies and metrics) and a message for the
operator. Neither ever contains text of an alert, a credential, or a body that a peer sent.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class DispatchError(Exception):
    """The root: `code` for programs, the message for the operator's log."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Rejected(DispatchError):
    """The request is refused with the 4xx `status`; nothing of it was acted on."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status = status


class Unavailable(DispatchError):
    """A dependency gave no usable answer; the same delivery may succeed later."""


class PermanentError(DispatchError):
    """This alert will never succeed; it goes to the dead letters."""


class Misconfigured(DispatchError):
    """The installation is unusable as it is; the message names the setting and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__("misconfigured", message)


def location(error: BaseException) -> str:
    """Type and line of an error that nobody expected; its message and traceback may quote an alert."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {last.filename}:{last.lineno}"


def reason(error: Exception) -> str:
    """What the operator may be told of it: our own errors speak for themselves, of others only the place."""
    return str(error) if isinstance(error, DispatchError) else location(error)


def first_error(error: ValidationError) -> tuple[str, str]:
    """Where and what is the first thing wrong of an input that pydantic refused; never the value that is."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ".".join(str(part) for part in first["loc"]), str(first["msg"])
