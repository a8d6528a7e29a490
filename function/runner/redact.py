"""Text -> the same text without what looks like a credential.

The model sees logs, manifests and events, and any of these may hold one. What it repeats is written to the
log, the termination message and a ticket, so it goes through here first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

REDACTED = "[redacted]"
MIN_KNOWN = 8
"""Characters of a known secret; a shorter one would take common words with it."""

START = r"(?:(?<!\w)|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"
"""Where a word begins, also right after an escape of JSON that stands in a text."""

SHAPES = re.compile(
    "|".join(
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
            # JSON Web Tokens (RFC 7519). No hyphen before one: a row of them would be quadratic.
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
"""Also as JSON in a text has it."""
KEY = (
    r"(?:passw(?:or)?d|passphrase|secret|token|credentials?|connection[_-]?strings?|(?<=[_-])pwd"
    r"|(?:api|access|private|account|secret|encryption|signing)[_-]?key"
    # DB_PASS and dbPass, but neither `compass` nor `first pass: everything`.
    r"|(?-i:(?<=[a-z])Pass)|(?:(?<![a-z])|(?<=\\[nrtbf]))(?:(?<![a-z] )pass|pass(?=\s?=)))"
)
ABOUT = (
    "file|path|dir|name|namespace|ref|type|kind|ur[il]|endpoint|host|ttl|lifetime|expir[a-z]*|length|size|count"
    "|limit|total|policy|enabled|required|info|version|seconds"
)
"""By which a name goes on that only tells of a credential: DB_PASSWORD_FILE, token_url."""
NAME = rf"{KEY}(?:[_-]?\d{{1,4}})?+(?:_(?!(?:{ABOUT})(?![a-z0-9]))[a-z0-9]++){{0,3}}"
IS = rf"{QUOTE}(?:(?:,|{BLANK}){{1,64}}+{QUOTE}value{QUOTE})?+[ \t]*+[:=][=>]?+[ \t]*+\n?+"
"""After a name. The environment of a container is of pairs: `name: DB_PASSWORD`, `value: ...`."""
PLAIN = r"[^\s&\"',;\\]"
OPTION = (
    rf"(?<![\w-])--[\w-]{{0,40}}?{NAME}"
    rf"(?:[ \t]++|\\*[\"']\s*+,{BLANK}*+|{QUOTE}{BLANK}++-[ ])(?!\\*[\"']?-)"
)
"""Its value stands after a blank, or is the next of a list in JSON or YAML."""
SCHEME = rf"authorization{QUOTE}[ \t]*+[:=][ \t]*+\[?+{QUOTE}(?:token|api-?key|bearer|basic)[ \t]++"
CALLED = rf"(?:{NAME}{IS}|{OPTION}|{SCHEME})"
NO_NAME = rf"(?!\\*[\"']?[\w.-]{{0,64}}?{CALLED}(?:\\*[\"']|{PLAIN}{{6}}))"
"""What is itself the name of a credential is no value: `token: password: ...`."""
QUOTED = r"(?!\{\{)(?:(?!\2\3(?!\3))(?:\3\3|\\++[\"']?|(?!\3)[^\\\n])){6,}+"
"""To the mark that has as many backslashes before it as the first. A template may have marks within."""
NAMED = re.compile(
    rf"(?=[-acepst])({CALLED}{NO_NAME}(?:(\\*+)([\"']))?)(?:(?(3){QUOTED}|(?!))|{PLAIN}{{6,}})",
    re.ASCII | re.IGNORECASE,
)
"""What is called a credential, in a command line, YAML, JSON or an environment: the name stays. Whatever is
repeated is taken whole (`++`) or bounded, so that the time is linear."""


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """The text without any of the `known` secrets, and without what has the shape of one."""
    for secret in known:
        if len(secret) >= MIN_KNOWN:
            text = text.replace(secret, REDACTED)
    return NAMED.sub(rf"\1{REDACTED}", SHAPES.sub(REDACTED, text))


def cleaned(value: Any, known: Iterable[str] = ()) -> Any:
    """A JSON value with each text in it redacted, names of fields included."""
    if isinstance(value, str):
        return redacted(value, known)
    if isinstance(value, dict):
        called = value.get("name")  # as the environment of a container names its values
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
    """Whether the field's name says that its text is one."""
    return isinstance(name, str) and REDACTED in NAMED.sub(REDACTED, f"{name[:128]}: {text[:32]}")
