"""Finds credentials in text by their shapes, and by the names before them.

Every pattern takes linear time: each repetition is possessive (`++`), or it is bounded, or it is the last
part of a match. The beginnings of tokens are data in credentials.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RULES = Path(__file__).with_name("credentials.toml")
START = r"(?:(?<!\w)|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"
"""The beginning of a word. A word can begin directly after a JSON escape."""


def token_pattern(rules: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the pattern of all tokens. A rule is a beginning, the characters that follow, and their least
    number. An attempt that fails has read no more characters than that, so the time is linear."""
    each = (row for table in rules.values() for row in table.values())
    return "|".join(f"{re.escape(begins)}[{letters}]{{{least},}}+" for begins, letters, least in each)


def read_rules() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(RULES.read_text(encoding="utf-8"))


SHAPES = re.compile(
    "|".join(
        (
            # RFC 7468, OpenPGP, SSH and PuTTY. If the end is missing, everything that follows belongs to the
            # key.
            r"-{4,5} ?BEGIN [A-Z0-9 ]{0,64}PRIVATE KEY(?: BLOCK)? ?-{4,5}.*?"
            r"(?:-{4,5} ?END [A-Z0-9 ]{0,64}PRIVATE KEY(?: BLOCK)? ?-{4,5}|$)",
            r"PuTTY-User-Key-File-\d: .*?(?:Private-MAC: [0-9a-f]{0,128}|$)",
            # JSON Web Tokens (RFC 7519). A token does not begin after a hyphen, because a series of such
            # tokens would take quadratic time.
            START + r"(?<!-)eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*",
            START + f"(?:{token_pattern(read_rules())})",
            r"(?<=://)[^\s/:@\"'<>]{0,256}:[^\s/@\"'<>]{1,256}(?=@)",  # user and password in a URL
            r"(?i:(?<=bearer )|(?<=basic ))[\w.~+/=-]{12,}",
            # signatures of addresses that anybody may use: AWS, Google, Azure
            r"(?i:(?<=X-Amz-Signature)|(?<=X-Goog-Signature)|(?<=X-Amz-Security-Token)|(?<=[?&;]sig))"
            r"(?:=|%3D)[\w%+/=-]{20,}",
            # hashes of passwords (crypt(5))
            r"\$(?:2[abxy]|apr1|[56y]|argon2id?|scrypt)\$[\w./$=,+-]{20,}",
        )
    ),
    re.ASCII | re.DOTALL,
)

QUOTE = r"(?>\\*[\"'])?+"
BLANK = r"(?:\s|\\++[nrt])"
"""Whitespace, and the escapes for whitespace in JSON."""
KEY = (
    r"(?:passw(?:or)?d|passphrase|secret|token|credentials?|connection[_-]?strings?|(?<=[_-])pwd"
    # PWD is the working folder too.
    r"|(?:(?<![a-z0-9_-])|(?<=\\[nrtbf]))pwd(?=\\*[\"']?\s?[=:]\s?+\\*[\"']?[^\s/~.\"'$\\])"
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
NEXT = r"(?:\n(?![\w.-]{1,64}[\"']?:(?:\s|$)))?+"
"""The end of a line, unless the next line is another entry of the same object."""
IS = rf"{QUOTE}(?:(?:,|{BLANK}){{1,64}}+{QUOTE}value{QUOTE})?+[ \t]*+[:=][=>]?+[ \t]*+{NEXT}"
"""The text between name and value. The environment of a container has pairs: `name: DB_PASSWORD`, `value:
...`."""
PLAIN = r"[^\s&\"',;\\]"
OPTION = (
    rf"(?<![\w-])--[\w-]{{0,40}}?{NAME}"
    rf"(?:[ \t]++|\\*[\"']\s*+,{BLANK}*+|{QUOTE}{BLANK}++-[ ])(?!\\*[\"']?-)"
)
"""A command line option. The option's value follows a blank, or is the next item of a list in JSON or
YAML."""
SCHEME = rf"authorization{QUOTE}[ \t]*+[:=][ \t]*+\[?+{QUOTE}(?:token|api-?key|bearer|basic|geniekey)[ \t]++"
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
"""A value whose name identifies it as a credential, in a command line, YAML, JSON or an environment."""

END = r"(?:\n|\\++n)"
"""The end of a line, also as an escape in JSON."""
BLOCK = re.compile(
    rf"(?=[acepst])({NAME}{QUOTE}[ \t]*+:[ \t]*+[|>][-+0-9]{{0,2}}+[ \t]*+{END})([ \t]{{1,64}}+)"
    rf"(?:(?!{END}).){{4,4096}}+(?:{END}\2(?:(?!{END}).){{0,4096}}+){{0,256}}+",
    re.ASCII | re.IGNORECASE,
)
"""A block of YAML whose name identifies it as a credential. All its lines have the indentation of the
first."""

SECRET = r"[\"']?(?!\d+\b)[^\s\"'$]{6,}"  # noqa: S105
COMMAND = re.compile(
    "|".join(
        (
            # curl -u user:password. A user and a group (docker run --user nobody:nogroup) have no digit.
            r"((?<![\w-])(?:-u ?|--(?:proxy-)?user[ =])[\"']?[\w.@%+-]{1,64}:)"
            r"(?!\d+\b)(?=[^\s\"'$]{0,256}[\d!@#%^&*])[^\s\"'$]{4,}",
            rf"(\b(?:sshpass -p ?|docker login -p ?))(?:{SECRET})",
            rf"(\bmysql(?:dump|admin)? [^\n]{{0,80}}?(?<= )-p)(?:{SECRET})",
            rf"(\bredis-cli [^\n]{{0,80}}?(?<= )-a )(?:{SECRET})",
            rf"(\bldap(?:search|modify|add|whoami) [^\n]{{0,80}}?(?<= )-w )(?:{SECRET})",
            rf"(\blogin \S{{1,64}}\s{{1,8}}password )(?:{SECRET})",  # .netrc
            r"((?<![\w-])(?:set-)?cookie\\*[\"']?[ \t]?[:=][ \t]?\\*[\"']?)"
            r"(?=[\w.-]{1,64}=[^\s;,\"'\\]{8})[^\n\"'\\]{8,}",
            r"((?<![\w-])_?auth\\*[\"']?[ \t]?[:=][ \t]?\\*[\"']?)(?=[A-Za-z0-9+/]{0,256}[0-9=])"
            r"(?:(?:[A-Za-z0-9+/]{4}){2,}+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)|(?:[A-Za-z0-9+/]{4}){4,}+)"
            r"(?![\w+/=-])",
        )
    ),
    re.ASCII | re.IGNORECASE,
)
"""Passwords in command lines, headers and files whose names are too common: -u, cookie, auth (of a registry).
"""
PATTERNS = (SHAPES, BLOCK, NAMED, COMMAND)


def kept(found: re.Match[str]) -> str:
    """Returns the part of a match that tells what the credential is. It stays in the text."""
    if found.re is SHAPES:
        return ""
    if found.re is COMMAND:
        return str(next(filter(None, found.groups())))
    return str(found[1])


def matches(text: str) -> Iterator[re.Match[str]]:
    """Yields the matches of all patterns. They may overlap."""
    for pattern in PATTERNS:
        yield from pattern.finditer(text)
