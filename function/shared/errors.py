"""The errors of all wings. The class of an error defines the consequence.

DispatchError
├── Rejected        the request is at fault: 4xx, Alertmanager does not retry it
├── Unavailable     a dependency is down: the event is deferred, 503, Alertmanager retries it
├── PermanentError  this alert can never be handled: dead letter, the other alerts go on
└── Misconfigured   the installation is at fault: the program refuses to start

Every error has a `code`, a short constant that is safe in replies and metrics, and a message for the
operator. The code and the message never contain text of an alert, a credential, or a response of another
service.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class DispatchError(Exception):
    """The base class of our errors."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Rejected(DispatchError):
    """The request is refused with the 4xx `status`. It changed nothing."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status = status


class Unavailable(DispatchError):
    """A dependency sent no usable response. The same request may succeed later."""


class PermanentError(DispatchError):
    """This alert can never be handled. It becomes a dead letter."""


class Misconfigured(DispatchError):
    """The installation is unusable. The message names the setting and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__("misconfigured", message)


def location(error: BaseException) -> str:
    """Returns the type and line of an unexpected error. The error's message and traceback may quote an alert,
    so they are not logged."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {last.filename}:{last.lineno}"


def reason(error: Exception) -> str:
    """Returns the text for the operator: the message of our own errors, the location of all others."""
    return str(error) if isinstance(error, DispatchError) else location(error)


def first_error(error: ValidationError) -> tuple[str, str]:
    """Returns the path and message of pydantic's first error, without the invalid value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ".".join(str(part) for part in first["loc"]), str(first["msg"])
