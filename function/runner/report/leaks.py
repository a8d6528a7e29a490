"""Looks for credentials in a proposal. A reference to a credential is no credential."""

from __future__ import annotations

import re

from function.runner.credentials import SHAPES, kept, matches
from function.runner.disguise import replace_encoded

VARIABLE = r"(?:\$\w*[({][\w./-]+[)}]|\$[A-Z_][A-Z0-9_]*|\{\{[^{}\"'`]*\}\})"
"""References to a value, without a default. Kubernetes, shells, Grafana ($__file{/path}) and templates use
them."""
NO_SHAPE = re.compile(rf"[^:]*:{VARIABLE}|[a-z]+\.?", re.ASCII)
"""Harmless shapes: a URL with a variable as its password, and `basic authentication`."""
NO_VALUE = re.compile(rf"(?:{VARIABLE}+|(?:/[a-z0-9_.-]+){{2,}}|<[\w.-]+>|\[redacted\])[)\]}}]*", re.ASCII)
"""Harmless values: variables, a path, placeholders. Base64 can begin with a slash too, but it contains
capitals."""
OBJECTS = ("existing", "password", "pull", "tls", "certificate", "credentials")
"""Words before `Secret` in a key of a Helm chart. Such a key contains the name of a Secret, not a
credential."""
OBJECT_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}[)\]}]*")


def has_new_credential(content: bytes, before: bytes) -> bool:
    """Returns whether the content has something that looks like a credential and is new in the file."""
    return not _credentials(content) <= _credentials(before)


def _credentials(content: bytes) -> set[str]:
    """Returns what looks like a credential, with its name but without indentation."""
    text = content.decode("utf-8", "surrogateescape")
    found: set[str] = set()

    def has_one(part: str) -> bool:
        more = {" ".join(each[0].split()) for each in matches(part) if not _refers(part, each)}
        found.update(more)
        return bool(more)

    has_one(text)
    replace_encoded(text, has_one, "")
    return found


def _refers(text: str, found: re.Match[str]) -> bool:
    if found.re is SHAPES:
        return NO_SHAPE.fullmatch(found[0]) is not None
    name = kept(found)
    value = found[0].removeprefix(name).strip()
    if NO_VALUE.fullmatch(value):
        return True
    before = text[max(0, found.start() - 12) : found.start()].lower().rstrip("_-")
    is_object = before.endswith(OBJECTS) and name.lower().startswith("secret")
    return is_object and OBJECT_NAME.fullmatch(value) is not None
