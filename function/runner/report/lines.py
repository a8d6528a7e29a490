"""The new lines of a proposal, and what a reviewer cannot see in them."""

from __future__ import annotations

import re
import unicodedata

from function.runner.file_names import folded, hides

KEYCAP = "\u20e3"


def new_lines(content: bytes, before: bytes) -> set[str]:
    """Returns the lines that were not in the file before. Only \\n and \\r\\n end a line, so no other line
    separator can hide text. The mark of the byte order (BOM) of a file that had one is no part of a line."""
    return _lines(content, before) - _lines(before, before)


def _lines(content: bytes, before: bytes) -> set[str]:
    text = content.decode("utf-8", "surrogateescape")
    if before.startswith(b"\xef\xbb\xbf"):
        text = text.removeprefix("\ufeff")
    *ended, last = text.split("\n")
    return {line.removesuffix("\r") for line in ended} | {last}


def is_hiding(line: str) -> bool:
    """Returns whether the line has a character that a diff does not show as it is: a control other than a
    tab, a change of direction, a character without width, or a variation selector that belongs to no
    symbol."""
    return hides(_plain(line))


def _plain(line: str) -> str:
    """Returns the line without tabs, and without the variation selectors that change a symbol into an
    emoji or back."""
    shown = []
    for at, letter in enumerate(line):
        is_style = letter in "\ufe0e\ufe0f" and _is_symbol(line[max(0, at - 1) : at], line[at + 1 : at + 2])
        if letter != "\t" and not is_style:
            shown.append(letter)
    return "".join(shown)


def _is_symbol(before: str, after: str) -> bool:
    """Returns whether a variation selector may be here: after a symbol, or in a keycap."""
    if not before:
        return False
    if before in "0123456789#*":
        return after == KEYCAP
    return before in "\u203c\u2049\u3030\u303d" or unicodedata.category(before) in ("So", "Sm")


LOADER = re.compile(r"(?:.*/)?(?:kustomization\.ya?ml|kustomization|chart\.ya?ml|requirements\.ya?ml)")
"""Files that load other files while a build renders them, perhaps on a pull request."""
ELSEWHERE = re.compile(
    r"//|@(?!sha256:)|\bgh:|\bgit::|github\.com|_git/|\.git\b|[?&]ref=|\\"
    r"|\b(?:generators|transformers|validators|helm\w*|openapi|plugin\w*)\b[\"']?\s*:",
    re.IGNORECASE,
)
"""A reference to another repository or host, a plugin, or an escape, which could spell either of them. One
such line can bring in more than a reviewer sees. The fields are in
https://kubectl.docs.kubernetes.io/references/kustomize/."""


def loads_from_elsewhere(path: str, line: str) -> bool:
    """Returns whether the line makes a build load something that is not in the repository, or a plugin."""
    return LOADER.fullmatch(folded(path)) is not None and ELSEWHERE.search(line) is not None
