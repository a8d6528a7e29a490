"""SREEvent, Decision and Facts -> the Prompt.

Templates are trusted files. Text of an alert or of the world model enters them only as JSON inside a block.
There it cannot close the block, name a file or hide a character. The same input gives the same bytes.
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

from function.dispatch.model import Decision, Facts, Prompt
from function.shared.errors import Misconfigured, PermanentError, Unavailable
from function.shared.event import STORM, SREEvent

MAX_BYTES = 64 * 1024
"""The size limit of a prompt. A pod's annotations may have 256 KiB, and the event is one of them."""
PAGE_BYTES = 16 * 1024
"""The part of it that is kept for the text of the templates. Ours take 6 KiB."""
DATA_BYTES = MAX_BYTES - PAGE_BYTES
"""The part of it for the alert, and for as many facts as fit beside the alert. It does not depend on the
decision. So note_cut can tell the policy whether the agent will see all facts."""

CONTEXT, ALERT = "context", "alert"
"""The parts that can be cut, as Prompt.cut names them."""

DEFAULT = "alerts/_default.md.j2"
STORM_PAGE = "alerts/_storm.md.j2"
"""Only storms use it: no alert name that selects a file begins with an underscore."""
ALERTNAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,127}", re.ASCII)
"""Alert names that select a file of their own. All others use the default."""

UNSAFE = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&@\x7f"})
"""What is escaped in addition to what JSON escapes. `<`, `>` and `&` could close the block. Claude Code reads
the file that is named after an `@`."""


def environment(folder: Path) -> ImmutableSandboxedEnvironment:
    """A strict Jinja environment for a folder of prompts. Raises Misconfigured if it has none."""
    if not (folder / DEFAULT).is_file():
        raise Misconfigured(f"no prompts in {folder}: {DEFAULT} is missing; set SRE_DISPATCH_ROOT")
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def note_cut(event: SREEvent, facts: Facts) -> Facts:
    """The same facts, incomplete and with the gap `cut` if the event's prompt cannot hold all of them."""
    if facts.complete and len(_fitting(block(_alert(event)), facts)) < len(facts.items):
        return replace(facts, complete=False, gaps=(*facts.gaps, "cut"))
    return facts


def render(
    event: SREEvent, decision: Decision, facts: Facts, environment: ImmutableSandboxedEnvironment
) -> Prompt:
    """The prompt of an allowed event, at most 64 KiB. Facts are left out first, the alert is shortened last.

    Raises Unavailable if the template is broken: the operator can repair it, and the alert is not at fault.
    Raises PermanentError if the template is so long that the prompt exceeds the limit.
    """
    whole = block(_alert(event))
    items = _fitting(whole, facts)
    alert = whole if len(whole) <= DATA_BYTES else _shortened_block(event)
    cut = ((CONTEXT,) if len(items) < len(facts.items) else ()) + ((ALERT,) if alert != whole else ())
    blocks = {"alert": alert, "facts": "\n".join(items), "cut": cut}
    try:
        template = environment.select_template(_pages(event))
        text = template.render(**blocks, **_words(event, decision, facts))
    except TemplateError as error:
        name = getattr(error, "name", "")
        raise Unavailable(
            "template_failed", f"a prompt template is broken: {type(error).__name__} {name}"
        ) from None
    data = text.encode()
    name = template.name or DEFAULT
    if len(data) > MAX_BYTES:
        raise PermanentError(
            "prompt_too_large",
            f"a prompt of {name} has {len(data)} bytes, {MAX_BYTES} are allowed: shorten the template to "
            f"{PAGE_BYTES} bytes",
        )
    return Prompt(name, hashlib.sha256(data).hexdigest(), text, cut)


def block(value: Any) -> str:
    """JSON that is safe between the tags of a block: ASCII, without `<`, `>`, `&`, `@`."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, indent=2).translate(UNSAFE)


def line(item: Any) -> str:
    """The same on one line, with the keys in their own order."""
    return json.dumps(item, ensure_ascii=True).translate(UNSAFE)


def _pages(event: SREEvent) -> list[str]:
    if event.source == STORM:
        return [STORM_PAGE]
    own = [f"alerts/{event.alertname}.md.j2"] if ALERTNAME.fullmatch(event.alertname) else []
    return [*own, DEFAULT]


def _words(event: SREEvent, decision: Decision, facts: Facts) -> dict[str, Any]:
    """What a template says outside the blocks: constants of ours and of the policy, and nothing else."""
    return {
        "tag": event.identity[:16],
        "mode": decision.mode,
        "level": decision.effective,
        "reasons": [reason.code for reason in decision.reasons],
        "status": facts.status,
        "gaps": facts.gaps,
    }


def _fitting(alert: str, facts: Facts) -> list[str]:
    """The lines of the first facts, as many as fit beside the whole alert. A character of ASCII is a byte."""
    room = DATA_BYTES - len(alert)
    fitting: list[str] = []
    for text in map(line, facts.items):
        room -= len(text) + 1
        if room < 0:
            break
        fitting.append(text)
    return fitting


def _shortened_block(event: SREEvent) -> str:
    """The alert with its texts cut to the first limit at which it fits."""
    alert = _alert(event)
    for limit in (1024, 256, 64):
        text = block(_shortened(alert, limit))
        if len(text) <= DATA_BYTES:
            return text
    return block({**_shortened(alert, 64), "raw": "[cut]"})


def _alert(event: SREEvent) -> dict[str, Any]:
    return {
        "alertname": event.alertname,
        "description": event.description,
        "cluster": event.cluster,
        "namespace": event.namespace,
        "resource_type": event.resource_type,
        "resource_id": event.resource_id,
        "starts_at": event.starts_at.isoformat(),
        "raw": event.raw_payload,
    }


def _shortened(value: Any, limit: int) -> Any:
    if isinstance(value, str) and len(value) > limit:
        return value[:limit] + "[cut]"
    if isinstance(value, dict):
        return {key[:limit]: _shortened(child, limit) for key, child in value.items()}
    if isinstance(value, list):
        return [_shortened(child, limit) for child in value[:limit]]
    return value
