from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch import translate
from function.dispatch.model import DeadLetter
from function.dispatch.translate import MAX_ENTRIES
from function.shared.errors import Rejected
from function.shared.event import SREEvent
from function.shared.strict_json import parse
from tests.harness.fakes import delivery, delivery_json, event
from tests.harness.reading import reading


def one(**changes: Any) -> dict[str, Any]:
    body = delivery_json("incident-75")
    body["alerts"][0] |= changes
    return dict(body)


def first(body: Any) -> SREEvent | DeadLetter:
    return translate.webhook(body, reading("fmc")).alerts[0]


def read(body: Any) -> SREEvent:
    found = first(body)
    assert isinstance(found, SREEvent)
    return found


def test_the_incident_becomes_an_event() -> None:
    found = event("incident-75")
    assert found.source == "grafana"
    assert (found.alertname, found.severity, found.status) == ("PVCUsageHigh", "MEDIUM", "firing")
    assert (found.resource_type, found.namespace, found.resource_id) == ("k8s_pvc", "f3iai", "typedb-data")
    assert found.description == "[f3iai] PVC typedb-data is 75.2% full"
    assert found.starts_at == datetime(2026, 3, 29, 3, 2, 11, 114000, tzinfo=UTC)
    assert found.raw_payload == delivery_json("incident-75")["alerts"][0]
    assert not found.truncated
    assert found.job == f"sre-{found.identity[:40]}" and len(found.job) == 44


@pytest.mark.parametrize(
    ("label", "severity"),
    [
        ("info", "LOW"),
        ("warning", "MEDIUM"),
        ("critical", "HIGH"),
        ("Info", "LOW"),
        (" WARNING ", "MEDIUM"),
        ("page", "HIGH"),
        ("none", "HIGH"),
        ("", "HIGH"),
    ],
)
def test_severity_follows_its_label_and_is_high_where_that_is_unknown(label: str, severity: str) -> None:
    body = one()
    body["alerts"][0]["labels"]["severity"] = label
    assert read(body).severity == severity


def test_a_missing_severity_is_high() -> None:
    body = one()
    del body["alerts"][0]["labels"]["severity"]
    assert read(body).severity == "HIGH"


def test_the_description_falls_back_to_the_annotation_then_to_the_name() -> None:
    assert read(one(annotations={"description": "longer"})).description == "[f3iai] longer"
    assert read(one(annotations={})).description == "[f3iai] PVCUsageHigh"
    assert read(one(annotations=None)).description == "[f3iai] PVCUsageHigh"


def test_identity_ignores_what_changes_between_deliveries() -> None:
    base = read(one())
    moved = one(startsAt="2026-03-28T00:00:00Z", fingerprint="0" * 16, annotations={})
    moved["alerts"][0]["labels"] |= {"node": "other", "instance": "10.9.9.9:1", "severity": "critical"}
    moved["groupKey"] = "{}:{}"
    assert read(moved).identity == base.identity


def test_the_cluster_label_parts_identities() -> None:
    other = one()
    other["alerts"][0]["labels"]["cluster"] = "geo-prod-01"
    assert read(other).cluster == "geo-prod-01"
    assert read(other).identity != read(one()).identity


def test_resolved_alerts_stay_events() -> None:
    assert event("resolved").status == "resolved"


def test_newer_fields_and_nine_digit_times_are_read() -> None:
    body = one(startsAt="2026-03-29T05:02:11.123456789+02:00", newField={"a": 1}) | {
        "routeLabels": {"a": "b"}
    }
    assert read(body).starts_at == datetime(2026, 3, 29, 3, 2, 11, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"labels": None}, "bad_labels"),
        ({"labels": {"alertname": ["A"]}}, "bad_labels"),
        ({"labels": {"severity": "warning"}}, "no_alertname"),
        ({"startsAt": "yesterday"}, "bad_startsAt"),
        ({"startsAt": "2026-03-29T03:02:11"}, "bad_startsAt"),
        ({"startsAt": "9999-12-31T23:59:59-14:00"}, "bad_startsAt"),
        ({"startsAt": "0001-01-01T00:00:00+14:00"}, "bad_startsAt"),
        ({"status": "maybe"}, "bad_status"),
        ({"annotations": ["a"]}, "bad_annotations"),
    ],
)
def test_an_alert_that_cannot_be_read_is_a_dead_letter(changes: dict[str, Any], code: str) -> None:
    found = first(one(**changes))
    assert isinstance(found, DeadLetter) and found.code == code


def test_a_poison_alert_costs_its_neighbours_nothing() -> None:
    kinds = [type(alert).__name__ for alert in delivery("poison-among-good").alerts]
    assert kinds == ["SREEvent", "DeadLetter", "DeadLetter", "DeadLetter", "DeadLetter", "SREEvent"]


def test_what_alertmanager_left_out_is_a_dead_letter() -> None:
    last = delivery("truncated-group").alerts[-1]
    assert isinstance(last, DeadLetter)
    assert (last.code, last.raw["count"]) == ("truncated_alerts", 4950)


@pytest.mark.parametrize("version", ["3", "2", "0", "5", "", 4, None])
def test_another_version_is_refused(version: Any) -> None:
    with pytest.raises(Rejected, match="version 4") as refusal:
        translate.webhook(one() | {"version": version}, reading("fmc"))
    assert refusal.value.status == 400


def test_grafanas_own_webhook_is_read() -> None:
    found = first(delivery_json("grafana-webhook"))
    assert isinstance(found, SREEvent) and not found.truncated


@pytest.mark.parametrize("where", ["labels", "annotations"])
def test_a_null_is_left_out_and_a_number_becomes_text(where: str) -> None:
    told = one()
    told["alerts"][0][where] |= {"empty": None, "value": 91.5, "count": 3, "certain": True}
    found = read(told)
    assert found.raw_payload[where] == told["alerts"][0][where]  # the audit line has what came
    assert found.identity_labels == ({"count": "3", "certain": "true"} if where == "labels" else {})


@pytest.mark.parametrize("body", [None, [], "x", 4, {}, {"version": "4"}, {"version": "4", "alerts": {}}])
def test_what_is_no_webhook_is_refused(body: Any) -> None:
    with pytest.raises(Rejected):
        translate.webhook(body, reading("fmc"))


def test_a_delivery_without_alerts_is_read() -> None:
    assert translate.webhook({"version": "4", "alerts": []}, reading("fmc")).alerts == ()


def test_one_alert_alone_gives_the_same_event() -> None:
    alone = translate.either(delivery_json("one-alert"), reading("fmc")).alerts[0]
    assert isinstance(alone, SREEvent)
    assert alone.identity == event("incident-75").identity


def test_a_long_annotation_is_cut_and_marked_and_identity_stays() -> None:
    found = read(one(annotations={"summary": "x" * 100_000}))
    summary = found.raw_payload["annotations"]["summary"]
    assert found.truncated
    assert summary.endswith("[cut: 95904 more characters]") and len(summary) < 4200
    assert found.identity == read(one()).identity


def test_long_labels_are_cut_only_where_they_are_shown() -> None:
    long = one()
    long["alerts"][0]["labels"]["persistentvolumeclaim"] = "a" * 2000
    longer = one()
    longer["alerts"][0]["labels"]["persistentvolumeclaim"] = "a" * 1999 + "b"
    assert read(long).resource_id == read(longer).resource_id
    assert read(long).identity != read(longer).identity


def test_the_65th_label_is_left_out_with_a_mark() -> None:
    body = one()
    body["alerts"][0]["labels"] |= {f"x{number:03}": "" for number in range(100)}
    found = read(body)
    assert found.truncated
    assert len(found.raw_payload["labels"]) == 65
    assert found.raw_payload["labels"]["..."].startswith("[cut: ")


def test_a_large_unknown_field_is_left_out_with_a_mark() -> None:
    found = read(one(extra=["x" * 100] * 100))
    assert found.raw_payload["extra"].startswith("[cut: ")


@pytest.mark.parametrize("of", ["labels", "annotations"])
def test_an_alert_with_100000_entries_is_a_dead_letter_and_its_neighbour_is_read(of: str) -> None:
    body = one()
    neighbour = body["alerts"][0]
    body["alerts"].append(neighbour | {of: neighbour[of] | {f"k{number}": "x" for number in range(100_000)}})
    good, bad = translate.webhook(parse(json.dumps(body).encode()), reading("fmc")).alerts
    assert good == event("incident-75")
    assert isinstance(bad, DeadLetter) and bad.code == f"bad_{of}"
    assert len(bad.raw[of]) == MAX_ENTRIES + 1 and bad.raw[of]["..."].endswith("entries at least]")


def test_an_object_of_100000_entries_elsewhere_is_cut_and_the_cut_is_marked() -> None:
    body = one(routeLabels={f"k{number}": "x" for number in range(100_000)})
    found = first(parse(json.dumps(body).encode()))
    assert isinstance(found, SREEvent) and found.truncated
    body = one() | {"commonAnnotations": {f"k{number}": "x" for number in range(100_000)}}
    found = first(parse(json.dumps(body).encode()))
    assert isinstance(found, SREEvent) and found.truncated


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_a_delivery_or_refused(value: Any) -> None:
    parsed = parse(json.dumps(value).encode())
    assert parsed == value
    with pytest.raises(Rejected):
        translate.webhook(parsed, reading("fmc"))


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_any_object_in_the_place_of_an_alert_is_accounted_for(alert: dict[str, Any]) -> None:
    assert len(translate.webhook({"version": "4", "alerts": [alert]}, reading("fmc")).alerts) == 1


@given(st.dictionaries(st.text(min_size=1), st.text()), st.dictionaries(st.text(), st.text()))
def test_labels_never_lower_the_severity_that_their_label_asks_for(
    labels: dict[str, str], annotations: dict[str, str]
) -> None:
    given_labels = {"alertname": "A", "severity": "critical"}
    found = read(one(labels=labels | given_labels, annotations=annotations))
    assert found.severity == "HIGH"
