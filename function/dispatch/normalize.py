"""Alert text -> words and sentences that the policy can match, and signs that something was hidden.

An order must not hide behind case, look-alike letters, invisible characters, encodings or shell quoting. Each
text is read twice: as it shows, and with every trick undone that would also change honest text. Hyphen, dot,
underscore and slash stay inside words: they part a command from the name of a workload. Nothing here can
backtrack.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from function.dispatch.decode import decodings
from function.dispatch.unmask import IN_WORDS, SPACING, as_shown, plain, undisguised

MAX_CHARACTERS = 64 * 1024
"""Of all that is read; one character can fold into eighteen (U+FDFA)."""
MAX_WORDS = 6000
"""In sentences; 20 kB of prose are 3,500. The policy has two seconds for a look, whatever stands in them."""
WINDOW = 32
OVERLAP = 8
"""Words of a sentence that are judged together, and how many of them the next such part repeats: an order
reaches over seven."""
ALONE = "._"
"""Taken off both ends of a word: a full stop ends a sentence, an underscore is emphasis."""
NAME = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z0-9]+(?:[-_.]+[A-Za-z0-9]+){2,}|(?:[A-Z][a-z0-9]+){3,}(?![A-Za-z]))"
)
NAME_PARTS = re.compile(r"[-_.]+|(?<=[a-z0-9])(?=[A-Z])")
SENTENCE_ENDS = re.compile(r"\n|[.!?;:,](?=\s|$)")
"""Of a sentence, and of its parts: what stands before a comma excuses nothing behind it."""


@dataclass(frozen=True)
class NormalizedText:
    """What the policy matches."""

    words: tuple[str, ...] = ()
    """One reading of one text each: lower-case words with a single space before, between and after them."""
    sentences: tuple[tuple[str, ...], ...] = ()
    names: tuple[tuple[str, ...], ...] = ()
    """Names such as drop-table-job or DropTableJob, taken apart."""
    signals: tuple[str, ...] = ()
    """Codes of how something was hidden, sorted."""
    truncated: bool = False
    """Whether something was not read, for being beyond MAX_CHARACTERS."""

    def __add__(self, other: NormalizedText) -> NormalizedText:
        return NormalizedText(
            tuple(dict.fromkeys(self.words + other.words)),
            tuple(dict.fromkeys(self.sentences + other.sentences)),
            tuple(dict.fromkeys(self.names + other.names)),
            tuple(sorted({*self.signals, *other.signals})),
            self.truncated or other.truncated,
        )


def read(value: Any) -> NormalizedText:
    """Every string in a JSON value, names included, in the order of first sight."""
    words: dict[str, None] = {}
    sentences: dict[tuple[str, ...], None] = {}
    names: dict[tuple[str, ...], None] = {}
    signals: set[str] = set()
    room = MAX_CHARACTERS
    for raw in dict.fromkeys(_strings(value)):
        names |= dict.fromkeys(map(_parts, NAME.findall(raw)))
        for spelling in dict.fromkeys(_spellings(raw, signals)):
            room -= len(spelling)
            if room < 0:
                break
            found = [_words(sentence) for sentence in SENTENCE_ENDS.split(spelling)]
            for reading in (found, [_without_paths(sentence) for sentence in found]):
                sentences |= dict.fromkeys(part for sentence in reading for part in _windows(sentence))
                words[f" {' '.join(word for sentence in reading for word in sentence)} "] = None
    words.pop("  ", None)
    kept, cut = _within(MAX_WORDS, sentences)
    kept_names, cut_names = _within(MAX_WORDS // 4, names)
    truncated = room < 0 or cut or cut_names
    return NormalizedText(tuple(words), kept, kept_names, tuple(sorted(signals)), truncated)


def _windows(sentence: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The sentence, or parts of it that overlap: judging one takes more than its length."""
    for start in range(0, max(1, len(sentence) - OVERLAP), WINDOW - OVERLAP):
        if part := sentence[start : start + WINDOW]:
            yield part


def _within(limit: int, lists: Iterable[tuple[str, ...]]) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """As many of the lists as have no more words than that together, and whether some were left out."""
    kept: list[tuple[str, ...]] = []
    for words in lists:
        limit -= len(words)
        if limit < 0:
            return tuple(kept), True
        kept.append(words)
    return tuple(kept), False


def _words(sentence: str) -> tuple[str, ...]:
    words = sentence.translate(SPACING).split()
    return tuple([bare for word in words if (bare := word.strip(ALONE).rstrip(IN_WORDS))])


def _without_paths(sentence: tuple[str, ...]) -> tuple[str, ...]:
    """kubectl takes pvc/data as pvc data, and the shell takes /bin/rm as rm."""
    if not any("/" in word for word in sentence):
        return sentence
    return tuple(part for word in sentence for part in _steps(word))


def _steps(word: str) -> list[str]:
    if word.startswith("/") and word.count("/") == 1:
        return [word]  # the root of a file system, or of a web service
    parts = [bare for part in word.split("/") if (bare := part.strip(ALONE))]
    return parts if word.count("/") == 1 else parts[-1:]


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.lower() for part in NAME_PARTS.split(name) if part)


def _spellings(raw: str, signals: set[str]) -> Iterator[str]:
    """The ways in which a text can be read, folded to lower case."""
    for text in decodings(raw, signals):
        shown = as_shown(text, signals)
        yield plain(shown)
        yield undisguised(shown, signals)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, child in value.items():
            yield name
            yield from _strings(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from _strings(child)
