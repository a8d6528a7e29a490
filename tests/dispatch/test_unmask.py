from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.normalize import read
from function.dispatch.room import Room
from function.dispatch.unmask import MAX_MARKS, as_shown


def says(text: object) -> tuple[str, ...]:
    return read(text).words


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


REFS = {
    "git push origin :main": "git push origin --delete main",
    "git push origin ':release'": "git push origin --delete release",
    "git push origin +main": "git push origin --force main",
    "git push origin main": "git push origin main",
    "git push origin a:b": "git push origin a b",
    "push it to :9091": "push it to 9091",
}


@pytest.mark.parametrize("text", REFS)
def test_a_sign_before_a_branch_is_the_flag_for_which_it_stands(text: str) -> None:
    assert any(f" {REFS[text]} " in line for line in says(text)), says(text)


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


@given(st.text(alphabet="abc \u200b\u00ad\u2060\ufeff"))
def test_invisible_characters_change_no_word(text: str) -> None:
    shown = "".join(character for character in text if character in "abc ")
    assert set(says(shown)) <= set(says(text))


def test_the_marks_of_a_letter_are_read_up_to_thirty() -> None:
    """Unicode's normal forms would sort them, in a time that grows with the square of their number."""
    turns = "\u0301\u0316" * 2000
    shown = as_shown(f"a{turns}b", set(), Room(10_000))
    assert len(shown) == 1 + MAX_MARKS + 1
    assert read(f"dro{turns}p table").words == read("dro\u0301p table").words == (" drop table ",)


def test_no_more_is_read_than_there_is_room_for() -> None:
    room = Room(100)
    assert len(as_shown("\ufdfa" * 4000, set(), room)) == 100
    assert room.is_short
