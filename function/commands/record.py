"""A run in JSON -> the world model's memory, in its file or by its URL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from function.shared.errors import Misconfigured, Rejected, first_error
from function.shared.http import token_in
from function.shared.mcp import WorldModelClient
from function.shared.memory import Store
from function.shared.runs import Run
from function.shared.strict_json import to_json


def record(body: bytes, to: str, token_file: Path | None = None) -> bool:
    """Whether the run is new; False where its session was recorded before. A run without a time ended now.
    Raises Rejected for what is no run, Unavailable where it could not be recorded, Misconfigured for a file
    that is no world model's."""
    try:
        run = TypeAdapter(Run).validate_json(_dated(body))
    except ValidationError as error:
        where, what = first_error(error)
        raise Rejected(400, "bad_run", f"this is no run: {where or 'it'}: {what}") from None
    if "://" not in to:
        if not Path(to).is_file():
            raise Misconfigured(f"there is no {to}: name a world model's file or URL by --to")
        return Store(Path(to)).record(run)
    read_token = token_in(token_file, "--token-file", "world_model_token") if token_file else None
    return WorldModelClient(to, read_token).record(run)


def _dated(body: bytes) -> bytes:
    """The run with a time, if it is an object at all."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(told, dict):
        return body
    return to_json({"at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **told}).encode()
