from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.canonical import MAX_CHARACTERS, lines, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kubectl delete pvc typedb-data", " kubectl delete pvc typedb-data "),
        ("DROP   Table;", " drop table "),
        ("drop\n\ttable.", " drop table "),
        ("ｄｅｌｅｔｅ ｐｖｃ", " delete pvc "),
        ("de\u200blete p\u00advc", " delete pvc "),
        ("delete\u202e pvc\U000e0041", " delete pvc "),
        ("delete\x0bpvc", " delete pvc "),
        ("drop\x0ctable", " drop table "),
        ("delete\x85pvc", " delete pvc "),
        ("de\ufe0flete \u034fpvc", " delete pvc "),
        ("de\u3164lete pvc", " delete pvc "),
        ("rm -rf /var/lib", " rm -rf /var/lib "),
        ("purge-old_jobs.v2", " purge-old_jobs.v2 "),
        ("", "  "),
    ],
)
def test_text_becomes_words(text: str, expected: str) -> None:
    assert words(text) == expected


def test_every_string_counts_also_names_and_those_in_lists() -> None:
    value = {"labels": {"Name": "One"}, "more": [{"x": ["Two", 3, None]}]}
    assert lines(value) == ((" labels ", " more ", " name ", " one ", " x ", " two "), False)


def test_a_line_seen_twice_counts_once() -> None:
    assert lines(["a b", "A  B"]) == ((" a b ",), False)


def test_a_slash_is_read_both_ways() -> None:
    assert lines("kubectl delete pvc/data")[0] == (" kubectl delete pvc/data ", " kubectl delete pvc data ")


def test_text_beyond_the_limit_is_left_out_and_that_is_said() -> None:
    found, cut = lines(["delete pvc", *("\ufdfa" * 4000 for _ in range(64))])
    assert cut and found[0] == " delete pvc "
    assert sum(map(len, found)) <= MAX_CHARACTERS


@given(st.text())
def test_words_are_stable_and_padded(text: str) -> None:
    once = words(text)
    assert words(once) == once
    assert once.startswith(" ") and once.endswith(" ")
