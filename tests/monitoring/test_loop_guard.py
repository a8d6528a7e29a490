"""Our own alerts, should a route bring them to the function: none starts an agent."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from function.commands import explain
from function.dispatch.adapters.notify import NOTICE_ALERT
from tests.fakes import delivery_json
from tests.monitoring.ours import RULES
from tests.process import ROOT

AT = "2026-03-29T03:10:00Z"
SUBJECTS: dict[str, dict[str, str]] = {
    "nothing": {},
    "a Job among the agents": {"namespace": "sre-agents", "job_name": "sre-14cb864fbda03d21"},
    "a pod among the agents": {"namespace": "sre-agents", "pod": "sre-14cb864fbda03d21-x7k2p"},
    "OPA": {"namespace": "f3iai", "deployment": "sre-dispatch-opa"},
    "somebody's claim": {"namespace": "f3iai", "persistentvolumeclaim": "typedb-data"},
}


def told(name: str, labels: dict[str, str]) -> Any:
    """What the function would say to a delivery of the alert."""
    body = delivery_json("one-alert")
    alert = body["alerts"][0] if "alerts" in body else body
    rule = RULES.get(name, {"labels": {}, "annotations": {}})
    alert["labels"] = {"alertname": name, "severity": "info", **rule["labels"], **labels}
    alert["annotations"] = rule["annotations"]
    (event,) = explain.explain(json.dumps(body).encode(), at=AT)["events"]
    return event


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("name", [*RULES, NOTICE_ALERT])
def test_an_alert_of_ours_is_denied_for_good_whatever_it_is_about(name: str, subject: str) -> None:
    event = told(name, SUBJECTS[subject])
    assert (event["outcome"], event["job"]) == ("denied", None)
    assert {"code": "own_alert", "retry": False} in [
        {key: denial[key] for key in ("code", "retry")} for denial in event["decision"]["denials"]
    ]


@pytest.mark.parametrize("subject", [subject for subject in SUBJECTS if subject != "nothing"])
def test_so_is_anybodys_alert_about_what_is_ours_and_no_other(subject: str) -> None:
    ours = subject != "somebody's claim"
    assert told("KubeSomething", SUBJECTS[subject])["outcome"] == ("denied" if ours else "created")


def test_the_policy_knows_our_alerts_by_name_and_no_others() -> None:
    path = ROOT / "policies" / "config" / "loop_guard" / "data.yaml"
    names = yaml.safe_load(path.read_text(encoding="utf-8"))["alertnames"]
    assert names == {"notices": [NOTICE_ALERT], "system": sorted(RULES)}
