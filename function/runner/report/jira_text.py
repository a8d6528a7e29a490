"""Writes the text of a ticket for a person on call: a run's report and event in Jira's wiki markup.

Text of the alert and of the model is shown as plain text. Some characters can be escaped with a backslash.
Other markup is broken up by a space: the colon of an address or a smiley, the full stop of a heading or a
quotation. The rules come from Data Center's renderer (com.atlassian.renderer.v2:
BackslashEscapeRendererComponent, UrlRendererComponent, HeadingBlockRenderer and EmoticonRendererComponent)
and from the tokenizer of Cloud's @atlaskit/editor-wikimarkup-transformer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from function.runner.outcome import IDENTITY, AgentOutcome, Report, named_cause
from function.runner.redact import cleaned, redacted
from function.shared.event import job_name
from function.shared.fact_fields import MAX_NAME
from function.shared.text import cut

MAX_SUMMARY = 120
"""The maximum length of a summary. Jira allows 255 characters, but a list on a telephone shows fewer."""
MAX_TEXT = 16_000
"""The maximum length of the text. It is half of Jira's limit of 32,767 characters
(jira.text.field.character.limit), because Cloud stores the text in a longer format."""
LIMITS = (4000, 1000, 500, 250, 120, 40)
"""Maximum lengths of a single text. The ticket uses the first length with which the whole ticket fits."""
MAX_ITEMS = 30
"""The maximum number of entries in a list. An outcome cannot have more."""

ESCAPED = re.compile(r"[-#*_+?^~|%{}\[\]()!@]")
"""Characters that can be escaped: Jira removes a backslash before them."""
ADDRESS = re.compile(r"(?<![0-9]):(?!\s)|:(?![\s0-9])")
"""A colon that could belong to an address or to a smiley such as :D. A colon between digits belongs to a
time. A colon at the end matches too, because our own text after it could complete an address."""
BLOCK = re.compile(r"^(h[1-6]|bq)\.", re.IGNORECASE)
BACKSLASH = "\u2216"
"""A letter that looks like a backslash. The letter replaces a backslash, because Jira has no escape for
backslashes."""
UNNAMED = re.compile(r"[^\w .,:/()-]+")
"""Characters that no name of an alert or resource needs. Jira shows a summary as plain text, but chats and
e-mails may interpret it."""
ABOUT = ("resource_type", "severity", "cluster")
NAMES = ("alertname", "namespace", "resource_id", "description", "starts_at", *ABOUT)
"""Fields of the event that a ticket shows."""
NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
LAST_KEPT = "\uffff"
"""The last character that a database with three bytes per character (MySQL's utf8) can store. Jira fails if a
text contains a later character."""
URL = re.compile(r"https?://[\w.~:/?#&=%+-]{1,1000}", re.ASCII)

VERIFIED = {
    "cleared": "According to Prometheus, the alert has cleared.",
    "firing": "According to Prometheus, the alert is still firing.",
    "inconclusive": "Prometheus does not show whether the alert has cleared.",
    "none": "Prometheus was not queried, so it is unknown whether the alert has cleared.",
}
MEANS = {
    "resolved": "The agent reports that it resolved the problem.",
    "mitigated": "The agent reports that it mitigated the problem. The cause remains.",
    "proposed": "The agent proposes a change. A person has to review it.",
    "investigated": "The agent investigated. A person has to decide on a remedy.",
    "inconclusive": "The agent found no cause. A person has to go on.",
    "failed": "The agent tried and did not succeed. A person is needed.",
    "refused": "The agent refused the task. A person is needed.",
}
ENDED = {
    "completed": "The agent ended without an outcome.",
    "no_outcome": "The agent ended without an outcome.",
    "died": "The agent's program crashed.",
    "preflight": "The agent could not start: an MCP server or a tool was missing.",
    "api_error": "The model could not be reached, or refused to answer.",
    "deadline": "The time limit passed before the agent reported an outcome.",
    "limit": "The limit of turns or money was reached before the agent reported an outcome.",
    "signal": "The run was stopped before the agent reported an outcome.",
    "refused": "The runner refused the task.",
}
"""The text for a run without an outcome, by Report.ended."""
FAILED = "The run failed."


@dataclass(frozen=True)
class Ticket:
    """The content of an issue, or of a comment on an existing issue."""

    summary: str
    """One line of plain text."""
    text: str
    """Wiki markup."""
    labels: tuple[str, ...]


def ticket(report: Report, event: Mapping[str, Any], known_secrets: Iterable[str] = ()) -> Ticket:
    """Returns the ticket of a run. `event` is the JSON of an SREEvent. Any field may be missing or invalid.

    The summary has at most MAX_SUMMARY characters, and the text has at most MAX_TEXT. The longest texts are
    cut first. The ticket contains none of `known_secrets` and nothing that looks like a credential.
    """
    names = {name: value for name in NAMES if isinstance(value := event.get(name), str)}
    secrets = [*known_secrets]
    clean, names = _clean(report, secrets), {name: redacted(names[name], secrets) for name in names}
    alertname = names.get("alertname", "")
    labels = ("sre-dispatch", *([f"alert-{alertname}"] if NAME.fullmatch(alertname) else []))
    text = ""
    for limit in LIMITS:
        text = "\n".join(_lines(clean, names, limit))
        if len(text) <= MAX_TEXT:
            break
    return Ticket(_summary(clean, names), text, labels)


def plain(text: str, limit: int) -> str:
    """Returns untrusted text as one line that Jira shows literally. The text is cut to `limit` characters and
    then escaped."""
    line = BLOCK.sub(r"\1 .", ADDRESS.sub(": ", _visible(cut(text, limit)).replace("\\", BACKSLASH)))
    return ESCAPED.sub(r"\\\g<0>", line)


def _clean(report: Report, secrets: Iterable[str]) -> Report:
    """Returns the report without credentials. It does not validate the report, because an invalid text must
    not prevent a ticket."""
    clean = cleaned(asdict(report), secrets)
    return Report(**clean | {"outcome": AgentOutcome(**clean["outcome"]) if report.outcome else None})


def _visible(text: str) -> str:
    """Returns one line without control and format characters. Such characters can hide or reorder text."""
    return " ".join("".join(map(_character, text)).split())


def _character(each: str) -> str:
    if each.isspace():
        return " "
    if unicodedata.category(each)[0] == "C":
        return ""
    return each if each <= LAST_KEPT else "\ufffd"


def _summary(report: Report, names: Mapping[str, str]) -> str:
    if report.outcome is None:
        state = f"no outcome ({report.ended})"
    elif report.verification == "firing":
        state = f"{report.outcome.status}, still firing"
    else:
        state = report.outcome.status
    state = _cut_name(state, MAX_SUMMARY // 2)
    subject = f"{names.get('alertname') or 'Unnamed alert'} {_resource(names)}"
    return f"{_cut_name(subject, MAX_SUMMARY - len(state) - 2)}: {state}"


def _cut_name(text: str, limit: int) -> str:
    """Returns a name within the limit. The mark of a cut has round brackets, because a summary contains no
    square brackets."""
    return cut(_named(text).rstrip(" :"), limit).translate({ord("["): "(", ord("]"): ")"})


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
    yield from _section("Ruled out", _items(report.outcome.ruled_out if report.outcome else (), limit))
    yield from _section("Not checked", _items(report.outcome.not_checked if report.outcome else (), limit))
    yield from _section("Verification", _verified(report))
    yield from _section("What to do next", _next(report, names, limit))
    yield from _section("What could not be reported", _items(report.problems, limit))
    yield from _section("The run", _run(report, limit))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yields a heading and its lines, or nothing if there are no lines."""
    for number, line in enumerate(lines):
        if number == 0:
            yield f"\nh3. {title}"
        yield line


def _items(texts: Iterable[str], limit: int) -> Iterator[str]:
    shown = [line for text in texts if (line := plain(text, limit))]
    yield from (f"* {line}" for line in shown[:MAX_ITEMS])
    if len(shown) > MAX_ITEMS:
        yield f"* and {len(shown) - MAX_ITEMS} more"


def _said(who: str, text: str, limit: int) -> Iterator[str]:
    """Yields the lines of a text. The first line begins with the author's name."""
    lines = [line for part in cut(text, limit).splitlines() if (line := plain(part, limit))]
    yield from (f"*{who}:* {line}" if number == 0 else line for number, line in enumerate(lines))


def _happened(outcome: AgentOutcome | None, names: Mapping[str, str], limit: int) -> Iterator[str]:
    yield from _said("Alert", names.get("description", ""), limit)
    about = [f"{name.replace('_', ' ')} {plain(names[name], MAX_NAME)}" for name in ABOUT if names.get(name)]
    if about := [*about, *_since(names.get("starts_at", ""))]:
        yield "*About:* " + ", ".join(about)
    if outcome:
        yield from _said("Agent", outcome.summary, limit)
        yield from _said("Cause", outcome.root_cause, limit)
        yield from _said("It began in", named_cause(outcome), MAX_NAME)
        yield f"The agent's own confidence is {outcome.confidence * 100:.0f} of 100."


def _since(starts_at: str) -> Iterator[str]:
    try:
        start = datetime.fromisoformat(starts_at).astimezone(UTC)
    except (ValueError, OverflowError):
        return
    yield plain(f"firing since {start:%Y-%m-%d %H:%M} UTC", MAX_NAME)


def _done(report: Report, limit: int) -> Iterator[str]:
    if report.outcome:
        yield from _items(report.outcome.actions, limit)
    if URL.fullmatch(report.merge_request):
        yield f"[Merge request|{report.merge_request}]"
    elif address := plain(report.merge_request, limit):
        yield f"Merge request (the forge reported no address): {address}"


def _verified(report: Report) -> Iterator[str]:
    result = VERIFIED.get(report.verification, VERIFIED["none"])
    yield f"{result} Reason: {plain(report.reason, MAX_NAME)}." if report.reason else result


def _next(report: Report, names: Mapping[str, str], limit: int) -> Iterator[str]:
    """Yields the steps that the facts require, and then the agent's advice."""
    where = plain(_resource(names), MAX_NAME) or "the resource"
    if report.outcome is None:
        yield f"# Investigate {where} yourself. No agent does, unless Kubernetes retries the Job."
        yield "# Check for changes: the run may have changed something before it ended."
        if detail := plain(report.detail, limit):
            yield f"# Find out why the run failed: {detail}"
        if IDENTITY.fullmatch(report.identity):
            job = plain(job_name(report.identity), MAX_NAME)
            yield f"# The log of the Job {job} shows what it did, as long as the Job exists."
        return
    if report.verification == "firing":
        yield f"The alert is still firing. Treat the problem as unsolved, and investigate {where} yourself."
    if report.merge_request:
        yield "Review the merge request, then merge or close it. No agent does this."
    if report.ended != "completed":
        yield f"The run did not complete ({plain(report.ended, MAX_NAME)}), so this report may be incomplete."
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
        # Data Center splits cells at a pipe even after a backslash.
        yield f"||{name}|{plain(value.replace('|', '/'), max(limit, MAX_NAME)) or 'none'}|"
