"""Alert text -> words and sentences that the policy can match, and signs that something was hidden.

A command can hide behind case, look-alike letters, invisible characters, encodings or shell quoting. So each
text is read twice: once as it is shown, and once with all these tricks removed. The second reading may
change harmless text. Hyphen, dot, underscore and slash stay inside words: they distinguish a command from the
name of a workload. No regular expression here can backtrack.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from function.dispatch.decode import decodings
from function.dispatch.room import Room
from function.dispatch.unmask import IN_WORDS, SPACING, as_shown, plain, undisguised

MAX_CHARACTERS = 1024 * 1024
"""The limit for all readings together. All that translate.py keeps of an alert has 640,000 characters."""
CHARACTERS_PER_BYTE, SPARE = 3, 8192
"""The limit for the readings of each text: so many for each byte of its UTF-8, and what earlier texts did not
use. So a text that grows (one U+FDFA becomes 18 characters) takes no room from later texts."""
MAX_WORDS = 4000
"""The limit for the words of all sentences. 20 kB of prose have 3,500 words. The limit exists because the
policy must answer within two seconds."""
WINDOW = 32
OVERLAP = 8
"""A long sentence is split into parts of WINDOW words. Each part repeats the last OVERLAP words of the part
before. A command has up to seven words, so one part contains it whole."""
ALONE = "._"
"""Characters that are removed from both ends of a word. A full stop ends a sentence, an underscore is
emphasis."""
NAME = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z0-9]+(?:[-_.]+[A-Za-z0-9]+){2,}|(?:[A-Z][a-z0-9]+){3,}(?![A-Za-z]))"
)
NAME_PARTS = re.compile(r"[-_.]+|(?<=[a-z0-9])(?=[A-Z])")
SENTENCE_ENDS = re.compile(r"\n|[.!?;:,](?=\s|$)")
"""The ends of sentences and clauses. Words before a comma do not change the meaning of the words after it."""


@dataclass(frozen=True)
class NormalizedText:
    """The text as the policy reads it."""

    words: tuple[str, ...] = ()
    """Each entry is one reading of one text: lower-case words, with a single space before, between and after
    the words."""
    sentences: tuple[tuple[str, ...], ...] = ()
    names: tuple[tuple[str, ...], ...] = ()
    """The parts of names such as drop-table-job or DropTableJob."""
    signals: tuple[str, ...] = ()
    """Codes for the ways in which text was hidden. They are sorted."""
    truncated: bool = False
    """Whether text was left out because of the limits."""

    def __add__(self, other: NormalizedText) -> NormalizedText:
        return NormalizedText(
            tuple(dict.fromkeys(self.words + other.words)),
            tuple(dict.fromkeys(self.sentences + other.sentences)),
            tuple(dict.fromkeys(self.names + other.names)),
            tuple(sorted({*self.signals, *other.signals})),
            self.truncated or other.truncated,
        )


def read(value: Any) -> NormalizedText:
    """Read every string in a JSON value, keys included."""
    words: dict[str, None] = {}
    sentences, names = _Lists(MAX_WORDS), _Lists(MAX_WORDS // 4)
    signals: set[str] = set()
    truncated = False
    total, earned = MAX_CHARACTERS, SPARE
    for raw in _distinct(_strings(value)):
        if total <= 0:
            truncated = True
            break
        earned += CHARACTERS_PER_BYTE * _bytes(raw)
        names.add(map(_parts, NAME.findall(raw)))
        room = Room(min(earned, total))
        for spelling in spellings(raw, signals, room):
            earned, total = earned - len(spelling), total - len(spelling)
            found = [_words(sentence) for sentence in SENTENCE_ENDS.split(spelling)]
            for reading in (found, [_without_paths(sentence) for sentence in found]):
                sentences.add(part for sentence in reading for part in _windows(sentence))
                words[f" {' '.join(word for sentence in reading for word in sentence)} "] = None
        truncated |= room.is_short
    words.pop("  ", None)
    truncated |= sentences.is_full or names.is_full
    return NormalizedText(
        tuple(words), tuple(sentences.kept), tuple(names.kept), tuple(sorted(signals)), truncated
    )


class _Lists:
    """Distinct lists of words, with a limit for the words of all lists together."""

    def __init__(self, words: int) -> None:
        self.kept: dict[tuple[str, ...], None] = {}
        self.left = words
        self.is_full = False
        """Whether a list was left out."""

    def add(self, lists: Iterable[tuple[str, ...]]) -> None:
        if self.is_full:
            return
        for words in lists:
            if words not in self.kept:
                self.is_full = len(words) > self.left
                if self.is_full:
                    return
                self.left -= len(words)
                self.kept[words] = None


def _distinct(texts: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for text in texts:
        if text not in seen:
            seen.add(text)
            yield text


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _windows(sentence: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yields the sentence in overlapping parts. The policy's time for a part grows faster than its length."""
    for start in range(0, max(1, len(sentence) - OVERLAP), WINDOW - OVERLAP):
        if part := sentence[start : start + WINDOW]:
            yield part


def _words(sentence: str) -> tuple[str, ...]:
    words = sentence.translate(SPACING).split()
    return tuple([bare for word in words if (bare := word.strip(ALONE).rstrip(IN_WORDS))])


def _without_paths(sentence: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the words without paths. kubectl reads pvc/data as pvc data, and the shell runs /bin/rm as
    rm."""
    if not any("/" in word for word in sentence):
        return sentence
    return tuple(part for word in sentence for part in _steps(word))


def _steps(word: str) -> list[str]:
    if word.startswith("/") and word.count("/") == 1:
        return [word]  # a directory or an endpoint at the root
    parts = [bare for part in word.split("/") if (bare := part.strip(ALONE))]
    return parts if word.count("/") == 1 else parts[-1:]


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.lower() for part in NAME_PARTS.split(name) if part)


def spellings(raw: str, signals: set[str], room: Room) -> Iterator[str]:
    """Yields each reading of a text, in lower case, as far as the room allows."""
    seen: set[str] = set()
    decoded = Room(room.left)
    for text in decodings(raw, signals, decoded):
        if not room.has_some():
            break
        shown = as_shown(text, signals, room)
        for spelling in (plain(shown), undisguised(shown, signals)):
            if spelling not in seen:
                seen.add(spelling)
                yield room.take(spelling)
    room.is_short |= decoded.is_short


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
