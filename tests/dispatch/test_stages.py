from __future__ import annotations

import pytest

from function.dispatch import decide
from function.dispatch.model import Activity, Outcome, Prompt, Result
from function.dispatch.normalize import NormalizedText
from function.dispatch.stages import Arrived, Enriched, Granted, New, Planned, Prompted, Stage, Triaged
from tests.harness.fakes import WHOLE, decision, event, known

EVENT, DECISION = event(), decision()
GRANT = DECISION.grant
assert GRANT
TEXT = decide.prepared(EVENT, NormalizedText())
ACTIVITY = Activity(0, 0, 0, 0, 0)
PROMPT = Prompt("alerts/_default.md.j2", "0" * 64, "text")
PROMPTED = Prompted(Granted(EVENT, DECISION, WHOLE, GRANT), PROMPT)

DECIDED: dict[str, object] = {"decision": DECISION}
INFORMED: dict[str, object] = {**DECIDED, "facts": WHOLE}
WRITTEN: dict[str, object] = {**INFORMED, "prompt": PROMPT}
STAGES: list[tuple[Stage, dict[str, object]]] = [
    (Arrived(EVENT, None), {}),
    (Arrived(EVENT, known(EVENT)), {"job": EVENT.job}),
    (New(EVENT), {}),
    (Triaged(EVENT, TEXT, ACTIVITY, DECISION), DECIDED),
    (Enriched(EVENT, TEXT, ACTIVITY, DECISION, WHOLE), INFORMED),
    (PROMPTED.granted, INFORMED),
    (PROMPTED, WRITTEN),
    (Planned(PROMPTED, EVENT, {"kind": "Job"}), {**WRITTEN, "job": EVENT.job, "manifest": {"kind": "Job"}}),
]


@pytest.mark.parametrize(("stage", "learnt"), STAGES, ids=lambda value: type(value).__name__)
def test_the_result_holds_all_that_is_known_at_the_stage_where_an_alert_ends(
    stage: Stage, learnt: dict[str, object]
) -> None:
    ended = stage.end(Outcome.DEFERRED, "down", "it is down")
    assert ended == Result(EVENT, Outcome.DEFERRED, "down", detail="it is down", **learnt)  # type: ignore[arg-type]
