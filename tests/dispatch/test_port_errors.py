from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from function.dispatch import wiring
from function.dispatch.ports import Dependencies
from function.dispatch.settings import Settings
from function.shared.errors import PermanentError, Unavailable
from tests.harness.fakes import FakeCluster, FakePolicy, FakeWorld, app, event

SECRET = "secret alert text"
CALLS: dict[str, Callable[[Dependencies], Any]] = {
    "ask": lambda deps: deps.policy.ask({}),
    "context": lambda deps: deps.world and deps.world.context(event()),
    "jobs": lambda deps: deps.cluster.jobs(),
    "listed_job": lambda deps: deps.cluster.listed_job("sre-1"),
    "job": lambda deps: deps.cluster.job("sre-1"),
    "template": lambda deps: deps.cluster.template("sre-agent-propose"),
    "create": lambda deps: deps.cluster.create({}),
}


def failing_with(error: Exception) -> Dependencies:
    cluster = FakeCluster(failing=dict.fromkeys(("jobs", "listed_job", "job", "template", "create"), error))
    return app(FakePolicy(error), cluster, FakeWorld(error))


@pytest.mark.parametrize("call", CALLS)
def test_an_unexpected_error_of_a_port_is_unavailable_and_only_its_place_is_told(call: str) -> None:
    with pytest.raises(Unavailable) as failure:
        CALLS[call](failing_with(ZeroDivisionError(SECRET)))
    assert failure.value.code == "dependency_error"
    assert "ZeroDivisionError at " in str(failure.value) and "fakes.py" in str(failure.value)
    assert SECRET not in str(failure.value)


@pytest.mark.parametrize("error", [Unavailable("down", "it is down"), PermanentError("invalid_job", "no")])
@pytest.mark.parametrize("call", CALLS)
def test_our_own_errors_pass_unchanged(call: str, error: Exception) -> None:
    with pytest.raises(type(error)) as failure:
        CALLS[call](failing_with(error))
    assert failure.value is error


def test_no_world_model_stays_none() -> None:
    assert app(world=None).world is None


def test_what_wiring_makes_is_contained() -> None:
    laptop = {"HOST": "127.0.0.1", "SRE_DISPATCH_AUTH": "none", "SRE_DISPATCH_OPA_URL": "http://x"}
    made = wiring.offline(Settings.read(laptop), FakePolicy(ZeroDivisionError()))
    with pytest.raises(Unavailable) as failure:
        made.policy.ask({})
    assert failure.value.code == "dependency_error"
