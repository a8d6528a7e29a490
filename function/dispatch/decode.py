"""Encoded text -> plain text: percent signs, entities, escapes, base64, hexadecimal.

No regular expression here can backtrack.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote

from function.dispatch.room import Room

TAGS = re.compile("[\U000e0020-\U000e007e]+")
"""The tag characters of Unicode: an invisible copy of ASCII."""
MAX_DEPTH = 3
"""How many nested encodings are decoded."""
ESCAPED = re.compile(
    r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|u\{([0-9a-f]{1,6})\}|U([0-9a-f]{8})|([01][0-7]{2})|e(?=\[))", re.I
)
NEEDLESS = re.compile(
    r"%(?:3[0-9]|[46][1-9a-f]|[57][0-9a])|&#(?:x0*(?:3[0-9]|[46][1-9a-f]|[57][0-9a])"
    r"|0*(?:4[89]|5[0-7]|6[5-9]|[78][0-9]|90|9[7-9]|1[01][0-9]|12[0-2]));|\\(?:x|u00)(?:[46][1-9a-f]|[57][0-9a])|\\1[0-7]{2}",
    re.I,
)
"""Codes for ASCII letters and digits. Harmless text has no reason to encode them."""
RUN = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
"""A run of characters that may be base64 or hexadecimal. Nine letters take twelve characters of base64."""
HEX = re.compile(r"(?:0x)?((?:[0-9a-f]{2})+)", re.I)
PROSE = re.compile(r"[ -~\s]+", re.ASCII)


def decodings(raw: str, signals: set[str], room: Room) -> Iterator[str]:
    """Yields the text, and every text that is encoded in it up to MAX_DEPTH times, as far as the room
    allows."""
    level = [room.take(raw)]
    for _ in range(MAX_DEPTH):
        yield from level
        level = _inside(level, signals, room)
    yield from level


def _inside(texts: list[str], signals: set[str], room: Room) -> list[str]:
    found: dict[str, None] = {}
    for inner in (inner for text in texts for inner in _decoded(text, signals)):
        if inner in found:
            continue
        if not room.has_some():
            break
        found[room.take(inner)] = None
    return list(found)


def _decoded(text: str, signals: set[str]) -> Iterator[str]:
    if "%" in text or "&" in text or "\\" in text:
        if NEEDLESS.search(text):
            signals.add("encoded_text")
        resolved = ESCAPED.sub(escaped, html.unescape(unquote(text)))
        if resolved != text:
            yield resolved
    if not text.isascii():
        for tags in TAGS.findall(text):
            signals.add("tag_characters")
            yield "".join(chr(ord(tag) - 0xE0000) for tag in tags)
    for run in RUN.findall(text):
        # A slash is a digit of base64. It also separates the parts of a path.
        for part in dict.fromkeys((run, *run.split("/"))):
            if inner := _of_hex(part) or _of_base64(part):
                signals.add("encoded_text")
                yield inner


def escaped(match: re.Match[str]) -> str:
    octal = match.group(5)
    digits = next(filter(None, match.groups()[:4]), None)
    code = int(octal, 8) if octal else int(digits, 16) if digits else 0x1B
    return chr(code) if code < 0x110000 else ""


def _of_base64(run: str) -> str:
    """Returns the decoded run if it can be a command, or another encoding of a command."""
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
    """Returns whether the run has capital and small letters, and digits or padding. No long word of a
    language has all of these."""
    return not run.islower() and not run.isupper() and (run.endswith("=") or any(map(str.isdigit, run)))


def _prose(data: bytes) -> str:
    text = data.replace(b"\0", b"").decode("latin-1").strip()  # PowerShell encodes UTF-16
    encoded = RUN.fullmatch(text) and _mixed(text)
    return text if encoded or (" " in text and PROSE.fullmatch(text)) else ""
