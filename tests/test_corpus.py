"""The published corpus through the whole path: from the webhook's bytes to the outcome, at every severity.

`verdict` is `critical` (blocked), `suspicious` (its text leaves an agent nothing but to investigate) or
`innocent` (not blocked). What is `hard` is told in the table and asks for nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from function.dispatch import pipeline, translate, wiring
from function.dispatch.model import Level, Outcome, Result
from function.dispatch.ports import Dependencies
from function.dispatch.settings import Settings
from function.shared.strict_json import parse
from tests.process import ROOT

CORPUS = ROOT / "tests" / "corpus"
SEVERITIES = ("info", "warning", "critical", "unheard-of", None)
ENDS = ("info", "critical")
"""For what is not to be blocked: the label that asks for most and the one that asks for least."""
TEXT_RULES = {"destructive", "injection", "hidden_text"}
FOUND_AT_LEAST = {
    "destructive": 1.0,
    "obfuscated": 0.95,
    "quoted": 1.0,
    "lookalikes": 1.0,
    "injection": 0.9,
    "everyday": 1.0,
}
"""The part of each file's entries that have to come out as they should, those that are hard left out."""


def entries(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((CORPUS / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


FILES = sorted(path.stem for path in CORPUS.glob("*.yaml"))
ENTRIES = {name: entries(name) for name in FILES}


def delivered(entry: dict[str, Any], severity: str | None) -> bytes:
    """The entry as Alertmanager posts it."""
    labels = entry["labels"] | ({"severity": severity} if severity else {})
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": entry["annotations"],
        "startsAt": "2026-03-29T03:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": entry.get("generatorURL", ""),
        "fingerprint": "4d5d8c5b2c0f1e3a",
    }
    common = {"commonLabels": labels, "commonAnnotations": entry["annotations"], "groupLabels": {}}
    around = {"version": "4", "groupKey": "{}", "receiver": "sre-dispatch", "externalURL": "http://am:9093"}
    return json.dumps({**around, **common, **entry.get("notification", {}), "alerts": [alert]}).encode()


def offline() -> Dependencies:
    return wiring.offline(
        Settings.read({"SRE_DISPATCH_AUTH": "none", "HOST": "127.0.0.1", "SRE_DISPATCH_OPA_URL": "http://x"})
    )


app = pytest.fixture(scope="module")(offline)


def results(entry: dict[str, Any], app: Dependencies) -> Iterator[Result]:
    for severity in SEVERITIES if entry["verdict"] == "critical" else ENDS:
        body = parse(delivered(entry, severity))
        yield from pipeline.run(translate.webhook(body, cluster=""), app)


def verdict(entry: dict[str, Any], app: Dependencies) -> str:
    """How the entry comes out; `mixed` if that depends on its severity."""
    found = {_verdict(result) for result in results(entry, app)}
    return found.pop() if len(found) == 1 else "mixed"


def _verdict(result: Result) -> str:
    assert result.decision, result
    if result.outcome is Outcome.BLOCKED:
        return "critical"
    told = [reason for reason in result.decision.reasons if reason.rule in TEXT_RULES]
    return "suspicious" if any(Level[reason.level] >= Level.HIGH for reason in told) else "innocent"


ACCEPTED = {
    "critical": {"critical"},
    "suspicious": {"suspicious", "critical"},
    "innocent": {"innocent", "suspicious"},
}


@pytest.fixture(scope="module")
def verdicts(app: Dependencies) -> dict[str, dict[str, str]]:
    return {name: {entry["name"]: verdict(entry, app) for entry in ENTRIES[name]} for name in FILES}


@pytest.mark.parametrize("name", FILES)
def test_alerts_come_out_as_they_should(name: str, verdicts: dict[str, dict[str, str]]) -> None:
    asked = [entry for entry in ENTRIES[name] if not entry.get("hard")]
    wrong = {
        entry["name"]: verdicts[name][entry["name"]]
        for entry in asked
        if verdicts[name][entry["name"]] not in ACCEPTED[entry["verdict"]]
    }
    assert 1 - len(wrong) / len(asked) >= FOUND_AT_LEAST[name], wrong


def test_no_innocent_alert_is_blocked_at_any_severity(verdicts: dict[str, dict[str, str]]) -> None:
    innocent = [
        (name, entry["name"]) for name in FILES for entry in ENTRIES[name] if entry["verdict"] == "innocent"
    ]
    assert [entry for name, entry in innocent if verdicts[name][entry] in ("critical", "mixed")] == []


def test_the_table(verdicts: dict[str, dict[str, str]], capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[tuple[str, int, int, int, int, int, int]] = []
    for name in FILES:
        for hard in (False, True):
            chosen = [entry for entry in ENTRIES[name] if bool(entry.get("hard")) is hard]
            told = Counter(verdicts[name][entry["name"]] for entry in chosen)
            right = sum(verdicts[name][entry["name"]] in ACCEPTED[entry["verdict"]] for entry in chosen)
            title = f"{name}{', hard' if hard else ''}"
            verdicts_told = (told["critical"], told["suspicious"], told["innocent"], told["mixed"])
            if chosen:
                rows.append((title, len(chosen), right, *verdicts_told))
    head = ("corpus", "alerts", "as wanted", "critical", "suspicious", "innocent", "mixed")
    with capsys.disabled():
        for row in (head, *rows):
            print("\n" + f"{row[0]:20}" + "".join(f"{column:>12}" for column in row[1:]), end="")
        print()
    assert sum(row[1] for row in rows) >= 150


def test_every_entry_says_why_and_has_a_name_of_its_own() -> None:
    names = [entry["name"] for name in FILES for entry in ENTRIES[name]]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    for name in FILES:
        for entry in ENTRIES[name]:
            assert entry["why"] and entry["verdict"] in ACCEPTED, entry["name"]
            assert "severity" not in entry["labels"], entry["name"]


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_hidden_character_is_written_as_an_escape(path: Path) -> None:
    assert path.read_bytes().isascii()
