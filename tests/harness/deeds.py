"""What the policy says in a simulation, and what a call to a service can end in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from function.shared.errors import Unavailable
from function.shared.kubernetes import Answer
from tests.harness.fakes import decided, refused

SECRET = "k9-secret-of-a-service"
"""Stands in every error and every odd answer."""


class Killed(BaseException):
    """The process was killed."""


def _plain(document: Any) -> dict[str, Any]:
    asked = document["event"]["severity"]
    return decided(asked, initial=asked)


def _cautious(document: Any) -> dict[str, Any]:
    return decided("HIGH", initial=document["event"]["severity"], policy_revision="01" * 32)


def _refusing(revision: str, no: Mapping[str, Any], document: Any) -> dict[str, Any]:
    """Refuses every alert whose name ends in an even digit."""
    if document["event"]["alertname"][-1:] in "02468":
        return refused(initial=document["event"]["severity"], policy_revision=revision * 32, **no)
    return _plain(document) | {"policy_revision": revision * 32}


def _denial(code: str, retry: bool) -> dict[str, Any]:
    return {"effective": "HIGH", "denials": [{"code": code, "retry": retry}]}


POLICIES: Mapping[str, Callable[[Any], object]] = {
    "plain": _plain,
    "cautious": _cautious,
    "blocking": partial(_refusing, "02", {}),
    "denying": partial(_refusing, "03", _denial("loop", retry=False)),
    "budget": partial(_refusing, "04", _denial("budget", retry=True)),
    "lying": lambda document: decided("LOW"),
}


def _raises(error: Callable[[], BaseException]) -> Callable[[str], Any]:
    def fail(_: str) -> Any:
        raise error()

    return fail


def _answers(answer: Answer) -> Callable[[str], Any]:
    """A port that is no API server cannot say this, so it fails in its own way."""
    return lambda port: answer if port in API else _raises(_unreachable)(port)


def _unreachable() -> BaseException:
    return Unavailable("unreachable", "the service cannot be reached: wait")


def _garbage(port: str) -> Any:
    if port == "sink":
        raise _unreachable()
    return Answer(200, {"kind": SECRET}) if port in API else {"kind": SECRET}


def _lie(port: str) -> Any:
    """An answer of the right form that may not be believed: an agent that acts alone, whatever was asked."""
    return decided("LOW") if port == "policy" else _garbage(port)


API = ("list", "named", "job", "template", "create")
PORTS = (*API, "policy", "world", "sink")
ANY = "any"
OURS = "jobs.batch \"x\" is forbidden: ValidatingAdmissionPolicy 'sre-dispatch-shape' denied request: "
INVALID = "invalid"
"""The one deed after which an alert ends without a Job: the API server can never accept its Job."""
ANSWERS: Mapping[str, Callable[[str], Any]] = {
    "unreachable": _raises(_unreachable),
    "broken": _raises(lambda: ZeroDivisionError(SECRET)),
    "killed": _raises(Killed),
    "garbage": _garbage,
    "lie": _lie,
    "forbidden": _answers(Answer(403, {"message": f"forbidden {SECRET}"})),
    "quota": _answers(Answer(403, {"message": f"exceeded quota {SECRET}"})),
    "conflict": _answers(Answer(409, {"message": SECRET})),
    "missing": _answers(Answer(404, {"message": SECRET})),
    "admission": _answers(Answer(422, {"message": OURS + SECRET})),
    INVALID: _answers(Answer(422, {"message": f"invalid {SECRET}"})),
}
