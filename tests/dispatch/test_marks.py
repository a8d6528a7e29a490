"""What a Job remembers of its alert."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch import marks
from function.dispatch.marks import CHARGED, LABELS, MAX_COMPARED, MAX_LABELS, without_addresses
from function.dispatch.model import Marks
from function.shared.event import STORM, SREEvent
from tests.harness.fakes import event


def said(summary: str, **labels: str) -> SREEvent:
    """An alert with this summary."""
    payload = {"labels": {"alertname": "A"} | labels, "annotations": {"summary": summary}}
    return replace(event(), raw_payload=payload)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (said("75.2 % full"), said("90.4 % full")),
        (said("full in 3d 4h"), said("full in 17m")),
        (said("12GiB left"), said("900MiB left")),
        (said("Pod cart-0 restarts", pod="cart-0"), said("Pod cart-1 restarts", pod="cart-1")),
        (said("why: OOMKilled", reason="OOMKilled"), said("why: Error", reason="Error")),
        (said("see http://grafana/d/abc"), said("see http://grafana/d/xyz")),
        (said("pod web-5d7f8c-kxzqp fails"), said("pod web-5d7f8c-zzzzz fails")),
        (said("Volume is FULL."), said("volume is full")),
        (said("a b " + "x" * MAX_COMPARED + " one"), said("a b " + "x" * MAX_COMPARED + " other")),
    ],
    ids=lambda event: event.raw_payload["annotations"]["summary"][:20],
)
def test_these_say_the_same(one: SREEvent, other: SREEvent) -> None:
    assert marks.words(one) == marks.words(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (said("the volume fills"), said("the volume is lost")),
        (said("the volume fills"), said("")),
        (said("Pod cart-0 restarts", pod="cart-0"), said("Pod cart-0 waits", pod="cart-0")),
    ],
)
def test_these_say_something_else(one: SREEvent, other: SREEvent) -> None:
    assert marks.words(one) != marks.words(other)


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)
)


@given(JSON, JSON)
def test_any_payload_has_marks(labels: Any, annotations: Any) -> None:
    found = marks.of(replace(event(), raw_payload={"labels": labels, "annotations": annotations}))
    assert len(found.words) == len(found.family) == 16
    assert marks.read(marks.as_annotations(found)) == found


def test_a_job_shows_names_of_labels_and_no_value() -> None:
    told = replace(event(), identity_labels={"mountpoint": "/secret"})
    assert list(json.loads(marks.as_annotations(marks.of(told))[LABELS])) == ["mountpoint"]
    assert "secret" not in json.dumps(marks.as_annotations(marks.of(told)))


def test_too_many_labels_are_not_marked() -> None:
    told = replace(event(), identity_labels={f"label-{number:0200}": "x" for number in range(64)})
    assert marks.of(told).labels == {} and len(marks.as_annotations(marks.of(told))[LABELS]) <= MAX_LABELS


def test_a_storm_is_marked_only_with_the_namespace_to_which_it_is_charged() -> None:
    assert set(marks.as_annotations(marks.of(replace(event(), source=STORM)))) == {CHARGED}


@pytest.mark.parametrize("found", [{}, {LABELS: "{"}, {LABELS: "[]"}, {LABELS: "7"}])
def test_broken_marks_count_as_none(found: dict[str, str]) -> None:
    assert marks.read(found) == Marks()


@given(st.text(alphabet="a:/ \n\u00a0"))
def test_an_address_is_a_run_with_a_scheme_and_something_on_both_sides(text: str) -> None:
    assert without_addresses(text) == re.sub(r"\S+://\S+", " ", text)
