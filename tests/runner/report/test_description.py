from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from function.runner.outcome import AgentOutcome, Report
from function.runner.report.description import MAX_TITLE, description

GOLDEN = Path(__file__).parent / "golden" / "merge-request.md"
OUTCOME = AgentOutcome(
    status="proposed",
    summary="Raise the claim typedb-data from 20Gi to 40Gi.",
    root_cause="962 write-ahead log files pile up: no checkpoint was written for weeks.",
    cause={"kind": "StatefulSet", "namespace": "f3iai", "name": "typedb", "class": "capacity"},
    actions=("apps/typedb/claim.yaml: requests.storage 20Gi -> 40Gi",),
    evidence=("used 15.04 of 20 GiB by the last sample", "ceph-rbd allows expansion"),
    ruled_out=("a larger load: the rate of writes is as before",),
    not_checked=("why no checkpoint was written",),
    confidence=0.8,
    follow_up="See why no checkpoint is written. Do not restart typedb.",
)
REPORT = Report(0, "completed", identity="ab" * 32, tier="medium", session="0f-1", outcome=OUTCOME)
EVENT = {"alertname": "PVCUsageHigh", "namespace": "f3iai", "resource_id": "typedb-data"}


def test_it_says_what_why_and_what_to_do_next() -> None:
    title, text = description(REPORT, EVENT)
    assert title == "PVCUsageHigh f3iai/typedb-data: Raise the claim typedb-data from 20Gi to 40Gi."
    assert f"{title}\n\n{text}\n" == GOLDEN.read_text(encoding="utf-8")


def test_a_title_points_nowhere() -> None:
    told = replace(OUTCOME, summary="Fixes http://forge/a/b/issues/2, a/b#1: closes #1 and !1.")
    title, _ = description(replace(REPORT, outcome=told), EVENT)
    assert title == "PVCUsageHigh f3iai/typedb-data: Fixes http forge a b issues 2 a b 1 closes 1 and 1."


@given(st.text(max_size=300), st.text(alphabet="~`@#![]()<>\n\\ab", max_size=300))
def test_no_word_of_a_model_leaves_its_block(words: str, marks: str) -> None:
    told = replace(
        OUTCOME, summary=words, root_cause=marks, actions=(marks,), follow_up=f"a\n~~~\n# b {marks}"
    )
    title, text = description(replace(REPORT, outcome=told), EVENT | {"alertname": marks})
    assert "\n" not in title and len(title) <= MAX_TITLE and "@" not in title
    fence, outside = False, []
    for line in text.splitlines():
        if line in ("~~~text", "~~~"):
            fence = not fence
        elif not fence:
            outside.append(line)
    assert not fence
    assert not set("@<[!") & set("\n".join(outside))


def test_a_long_report_is_cut(tmp_path: Path) -> None:
    told = replace(OUTCOME, summary="x" * 4000, evidence=("y" * 1000,) * 30)
    assert len(description(replace(REPORT, outcome=told), EVENT)[1]) < 8000
