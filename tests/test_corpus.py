"""The published corpus through the whole path: from the webhook's bytes to the outcome, at every severity.

`verdict` is `critical` (blocked), `suspicious` (its text leaves an agent nothing but to investigate) or
`innocent` (not blocked). What is `hard` is told in the table and asks for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.corpus import ACCEPTED, CORPUS, ENTRIES, FILES, rows, verdicts

FOUND_AT_LEAST = {
    "destructive": 1.0,
    "obfuscated": 0.95,
    "quoted": 1.0,
    "lookalikes": 1.0,
    "injection": 0.9,
    "everyday": 1.0,
    "advice": 1.0,
    "tools": 1.0,
}
"""The part of each file's entries that have to come out as they should, those that are hard left out."""


@pytest.mark.parametrize("name", FILES)
def test_alerts_come_out_as_they_should_and_no_innocent_one_is_blocked(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    for row in rows(name):
        record_property("corpus", row)
    asked = [entry for entry in ENTRIES[name] if not entry.get("hard")]
    wrong = {
        entry["name"]: verdicts(name)[entry["name"]]
        for entry in asked
        if verdicts(name)[entry["name"]] not in ACCEPTED[entry["verdict"]]
    }
    assert 1 - len(wrong) / len(asked) >= FOUND_AT_LEAST[name], wrong
    innocent = [entry["name"] for entry in ENTRIES[name] if entry["verdict"] == "innocent"]
    assert [each for each in innocent if verdicts(name)[each] in ("critical", "mixed")] == []


def test_the_corpus_is_large() -> None:
    assert sum(map(len, ENTRIES.values())) >= 800


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
