"""A run's report and its event -> what Jira is told, in wiki markup: what a person reads at night. Pure.

Whatever the alert or the model wrote is plain text there. Jira undoes a backslash before a fixed set of
characters and before no other, so these are escaped, and what is markup without any of them is taken apart
by a space: the colon of an address or a smiley, the full stop of a heading or a quotation.
Source of both sets: the classes BackslashEscapeRendererComponent, UrlRendererComponent, HeadingBlockRenderer
and EmoticonRendererComponent of Data Center's renderer (com.atlassian.renderer.v2), and the tokenizer of
Cloud's @atlaskit/editor-wikimarkup-transformer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from function.runner.outcome import IDENTITY, AgentOutcome, Report
from function.runner.redact import cleaned, redacted
from function.shared.event import job_name
from function.shared.facts import MAX_NAME

MAX_SUMMARY = 120
"""Characters. Jira's own limit is 255; a list on a telephone shows less."""
MAX_TEXT = 16_000
"""Characters: half of Jira's limit for a description or a comment, 32,767 (jira.text.field.character.limit),
since Cloud keeps the text in a longer form of its own."""
LIMITS = (4000, 1000, 500, 250, 120, 40)
"""Characters of one text, tried in this order until the whole fits."""
MAX_ITEMS = 30
"""Entries of one list: as many as an outcome may have."""

ESCAPED = re.compile(r"[-#*_+?^~|%{}\[\]()!@]")
"""What Jira takes a backslash off from."""
ADDRESS = re.compile(r"(?<![0-9]):(?!\s)|:(?![\s0-9])")
"""A colon that could be of an address, whatever its scheme, or of a smiley such as :D; in a time it stands
between digits. At the end as well: what we write after it could make it one."""
BLOCK = re.compile(r"^(h[1-6]|bq)\.", re.IGNORECASE)
BACKSLASH = "\u2216"
"""Looks like a backslash and is none: Jira has no escape for that."""
UNNAMED = re.compile(r"[^\w .,:/()-]+")
"""What the name of an alert or a resource has no need of. A summary is plain text in Jira, but chat rooms and
mails repeat it."""
ABOUT = ("resource_type", "severity", "cluster")
NAMES = ("alertname", "namespace", "resource_id", "description", "starts_at", *ABOUT)
"""What is told of an event."""
NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
LAST_KEPT = "\uffff"
"""A database of three bytes a character (MySQL's utf8) keeps no character after it, and Jira fails there."""
URL = re.compile(r"https?://[\w.~:/?#&=%+-]{1,1000}", re.ASCII)

VERIFIED = {
    "cleared": "Prometheus says that the alert has cleared.",
    "firing": "Prometheus says that the alert still fires.",
    "inconclusive": "Prometheus could not tell whether the alert has cleared.",
    "none": "Nobody asked Prometheus whether the alert has cleared.",
}
MEANS = {
    "resolved": "The agent says that it resolved the problem.",
    "mitigated": "The agent says that it made things better for now, and that the cause is still there.",
    "proposed": "The agent proposes a change, which waits for a person.",
    "investigated": "The agent looked into it; the remedy is left to a person.",
    "failed": "The agent tried and did not succeed. A person is needed.",
    "refused": "The agent did not take the task on. A person is needed.",
}
ENDED = {
    "completed": "The agent ended without saying what it found.",
    "no_outcome": "The agent ended without saying what it found.",
    "died": "The agent's program broke down.",
    "preflight": "The agent could not begin: something that it needs was not there.",
    "api_error": "The model could not be reached, or refused to answer.",
    "deadline": "The time was over before the agent said what it found.",
    "signal": "The run was stopped from outside before the agent said what it found.",
    "refused": "The runner refused the task as it was given.",
}
"""By Report.ended, where there is no outcome."""
FAILED = "The run failed."


@dataclass(frozen=True)
class Ticket:
    """An issue, or a comment on one that is there already."""

    summary: str
    """One line of plain text."""
    text: str
    """Wiki markup."""
    labels: tuple[str, ...]


def ticket(report: Report, event: Mapping[str, Any], known_secrets: Iterable[str] = ()) -> Ticket:
    """What to tell of the run. `event` is the JSON of an SREEvent; any field of it may be missing or odd.

    The summary has at most MAX_SUMMARY characters and the text at most MAX_TEXT, the longest texts cut first.
    Nothing in either looks like a credential or is one of `known_secrets`.
    """
    names = {name: value for name in NAMES if isinstance(value := event.get(name), str)}
    secrets = [*known_secrets]
    told, names = _clean(report, secrets), {name: redacted(names[name], secrets) for name in names}
    alertname = names.get("alertname", "")
    labels = ("sre-dispatch", *([f"alert-{alertname}"] if NAME.fullmatch(alertname) else []))
    text = ""
    for limit in LIMITS:
        text = "\n".join(_lines(told, names, limit))
        if len(text) <= MAX_TEXT:
            break
    return Ticket(_summary(told, names), text, labels)


def plain(text: str, limit: int) -> str:
    """Foreign text as one line that Jira shows as it is, of at most `limit` characters before escaping."""
    line = BLOCK.sub(r"\1 .", ADDRESS.sub(": ", _visible(_cut(text, limit)).replace("\\", BACKSLASH)))
    return ESCAPED.sub(r"\\\g<0>", line)


def _clean(report: Report, secrets: Iterable[str]) -> Report:
    """Without what looks like a credential; not validated again, so that no text can keep a ticket back."""
    told = cleaned(asdict(report), secrets)
    return Report(**told | {"outcome": AgentOutcome(**told["outcome"]) if report.outcome else None})


def _visible(text: str) -> str:
    """One line without control and format characters, which hide or reorder text."""
    return " ".join("".join(map(_character, text)).split())


def _character(each: str) -> str:
    if each.isspace():
        return " "
    if unicodedata.category(each)[0] == "C":
        return ""
    return each if each <= LAST_KEPT else "\ufffd"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "\u2026"


def _summary(report: Report, names: Mapping[str, str]) -> str:
    if report.outcome is None:
        state = f"no outcome ({report.ended})"
    elif report.verification == "firing":
        state = f"{report.outcome.status}, still firing"
    else:
        state = report.outcome.status
    state = _cut(_named(state), MAX_SUMMARY // 2)
    subject = _named(f"{names.get('alertname') or 'Unnamed alert'} {_resource(names)}").rstrip(" :")
    return f"{_cut(subject, MAX_SUMMARY - len(state) - 2)}: {state}"


def _named(text: str) -> str:
    return _visible(UNNAMED.sub(" ", ADDRESS.sub(": ", _visible(text))))


def _resource(names: Mapping[str, str]) -> str:
    return "/".join(filter(None, (names.get("namespace"), names.get("resource_id"))))


def _lines(report: Report, names: Mapping[str, str], limit: int) -> Iterator[str]:
    yield f"h2. {plain(_summary(report, names), MAX_SUMMARY)}"
    yield MEANS[report.outcome.status] if report.outcome else ENDED.get(report.ended, FAILED)
    yield from _section("What happened", _happened(report.outcome, names, limit))
    yield from _section("What was done or proposed", _done(report, limit))
    yield from _section("Evidence", _items(report.outcome.evidence if report.outcome else (), limit))
    yield from _section("Verification", _verified(report))
    yield from _section("What to do next", _next(report, names, limit))
    yield from _section("What could not be reported", _items(report.problems, limit))
    yield from _section("The run", _run(report, limit))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Nothing where there are no lines."""
    for number, line in enumerate(lines):
        if number == 0:
            yield f"\nh3. {title}"
        yield line


def _items(texts: Iterable[str], limit: int) -> Iterator[str]:
    shown = [told for text in texts if (told := plain(text, limit))]
    yield from (f"* {told}" for told in shown[:MAX_ITEMS])
    if len(shown) > MAX_ITEMS:
        yield f"* and {len(shown) - MAX_ITEMS} more"


def _said(who: str, text: str, limit: int) -> Iterator[str]:
    """A text in its own lines, after the word whose it is."""
    lines = [told for line in _cut(text, limit).splitlines() if (told := plain(line, limit))]
    yield from (f"*{who}:* {told}" if number == 0 else told for number, told in enumerate(lines))


def _happened(outcome: AgentOutcome | None, names: Mapping[str, str], limit: int) -> Iterator[str]:
    yield from _said("Alert", names.get("description", ""), limit)
    about = [f"{name.replace('_', ' ')} {plain(names[name], MAX_NAME)}" for name in ABOUT if names.get(name)]
    if about := [*about, *_since(names.get("starts_at", ""))]:
        yield "*About:* " + ", ".join(about)
    if outcome:
        yield from _said("Agent", outcome.summary, limit)
        yield from _said("Cause", outcome.root_cause, limit)
        yield f"The agent's own confidence is {outcome.confidence * 100:.0f} of 100."


def _since(starts_at: str) -> Iterator[str]:
    try:
        told = datetime.fromisoformat(starts_at).astimezone(UTC)
    except (ValueError, OverflowError):
        return
    yield plain(f"firing since {told:%Y-%m-%d %H:%M} UTC", MAX_NAME)


def _done(report: Report, limit: int) -> Iterator[str]:
    if report.outcome:
        yield from _items(report.outcome.actions, limit)
    if URL.fullmatch(report.merge_request):
        yield f"[Merge request|{report.merge_request}]"
    elif told := plain(report.merge_request, limit):
        yield f"Merge request, to be looked for where the forge keeps it: {told}"


def _verified(report: Report) -> Iterator[str]:
    told = VERIFIED.get(report.verification, VERIFIED["none"])
    yield f"{told} Why: {plain(report.reason, MAX_NAME)}." if report.reason else told


def _next(report: Report, names: Mapping[str, str], limit: int) -> Iterator[str]:
    """First what follows from the facts, then what the agent advises."""
    where = plain(_resource(names), MAX_NAME) or "the resource"
    if report.outcome is None:
        yield f"# Look at {where} yourself first: unless its Job is tried again, nobody else does."
        yield "# Do not take for granted that nothing was changed: the run may have begun to act."
        if detail := plain(report.detail, limit):
            yield f"# Then see why the run failed: {detail}"
        if IDENTITY.fullmatch(report.identity):
            job = plain(job_name(report.identity), MAX_NAME)
            yield f"# What it did stands in the log of the Job {job}, while that is kept."
        return
    if report.verification == "firing":
        yield f"The alert fires still: take it as not solved, and look at {where} yourself."
    if report.merge_request:
        yield "Review the merge request, then merge or close it. Nobody else will."
    if report.ended != "completed":
        yield f"The run did not end by itself, but by {plain(report.ended, MAX_NAME)}: this may not be all."
    yield from _said("Agent", report.outcome.follow_up, limit)


def _run(report: Report, limit: int) -> Iterator[str]:
    minutes, seconds = divmod(report.seconds, 60)
    rows = {
        "Tier": report.tier,
        "Ended": report.ended,
        "Duration": f"{minutes} min {seconds} s",
        "Cost": f"{report.cost_usd:.2f} USD",
        "Denied tools": ", ".join(report.denials),
        "Identity": report.identity,
        "Session": report.session,
    }
    for name, value in rows.items():
        # Without a pipe: Data Center splits cells before it minds a backslash.
        yield f"||{name}|{plain(value.replace('|', '/'), max(limit, MAX_NAME)) or 'none'}|"
