"""What Claude Code says, on standard output: cleaned, a line an event, bounded."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from function.runner.redact import cleaned, redacted
from function.shared.http import token_in
from function.shared.strict_json import to_json

MAX_TRANSCRIPT = 16 * 1024 * 1024
"""Bytes on standard output; what a node keeps of a container's log is less."""
MAX_LINE = 64 * 1024
MAX_CLEANED = 256 * 1024
MARGIN = 8 * 1024
"""Longer than any credential."""
ESCAPES = re.compile(r"\\+(?:u[0-9a-fA-F]{4}|.)")
"""Of JSON: the letter of one would run together with the beginning of a credential."""


class Transcript:
    """Every event on standard output, one line each: redacted, each bounded, and all together."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.secrets = [*secrets]
        self._left = MAX_TRANSCRIPT

    def token(self, file: str) -> str:
        """The token in the file, which is never written from now on. Raises Unavailable."""
        token = token_in(Path(file), "token_file", "mcp_token")()
        self.secrets.append(token)
        return token

    def write(self, line: bytes) -> None:
        if self._left <= 0:
            return
        told = self._told(line)
        self._left -= len(told)
        if self._left <= 0:
            told = to_json({"cut": "the transcript is over its limit; the run goes on"})
        sys.stdout.write(told + "\n")
        sys.stdout.flush()

    def _told(self, line: bytes) -> str:
        """The line, cleaned. A very long one is cut first, since cleaning takes half a second a megabyte, and
        more is cut off than is shown: a credential that the cut split would not be known for one."""
        if len(line) <= MAX_CLEANED:
            try:
                told = to_json(cleaned(json.loads(line), self.secrets))
            except (ValueError, RecursionError):  # as it is, it could hide a credential from us
                told = to_json({"unreadable": len(line)})
            if len(told) <= MAX_LINE:
                return told
            return to_json({"cut": len(line), "begins": told[:MAX_LINE]})
        plain = ESCAPES.sub(" ", line[:MAX_CLEANED].decode("utf-8", "replace"))
        begins = redacted(plain, self.secrets)
        return to_json({"cut": len(line), "begins": begins[: min(MAX_LINE, len(begins) - MARGIN)]})
