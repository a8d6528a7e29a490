from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.enrolment import (
    MAX_TEXT,
    MAX_VALUE,
    NUMBER,
    UNFIT,
    annotation_readings,
    label_readings,
    misfits,
    numbered,
    unlisted,
)
from tests.harness.fakes import event

NUMBERS = [
    "0",
    "75",
    "75.2",
    "-1",
    "+3.5",
    "1e+06",
    "6.13e-05",
    "20Gi",
    "1.5TiB",
    "512M",
    "3h",
    "10m",
    "250ms",
]
NUMBERS += ["1d 2h 3m 4s", "2m 30s", "-5s", "9" * 18]
NO_NUMBERS = [
    "",
    "a",
    "1a",
    "a1",
    "f3iai",
    "k8s",
    "p99",
    "data-0",
    "1-2",
    "10.0.4.12",
    "10.0.4.12:10250",
    "1,5",
]
NO_NUMBERS += ["NaN", "+Inf", "0x1F", "\u0663", "\uff11", "\u00b2", "1 000".replace(" ", "\u00a0"), "9" * 19]
NO_NUMBERS += [
    "1e1000",
    "--1",
    ".5",
    "5Gigabytes",
    "3delete",
    "1_0",
    "2026-03-29",
    "3/5",
    "7\u200b5",
    "1s2m",
]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    "around", ["{}", "is {}% full", "({} left)", "used: {}.", "{}, {}; {}", "x={}\n", '"{}"']
)
def test_a_number_that_stands_alone_is_a_gap(number: str, around: str) -> None:
    assert numbered(around.replace("{}", number)) == around.replace("{}", NUMBER)


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_or_belongs_to_a_name_stays(text: str) -> None:
    assert numbered(text) == text


@given(st.text(alphabet="abf3 0.-%Gihms:", max_size=20))
def test_every_letter_of_a_text_stays_but_for_those_of_units(text: str) -> None:
    left = numbered(text).replace(NUMBER, "")
    assert [letter for letter in left if letter in "abf"] == [letter for letter in text if letter in "abf"]


def test_a_label_is_read_as_it_is_and_with_its_digits_as_numbers() -> None:
    alert = {"labels": {"pod": "data-10", "instance": "10.0.4.12:9100", "zone": "a", "shard": "7"}}
    assert label_readings(alert) == {
        "pod": ["data-10", "data-{number}"],
        "instance": ["10.0.4.12:9100", "{number}.{number}.{number}.{number}:{number}"],
        "zone": ["a"],
        "shard": ["7", "{number}"],
    }


@pytest.mark.parametrize(
    "text", ["{", "}", "{number}", "{pod}", "a {b} c", None, 7, 7.5, True, ["a"], {"a": "b"}]
)
def test_a_text_with_braces_and_what_is_no_text_fit_nothing(text: Any) -> None:
    assert label_readings({"labels": {"a": text}}) == {"a": [UNFIT]}
    assert annotation_readings({"annotations": {"a": text}}) == {"a": UNFIT}


def test_a_text_over_the_limit_fits_nothing() -> None:
    assert label_readings({"labels": {"a": "x" * MAX_VALUE, "b": "x" * (MAX_VALUE + 1)}})["b"] == [UNFIT]
    texts = annotation_readings({"annotations": {"a": "x" * MAX_TEXT, "b": "x" * (MAX_TEXT + 1)}})
    assert texts == {"a": "x" * MAX_TEXT, "b": UNFIT}


@pytest.mark.parametrize(
    "alert", [{}, {"labels": None, "annotations": None}, {"labels": [], "annotations": "x"}]
)
def test_an_alert_without_labels_has_no_readings(alert: Any) -> None:
    assert (label_readings(alert), annotation_readings(alert)) == ({}, {})


ENROLMENT: dict[str, Any] = {
    "alertname": "PVCUsageHigh",
    "resource_type": "k8s_pvc",
    "namespace": "f3iai",
    "cluster": "fmc",
    "labels": {
        "persistentvolumeclaim": ["typedb-data"],
        "severity": ["warning"],
        "node": ["fmc-worker-{number}"],
    },
    "annotations": {"summary": ["PVC {persistentvolumeclaim} is {number}% full"]},
}


def test_the_names_of_the_texts_that_are_not_listed_are_told() -> None:
    others = ["endpoint", "instance", "job", "metrics_path", "prometheus", "service"]
    assert misfits(event().raw_payload, ENROLMENT) == {"labels": others, "annotations": ["description"]}


@pytest.mark.parametrize(
    "pattern", ["PVC {pvc} is {number}% full", "{summary}", "PVC {number} is {number}% full"]
)
def test_a_pattern_with_a_gap_that_nothing_fills_fits_nothing(pattern: str) -> None:
    other = ENROLMENT | {"annotations": {"summary": [pattern]}}
    assert "summary" in misfits(event().raw_payload, other)["annotations"]


def test_of_several_enrolments_the_one_that_lacks_the_fewest_is_compared() -> None:
    poor = ENROLMENT | {"labels": {}}
    config = {"one": {"enrolled": {"a": poor, "b": ENROLMENT}}, "other": {"max": 3}}
    assert unlisted(event(), config)["annotations"] == ["description"]
    assert "node" not in unlisted(event(), config)["labels"]


@pytest.mark.parametrize("name", ["alertname", "resource_type", "namespace", "cluster"])
def test_an_alert_that_nobody_enrolled_is_compared_with_nothing(name: str) -> None:
    config = {"one": {"enrolled": {"a": ENROLMENT | {name: "other"}}}}
    assert unlisted(event(), config) == {}
