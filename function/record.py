"""A run in JSON -> the world model's memory, in its file or by its URL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from function.adapters.ffo import Ffo
from function.adapters.store import Store
from function.errors import Misconfigured, Rejected, flaw
from function.facts import Run
from function.model import to_json
from function.wire import token_in


def record(body: bytes, to: str, token_file: Path | None = None) -> bool:
    """Whether the run is new; False where its session was recorded before. A run without a time ended now.
    Raises Rejected for what is no run, Unavailable where it could not be recorded, Misconfigured for a file
    that is no world model's."""
    try:
        run = TypeAdapter(Run).validate_json(_dated(body))
    except ValidationError as error:
        where, what = flaw(error)
        raise Rejected(400, "bad_run", f"this is no run: {where or 'it'}: {what}") from None
    if "://" not in to:
        if not Path(to).is_file():
            raise Misconfigured(f"there is no {to}: name a world model's file or URL by --to")
        return Store(Path(to)).record(run)
    read_token = token_in(token_file, "--token-file", "ffo_token") if token_file else None
    return Ffo(to, read_token).record(run)


def _dated(body: bytes) -> bytes:
    """The run with a time, if it is an object at all."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(told, dict):
        return body
    return to_json({"at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **told}).encode()
