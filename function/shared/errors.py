"""Errors, named by their consequence.

DispatchError
├── Rejected        the request is at fault: 4xx, Alertmanager does not retry it
├── Unavailable     a dependency is down: the event is deferred, 503, Alertmanager retries it
├── PermanentError  this alert can never be handled: dead letter, the other alerts go on
└── Misconfigured   the installation is at fault: the program refuses to start

Every error has a `code`, a short constant that is safe in replies and metrics, and a message for the
operator. Neither ever contains text of an alert, a credential, or an answer of another service.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class DispatchError(Exception):
    """The root of our errors."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Rejected(DispatchError):
    """The request is refused with the 4xx `status`; nothing was done."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status = status


class Unavailable(DispatchError):
    """A dependency gave no usable answer; the same request may succeed later."""


class PermanentError(DispatchError):
    """This alert can never be handled; it becomes a dead letter."""


class Misconfigured(DispatchError):
    """The installation is unusable; the message names the setting and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__("misconfigured", message)


def location(error: BaseException) -> str:
    """Type and line of an unexpected error. Its message and traceback may quote an alert, so neither is
    logged."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {last.filename}:{last.lineno}"


def reason(error: Exception) -> str:
    """What the operator is told: the message of our own errors, the location of all others."""
    return str(error) if isinstance(error, DispatchError) else location(error)


def first_error(error: ValidationError) -> tuple[str, str]:
    """Path and message of the first error of an input that pydantic refused; never the value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ".".join(str(part) for part in first["loc"]), str(first["msg"])
