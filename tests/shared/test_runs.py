from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from function.shared.runs import MAX_RUN_TEXT, Run
from function.shared.strict_json import to_json

RUN: dict[str, Any] = {
    "session": "s-1",
    "at": "2026-03-29T03:10:00Z",
    "resource_type": "k8s_pvc",
    "resource_id": "typedb-data",
    "alertname": "PVCUsageHigh",
    "status": "resolved",
    "action": "raised the claim to 40Gi",
    "verification": "cleared",
    "confidence": 0.8,
}


def test_a_run_needs_neither_a_root_cause_nor_a_place() -> None:
    run = TypeAdapter(Run).validate_json(to_json(RUN))
    assert (run.root_cause, run.namespace, run.cluster, run.identity) == ("", "", "", "")


@pytest.mark.parametrize(
    "changes",
    [
        {"at": "1969-12-31T23:59:59Z"},
        {"at": "yesterday"},
        {"at": "2026-03-29T03:10:00"},
        {"resource_type": "k8s pvc"},
        {"confidence": 1.5},
        {"status": "done"},
        {"session": ""},
        {"identity": "ab"},
        {"action": "x" * (MAX_RUN_TEXT + 1)},
        {"more": 1},
    ],
    ids=str,
)
def test_what_is_no_run_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Run).validate_json(to_json(RUN | changes))
