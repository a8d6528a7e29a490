from __future__ import annotations

import pytest

from function.shared.fact_fields import MAX_LIST
from function.shared.text import MAX_TEXT
from function.worldmodel.found import few, state
from tests.harness.fakes import NOW
from tests.worldmodel.cluster import (
    manifest,
)

NOW_SECONDS = NOW.timestamp()


def test_a_state_leaves_out_what_has_no_value_and_keeps_what_is_nought_or_false() -> None:
    of = manifest("Pod", "x")
    told = state(of, NOW_SECONDS, "Running", a=None, b=[], c="", d=0, e=False, f="x", g=["y"])
    assert told.status == "Running"
    assert told.details == {"made": "28 days ago", "d": 0, "e": False, "f": "x", "g": ("y",)}


def test_a_state_tells_the_conditions_that_are_not_as_they_should_be() -> None:
    of = manifest("Pod", "x", status={"conditions": [{"type": "Ready", "status": "False"}]})
    assert state(of, NOW_SECONDS, "Running").details["conditions"] == ("Ready=False",)


def test_long_texts_and_lists_of_a_state_are_cut() -> None:
    long = "x" * 999
    told = state(manifest("Pod", "x"), NOW_SECONDS, long, text=long, texts=[long] * 99)
    texts = told.details["texts"]
    assert isinstance(texts, tuple) and len(texts) == MAX_LIST
    assert texts[-1] == "and 80 more"
    for text in (told.status, told.details["text"], *texts[:-1]):
        assert isinstance(text, str) and len(text) == MAX_TEXT and "[cut: " in text


@pytest.mark.parametrize(
    ("count", "length", "last"),
    [(0, 0, ""), (MAX_LIST, MAX_LIST, f"{MAX_LIST - 1}"), (MAX_LIST + 1, MAX_LIST, "and 2 more")],
)
def test_a_list_says_how_many_it_leaves_out(count: int, length: int, last: str) -> None:
    kept = few([str(number) for number in range(count)])
    assert (len(kept), "".join(kept[-1:])) == (length, last)


def test_a_state_says_that_the_object_is_being_deleted() -> None:
    of = manifest("PersistentVolumeClaim", "x")
    assert "being_deleted" not in state(of, NOW_SECONDS, "Bound").details
    of["metadata"]["deletionTimestamp"] = "2026-03-29T03:00:00Z"
    assert state(of, NOW_SECONDS, "Bound").details["being_deleted"] is True
