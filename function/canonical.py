"""Alert text -> words and sentences that the policy can match, and signs that something was hidden.

An order must not hide behind case, look-alike letters, invisible characters, encodings or shell quoting. Each
text is read twice: as it shows, and with every trick undone that would also change honest text. Hyphen, dot,
underscore and slash stay inside words: they part a command from the name of a workload. Nothing here can
backtrack.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

MAX_CHARACTERS = 64 * 1024
"""Of all that is read; one character can fold into eighteen (U+FDFA)."""
MAX_WORDS = 6000
"""In sentences; 20 kB of prose are 3,500. The policy has two seconds for a look, whatever stands in them."""
WINDOW = 32
OVERLAP = 8
"""Words of a sentence that are judged together, and how many of them the next such part repeats: an order
reaches over seven."""
MAX_DEPTH = 3
"""Encodings inside encodings that are undone."""

IN_WORDS = "-._/"
ALONE = "._"
"""Taken off both ends of a word: a full stop ends a sentence, an underscore is emphasis."""

ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*|[^\[\]])?", re.DOTALL)
BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
TAGS = re.compile("[\U000e0020-\U000e007e]+")
"""Unicode's copy of ASCII that no font shows."""
STYLED = re.compile("[\u24b6-\u24e9\U0001d400-\U0001d7cb\U0001f110-\U0001f189]")
"""Letters in circles and squares, and the mathematical alphabets."""
HIDDEN = re.compile("[A-Za-z0-9](?:\0+[A-Za-z0-9]|[\u0300-\u036f])|\0{3}")
"""Invisible characters, each as NUL, that part a word or stand in a row, and marks on a letter that has no
such form. One beside an emoji is honest."""
COMMENT = "<!--"

ESCAPED = re.compile(
    r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|u\{([0-9a-f]{1,6})\}|U([0-9a-f]{8})|([01][0-7]{2})|e(?=\[))", re.I
)
NEEDLESS = re.compile(
    r"%(?:3[0-9]|[46][1-9a-f]|[57][0-9a])|&#(?:x0*(?:3[0-9]|[46][1-9a-f]|[57][0-9a])"
    r"|0*(?:4[89]|5[0-7]|6[5-9]|[78][0-9]|90|9[7-9]|1[01][0-9]|12[0-2]));|\\(?:x|u00)(?:[46][1-9a-f]|[57][0-9a])|\\1[0-7]{2}",
    re.I,
)
"""Codes for ASCII letters and digits, which nobody has to encode."""
RUN = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
"""What may be base64 or hexadecimal; a word of nine letters is twelve characters of base64."""
HEX = re.compile(r"(?:0x)?((?:[0-9a-f]{2})+)", re.I)
PROSE = re.compile(r"[ -~\s]+", re.ASCII)

FIELD_SEPARATOR = re.compile(r"\$\{?IFS\}?(?:\$[0-9@*])?", re.I)
QUOTE_MARKS = "'\"`*~^\u2018\u2019\u201c\u201d"
QUOTES = re.compile(rf"(?<=[\w/-])[{QUOTE_MARKS}]+(?=\w)")
DUNDER = re.compile(r"(?<=[^\W_])__(?=[^\W_])")
EMPTY_EXPANSION = re.compile(r"\$(?:[@*]|\{[^{}]{0,40}\}|(?='))")
"""What the shell makes nothing of, and the dollar of its $'...' quotes."""
WHITE_ESCAPE = re.compile(r"\\[nrt]")
JOINED = re.compile(r"[\"'`] ?[+.] ?[\"'`]")
LISTED = re.compile(r"[\"'], ?[\"']")
"""Between the words of a command that is written as a list."""
MARKUP = re.compile(r"<[^<>]{0,200}>")
EM_DASH = re.compile(r"(?<=\s)\u2014(?=\w)")
"""What an editor makes of the two hyphens before a flag."""
SPACED = re.compile(r"(?<![^\W_])[a-z](?:[ ._*|/-][a-z]){2,}(?![^\W_])")
GAPS = re.compile(r"[^a-z]")
NAME = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z0-9]+(?:[-_.]+[A-Za-z0-9]+){2,}|(?:[A-Z][a-z0-9]+){3,}(?![A-Za-z]))"
)
NAME_PARTS = re.compile(r"[-_.]+|(?<=[a-z0-9])(?=[A-Z])")
SENTENCE_ENDS = re.compile(r"\n|[.!?;:,](?=\s|$)")
"""Of a sentence, and of its parts: what stands before a comma excuses nothing behind it."""
FINISHED = ".:;!?"
GOES_ON = frozenset("abcdefghijklmnopqrstuvwxyz/")
"""How a line begins that goes on with the sentence of the line before, if that was not finished."""

LETTERS = re.compile(r"[^\W\d_]+")
OTHER_SCRIPT = re.compile("[\u0370-\u03ff\u0400-\u052f\u0530-\u058f]")
THREE_LATIN = re.compile("[a-z].*[a-z].*[a-z]")  # "\u03bcs" and "k\u03a9" are honest
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
    """For str.translate: what becomes of a character, worked out when it is first seen."""

    def __init__(self, become: Callable[[str], str]) -> None:
        super().__init__()
        self._become = become

    def __missing__(self, code: int) -> str:
        self[code] = self._become(chr(code))
        return self[code]


INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode categories without a glyph: control, format (zero-width, bidi, tag), surrogate, private use, and
unassigned."""
MARKS = frozenset({"Mn", "Me"})
FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5")
"""Letters and marks that are blank on the screen."""


def _shape(character: str) -> str:
    if character.isspace():
        return "\n" if character in "\n\u2028\u2029" else " "
    code = ord(character)
    selector = 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF
    if selector or character in FILLERS or unicodedata.category(character) in INVISIBLE:
        return "\0"
    if 0x1F150 <= code <= 0x1F189:  # white on black; NFKC leaves these
        return chr(ord("a") + (code - 0x1F150) % 32)
    return "-" if unicodedata.category(character) == "Pd" and character != "\u2014" else character


def _spacing(character: str) -> str:
    if character.isalnum() or character in IN_WORDS:
        return character
    return "" if unicodedata.category(character) in MARKS else " "


_SHAPES = _Table(_shape)
_SPACING = _Table(_spacing)


@dataclass(frozen=True)
class Text:
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

    def __add__(self, other: Text) -> Text:
        return Text(
            tuple(dict.fromkeys(self.words + other.words)),
            tuple(dict.fromkeys(self.sentences + other.sentences)),
            tuple(dict.fromkeys(self.names + other.names)),
            tuple(sorted({*self.signals, *other.signals})),
            self.truncated or other.truncated,
        )


def read(value: Any) -> Text:
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
    return Text(tuple(words), kept, kept_names, tuple(sorted(signals)), truncated)


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
    words = sentence.translate(_SPACING).split()
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
    for text in _decodings(raw, signals):
        shown = _shown(text, signals)
        yield _plain(shown)
        yield _undone(shown, signals)


def _decodings(raw: str, signals: set[str]) -> Iterator[str]:
    """The text, and what is encoded in it, also where that is encoded again."""
    level = {raw: None}
    for _ in range(MAX_DEPTH):
        yield from level
        level = dict.fromkeys(inner for text in level for inner in _decoded(text, signals))
    yield from level


def _decoded(text: str, signals: set[str]) -> Iterator[str]:
    if "%" in text or "&" in text or "\\" in text:
        if NEEDLESS.search(text):
            signals.add("encoded_text")
        resolved = ESCAPED.sub(_escaped, html.unescape(unquote(text)))
        if resolved != text:
            yield resolved
    if not text.isascii():
        for tags in TAGS.findall(text):
            signals.add("tag_characters")
            yield "".join(chr(ord(tag) - 0xE0000) for tag in tags)
    for run in RUN.findall(text):
        for part in dict.fromkeys((run, *run.split("/"))):  # a slash is a digit of base64, and parts a path
            if inner := _of_hex(part) or _of_base64(part):
                signals.add("encoded_text")
                yield inner


def _escaped(match: re.Match[str]) -> str:
    octal = match.group(5)
    digits = next(filter(None, match.groups()[:4]), None)
    code = int(octal, 8) if octal else int(digits, 16) if digits else 0x1B
    return chr(code) if code < 0x110000 else ""


def _of_base64(run: str) -> str:
    """What the run decodes to, if that can be a command, or one that was encoded twice."""
    if not _mixed(run):
        return ""
    bare = run.rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    try:
        return _prose(base64.b64decode(bare[: len(bare) - (len(bare) % 4 == 1)] + "=" * (-len(bare) % 4)))
    except binascii.Error:
        return ""


def _of_hex(run: str) -> str:
    match = HEX.fullmatch(run)
    return _prose(bytes.fromhex(match.group(1))) if match else ""


def _mixed(run: str) -> bool:
    """Whether it has what long words of a language lack, capitals and small letters and digits or padding."""
    return not run.islower() and not run.isupper() and (run.endswith("=") or any(map(str.isdigit, run)))


def _prose(data: bytes) -> str:
    text = data.replace(b"\0", b"").decode("latin-1").strip()  # PowerShell encodes UTF-16
    encoded = RUN.fullmatch(text) and _mixed(text)
    return text if encoded or (" " in text and PROSE.fullmatch(text)) else ""


def _shown(text: str, signals: set[str]) -> str:
    """The text as a person sees it on the screen, in lower case, one line a paragraph."""
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
    shaped = unicodedata.normalize("NFC", EM_DASH.sub("--", text)).translate(_SHAPES)
    if HIDDEN.search(shaped):
        signals.add("hidden_characters")
    lines = _unwrapped(shaped.replace("\0", ""))
    folded = unicodedata.normalize("NFKC", lines).casefold()
    return unicodedata.normalize("NFD", folded)  # marks stand apart, and _SPACING drops them


def _unwrapped(text: str) -> str:
    """Lines that go on with the one before, by a backslash or as prose does, put together again."""
    first, *others = text.split("\n")
    parts = [first]
    last = first.rstrip()
    for line in others:
        bare = line.strip()
        if last.endswith("\\"):
            parts[-1] = parts[-1].rstrip()[:-1]  # the shell takes the two characters away and nothing else
            bare = line.rstrip()
        elif bare[:1] in GOES_ON and last and last[-1] not in FINISHED:
            parts.append(" ")
        else:
            parts.append("\n")
        parts.append(bare)
        last = bare
    return "".join(parts)


def _plain(shown: str) -> str:
    return WHITE_ESCAPE.sub(" ", _unquoted(FIELD_SEPARATOR.sub(" ", shown)))


def _unquoted(text: str) -> str:
    return QUOTES.sub("", text) if any(quote in text for quote in QUOTE_MARKS) else text


def _undone(shown: str, signals: set[str]) -> str:
    """The text without quoting, markup and comments inside words, and with look-alike letters as what they
    look like."""
    text = LISTED.sub(" ", JOINED.sub("", FIELD_SEPARATOR.sub(" ", _unspaced(shown, signals))))
    text = MARKUP.sub("", _uncommented(EMPTY_EXPANSION.sub("", text))).replace("\\", "")
    text = DUNDER.sub("", _unquoted(text))
    if not text.isascii():
        if any(OTHER_SCRIPT.search(run) and THREE_LATIN.search(run) for run in LETTERS.findall(text)):
            signals.add("mixed_scripts")
        text = text.translate(LOOKALIKES)
    return text


def _unspaced(text: str, signals: set[str]) -> str:
    def closed(match: re.Match[str]) -> str:
        if len(match.group()) > 6:  # four letters and more; "u.s.a" is honest
            signals.add("spaced_letters")
        return GAPS.sub("", match.group())

    return SPACED.sub(closed, text)


def _uncommented(text: str) -> str:
    """Without /* ... */, which is a space to SQL; a regular expression would look for each end anew."""
    first, *others = text.split("/*")
    return first + "".join(f" {other.partition('*/')[2]}" if "*/" in other else other for other in others)


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
