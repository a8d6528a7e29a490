from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from function.commands.demo import screen
from function.commands.demo.play import Played, Tier
from function.dispatch.policy_files import RuleNote

HEIGHT = 24
JOB = "sre-" + "a" * 40
NOTES = {
    ("severity", "severity"): RuleNote("The alert's severity label asks for this level."),
    ("freeze", "frozen"): RuleNote("Nobody changes anything now, " + "whatever it is, " * 8),
}
SEVERITY = {"code": "severity", "level": "LOW", "rule": "severity"}
FROZEN = {"code": "frozen", "level": "MEDIUM", "rule": "freeze"}
HOSTILE = "\x1b[2J\x1b[31mred\x07\r\nHIGH decided\u202e\u200bgnp.exe é"
PLAYED = Played(
    delivery="x",
    status=200,
    line={
        "audit": {
            "outcome": "created",
            "job": JOB,
            "alertname": "VolumeFull",
            "resource_type": "k8s_pvc",
            "namespace": "shop",
            "resource_id": "data",
        },
        "decision": {
            "initial": "LOW",
            "effective": "MEDIUM",
            "mode": "merge-request",
            "reasons": [SEVERITY, FROZEN],
            "denials": [],
            "grant": {"tier": "careful", "template": "sre-agent-careful"},
        },
        "context": {"status": "partial", "gaps": ["prometheus_slow"]},
        "raw": {"labels": {"severity": "info"}, "annotations": {"summary": "data is full"}},
    },
    facts={"usage": {"used_gib": 7.5, "capacity_gib": 10.0, "used_percent": 75.04}},
    tier=Tier("merge-request", "a-model", max_turns=7, max_cost_usd=1.5, seconds=600),
    manifest=Path(f"jobs/{JOB}.yaml"),
    prompt=Path(f"jobs/{JOB}.prompt.md"),
)


def shown(played: Played = PLAYED) -> str:
    return click.unstyle(screen.screen(played, 1, 2, NOTES))


def changed(part: str, **changes: Any) -> Played:
    return replace(PLAYED, line={**PLAYED.line, part: PLAYED.line[part] | changes})


def test_it_says_what_raised_the_level_in_the_policys_words() -> None:
    text = shown()
    assert "The alert asks for risk LOW. The policy raises it to MEDIUM." in text
    assert "LOW       The alert's severity label asks for this level. (rule severity)" in text
    assert "MEDIUM    Nobody changes anything now, whatever" in text


def test_a_deferred_alert_has_a_screen_too_although_its_line_holds_no_text() -> None:
    line = {name: value for name, value in PLAYED.line.items() if name != "raw"}
    text = shown(replace(PLAYED, line=line))
    assert "VolumeFull" in text and "(severity" not in text


def test_it_says_what_the_job_may_do_and_for_how_long() -> None:
    text = shown()
    assert "tier careful: it may open a merge request" in text
    assert "at most 10 minutes, 7 turns and $1.5; model a-model" in text


def test_it_says_what_is_not_known() -> None:
    assert "partial: Prometheus did not answer the world model in time" in shown()
    assert "7.5 of 10 GiB used (75.0 %)\n" in shown()


def test_text_of_an_alert_cannot_reach_the_terminal() -> None:
    raw = {"labels": {"severity": HOSTILE}, "annotations": {"summary": HOSTILE}}
    names = ("alertname", "cluster", "namespace", "resource_id", "resource_type")
    audit = {name: HOSTILE for name in names}
    played = replace(changed("audit", **audit, detail=HOSTILE), facts={})
    text = screen.screen(replace(played, line={**played.line, "raw": raw}), 1, 2, NOTES)
    assert click.unstyle(text).isascii() and "\x1b" not in click.unstyle(text)
    assert "\x1b[2J" not in text and "\x1b[31mred" not in text
    assert not any(line.startswith("HIGH decided") for line in text.splitlines())
    assert "\\x1b[2J" in text and "\\u202e" in text


def test_text_of_a_world_model_cannot_reach_the_terminal() -> None:
    run = {"ago": "just now", "root_cause": HOSTILE, "action": ""}
    storage = {"allow_volume_expansion": True, "max_storage": HOSTILE, "storage_class": HOSTILE}
    dependents = {"dependents": [{"kind": HOSTILE, "name": HOSTILE}]}
    facts = {"memory": {"runs": [run]}, "storage": storage, "dependents": dependents}
    text = shown(replace(PLAYED, facts=facts))
    assert text.isascii() and "\x1b" not in text


@pytest.mark.parametrize("length", [1, 90, 100, 5000])
def test_it_is_one_screen_however_much_there_is_to_say(length: int) -> None:
    long = "x y" * length
    audit = {name: long for name in ("alertname", "cluster", "namespace", "resource_id", "resource_type")}
    played = changed("audit", **audit, detail=long, code="code")
    decision = played.line["decision"] | {"reasons": [SEVERITY, *[FROZEN] * 20]}
    lines = shown(replace(played, line={**played.line, "decision": decision})).splitlines()
    assert max(map(len, lines)) <= screen.WIDTH
    assert len(lines) <= HEIGHT and any(line.strip() == "and 18 more" for line in lines)


def test_it_names_the_cluster_where_that_has_a_name() -> None:
    assert "k8s_pvc shop/data" not in shown() and "PersistentVolumeClaim shop/data\n" in shown()
    assert "PersistentVolumeClaim shop/data in cluster eu-1\n" in shown(changed("audit", cluster="eu-1"))


def test_a_code_that_the_policy_does_not_explain_is_still_named() -> None:
    decision = {"reasons": [], "denials": [{"code": "no_room", "retry": True}], "grant": None}
    assert "denied    code no_room" in shown(replace(changed("decision", **decision), tier=None))


def test_a_refused_alert_has_no_job() -> None:
    played = changed("audit", outcome="blocked", job="", code="critical")
    text = shown(replace(played, tier=None, manifest=None, prompt=None))
    assert "job       blocked no Job" in text and "critical" in text and "files" not in text


def test_a_file_is_shown_escaped(tmp_path: Path) -> None:
    prompt, manifest = tmp_path / "prompt.md", tmp_path / "job.yaml"
    prompt.write_text("one\n\x1b[31mtwo\n", encoding="utf-8")
    manifest.write_text("kind: Job\n", encoding="utf-8")
    text = click.unstyle(screen.whole(replace(PLAYED, prompt=prompt, manifest=manifest)))
    assert "\none\n\\x1b[31mtwo\n" in text and "\nkind: Job\n" in text
