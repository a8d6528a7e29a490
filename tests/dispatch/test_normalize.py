from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.normalize import (
    CHARACTERS_PER_BYTE,
    MAX_CHARACTERS,
    MAX_WORDS,
    OVERLAP,
    SPARE,
    WINDOW,
    NormalizedText,
    read,
    spellings,
)
from function.dispatch.room import Room
from function.dispatch.translate import MAX_ENTRIES, MAX_TEXT, MAX_VALUE


def says(text: object) -> tuple[str, ...]:
    return read(text).words


PLAIN = {
    "kubectl delete pvc typedb-data": " kubectl delete pvc typedb-data ",
    "DROP   Table;": " drop table ",
    "drop\n\ttable.": " drop table ",
    "delete\x0bpvc": " delete pvc ",
    "drop\x0ctable": " drop table ",
    "delete\x85pvc": " delete pvc ",
    "delete\u2028pvc": " delete pvc ",
    "purge-old_jobs.v2": " purge-old_jobs.v2 ",
    "rm -rf /": " rm -rf ",
    "\uff44\uff45\uff4c\uff45\uff54\uff45 \uff50\uff56\uff43": " delete pvc ",
    "Gr\u00f6\u00dfe f\u00fcr \u0422\u043e\u043c": " grosse fur \u0442\u043e\u043c ",
    "\u5bb9\u91cf\u4e0d\u8db3 95%": " \u5bb9\u91cf\u4e0d\u8db3 95 ",
}


@pytest.mark.parametrize("text", PLAIN)
def test_text_becomes_lower_case_words(text: str) -> None:
    assert PLAIN[text] in says(text)
    assert read(text).signals == ()


@pytest.mark.parametrize("text", ["", "  ", "%&!", "\u2026"])
def test_a_text_without_a_word_says_nothing(text: str) -> None:
    assert read(text) == NormalizedText()


HONEST = [
    "http://prometheus:9090/graph?g0.expr=kubelet_volume_stats_used_bytes%7Bnamespace%3D%22f3iai%22%7D+%3E+0.75",
    "latency is 5 \u03bcs over 10 k\u03a9",
    "\u0422\u043e\u043c \u043f\u043e\u0447\u0442\u0438 \u0437\u0430\u043f\u043e\u043b\u043d\u0435\u043d",
    "\u2714\ufe0f all good \U0001f468\u200d\U0001f4bb \U0001f1e9\U0001f1ea",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Tom &amp; Jerry &lt;3",
    r'{namespace=~"kube-.*",pod=~"a\\.b"}',
    r"C:\Backups\2025-06\full.bak",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "pvc-5e6c3a5e-4bd0-4c11-9d3e-7f2f0a8d5b1c",
    "KubePersistentVolumeFillingUp e.g. U.S. i/o",
    "Caf\u00e9 na\u00efve Vi\u1ec7t Nam",
]


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_gives_no_signal(text: str) -> None:
    assert read(text).signals == ()


def test_a_name_of_a_workload_stays_one_word_and_is_taken_apart_beside_it() -> None:
    text = read({"job_name": "drop-stale_tables.v2", "alertname": "DropTableFailed"})
    assert " drop-stale_tables.v2 " in text.words and not any(" drop " in line for line in text.words)
    assert ("drop", "stale", "tables", "v2") in text.names and ("drop", "table", "failed") in text.names


def test_kind_and_name_are_read_apart_too() -> None:
    assert says("delete pvc/data") == (" delete pvc/data ", " delete pvc data ")


def test_sentences_end_where_people_and_clauses_end_them() -> None:
    text = "Resize failed, delete it. Action: wipe! v1.2 stays; so\n\ndoes this"
    assert read(text).sentences == (
        ("resize", "failed"),
        ("delete", "it"),
        ("action",),
        ("wipe",),
        ("v1.2", "stays"),
        ("so",),
        ("does", "this"),
    )


def test_a_wrapped_line_goes_on_with_its_sentence_and_a_new_one_does_not() -> None:
    assert read("Delete the\nvolume claim\nRestart it").sentences == (
        ("delete", "the", "volume", "claim"),
        ("restart", "it"),
    )


def test_every_string_counts_also_names_and_those_in_lists() -> None:
    value = {"labels": {"Name": "One"}, "more": [{"x": ["Two", 3, None]}]}
    assert says(value) == (" labels ", " name ", " one ", " more ", " x ", " two ")


def test_a_text_seen_twice_counts_once() -> None:
    assert says(["a b", "A  B"]) == (" a b ",)


def test_texts_add_up() -> None:
    joined = read("a b") + read(["a b", "c\u200bd"])
    assert (joined.words, joined.signals) == ((" a b ", " cd "), ("hidden_characters",))


def test_a_long_sentence_is_judged_in_parts_that_overlap() -> None:
    said = [f"w{number}" for number in range(WINDOW + 1)]
    first, second = read(" ".join(said)).sentences
    assert first == tuple(said[:WINDOW])
    assert second == tuple(said[WINDOW - OVERLAP :])
    assert read(" ".join(said[:WINDOW])).sentences == (first,)


def test_more_words_than_the_policy_can_judge_in_time_are_left_out_and_that_is_said() -> None:
    many = read([f"{number} one two three four" for number in range(MAX_WORDS)])
    assert sum(map(len, many.sentences)) <= MAX_WORDS and many.truncated
    names = read([f"one-two-three-{number}" for number in range(MAX_WORDS // 4)])
    assert sum(map(len, names.names)) <= MAX_WORDS // 4 and names.truncated


BOMB = "\ufdfa" * 4000 + "%25252541"
"""Each of its letters becomes eighteen, in each of four decodings."""


def test_text_beyond_the_limit_is_left_out_and_that_is_said() -> None:
    text = read(["delete pvc", *(f"{number} {BOMB}" for number in range(64))])
    assert text.truncated and text.words[0] == " delete pvc "
    assert read([f"{'x' * 100_000} {number}" for number in range(11)]).truncated
    assert not read("x" * 100_000).truncated


class Counted(list[str]):
    """A list that knows how many of its texts were looked at."""

    looked_at = 0

    def __iter__(self) -> Iterator[str]:
        for text in super().__iter__():
            self.looked_at += 1
            yield text


def test_no_text_is_looked_at_when_there_is_no_room_for_it() -> None:
    texts = Counted(f"{'x' * 100_000} {number}" for number in range(1000))
    assert read(texts).truncated
    assert texts.looked_at <= MAX_CHARACTERS // 100_000 + 2


def test_an_order_behind_texts_that_grow_is_found_and_the_text_before_it_is_known_to_be_cut() -> None:
    text = read([*(f"{number} {BOMB}" for number in range(16)), "drop table"])
    assert text.truncated and " drop table " in text.words


def test_all_that_is_kept_of_an_alert_is_read() -> None:
    """Only the words of sentences have a smaller limit: the policy must answer in time."""
    kept = {"labels": ("a", MAX_VALUE), "annotations": ("'b", MAX_TEXT)}
    value = {
        name: {f"{name}{number}": f"{number} {part * size}"[:size] for number in range(MAX_ENTRIES)}
        for name, (part, size) in kept.items()
    }
    value["annotations"]["annotations63"] = "x" * (MAX_TEXT - 13) + ". drop table"
    text = read(value)
    assert not text.truncated
    assert any(line.endswith(" drop table ") for line in text.words)
    assert ("drop", "table") in text.sentences


def test_an_order_behind_many_words_is_found_as_a_phrase_and_the_rest_is_known_to_be_cut() -> None:
    text = read([" ".join(f"w{number}" for number in range(MAX_WORDS + 400)), "drop table"])
    assert text.truncated and " drop table " in text.words


@given(
    st.lists(
        st.sampled_from(["%25", "%64", "&#x61;", "a1B2 c3D4=", "YSBiIGMgZCBlIGY=", "\ufdfa", "'", "\u0301"])
    ),
    st.integers(0, 200),
)
def test_what_is_read_fits_into_the_room_and_all_of_it_is_read_if_nothing_is_said(
    parts: list[str], size: int
) -> None:
    raw, room, signals = "".join(parts), Room(size), set[str]()
    found = list(spellings(raw, signals, room))
    assert sum(map(len, found)) == size - room.left <= size
    if not room.is_short:
        assert found == list(spellings(raw, set(), Room(1_000_000)))


REPEATED = [
    "\\",
    "<",
    "/*",
    "<!--",
    "'a",
    "%25",
    "&#",
    "\x1b[",
    "$",
    "a.",
    "a b ",
    "aB1",
    "_-",
    "\u0301",
    "\ufdfa",
]
REPEATED += ["//", "://", "[\u0435", "\n", "\\u00", "=", '", "', "Aa", "a-"]


@pytest.mark.parametrize("part", REPEATED)
def test_what_is_read_grows_with_the_text_and_not_faster(part: str) -> None:
    """Counts, not seconds: each spelling of a text is bounded by the text."""
    for size in (1_000, 20_000):
        text = read((part * size)[:size])
        # A spelling gives two lines at most: with its paths, and without them.
        assert sum(map(len, text.words)) <= 2 * (SPARE + CHARACTERS_PER_BYTE * 3 * size)
        assert sum(len(sentence) for sentence in text.sentences) <= MAX_WORDS


@given(
    st.recursive(
        st.text() | st.none() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_is_read_as_lower_case_words_with_a_space_around_each(value: object) -> None:
    for line in read(value).words:
        assert line == f" {' '.join(line.split())} " == line.casefold()


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_what_was_read_reads_as_itself(text: str) -> None:
    for line in read(text).words:
        assert line in read(line).words
