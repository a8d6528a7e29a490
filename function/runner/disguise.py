"""Looks for credentials that are encoded, or that have invisible characters inside."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote

from function.runner.file_names import UNSEEN

MAX_DEPTH = 2
"""The number of encodings, one in another, that are removed."""
MAX_PIECE = 64 * 1024
"""The maximum length of an encoded piece. A longer one is treated as several pieces."""
WORD = re.compile(rf"[^\s\"'<>\\]{{1,{MAX_PIECE}}}")
BASE64 = re.compile(rf"[A-Za-z0-9+/_-]{{16,{MAX_PIECE}}}+={{0,2}}")
LINE_END = r"[ \t]*+\r?(?:\n|\\n)"
BASE64_LINES = re.compile(
    rf"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/]{{40,128}}+"
    rf"(?:{LINE_END}[ \t]*+[A-Za-z0-9+/]{{1,128}}+={{0,2}}(?={LINE_END}|[ \t]*+$|[\"'])){{1,1024}}+"
)
"""A text in base64 that is broken into lines, in YAML or in an e-mail."""
BEGINNING = re.compile(rb"[\t\r\n\x20-\x7e]{1,12}")
"""The first characters of a text. Other data seldom begins with so many letters."""


def without_unseen(text: str) -> str:
    """Returns the text without characters that show nothing. Line ends and tabs stay."""
    if text.isascii():
        return text
    return "".join(letter for letter in text if letter not in UNSEEN and unicodedata.category(letter) != "Cf")


def replace_encoded(text: str, has_credential: Callable[[str], bool], by: str, depth: int = 0) -> str:
    """Returns the text with `by` in place of every encoded piece in which `has_credential` finds something.

    The pieces of a text do not overlap, and decoding shortens them. So the work is proportional to the length
    of the text."""

    def is_one(piece: str, decoded: str) -> bool:
        decoded = without_unseen(decoded)
        if not decoded or decoded == piece:
            return False
        if has_credential(decoded):
            return True
        deeper = depth + 1 < MAX_DEPTH
        return deeper and replace_encoded(decoded, has_credential, by, depth + 1) != decoded

    def percent(found: re.Match[str]) -> str:
        piece = found[0]
        encoded = "%" in piece and is_one(piece, unquote(piece, errors="replace"))
        return by if encoded and not has_credential(piece) else piece

    def base(found: re.Match[str]) -> str:
        return by if is_one(found[0], _text(found[0])) else found[0]

    if "%" in text:
        text = WORD.sub(percent, text)
    return BASE64.sub(base, BASE64_LINES.sub(base, text))


def _text(piece: str) -> str:
    """Returns the text of a piece in base64 or base64url. It is empty if the piece encodes something else.
    The last characters of a piece that was cut are left out."""
    letters = re.sub(r"\s|\\n|=", "", piece).translate({ord("-"): "+", ord("_"): "/"})
    whole = letters[: len(letters) - (len(letters) % 4 == 1)]
    try:
        decoded = base64.b64decode(whole + "=" * (-len(whole) % 4))
    except binascii.Error:
        return ""
    try:
        return decoded.decode("utf-8")
    except UnicodeDecodeError:  # perhaps only the end is something else
        return decoded.decode("utf-8", "replace") if BEGINNING.fullmatch(decoded[:12]) else ""
