from __future__ import annotations

import json

import pytest

from function.dispatch.adapters.events import Events
from function.dispatch.model import Outcome, Result
from function.shared.errors import Unavailable
from function.shared.kubernetes import Api
from tests.harness.fakes import NOW, event
from tests.harness.kubernetes import Script


def test_an_event_an_outcome_is_written_in_the_functions_namespace(script: Script) -> None:
    script.answers = [(201, {})]
    held = Result(event("hostile-text"), Outcome.DEAD_LETTERED, "invalid_job")
    Events(Api(script.connect), "f3iai", NOW.timestamp).notify([held])
    assert script.requests[0][:2] == ("POST", "/api/v1/namespaces/f3iai/events")
    written = json.loads(script.bodies[0])
    assert (written["reason"], written["type"]) == ("AlertDeadLettered", "Warning")
    assert written["involvedObject"]["namespace"] == written["metadata"]["namespace"] == "f3iai"
    assert "invalid_job" in written["message"] and written["message"].isascii()
    assert len(written["message"]) <= 1024


def test_what_is_told_once_has_a_fixed_name_and_is_not_told_twice(script: Script) -> None:
    script.answers = [(201, {}), (409, {})]
    other = Result(event(), Outcome.DUPLICATE, "other_words", job="sre-1")
    events = Events(Api(script.connect), "f3iai", NOW.timestamp)
    events.notify([other])
    events.notify([other])
    one, two = (json.loads(body)["metadata"]["name"] for body in script.bodies)
    assert one == two and one.startswith("sre-dispatch-")


def test_a_name_that_is_taken_is_a_failure_for_any_other_notice(script: Script) -> None:
    script.answers = [(409, {})]
    with pytest.raises(Unavailable):
        Events(Api(script.connect), "f3iai", NOW.timestamp).notify(
            [Result(event(), Outcome.HELD, "recurred")]
        )
