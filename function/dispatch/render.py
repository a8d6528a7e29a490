"""SREEvent, Decision and Facts -> the Prompt.

Templates are trusted files; what an alert or the world model says reaches them only as finished blocks of
JSON in which nothing can close the block, name a file or hide a character. Same input, same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from function.dispatch.model import Decision, Facts, Prompt
from function.shared.errors import Misconfigured, PermanentError, Unavailable
from function.shared.event import STORM, SREEvent

MAX_BYTES = 64 * 1024
"""Of a prompt in UTF-8. A pod's annotations hold 256 KiB together, and the event stands there as well."""

CONTEXT = "context"
"""The part of a prompt that is cut first, as Prompt.cut names it."""

DEFAULT = "alerts/_default.md.j2"
STORM_PAGE = "alerts/_storm.md.j2"
"""Begins as no alert's name can that chooses a file: it is for storms alone."""
ALERTNAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,127}", re.ASCII)
"""Alert names that may choose a file; all others take the default."""

UNSAFE = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&@\x7f"})
"""Beyond what JSON escapes: `<`, `>` and `&` could close the block, `@` names a file to Claude Code."""


def environment(folder: Path) -> ImmutableSandboxedEnvironment:
    """The strict Jinja environment over a folder of prompts. Raises Misconfigured where there is none."""
    if not (folder / DEFAULT).is_file():
        raise Misconfigured(f"no prompts in {folder}: {DEFAULT} is missing; set SRE_DISPATCH_ROOT")
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(
    event: SREEvent, decision: Decision, facts: Facts, environment: ImmutableSandboxedEnvironment
) -> Prompt:
    """The prompt of an allowed event, at most 64 KiB: context is cut first, alert text last.

    Raises Unavailable where its template is broken, which is for the operator to mend and not the alert's
    fault; Poison where it does not fit even without either.
    """
    try:
        template = environment.select_template(_pages(event))
        for alert, items, cut in _variants(event, facts):
            text = template.render(
                tag=event.identity[:16],
                mode=decision.mode,
                level=decision.effective,
                reasons=[reason.code for reason in decision.reasons],
                alert=block(alert),
                facts=lines(items),
                status=facts.status,
                gaps=facts.gaps,
                cut=cut,
            )
            data = text.encode()
            if len(data) <= MAX_BYTES:
                return Prompt(template.name or DEFAULT, hashlib.sha256(data).hexdigest(), text, cut)
    except TemplateError as error:
        raise Unavailable(
            "template_failed", f"a prompt is broken: {type(error).__name__} {getattr(error, 'name', '')}"
        ) from None
    raise PermanentError(
        "prompt_too_large", f"the prompt is over {MAX_BYTES} bytes without any data of the alert"
    )


def block(value: Any) -> str:
    """JSON as it may stand between the tags of a block: ASCII, without `<`, `>`, `&`, `@`."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, indent=2).translate(UNSAFE)


def lines(items: Iterable[Any]) -> str:
    """The same for several values, each on a line of its own, its keys in their own order."""
    return "\n".join(json.dumps(item, ensure_ascii=True).translate(UNSAFE) for item in items)


def _pages(event: SREEvent) -> list[str]:
    if event.source == STORM:
        return [STORM_PAGE]
    own = [f"alerts/{event.alertname}.md.j2"] if ALERTNAME.fullmatch(event.alertname) else []
    return [*own, DEFAULT]


def _variants(event: SREEvent, facts: Facts) -> Iterator[tuple[Any, Any, tuple[str, ...]]]:
    """Alert and facts, whole first, then with ever more left out, each with what was cut."""
    alert = _alert(event)
    yield alert, facts.items, ()
    count = len(facts.items)
    while count:
        count //= 2
        yield alert, facts.items[:count], (CONTEXT,)
    cut = (CONTEXT, "alert") if facts.items else ("alert",)
    for limit in (1024, 256, 64):
        yield _shortened(alert, limit), (), cut
    yield {**_shortened(alert, 64), "raw": "[cut]"}, (), cut


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
