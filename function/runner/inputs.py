"""Reads the Job's inputs from the dispatcher: prompts, event and decision. The inputs are files of the
downward API."""

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
    """The inputs of a Job. A try-out has neither an event nor a decision."""

    prompt: str
    event: Mapping[str, Any]
    decision: Mapping[str, Any]
    system_prompt: Path | None = None
    """The file with the system prompt. It is None if the dispatcher sent none."""


def load(folder: Path) -> Given:
    """Reads the inputs for a report. Raises Misconfigured if they cannot be read. Raises Misconfigured too if
    the Job's name belongs to another event, because its report would go to the wrong problem."""
    try:
        prompt, event, decision = (
            (folder / name).read_text(encoding="utf-8") for name in ("prompt", "event", "decision")
        )
        given = Given(prompt, json.loads(event), json.loads(decision), _system_prompt(folder))
    except (OSError, ValueError, RecursionError) as error:
        raise Misconfigured(
            f"prompt, event or decision in {folder} cannot be read: {type(error).__name__}"
        ) from None
    if not isinstance(given.event, dict) or not isinstance(given.decision, dict):
        raise Misconfigured("event or decision is not a JSON object")
    if not isinstance(given.decision.get("grant") or {}, dict):
        raise Misconfigured("the decision's grant is not a JSON object")
    named = job_name(str(given.event.get("identity")))
    if _label(folder, "managed-by") == "sre-dispatch" and _label(folder, "job") != named:
        raise Misconfigured("the Job's name belongs to another event")
    return given


def read(folder: Path, allowed: Tier) -> Given:
    """Reads the inputs for the agent. Raises Misconfigured if they cannot be read, if they are for another
    tier, or if the prompt is invalid."""
    given = load(folder)
    prompt = given.prompt
    if not prompt.strip() or prompt.lstrip().startswith("/") or len(prompt.encode()) > MAX_PROMPT:
        raise Misconfigured("the prompt is empty, over 64 KiB, or begins with a slash, like a command")
    if given.system_prompt and given.system_prompt.stat().st_size > MAX_PROMPT:
        raise Misconfigured("the system prompt is over 64 KiB")
    if given.decision and given.decision.get("mode") != allowed.mode:
        raise Misconfigured("the decision's mode is not the mode of this tier")
    return given


def _system_prompt(folder: Path) -> Path | None:
    """Returns the file, or None if it is missing or blank. The downward API writes an empty file if the pod
    has no such annotation."""
    file = folder / "system-prompt"
    return file if file.exists() and file.read_bytes().strip() else None


def _label(folder: Path, name: str) -> str:
    """Returns a label of the pod, or an empty string outside a pod."""
    try:
        return (folder / name).read_text(encoding="utf-8")
    except OSError:
        return ""
