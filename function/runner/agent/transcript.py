"""Writes the transcript to standard output. Each event is one redacted line of limited length."""

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
"""The maximum size of a transcript. A node keeps less than this of a container's log."""
MAX_LINE = 64 * 1024
MAX_CLEANED = 256 * 1024
MARGIN = 8 * 1024
"""A number of bytes that no credential exceeds."""
ESCAPES = re.compile(r"\\+(?:u[0-9a-fA-F]{4}|.)")
"""JSON escapes. Without removal, an escape's letter would join the beginning of a credential."""


class Transcript:
    """Writes each event as one redacted line. The line and the whole transcript have size limits."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.secrets = [*secrets]
        self._left = MAX_TRANSCRIPT

    def token(self, file: str) -> str:
        """Reads a token and returns it. From then on the token is redacted. Raises Unavailable."""
        token = token_in(Path(file), "token_file", "mcp_token")()
        self.secrets.append(token)
        return token

    def write(self, line: bytes) -> None:
        if self._left <= 0:
            return
        text = self._redacted(line)
        self._left -= len(text)
        if self._left <= 0:
            text = to_json({"cut": "the transcript is over its limit; the run goes on"})
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def _redacted(self, line: bytes) -> str:
        """Returns the redacted line. Redaction takes half a second per megabyte, so a very long line is cut
        first. A credential at the cut would not be recognised, so the last MARGIN bytes before the cut are
        left out."""
        if len(line) <= MAX_CLEANED:
            try:
                text = to_json(cleaned(json.loads(line), self.secrets))
            except (ValueError, RecursionError):  # redaction could miss a credential in an unparsed line
                text = to_json({"unreadable": len(line)})
            if len(text) <= MAX_LINE:
                return text
            return to_json({"cut": len(line), "begins": text[:MAX_LINE]})
        plain = ESCAPES.sub(" ", line[:MAX_CLEANED].decode("utf-8", "replace"))
        begins = redacted(plain, self.secrets)
        return to_json({"cut": len(line), "begins": begins[: min(MAX_LINE, len(begins) - MARGIN)]})
