"""Public alerting rules: each alert is about the thing that an on-call person would name.

`python -m tests.harness.public_rules` prints a table, and the alerts that are not right."""

from __future__ import annotations

from collections import Counter

from tests.harness.public_rules import FILES, NAMED, RULES, found, names_the_exporter, verdict

RIGHT_AT_LEAST = 0.97


def test_nearly_every_alert_gets_the_subject_that_an_on_call_person_would_name() -> None:
    wrong = {rule.name: (verdict(rule), found(rule)) for rule in RULES if verdict(rule) != "right"}
    assert 1 - len(wrong) / len(RULES) >= RIGHT_AT_LEAST, wrong


def test_no_alert_about_another_thing_has_the_exporter_as_its_subject() -> None:
    assert {rule.name: found(rule) for rule in RULES if names_the_exporter(rule)} == {}


def test_the_data_set_is_large_and_from_many_places() -> None:
    assert len(RULES) >= 360
    assert len({rule.exporter for rule in RULES}) >= 12
    assert len({rule.source for rule in RULES}) >= 10
    assert all(len(file.read_bytes()) <= 250_000 for file in FILES)


def test_no_alert_is_in_the_data_set_twice() -> None:
    alerts = Counter((rule.exporter, rule.alert, rule.labels) for rule in RULES)
    assert [alert for alert, count in alerts.items() if count > 1] == []


def test_a_named_type_of_kubernetes_is_one_that_the_data_set_knows() -> None:
    used = {each for rule in RULES for each in rule.types}
    assert {each for each in used if each.startswith("k8s_")} <= NAMED
