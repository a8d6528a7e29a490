"""Records a run in the world model's memory, in a file or at a URL."""

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
    """Records the run. Returns False if a run of the same session was recorded before. If the run has no
    time, it has the present time.

    Raises Rejected if the body is no run, Unavailable if the run could not be recorded, and Misconfigured if
    `to` is no file of a world model.
    """
    try:
        run = TypeAdapter(Run).validate_json(_dated(body))
    except ValidationError as error:
        where, what = first_error(error)
        raise Rejected(400, "bad_run", f"invalid run: {where or 'the body'}: {what}") from None
    if "://" not in to:
        if not Path(to).is_file():
            raise Misconfigured(f"{to} does not exist: set --to to a world model's file or URL")
        return Store(Path(to)).record(run)
    read_token = token_in(token_file, "--token-file", "world_model_token") if token_file else None
    return WorldModelClient(to, read_token).record(run)


def _dated(body: bytes) -> bytes:
    """Returns the run with the present time, if it is a JSON object without a time."""
    try:
        run = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(run, dict):
        return body
    return to_json({"at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **run}).encode()
