from __future__ import annotations

import json

from function.dispatch.adapters.events import Events
from function.dispatch.model import Outcome, Result
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
