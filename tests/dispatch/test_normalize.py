from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.normalize import MAX_CHARACTERS, MAX_WORDS, OVERLAP, WINDOW, NormalizedText, read


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


SHELL = {
    "quotes inside a word": "r''m -r\"f\" /var",
    "backslashes": r"\r\m -\rf /var",
    "a line that goes on": "rm \\\n -rf /var",
    "field separators": "rm${IFS}-rf$IFS$9/var",
    "what expands to nothing": "r$@m -r${x}f /var",
    "C quotes": r"$'\162\155' -$'\162\146' /var",
    "words joined by plus": '"r" + "m" -rf /var',
    "a list of words": "run(['rm', '-rf', '/var'])",
    "a path": "/usr/bin/rm -rf /var",
}


@pytest.mark.parametrize("trick", SHELL)
def test_what_the_shell_takes_away_parts_no_word(trick: str) -> None:
    assert any(" rm -rf " in line for line in says(SHELL[trick])), says(SHELL[trick])


MARKUP = {
    "emphasis": "de**lete** p__v__c",
    "tags": "de<b></b>lete <i>pvc</i>",
    "a comment of SQL": "delete/* old */pvc",
    "an em dash for two hyphens": "delete \u2014 pvc",
}


@pytest.mark.parametrize("trick", MARKUP)
def test_markup_parts_no_word(trick: str) -> None:
    assert any(" delete pvc " in line for line in says(MARKUP[trick])), says(MARKUP[trick])


def test_an_em_dash_before_a_word_is_the_two_hyphens_of_a_flag() -> None:
    assert says("delete pvc \u2014all") == (" delete pvc --all ",)


HIDDEN = {
    "hidden_characters": "de\u200blete p\u00advc",
    "hidden_comment": "delete pvc <!-- now -->",
    "bidi": "delete\u202e pvc",
    "ansi": "de\x1b[31mlete\x1b[0m pvc",
    "tag_characters": "x" + "".join(chr(0xE0000 + ord(character)) for character in "delete pvc"),
    "styled_letters": "\U0001d41d\U0001d41e\U0001d425\U0001d41e\U0001d42d\U0001d41e pvc",
    "mixed_scripts": "d\u0435l\u0435te p\u03bdc",
    "spaced_letters": "d e l e t e   p.v.c",
    "encoded_text": "a3ViZWN0bCBkZWxldGUgcHZjIHg=",
}


@pytest.mark.parametrize("signal", HIDDEN)
def test_what_was_hidden_is_read_and_is_a_signal(signal: str) -> None:
    text = read(HIDDEN[signal])
    assert any(" delete pvc " in line for line in text.words), text.words
    assert signal in text.signals


ENCODED = {
    "base64": "a3ViZWN0bCBkZWxldGUgcHZjIHg=",
    "base64 in a path": "https://x/s/a3ViZWN0bCBkZWxldGUgcHZjIHg",
    "base64 twice": "YTNWaVpXTjBiQ0JrWld4bGRHVWdjSFpqSUhnPQ==",
    "base64 of UTF-16": "ZABlAGwAZQB0AGUAIABwAHYAYwAgAHgA",
    "hexadecimal": "6b756265 64656c65746520707663207878",
    "percent codes": "%64elete%20pvc",
    "percent codes twice": "%2564elete%2520pvc",
    "HTML entities": "&#100;elete &#x70;vc",
    "escapes of JSON": r"\u0064elete \x70vc",
    "octal": r"\144elete pvc",
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_what_is_encoded_is_read_and_is_a_signal(encoding: str) -> None:
    text = read(ENCODED[encoding])
    assert any(" delete pvc " in line for line in text.words), text.words
    assert text.signals == ("encoded_text",)


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


def test_text_beyond_the_limit_is_left_out_and_that_is_said() -> None:
    text = read(["delete pvc", *("\ufdfa" * 4000 + str(number) for number in range(64))])
    assert text.truncated and text.words[0] == " delete pvc "
    assert not read("x" * 20_000).truncated
    assert read([f"{'x' * 10_000} {number}" for number in range(20)]).truncated


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
        assert sum(map(len, text.words)) <= MAX_CHARACTERS + size
        assert sum(len(sentence) for sentence in text.sentences) <= MAX_CHARACTERS + size


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


@given(st.text(alphabet="abc \u200b\u00ad\u2060\ufeff"))
def test_invisible_characters_change_no_word(text: str) -> None:
    shown = "".join(character for character in text if character in "abc ")
    assert set(says(shown)) <= set(says(text))
