from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.outcome import AgentOutcome, Report
from function.runner.report.jira_text import ENDED, LIMITS, MAX_SUMMARY, MAX_TEXT, plain, ticket
from function.shared.strict_json import to_json

GOLDEN = Path(__file__).parent / "golden" / "tickets"
SECRET = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
EVENT: dict[str, Any] = {
    "identity": "14cb864fbda03d21ab05266cea1277e77ed0164550a3b1f8f4f4d3b9f9f0a1b2",
    "severity": "MEDIUM",
    "alertname": "PVCUsageHigh",
    "resource_type": "k8s_pvc",
    "namespace": "f3iai",
    "resource_id": "typedb-data",
    "cluster": "fmc",
    "description": "[f3iai] PersistentVolumeClaim typedb-data in namespace f3iai is 75.2% full.",
    "starts_at": "2026-03-29T05:10:00+02:00",
    "raw_payload": {"labels": {"alertname": "PVCUsageHigh"}},
}
OUTCOME = AgentOutcome(
    status="investigated",
    summary="typedb-data holds 15.04 of 20 GiB and grows by 0.05 GiB an hour.\nIt is full in about 99 hours.",
    root_cause="962 write-ahead log files pile up: no checkpoint was written for weeks.",
    cause={"kind": "StatefulSet", "namespace": "f3iai", "name": "typedb", "class": "capacity"},
    actions=(),
    evidence=("used 15.04 of 20 GiB by the last sample", "StorageClass ceph-rbd allows expansion"),
    ruled_out=("a larger load: the rate of writes is as before",),
    not_checked=("why no checkpoint was written",),
    confidence=0.9,
    follow_up="1. Grow the claim to 40Gi.\n2. See why no checkpoint is written. Do not restart typedb.",
)
REPORT = Report(
    0,
    "completed",
    identity=EVENT["identity"],
    tier="high",
    session="0f0e1d2c-session",
    model="claude",
    outcome=OUTCOME,
    cost_usd=0.4231,
    turns=12,
    seconds=432,
)
HOSTILE = (
    "h1. URGENT\r\n---- {code}x{code} {html}<script>alert(1)</script>{html} {noformat} {adf:x} "
    "[click|http://evil.example/x] http://evil.example mailto:a@evil.example file:///etc/passwd "
    "!http://evil.example/i.png! [~admin] [~accountid:557058:f5] @all *b* _i_ -s- +u+ ^p^ ~b~ ??c?? {{m}} "
    "{color:red}r{color} :) :D (!) (y) \\\\server\\share \\[~root] \\\\{code} #1 OPS-1 &#91;x&#93;\n"
    "bq. quoted\n|| head || cell |\n| a | b |\n* item\n# item\n- item\n\u202eevil\u202c\u200b "
    f"\ud83d\ude00 \ud800\U0001f600\x00\x1b[31m token {SECRET}"
)
MEDIUM = replace(
    REPORT,
    tier="medium",
    outcome=replace(
        OUTCOME,
        status="proposed",
        actions=("Raise the claim typedb-data from 20Gi to 40Gi: apps/typedb/claim.yaml, requests.storage",),
    ),
    merge_request="https://git.example.org/ops/deploy/-/merge_requests/7",
    denials=("mcp__kubernetes__resources_delete", "Bash"),
)
LOW = replace(
    REPORT,
    tier="low",
    outcome=replace(
        OUTCOME,
        status="resolved",
        actions=("raised the claim typedb-data from 20Gi to 30Gi",),
        follow_up="See why no checkpoint is written.",
    ),
    verification="cleared",
    reason="good_sample",
)
DIED = replace(
    REPORT,
    exit_code=10,
    ended="died",
    outcome=None,
    session="",
    cost_usd=0.0,
    detail="the program ended",
    problems=("the world model cannot be asked (ConnectError): see report.world_model.url",),
)


def outcome_of(text: str) -> AgentOutcome:
    return AgentOutcome(
        "failed",
        summary=text[:4000],
        root_cause=text[:4000],
        cause={"kind": text[:253], "namespace": text[:253], "name": text[:253], "class": "unknown"},
        actions=(text[:1000],),
        evidence=(text[:1000],),
        ruled_out=(text[:1000],),
        not_checked=(text[:1000],),
        confidence=0.5,
        follow_up=text[:4000],
    )


def event_of(text: str) -> dict[str, Any]:
    return {name: text for name in EVENT}


BAD = replace(
    REPORT,
    outcome=outcome_of(HOSTILE),
    tier=HOSTILE,
    session=HOSTILE,
    detail=HOSTILE,
    denials=(HOSTILE, "a|b"),
    problems=(HOSTILE,),
    merge_request="https://evil.example/|x] {code} [~admin]",
)
TICKETS: dict[str, tuple[Report, dict[str, Any]]] = {
    "investigated": (REPORT, EVENT | {"severity": "HIGH"}),
    "proposed": (MEDIUM, EVENT),
    "resolved": (LOW, EVENT | {"severity": "LOW"}),
    "still-firing": (replace(LOW, verification="firing", reason="active"), EVENT | {"severity": "LOW"}),
    "died": (DIED, EVENT),
    "hostile-text": (BAD, event_of(HOSTILE)),
    "try-out": (replace(REPORT, identity="", tier="", session=""), {}),
}


@pytest.mark.parametrize("name", TICKETS)
def test_a_ticket_reads_like_its_file(name: str, renew: bool) -> None:
    told = ticket(*TICKETS[name])
    text = f"{told.summary}\n{' '.join(told.labels)}\n\n{told.text}\n"
    path = Path(GOLDEN / f"{name}.txt")
    if renew:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


ESCAPE = re.compile(r"\\[-#*_+?^~|%{}\[\]()!@]")
"""What Jira shows as its second character."""
SPECIAL = re.compile(r"[-#*_+?^~|%{}\[\]()!@\\]")
URLS = re.compile(r"(?:^|[^\d\s]):\S|:[^\s\d]", re.MULTILINE)
SMILEY = re.compile(r":[DPp]|[:;][()]")
BLOCKS = re.compile(r"^[ \t]*(?:h[1-6]|bq)\.", re.IGNORECASE | re.MULTILINE)

PIECES = (
    *(
        "{code}",
        "{noformat}",
        "[a|http://x]",
        "[~admin]",
        "!i.png!",
        "http://x",
        "mailto:a@b",
        "file:/x",
        "tel:1",
    ),
    *(
        "h1. ",
        "bq. ",
        "----",
        "||a||",
        "\\",
        "\\\\",
        "\n",
        "\r\n",
        "\u2028",
        "*",
        "_",
        "-",
        "{",
        "[",
        "@",
        "x",
    ),
    *(":D", ":)", ";P", "(y)", " ", "\t", "\u200b", "\u202e", "\ud800", "\U0001f600", "\x00"),
)
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=30).map("".join)


@given(hostile, st.integers(1, 200))
def test_foreign_text_is_one_line_without_any_markup(text: str, limit: int) -> None:
    told = plain(text, limit)
    shown = ESCAPE.sub("", told)
    assert not SPECIAL.search(shown)
    assert not (URLS.search(f"{told}|") or SMILEY.search(told) or BLOCKS.search(told))
    assert len(told.splitlines()) <= 1 and told == told.lstrip()
    assert len(told) <= 2 * limit + 1


def shown(told: str) -> str:
    """As Jira shows it, but for blanks."""
    return re.sub(r"\s", "", ESCAPE.sub(lambda found: found.group()[1], told)).replace("\u2216", "\\")


@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["C"]), max_size=200))
def test_foreign_text_is_shown_whole(text: str) -> None:
    assert shown(plain(text, 1000)) == re.sub(r"\s", "", text).replace("\u2216", "\\")


def markup(text: str) -> Counter[str]:
    """The characters that Jira takes for markup, and the beginnings of its blocks."""
    left = ESCAPE.sub("x", text)  # an escaped character shows, so no block begins after it
    return Counter([*SPECIAL.findall(left), *BLOCKS.findall(left), *URLS.findall(text)])


@given(hostile)
def test_no_text_adds_markup_to_a_ticket(text: str) -> None:
    def told(words: str) -> str:
        words = words if plain(words, 60) else "x"
        report = replace(
            BAD,
            outcome=outcome_of(words),
            tier=words,
            session=words,
            detail=words,
            reason=words,
            merge_request=f"ssh://{words}",
            denials=(words,),
            problems=(words,),
        )
        return ticket(report, event_of(words)).text

    assert markup(told(text)) == markup(told("x"))


@given(hostile, hostile)
def test_a_summary_is_one_short_line_that_ends_with_the_state(name: str, resource: str) -> None:
    told = ticket(MEDIUM, {"alertname": name, "namespace": "n", "resource_id": resource}).summary
    assert len(told) <= MAX_SUMMARY and len(told.splitlines()) == 1
    assert told.endswith(": proposed")
    assert not set(told) & set("{}[]|!@~*#<>\\^") and "://" not in told


def test_a_name_that_ends_with_a_colon_adds_none_to_the_summary() -> None:
    assert ticket(MEDIUM, {"alertname": "PVC:"}).summary == "PVC: proposed"


@pytest.mark.parametrize("letter", ["x", "{", "\\", "a:", "h1.\n", "\U0001f600"])
def test_a_huge_outcome_is_cut_and_says_so(letter: str) -> None:
    long = (letter * 4000)[:4000]
    outcome = replace(outcome_of(long), actions=(long,) * 60, evidence=(long,) * 60)
    report = replace(
        REPORT, outcome=outcome, denials=(long,) * 60, problems=(long,) * 60, session=long, reason=long
    )
    told = ticket(report, event_of(long))
    assert MAX_TEXT // 8 < len(told.text) <= MAX_TEXT and len(told.summary) <= MAX_SUMMARY
    assert "[cut\\]" in told.text and "* and 30 more" in told.text
    assert "h3. The run" in told.text and "||Session|" in told.text
    assert len(told.labels) == 1


def test_a_text_that_fits_is_not_cut() -> None:
    report = replace(REPORT, outcome=replace(OUTCOME, summary="x" * LIMITS[0], follow_up="y" * LIMITS[0]))
    told = ticket(report, EVENT).text
    assert "x" * LIMITS[0] in told and "y" * LIMITS[0] in told


@pytest.mark.parametrize("event", [{}, event_of(SECRET), EVENT | {"description": f"password: {SECRET}"}])
def test_no_credential_gets_into_a_ticket(event: dict[str, Any]) -> None:
    report = replace(
        REPORT, outcome=outcome_of(f"key {SECRET} and plain-word-1"), problems=(SECRET,), detail=SECRET
    )
    report = replace(report, merge_request=f"https://user:{SECRET}@git.example.org/x", denials=(SECRET,))
    told = to_json(ticket(report, event, ["plain-word-1"]).__dict__)
    assert "ghp" not in told and "plain" not in told.replace("plain text", "")


odd = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.none())


@given(st.dictionaries(st.sampled_from([*EVENT]), odd))
def test_an_odd_event_is_told_as_far_as_it_goes(event: dict[str, Any]) -> None:
    assert "h3. The run" in ticket(REPORT, event).text


@pytest.mark.parametrize("starts_at", ["", "soon", "0001-01-01T00:00:00+14:00", "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none_is_left_out(starts_at: str) -> None:
    assert "firing since" not in ticket(REPORT, EVENT | {"starts_at": starts_at}).text


@pytest.mark.parametrize("ended", [*ENDED, "something new"])
def test_a_run_without_an_outcome_says_so_and_what_to_do_first(ended: str) -> None:
    told = ticket(replace(DIED, ended=ended), EVENT)
    assert told.summary == f"PVCUsageHigh f3iai/typedb-data: no outcome ({ended})"
    assert (
        "# Investigate f3iai/typedb\\-data yourself. No agent does, unless Kubernetes retries the Job."
        in told.text
    )
    assert "sre\\-14cb864fbda03d21ab05266cea1277e77ed01645 shows" in told.text


@pytest.mark.parametrize(
    ("url", "is_linked"),
    [
        ("http://gitea.f3iai:3000/ops/deploy/pulls/3", True),
        ("https://git.example.org/~ops/x/-/merge_requests/7?a=b&c=%20#note_1", True),
        ("", False),
        ("javascript:alert(1)", False),
        ("https://user@evil.example/", False),
        ("https://x/ y", False),
        ("https://x/|y", False),
        ("https://x/]y", False),
        ("https://x/y\n", False),
        ("https://x/" + "y" * 2000, False),
    ],
)
def test_only_a_plain_address_is_a_link(url: str, is_linked: bool) -> None:
    assert (f"[Merge request|{url}]" in ticket(replace(MEDIUM, merge_request=url), EVENT).text) == is_linked


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "PVC\nUsage", "sre-1|", "\u00e4"])
def test_an_odd_alert_is_no_label(name: str) -> None:
    assert ticket(REPORT, EVENT | {"alertname": name}).labels == ("sre-dispatch",)
