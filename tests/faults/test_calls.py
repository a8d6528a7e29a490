"""One fault at a time, on each kind of call that the function makes for a delivery."""

from __future__ import annotations

import pytest

from tests.faults.system import KINDS, KUBERNETES, OPA, WORLD_MODEL, System
from tests.harness import faults
from tests.harness.examples import THOROUGH
from tests.harness.fault_proxy import Fault

FAST: dict[str, Fault] = {
    "reset": faults.reset,
    "reset after": faults.reset_after,
    "late": faults.late,
    "cut": faults.cut(10),
    "garbage": faults.garbage,
}
SLOW: dict[str, Fault] = {
    "silent": faults.silent,
    "silent after": faults.silent_after,
    "drip of the body": faults.drip_body,
    "drip": faults.drip,
}
"""Each of these takes as long as the function waits. So in a quick run only the first call has the fault."""
QUICK_SLOW = [("silent", call) for call in KINDS]
QUICK_SLOW += [
    ("silent after", "create"),
    ("drip", "notice"),
    ("drip of the body", "triage"),
    ("drip", "context"),
]
COMBINATIONS = [(fault, call) for fault in FAST for call in KINDS]
COMBINATIONS += [(fault, call) for fault in SLOW for call in KINDS] if THOROUGH else QUICK_SLOW
OPTIONAL = ("notice", "context")
"""A delivery needs no answer to these calls."""
CODES = {
    KUBERNETES: {"kubernetes_unreachable", "kubernetes_answer"},
    OPA: {"opa_unreachable", "opa_answer"},
    WORLD_MODEL: set[str](),
}


@pytest.mark.parametrize(("fault", "call"), COMBINATIONS)
def test_a_call_that_fails_costs_a_retry_at_most(system: System, fault: str, call: str) -> None:
    dependency, chosen = KINDS[call]
    way = system.ways[dependency]
    first_only = fault in SLOW and not THOROUGH
    way.fault = faults.on(chosen, (FAST | SLOW)[fault], times=1 if first_only else 1_000_000)
    if call in OPTIONAL or fault == "late":
        system.send_until_done()
    else:
        assert system.send().status_code == 503
        assert system.deferred_codes() <= CODES[dependency] | {"deadline"}
    assert system.calls(chosen)
    system.lift()
    system.send_until_done()
    system.assert_same_end()
