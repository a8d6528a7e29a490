from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from function.shared.event import SREEvent, digest, job_name, rule_expression

EVENT = SREEvent(
    source="grafana",
    status="firing",
    identity="14cb864fbda03d21ab05266cea1277e7" * 2,
    severity="MEDIUM",
    alertname="PVCUsageHigh",
    resource_type="k8s_pvc",
    namespace="f3iai",
    resource_id="typedb-data",
    cluster="fmc",
    description="[f3iai] 75 % full",
    starts_at=datetime(2026, 3, 29, tzinfo=UTC),
    fingerprint="f",
    group_key="g",
    namespaces=("f3iai",),
    severity_known=True,
    charged_to="f3iai",
    identity_labels={},
    raw_payload={},
    truncated=False,
)


def test_the_parts_of_a_digest_do_not_run_together() -> None:
    assert digest("a", "bc") != digest("ab", "c") != digest("abc")
    assert digest("\ud800") != digest("?")


def test_the_job_is_named_after_the_identity_alone() -> None:
    assert EVENT.job == job_name(EVENT.identity) == f"sre-{EVENT.identity[:40]}"
    assert replace(EVENT, severity="HIGH", description="else", fingerprint="else").job == EVENT.job


def test_a_resource_has_one_mark_whatever_alerts_name_it() -> None:
    assert replace(EVENT, identity="0" * 64, alertname="Other").resource == EVENT.resource
    assert replace(EVENT, resource_id="other").resource != EVENT.resource
    assert replace(EVENT, resource_id="").resource == EVENT.identity[:16]


@pytest.mark.parametrize(
    ("url", "expression"),
    [
        ("http://p:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1", "up == 0"),
        ("http://p:9090/graph?g0.expr=%20up%20", "up"),
        ("http://p:9090/graph?g0.tab=1", ""),
        ("http://[", ""),
        ("", ""),
        (None, ""),
        (7, ""),
        ("?" + "a=1&" * 20 + "g0.expr=up", ""),
    ],
)
def test_the_expression_of_a_rule_is_read_out_of_the_address(url: object, expression: str) -> None:
    assert rule_expression(url, 20) == expression


def test_without_a_limit_any_number_of_parameters_is_read() -> None:
    assert rule_expression("?" + "a=1&" * 20 + "g0.expr=up") == "up"
