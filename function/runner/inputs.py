"""What the dispatcher gave the Job: the files of the downward API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from function.runner.tier import Tier
from function.shared.errors import Misconfigured
from function.shared.event import job_name

MAX_PROMPT = 64 * 1024


@dataclass(frozen=True)
class Given:
    """What the dispatcher gave the Job, from the files of the downward API; a try-out has no event."""

    prompt: str
    event: Mapping[str, Any]
    decision: Mapping[str, Any]


def load(folder: Path) -> Given:
    """What the Job was given, as far as anybody can read it. Raises Misconfigured where it cannot be read, or
    where a dispatched Job's name is not that of its event: then it would be reported as another's."""
    try:
        prompt, event, decision = (
            (folder / name).read_text(encoding="utf-8") for name in ("prompt", "event", "decision")
        )
        given = Given(prompt, json.loads(event), json.loads(decision))
    except (OSError, ValueError, RecursionError) as error:
        raise Misconfigured(
            f"{folder}: prompt, event or decision cannot be read: {type(error).__name__}"
        ) from None
    if not isinstance(given.event, dict) or not isinstance(given.decision, dict):
        raise Misconfigured("event or decision is no JSON object")
    if not isinstance(given.decision.get("grant") or {}, dict):
        raise Misconfigured("the decision's grant is no JSON object")
    named = job_name(str(given.event.get("identity")))
    if _label(folder, "managed-by") == "sre-dispatch" and _label(folder, "job") != named:
        raise Misconfigured("the event is not the one that the Job is named after")
    return given


def read(folder: Path, allowed: Tier) -> Given:
    """The same for the agent. Raises Misconfigured too where it is not for this tier, or no prompt at all."""
    given = load(folder)
    prompt = given.prompt
    if not prompt.strip() or prompt.lstrip().startswith("/") or len(prompt.encode()) > MAX_PROMPT:
        raise Misconfigured("the prompt is empty, over 64 KiB, or begins like a command")
    if given.decision and given.decision.get("mode") != allowed.mode:
        raise Misconfigured("the decision is for another mode than this tier's")
    return given


def _label(folder: Path, name: str) -> str:
    """Of the pod, by the downward API; empty where there is no pod."""
    try:
        return (folder / name).read_text(encoding="utf-8")
    except OSError:
        return ""
