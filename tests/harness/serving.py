"""The whole function for requests with flaws, and what holds for each of its replies."""

from __future__ import annotations

from function.dispatch.ports import Dependencies, Policy, WorldModel
from function.shared.strict_json import Json
from tests.harness.edge import MAX_REPLY, Reply
from tests.harness.fakes import FakeCluster, FakePolicy, app, decided
from tests.harness.mutations import MARK

UNEXPECTED = ("internal_error", "dependency_error")
"""The codes of an error that no module expects."""


def _agreeing(document: Json) -> object:
    asked = document["event"]["severity"]
    return decided(asked, initial=asked)


def asking_app(
    policy: Policy | None = None, cluster: FakeCluster | None = None, world: WorldModel | None = None
) -> Dependencies:
    """The function with a policy that agrees to what each alert asks for, unless told otherwise."""
    return app(policy or FakePolicy(_agreeing), cluster, world)


def check(reply: Reply, *statuses: int) -> None:
    """Asserts that the reply is one of these, that we expected the flaw, and that no text of the request
    shows."""
    assert reply.status in statuses and len(reply.content) < MAX_REPLY
    assert MARK not in reply.whole and MARK not in reply.logged
    assert not [code for code in UNEXPECTED if code in reply.whole + reply.printed]
    assert reply.printed.isascii()
    assert all(line["audit"] for line in reply.lines)
