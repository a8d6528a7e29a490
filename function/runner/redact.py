"""Removes credentials from text.

The model reads logs, manifests and events, which may contain credentials. The runner writes text of the model
to the log, the termination message and a ticket. Before that, the runner redacts the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

REDACTED = "[redacted]"
MIN_KNOWN = 8
"""The minimum length of a known secret. A shorter secret could be part of common words."""

START = r"(?:(?<!\w)|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"
"""The beginning of a word. A word can begin directly after a JSON escape."""

SHAPES = re.compile(
    "|".join(
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
            # JSON Web Tokens (RFC 7519). A token does not begin after a hyphen, because a series of such
            # tokens would take quadratic time.
            START + r"(?<!-)eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*",
            START + r"sk-(?:ant-)?[\w-]{20,}",  # model providers
            START + r"(?:gh[pousr]_\w{20,}|github_pat_\w{20,})",
            START + r"gl[a-z]{2,5}-[\w-]{20,}",  # GitLab
            START + r"glsa_\w{20,}",  # Grafana
            START + r"ATATT[\w=-]{20,}",  # Atlassian
            START + r"xox[abeprs]-[\w-]{10,}",  # Slack
            START + r"(?:AKIA|ASIA)[0-9A-Z]{16}\b",  # AWS
            START + r"AIza[\w-]{30,}",  # Google
            r"(?<=://)[^\s/:@\"'<>]{1,256}:[^\s/@\"'<>]{1,256}(?=@)",  # user and password in a URL
            r"(?i:(?<=bearer )|(?<=basic ))[\w.~+/=-]{12,}",
        )
    ),
    re.ASCII | re.DOTALL,
)

QUOTE = r"(?>\\*[\"'])?+"
BLANK = r"(?:\s|\\++[nrt])"
"""Whitespace, and the escapes for whitespace in JSON."""
KEY = (
    r"(?:passw(?:or)?d|passphrase|secret|token|credentials?|connection[_-]?strings?|(?<=[_-])pwd"
    r"|(?:api|access|private|account|secret|encryption|signing)[_-]?key"
    # This matches DB_PASS and dbPass, but neither `compass` nor `first pass: everything`.
    r"|(?-i:(?<=[a-z])Pass)|(?:(?<![a-z])|(?<=\\[nrtbf]))(?:(?<![a-z] )pass|pass(?=\s?=)))"
)
ABOUT = (
    "file|path|dir|name|namespace|ref|type|kind|ur[il]|endpoint|host|ttl|lifetime|expir[a-z]*|length|size|count"
    "|limit|total|policy|enabled|required|info|version|seconds"
)
"""A name that ends with one of these words only describes a credential: DB_PASSWORD_FILE, token_url."""
NAME = rf"{KEY}(?:[_-]?\d{{1,4}})?+(?:_(?!(?:{ABOUT})(?![a-z0-9]))[a-z0-9]++){{0,3}}"
IS = rf"{QUOTE}(?:(?:,|{BLANK}){{1,64}}+{QUOTE}value{QUOTE})?+[ \t]*+[:=][=>]?+[ \t]*+\n?+"
"""The text between name and value. The environment of a container has pairs: `name: DB_PASSWORD`, `value:
...`."""
PLAIN = r"[^\s&\"',;\\]"
OPTION = (
    rf"(?<![\w-])--[\w-]{{0,40}}?{NAME}"
    rf"(?:[ \t]++|\\*[\"']\s*+,{BLANK}*+|{QUOTE}{BLANK}++-[ ])(?!\\*[\"']?-)"
)
"""A command line option. The option's value follows a blank, or is the next item of a list in JSON or
YAML."""
SCHEME = rf"authorization{QUOTE}[ \t]*+[:=][ \t]*+\[?+{QUOTE}(?:token|api-?key|bearer|basic)[ \t]++"
CALLED = rf"(?:{NAME}{IS}|{OPTION}|{SCHEME})"
NO_NAME = rf"(?!\\*[\"']?[\w.-]{{0,64}}?{CALLED}(?:\\*[\"']|{PLAIN}{{6}}))"
"""A name is not a value if it is the name of another credential: `token: password: ...`."""
QUOTED = r"(?!\{\{)(?:(?!\2\3(?!\3))(?:\3\3|\\++[\"']?|(?!\3)[^\\\n])){6,}+"
"""A quoted value. It ends at the quote that has as many backslashes as the first quote. Templates (`{{`) are
excluded, because they may contain quotes."""
NAMED = re.compile(
    rf"(?=[-acepst])({CALLED}{NO_NAME}(?:(\\*+)([\"']))?)(?:(?(3){QUOTED}|(?!))|{PLAIN}{{6,}})",
    re.ASCII | re.IGNORECASE,
)
"""A value whose name identifies it as a credential, in a command line, YAML, JSON or an environment. Only the
value is removed. Every repetition is possessive (`++`) or bounded, so the time is linear."""


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """Returns the text without `known` secrets, and without anything that looks like a credential."""
    for secret in known:
        if len(secret) >= MIN_KNOWN:
            text = text.replace(secret, REDACTED)
    return NAMED.sub(rf"\1{REDACTED}", SHAPES.sub(REDACTED, text))


def cleaned(value: Any, known: Iterable[str] = ()) -> Any:
    """Returns the JSON value with all its texts redacted, including keys."""
    if isinstance(value, str):
        return redacted(value, known)
    if isinstance(value, dict):
        called = value.get("name")  # as in a container's environment
        return {
            redacted(key, known): REDACTED
            if isinstance(child, str)
            and (_is_credential(key, child) or (key == "value" and _is_credential(called, child)))
            else cleaned(child, known)
            for key, child in value.items()
        }
    if isinstance(value, list | tuple):
        return [cleaned(child, known) for child in value]
    return value


def _is_credential(name: object, text: str) -> bool:
    """Returns whether the field's name identifies its text as a credential."""
    return isinstance(name, str) and REDACTED in NAMED.sub(REDACTED, f"{name[:128]}: {text[:32]}")
