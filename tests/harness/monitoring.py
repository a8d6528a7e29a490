"""Our dashboard and our alerts, as the tests look at them."""

from __future__ import annotations

import json
from typing import Any

import yaml

from tests.harness.process import ROOT

FOLDER = ROOT / "knative" / "monitoring"
RUNBOOKS = FOLDER / "runbooks"
DASHBOARD: dict[str, Any] = json.loads(
    (FOLDER / "dashboards" / "sre-dispatch.json").read_text(encoding="utf-8")
)
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
GROUPS: list[dict[str, Any]] = yaml.safe_load(
    (FOLDER / "sre-dispatch-alerts.yaml").read_text(encoding="utf-8")
)["spec"]["groups"]
RULES: dict[str, dict[str, Any]] = {rule["alert"]: rule for group in GROUPS for rule in group["rules"]}

IN_PANELS: dict[str, str] = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in PANELS
    for target in panel.get("targets", [])
}
EXPRESSIONS: dict[str, str] = IN_PANELS | {name: rule["expr"] for name, rule in RULES.items()}
"""All that is asked of Prometheus, by panel or alert."""


COMPONENTS: dict[str, dict[str, list[str]]] = yaml.safe_load(
    (ROOT / "tests" / "monitoring" / "metrics.yaml").read_text(encoding="utf-8")
)


METRICS = {name: labels for metrics in COMPONENTS.values() for name, labels in metrics.items()}
