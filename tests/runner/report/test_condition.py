from __future__ import annotations

from function.runner.report.condition import Verdict, agree, own, without, worst

CLEARED, FIRING = Verdict("cleared", "good_sample"), Verdict("firing", "active")
UNKNOWN = Verdict("inconclusive", "no_series")


def test_one_that_fires_makes_it_firing_and_only_all_make_it_cleared() -> None:
    assert worst([CLEARED, UNKNOWN, FIRING]) == FIRING
    assert worst([CLEARED, UNKNOWN]) == UNKNOWN
    assert worst([CLEARED, CLEARED]) == CLEARED


def test_a_series_with_fewer_labels_is_another_one() -> None:
    one, two, bare = {"volume": "one"}, {"volume": "two"}, dict[str, str]()
    assert own([one, two, bare], {"volume": "one", "severity": "warning"}) == [one]
    assert own([bare], {"volume": "one"}) == [bare]
    assert own([], {"volume": "one"}) == []


def test_labels_agree_where_both_have_them() -> None:
    assert agree({"a": "1", "b": "2"}, {"b": "2", "c": "3"})
    assert not agree({"a": "1"}, {"a": "2"})


def test_labels_can_be_left_out() -> None:
    assert without({"a": "1", "b": "2"}, {"b"}) == {"a": "1"}
