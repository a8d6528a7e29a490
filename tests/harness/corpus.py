"""The published corpus of alerts, and what becomes of each entry. `python -m tests.harness.corpus` prints the
table, and so does each run of its tests (tests/conftest.py)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import yaml

from function.dispatch import pipeline, translate
from function.dispatch.model import Level, Outcome, Result
from function.dispatch.ports import Dependencies
from function.shared.strict_json import parse
from tests.harness.examples import THOROUGH
from tests.harness.offline import offline
from tests.harness.process import ROOT
from tests.harness.reading import reading

CORPUS = ROOT / "tests" / "corpus"
SEVERITIES = ("info", "warning", "critical", "unheard-of", None)
ENDS = ("info", "critical")
"""The label that asks for most and the one that asks for least. A quick run takes only these: a property of
tests/test_policies.py says that no label lowers a level."""
ACCEPTED = {
    "critical": {"critical"},
    "suspicious": {"suspicious", "critical"},
    "innocent": {"innocent", "suspicious"},
}
TEXT_RULES = {"destructive", "injection", "hidden_text"}


def entries(name: str) -> list[dict[str, Any]]:
    text = (CORPUS / f"{name}.yaml").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = yaml.load(text, yaml.CSafeLoader)  # ten times as fast as the other
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


def results(entry: dict[str, Any], app: Dependencies) -> Iterator[Result]:
    for severity in SEVERITIES if THOROUGH and entry["verdict"] == "critical" else ENDS:
        body = parse(delivered(entry, severity))
        yield from pipeline.run(translate.webhook(body, reading()), app)


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


@cache
def verdicts(name: str) -> dict[str, str]:
    """By entry, of one file."""
    app = offline()
    return {entry["name"]: verdict(entry, app) for entry in ENTRIES[name]}


COLUMNS = ("corpus", "alerts", "as wanted", "critical", "suspicious", "innocent", "mixed")


def rows(name: str) -> Iterator[str]:
    """The table's rows of one file: what is asked for, and what is hard."""
    for hard in (False, True):
        of = [entry for entry in ENTRIES[name] if bool(entry.get("hard")) is hard]
        told = Counter(verdicts(name)[entry["name"]] for entry in of)
        right = sum(verdicts(name)[entry["name"]] in ACCEPTED[entry["verdict"]] for entry in of)
        if of:
            yield row((f"{name}{', hard' if hard else ''}", len(of), right, *map(told.get, COLUMNS[3:])))


def row(columns: Sequence[object] = COLUMNS) -> str:
    return f"{columns[0]:20}" + "".join(f"{column or 0:>12}" for column in columns[1:])


if __name__ == "__main__":
    for line in [row(), *(line for name in FILES for line in rows(name))]:
        print(line)
