"""Disguised text -> plain text: look-alike and invisible letters, quoting, markup, spacing.

No regular expression here can backtrack.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from function.dispatch.room import Room

IN_WORDS = "-._/"
"""Characters that stay inside a word."""
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*|[^\[\]])?", re.DOTALL)
BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
STYLED = re.compile("[\u24b6-\u24e9\U0001d400-\U0001d7cb\U0001f110-\U0001f189]")
"""Letters in circles and squares, and letters of the mathematical alphabets."""
HIDDEN = re.compile("[A-Za-z0-9](?:\0+[A-Za-z0-9]|[\u0300-\u036f])|\0{3}")
"""Signs of hidden characters: invisible characters inside a word, three invisible characters in a row, and
marks on a letter that Unicode has no combined character for. The text has a NUL for each invisible character.
A single invisible character beside an emoji is harmless."""
COMMENT = "<!--"
FIELD_SEPARATOR = re.compile(r"\$\{?IFS\}?(?:\$[0-9@*])?", re.I)
QUOTE_MARKS = "'\"`*~^\u2018\u2019\u201c\u201d"
QUOTES = re.compile(rf"(?<=[\w/-])[{QUOTE_MARKS}]+(?=\w)")
DUNDER = re.compile(r"(?<=[^\W_])__(?=[^\W_])")
EMPTY_EXPANSION = re.compile(r"\$(?:[@*]|\{[^{}]{0,40}\}|(?='))")
"""Text that the shell expands to an empty string, and the dollar of the shell's $'...' quotes."""
WHITE_ESCAPE = re.compile(r"\\[nrt]")
JOINED = re.compile(r"[\"'`] ?[+.] ?[\"'`]")
LISTED = re.compile(r"[\"'], ?[\"']")
"""The separators in a command that is written as a list of strings."""
REF_SIGN = re.compile(r"(?<=[\s'\"`])[:+](?=\w)")
REF_FLAGS = {":": "--delete ", "+": "--force "}
"""A sign before a branch is a flag: `git push origin :main` deletes the branch, `+main` overwrites it."""
MARKUP = re.compile(r"<[^<>]{0,200}>")
EM_DASH = re.compile(r"(?<=\s)\u2014(?=\w)")
"""A dash that an editor wrote instead of the two hyphens of a flag."""
SPACED = re.compile(r"(?<![^\W_])[a-z](?:[ ._*|/-][a-z]){2,}(?![^\W_])")
GAPS = re.compile(r"[^a-z]")
FINISHED = ".:;!?"
GOES_ON = frozenset("abcdefghijklmnopqrstuvwxyz/")
"""The first character of a line that continues an unfinished sentence."""
LETTERS = re.compile(r"[^\W\d_]+")
OTHER_SCRIPT = re.compile("[\u0370-\u03ff\u0400-\u052f\u0530-\u058f]")
THREE_LATIN = re.compile("[a-z].*[a-z].*[a-z]")  # "\u03bcs" and "k\u03a9" are harmless
LOOKALIKES = str.maketrans(
    # Cyrillic, Greek and Armenian letters, after case folding
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u051d"
    "\u0433\u0475\u04bb\u0452\u045b\u04cf\u03b1\u03b2\u03b5\u03b7\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7"
    "\u03c9\u03b3\u03f2\u03f3\u0578\u057d\u0585\u0581\u0570\u0566"
    # Latin letters of other shapes: small capitals, strokes, no dot, phonetic
    "\u1d00\u0299\u1d04\u1d05\u1d07\ua730\u0262\u029c\u026a\u1d0a\u1d0b\u029f\u1d0d\u0274\u1d0f\u1d18\u0280\ua731"
    "\u1d1b\u1d1c\u1d20\u1d21\u028f\u1d22\u0131\u0111\u00f8\u0142\u0127\u0167\u0251\u0261\u0269",
    "abekmhopctyxijsdqwrvhhhlabenikvoptuxwycjnsoghqabcdefghijklmnoprstuvwyzidolhtagi",
)


class _Table(dict[int, str]):
    """A table for str.translate that computes an entry when its character is first seen."""

    def __init__(self, become: Callable[[str], str]) -> None:
        super().__init__()
        self._become = become

    def __missing__(self, code: int) -> str:
        self[code] = self._become(chr(code))
        return self[code]


INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""The Unicode categories of invisible characters: control, format (zero-width, bidi, tag), surrogate, private
use and unassigned."""
MARKS = frozenset({"Mn", "Me"})
FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5")
"""Letters and marks that look blank."""


def _shape(character: str) -> str:
    if character.isspace():
        return "\n" if character in "\n\u2028\u2029" else " "
    code = ord(character)
    selector = 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF
    if selector or character in FILLERS or unicodedata.category(character) in INVISIBLE:
        return "\0"
    if 0x1F150 <= code <= 0x1F189:  # white on black; NFKC does not change them
        return chr(ord("a") + (code - 0x1F150) % 32)
    return "-" if unicodedata.category(character) == "Pd" and character != "\u2014" else character


def _spacing(character: str) -> str:
    if character.isalnum() or character in IN_WORDS:
        return character
    return "" if unicodedata.category(character) in MARKS else " "


MARK = "m"
MAX_MARKS = 30
"""No language needs more: https://unicode.org/reports/tr15/#Stream_Safe_Text_Format"""
MANY_MARKS = re.compile(f"{MARK}{{{MAX_MARKS + 1},}}")


def _kind(character: str) -> str:
    return MARK if unicodedata.combining(character) else " "


KINDS = _Table(_kind)
SHAPES = _Table(_shape)
SPACING = _Table(_spacing)


def as_shown(text: str, signals: set[str], room: Room) -> str:
    """Returns the text as a person sees it, in lower case, with one line for each paragraph. It reads no more
    than the room allows."""
    text = room.fit(text)
    if "\x1b" in text:
        signals.add("ansi")
        text = ANSI.sub("", text)
    if COMMENT in text:
        signals.add("hidden_comment")
    if text.isascii() and text.isprintable():
        return text.lower()
    for code, sign in (("bidi", BIDI), ("styled_letters", STYLED)):
        if sign.search(text):
            signals.add(code)
    shaped = unicodedata.normalize("NFC", _few_marks(EM_DASH.sub("--", text))).translate(SHAPES)
    if HIDDEN.search(shaped):
        signals.add("hidden_characters")
    lines = _unwrapped(shaped.replace("\0", ""))
    folded = unicodedata.normalize("NFKC", lines).casefold()
    # NFD separates the marks, which SPACING then removes.
    return room.fit(unicodedata.normalize("NFD", room.fit(folded)))


def _few_marks(text: str) -> str:
    """Returns the text with at most MAX_MARKS marks in a row. Unicode's normal forms sort the marks of a
    letter, in a time that grows with the square of their number."""
    kinds = text.translate(KINDS)
    if MARK * (MAX_MARKS + 1) not in kinds:
        return text
    parts, start = [], 0
    for run in MANY_MARKS.finditer(kinds):
        parts.append(text[start : run.start() + MAX_MARKS])
        start = run.end()
    return "".join([*parts, text[start:]])


def _unwrapped(text: str) -> str:
    """Returns the text with continued lines joined. A line continues after a backslash, and in the middle of
    a sentence."""
    first, *others = text.split("\n")
    parts = [first]
    last = first.rstrip()
    for line in others:
        bare = line.strip()
        if last.endswith("\\"):
            parts[-1] = parts[-1].rstrip()[:-1]  # the shell removes exactly these two characters
            bare = line.rstrip()
        elif bare[:1] in GOES_ON and last and last[-1] not in FINISHED:
            parts.append(" ")
        else:
            parts.append("\n")
        parts.append(bare)
        last = bare
    return "".join(parts)


def plain(shown: str) -> str:
    return WHITE_ESCAPE.sub(" ", _unquoted(FIELD_SEPARATOR.sub(" ", shown)))


def _unquoted(text: str) -> str:
    return QUOTES.sub("", text) if any(quote in text for quote in QUOTE_MARKS) else text


def undisguised(shown: str, signals: set[str]) -> str:
    """Returns the text without quoting, markup and comments inside words. A look-alike letter becomes the
    Latin letter that it looks like."""
    text = LISTED.sub(" ", JOINED.sub("", FIELD_SEPARATOR.sub(" ", _unspaced(shown, signals))))
    if "git" in text and "push" in text:
        text = REF_SIGN.sub(lambda match: REF_FLAGS[match.group()], text)
    text = MARKUP.sub("", _uncommented(EMPTY_EXPANSION.sub("", text))).replace("\\", "")
    text = DUNDER.sub("", _unquoted(text))
    if not text.isascii():
        if any(OTHER_SCRIPT.search(run) and THREE_LATIN.search(run) for run in LETTERS.findall(text)):
            signals.add("mixed_scripts")
        text = text.translate(LOOKALIKES)
    return text


def _unspaced(text: str, signals: set[str]) -> str:
    def closed(match: re.Match[str]) -> str:
        if len(match.group()) > 6:  # four letters and more; "u.s.a" is harmless
            signals.add("spaced_letters")
        return GAPS.sub("", match.group())

    return SPACED.sub(closed, text)


def _uncommented(text: str) -> str:
    """Returns the text with a space for each /* ... */, as in SQL. A regular expression would search the rest
    of the text for each comment's end."""
    first, *others = text.split("/*")
    return first + "".join(f" {other.partition('*/')[2]}" if "*/" in other else other for other in others)
