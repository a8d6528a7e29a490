"""SREEvent, Decision and Facts -> the Prompt.

Templates are trusted files. Text of an alert or of the world model enters a prompt only as JSON inside a
block. This text cannot close the block, make Claude Code read a file, or hide a character. The same input
makes the same bytes.

The system prompt has the agent's role, mode and rules. It depends on the mode alone: no alert and no fact can
change a byte of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from function.dispatch.closed_facts import without_texts
from function.dispatch.model import Decision, Facts, Level, Prompt
from function.shared.errors import Misconfigured, PermanentError, Unavailable
from function.shared.event import STORM, SREEvent, rule_expression
from function.shared.gaps import in_words

MAX_BYTES = 64 * 1024
"""The size limit of a prompt. A pod's annotations may have 256 KiB together. Prompt and event are two of
them."""
PAGE_BYTES = 16 * 1024
"""The bytes of a prompt that are reserved for the text of the templates. Our templates have 10 KiB at
most."""
DATA_BYTES = MAX_BYTES - PAGE_BYTES
"""The bytes of a prompt for the alert and the facts. The number does not depend on the decision. So note_cut
knows before the review whether the prompt will contain all facts."""

MAX_SYSTEM = 16 * 1024
"""The size limit of the system prompt in bytes. Ours have 4 KiB."""
MAX_EXPRESSION = 4096
"""The size limit of an alert's expression in characters."""
MAX_FIELDS = 20
"""The maximum number of parameters of a URL in which the expression is looked for. Prometheus sends two."""

CONTEXT, ALERT = "context", "alert"
"""The names of the parts that can be cut. Prompt.cut uses them."""

SYSTEM = "system.md.j2"
DEFAULT = "alerts/_default.md.j2"
STORM_PAGE = "alerts/_storm.md.j2"
"""The page of a storm. No single alert can select it: an alert name that selects a file begins with a
letter."""
ALERTNAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,127}", re.ASCII)
"""The alert names that can select a page of their own. All other alerts use the default page."""

UNSAFE = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&@\x7f"})
"""The characters that are escaped in addition to JSON's own escapes. `<`, `>` and `&` could close the block.
Claude Code reads a file if its name follows an `@`."""


def environment(folder: Path) -> ImmutableSandboxedEnvironment:
    """Returns a strict Jinja environment for a folder of prompts. Raises Misconfigured if the folder has no
    prompts."""
    for needed in (DEFAULT, SYSTEM):
        if not (folder / needed).is_file():
            raise Misconfigured(
                f"{folder}/{needed} is missing: set SRE_DISPATCH_ROOT to the folder that contains prompts/"
            )
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def note_cut(event: SREEvent, facts: Facts) -> Facts:
    """Returns the facts. If the event's prompt has no room for all facts, they are marked as incomplete, with
    the gap `cut`."""
    if facts.complete and len(_fitting(block(_alert(event)), facts)) < len(facts.items):
        return replace(facts, complete=False, gaps=(*facts.gaps, "cut"))
    return facts


def render(
    event: SREEvent, decision: Decision, facts: Facts, environment: ImmutableSandboxedEnvironment
) -> Prompt:
    """Returns the prompt of an allowed event. If the prompt would be too long, facts are left out first, and
    the alert is shortened last.

    An agent that acts alone gets no free text: its alert fits the enrolment, and its facts have none.

    Raises Unavailable if the template is broken: the operator can repair it, and the alert is not at fault.
    Raises PermanentError if a template is so long that the prompt or the system prompt exceeds its limit.
    """
    alone = decision.mode == "autonomous"
    if alone:
        event, facts = _enrolled_texts(event), _closed_facts(facts)
    whole = block(_alert(event))
    items = _fitting(whole, facts)
    alert = whole if len(whole) <= DATA_BYTES else _shortened_block(event)
    cut = ((CONTEXT,) if len(items) < len(facts.items) else ()) + ((ALERT,) if alert != whole else ())
    blocks = {"alert": alert, "facts": "\n".join(items), "cut": cut, "alone": alone}
    try:
        template = environment.select_template(_pages(event))
        text = template.render(**blocks, **_words(event, decision, facts))
        system = environment.get_template(SYSTEM).render(mode=decision.mode)
    except TemplateError as error:
        name = getattr(error, "name", "")
        raise Unavailable(
            "template_failed", f"a prompt template is broken ({type(error).__name__} {name}): repair it"
        ) from None
    name = template.name or DEFAULT
    _check_size(name, text, MAX_BYTES, PAGE_BYTES)
    _check_size(SYSTEM, system, MAX_SYSTEM, MAX_SYSTEM)
    return Prompt(name, hashlib.sha256(text.encode()).hexdigest(), text, cut, system)


def _check_size(name: str, text: str, limit: int, advised: int) -> None:
    if (size := len(text.encode())) > limit:
        raise PermanentError(
            "prompt_too_large",
            f"a prompt of {name} has {size} bytes, {limit} are allowed: shorten the template to {advised} "
            "bytes",
        )


def block(value: Any) -> str:
    """Returns JSON that is safe between the tags of a block: ASCII, without `<`, `>`, `&`, `@`."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, indent=2).translate(UNSAFE)


def line(item: Any) -> str:
    """Returns the same safe JSON on one line, with the keys in the order of the item."""
    return json.dumps(item, ensure_ascii=True).translate(UNSAFE)


def _enrolled_texts(event: SREEvent) -> SREEvent:
    """Returns the event of an agent that acts alone. Of the raw alert it has only the parts that fit the
    enrolment."""
    raw = event.raw_payload
    return replace(event, raw_payload={part: raw[part] for part in ("labels", "annotations") if part in raw})


def _closed_facts(facts: Facts) -> Facts:
    """Returns the facts for an agent that acts alone. They have no text, and no name that somebody chose."""
    kept = ((item, without_texts(item.get("kind", ""), item.get("data", {}))) for item in facts.items)
    items = (
        {"kind": item["kind"], "age_seconds": item["age_seconds"], "data": data}
        for item, data in kept
        if data
    )
    return replace(facts, items=tuple(items))


def _pages(event: SREEvent) -> list[str]:
    if event.source == STORM:
        return [STORM_PAGE]
    own = [f"alerts/{event.alertname}.md.j2"] if ALERTNAME.fullmatch(event.alertname) else []
    return [*own, DEFAULT]


def _words(event: SREEvent, decision: Decision, facts: Facts) -> dict[str, Any]:
    """Returns the values that a template may use outside the blocks. They are constants of the function and
    of the policy, never text of an alert."""
    return {
        "tag": event.identity[:16],
        "mode": decision.mode,
        "level": decision.effective,
        "reasons": _reasons(decision),
        "status": facts.status,
        "gaps": in_words(facts.gaps),
    }


def _reasons(decision: Decision) -> list[tuple[str, str]]:
    """Returns level and code of each reason once, the highest level first."""
    found = {(str(reason.level), reason.code) for reason in decision.reasons}
    return sorted(found, key=lambda reason: (-Level[reason[0]], reason[1]))


def _fitting(alert: str, facts: Facts) -> list[str]:
    """Returns one line for each of the first facts, as long as they fit beside the block `alert`. All text is
    ASCII, so a character is a byte."""
    room = DATA_BYTES - len(alert)
    fitting: list[str] = []
    for text in map(line, facts.items):
        room -= len(text) + 1
        if room < 0:
            break
        fitting.append(text)
    return fitting


def _shortened_block(event: SREEvent) -> str:
    """Returns the alert's block with its texts cut. It uses the largest limit with which the block fits."""
    alert = _alert(event)
    for limit in (1024, 256, 64):
        text = block(_shortened(alert, limit))
        if len(text) <= DATA_BYTES:
            return text
    return block({**_shortened(alert, 64), "raw": "[cut]"})


def _alert(event: SREEvent) -> dict[str, Any]:
    alert = {
        "alertname": event.alertname,
        "description": event.description,
        "cluster": event.cluster,
        "namespace": event.namespace,
        "resource_type": event.resource_type,
        "resource_id": event.resource_id,
        "starts_at": event.starts_at.isoformat(),
        "raw": event.raw_payload,
    }
    expression = rule_expression(event.raw_payload.get("generatorURL"), MAX_FIELDS)
    return alert | {"expression": _shortened(expression, MAX_EXPRESSION)} if expression else alert


def _shortened(value: Any, limit: int) -> Any:
    if isinstance(value, str) and len(value) > limit:
        return value[:limit] + "[cut]"
    if isinstance(value, dict):
        return {key[:limit]: _shortened(child, limit) for key, child in value.items()}
    if isinstance(value, list):
        return [_shortened(child, limit) for child in value[:limit]]
    return value
