"""The result of a delivery -> one screen for a person: at most 24 lines of 100 columns.

Text of an alert or of a world model is escaped, so that it can neither move the cursor nor set colours. If
the output is no terminal, click removes our own colours.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from function.commands.demo.play import JOBS, Played, Tier
from function.dispatch.model import Level
from function.dispatch.policy_files import RuleNote
from function.shared.gaps import in_words

WIDTH = 100
MARGIN = 10
MOST_REASONS = 3
MOST_LINES = 2
COLOURS = {"LOW": "green", "MEDIUM": "yellow", "HIGH": "red", "CRITICAL": "magenta"}
KINDS = {"k8s_pvc": "PersistentVolumeClaim", "k8s_pod": "Pod", "k8s_node": "Node"}
MAY = {
    "autonomous": "it may act on its own, within its permissions",
    "merge-request": "it may open a merge request; it changes nothing in the cluster",
    "investigate": "it may read, and write a Jira ticket; it changes nothing in the cluster",
}
DUPLICATE = "this alert is a duplicate: its Job already exists, so no second agent starts"

Notes = Mapping[tuple[str, str], RuleNote]

INTRODUCTION = f"""
A database's volume fills up. This demo sends two alerts as Alertmanager would: at 75 % and at 90 %.
All of this runs on your machine: the function, its policy, and sample data about the volume.
Each Job is written to {JOBS} and not started.
"""


def screen(played: Played, number: int, count: int, notes: Notes) -> str:
    blocks = (
        [_heading(f"Alert {number} of {count}"), *_block("alert", _alert(played.line))],
        _block("decision", _decision(played, notes)),
        _block("context", _context(played)),
        _block("job", _job(played)),
        _block("files", _files(played)),
    )
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def whole(played: Played) -> str:
    """Returns the whole prompt and the whole manifest."""
    shown = (("The prompt", played.prompt), ("The Job's manifest", played.manifest))
    return "\n".join(
        f"{_heading(f'{title}: {path}')}\n\n{_escaped_lines(path)}" for title, path in shown if path
    )


def what_next(program: str, duplicates: bool) -> str:
    """Returns the commands that a reader can try next."""
    told = (
        (f"rm -r {JOBS}", "start again; until then both alerts are duplicates"),
        ("make agent", "in a checkout: run the second alert's agent on this machine"),
        (f"{program} demo --full", "print the whole prompts and manifests too"),
        (f"{program} explain FILE", "show what would happen to an alert of yours, and why"),
    )
    width = max(len(command) for command, _ in told)
    said = [f"Both alerts were sent before. To start again, remove {JOBS}.", ""]
    lines = [f"  {command:<{width}}   {meaning}" for command, meaning in told]
    return "\n".join([_heading("Next"), "", *(said if duplicates else ()), *lines, ""])


def plain(text: object) -> str:
    """Returns the text with every character escaped that is not printable ASCII."""
    return "".join(
        each if " " <= each <= "~" else each.encode("unicode_escape").decode("ascii") for each in str(text)
    )


def _alert(line: Mapping[str, Any]) -> Iterator[str]:
    audit, raw = line["audit"], line.get("raw", {})  # a deferred alert has none
    kind = KINDS.get(audit.get("resource_type", ""), audit.get("resource_type", ""))
    where = "/".join(filter(None, (audit.get("namespace"), audit.get("resource_id"))))
    severity = f" (severity {raw.get('labels', {}).get('severity', 'none')})" if raw else ""
    yield click.style(_fit(f"{audit.get('alertname', '')}{severity}"), bold=True)
    place = f"in cluster {audit['cluster']}" if audit.get("cluster") else ""
    yield _fit(" ".join(filter(None, (kind, where, place))))
    if summary := raw.get("annotations", {}).get("summary"):
        yield _fit(f'"{summary}"')


def _decision(played: Played, notes: Notes) -> Iterator[str]:
    decision = played.line["decision"]
    if decision is None:
        yield "none: " + (DUPLICATE if played.outcome == "duplicate" else "the policy was not evaluated")
        return
    initial, effective = decision["initial"], decision["effective"]
    decided = f"decides {_level(effective)}; no rule raised it"
    if initial != effective:
        decided = f"raises it to {_level(effective)}"
    yield f"The alert asks for risk {_level(initial)}. The policy {decided}."
    given = [("denied", "", each["code"]) for each in decision["denials"]]
    given += [
        (each["level"], each["rule"], each["code"])
        for each in sorted(decision["reasons"], key=lambda reason: -Level[reason["level"]])
    ]
    for level, rule, code in given[:MOST_REASONS]:
        note = notes.get((rule, code), RuleNote(f"code {code}"))
        why = f"{note.title} (rule {rule})" if rule else note.title
        lines = _wrapped(why, WIDTH - MARGIN - 10)
        yield f"{_level(level)}{' ' * (10 - len(level))}{lines[0]}"
        yield from (f"{'':10}{rest}" for rest in lines[1:])
    if len(given) > MOST_REASONS:
        yield f"and {len(given) - MOST_REASONS} more"


def _context(played: Played) -> Iterator[str]:
    """Yields lines about the volume's usage and growth, its dependents, and earlier runs."""
    facts, context = played.facts, played.line["context"]
    if context["gaps"]:
        yield _fit(f"{context['status']}: {'; '.join(in_words(context['gaps']))}")
    if usage := facts.get("usage"):
        full = facts.get("growth", {}).get("full_in_hours")
        soon = f"; full in {full:.0f} hours at the present rate" if full else ""
        percent = f"{usage['used_percent']:.1f} %"
        yield _fit(f"{usage['used_gib']:g} of {usage['capacity_gib']:g} GiB used ({percent}){soon}")
    if storage := facts.get("storage"):
        may_grow = storage["max_storage"] and storage["allow_volume_expansion"]
        grows = f"can grow to {storage['max_storage']}" if may_grow else "cannot grow"
        hurt = [
            f"{each['kind']} {each['name']}" for each in facts.get("dependents", {}).get("dependents", ())
        ]
        needed = f"; needed by {', '.join(hurt)}" if hurt else ""
        yield _fit(f"{grows} (StorageClass {storage['storage_class']}){needed}")
    for run in facts.get("memory", {}).get("runs", ())[:1]:
        yield from _wrapped(f"earlier ({run['ago']}): {run['root_cause'] or run['action']}", WIDTH - MARGIN)


def _job(played: Played) -> Iterator[str]:
    audit, decision = played.line["audit"], played.line["decision"]
    job = plain(audit.get("job") or "no Job")
    colour = {"created": "green", "duplicate": "yellow"}.get(played.outcome, "red")
    yield f"{click.style(played.outcome, fg=colour)} {job}"
    if audit.get("code") or audit.get("detail"):
        yield _fit(": ".join(filter(None, (audit.get("code"), audit.get("detail")))))
    if played.tier and decision:
        yield _fit(f"tier {decision['grant']['tier']}: {MAY[played.tier.mode]}")
        yield _fit(_limits(played.tier))


def _limits(tier: Tier) -> str:
    most = f"at most {tier.seconds // 60} minutes, {tier.max_turns} turns and ${tier.max_cost_usd:g}"
    return f"{most}; model {tier.model}"


def _files(played: Played) -> Iterator[str]:
    for name, path in (("prompt", played.prompt), ("manifest", played.manifest)):
        if path:
            yield f"{name:<10}{path}"


def _heading(text: str) -> str:
    return click.style(f"---- {text} ".ljust(WIDTH, "-"), bold=True)


def _block(label: str, lines: Iterable[str]) -> list[str]:
    labels = (click.style(label.ljust(MARGIN), fg="cyan"), *[" " * MARGIN] * WIDTH)
    return [f"{left}{line}" for left, line in zip(labels, lines, strict=False)]


def _level(name: str) -> str:
    return click.style(name, fg=COLOURS.get(name, "red"), bold=True)


def _fit(text: str) -> str:
    """Returns the escaped text on one line. If the text is too long, its end is cut."""
    whole, most = plain(text), WIDTH - MARGIN
    return whole if len(whole) <= most else whole[: most - 4].rsplit(" ", 1)[0] + " ..."


def _wrapped(text: str, width: int) -> list[str]:
    """Returns the escaped text on at most MOST_LINES lines."""
    return textwrap.wrap(plain(text), width, max_lines=MOST_LINES, placeholder=" ...")


def _escaped_lines(path: Path) -> str:
    return "".join(f"{plain(line)}\n" for line in path.read_text(encoding="utf-8").split("\n"))
