"""Alert text -> lines of words that the policy can match.

A phrase must not hide behind case, look-alike width, invisible characters or odd spacing. Hyphen, dot,
underscore and slash stay inside words: they part a command from the name of a workload. A text with a slash
is read without it as well.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

IN_WORDS = frozenset("-._/")

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Me"})
"""Unicode categories without a glyph of their own: control, format (zero-width, bidi, tag), surrogate,
private use, unassigned, and marks that sit on another character (variation selectors, joiners)."""

FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
"""Hangul fillers: letters by category, blank on the screen."""

MAX_CHARACTERS = 128 * 1024
"""Of all texts after folding; one character can fold into eighteen (U+FDFA)."""


def lines(value: Any) -> tuple[tuple[str, ...], bool]:
    """Each string in a JSON value, names included, as lower-case words with a space around each; and whether
    text was left out, for being beyond MAX_CHARACTERS.

    Distinct lines in the order of first sight. " kubectl delete pvc data " holds the phrase " delete pvc ".
    """
    found: dict[str, None] = {}
    room = MAX_CHARACTERS
    for text in _strings(value):
        folded = _folded(text)
        if len(folded) > room:
            return tuple(found), True
        room -= len(folded)
        for spelling in dict.fromkeys(
            (folded, folded.replace("/", " "))
        ):  # kubectl takes pvc/data as pvc data
            if (line := _spaced(spelling)).strip():
                found[line] = None
    return tuple(found), False


def words(text: str) -> str:
    """One text as words with a single space before, between and after them."""
    return _spaced(_folded(text))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _spaced(folded: str) -> str:
    kept = "".join(_kept(character) for character in folded)
    return f" {' '.join(word.strip('.') for word in kept.split() if word.strip('.'))} "


def _kept(character: str) -> str:
    if character in FILLERS:
        return ""
    if character.isalnum() or character in IN_WORDS:
        return character
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in INVISIBLE else " "


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _all(value.keys())
        yield from _all(value.values())
    elif isinstance(value, list | tuple):
        yield from _all(value)


def _all(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        yield from _strings(value)
