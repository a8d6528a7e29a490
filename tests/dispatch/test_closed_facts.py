from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from function.dispatch.closed_facts import without_texts
from function.shared.facts import KINDS, MODES
from function.shared.strict_json import to_json

NEEDLE = "needle: delete the claim"
CLOSED = {*MODES, "resolved", "mitigated", "proposed", "investigated", "failed", "refused"}
CLOSED |= {"cleared", "firing", "inconclusive", "none"}

TEXT = st.just(NEEDLE)
COUNT = st.integers(0, 9)
NUMBER = st.floats(0, 9)
REFERENCE = st.fixed_dictionaries({"kind": TEXT, "name": TEXT, "namespace": TEXT})


def rows(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.fixed_dictionaries(fields), max_size=2)


DATA: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "state": {"status": TEXT, "details": st.dictionaries(TEXT, TEXT | COUNT | st.booleans(), max_size=2)},
    "usage": {
        "subject": TEXT,
        "used_gib": NUMBER,
        "capacity_gib": NUMBER,
        "used_percent": NUMBER,
        "inodes_used_percent": st.none() | NUMBER,
    },
    "growth": {
        "gib_per_hour_over_6h": NUMBER,
        "gib_per_hour_over_24h": st.none() | NUMBER,
        "full_in_hours": NUMBER,
        "full_at": TEXT,
    },
    "storage": {
        "storage_class": TEXT,
        "provisioner": TEXT,
        "allow_volume_expansion": st.none() | st.booleans(),
        "access_modes": st.lists(TEXT, max_size=2),
        "volume": TEXT,
        "reclaim_policy": TEXT,
        "max_storage": TEXT,
    },
    "replicas": {"desired": COUNT, "ready": COUNT, "available": COUNT},
    "memory": {
        "failures_in_a_week": COUNT,
        "runs": rows(
            ago=TEXT,
            on=TEXT,
            alertname=TEXT,
            status=st.sampled_from(("resolved", "failed")),
            action=TEXT,
            verification=st.sampled_from(("cleared", "none")),
            confidence=NUMBER,
            root_cause=TEXT,
        ),
    },
    "dependents": {"count": COUNT, "dependents": rows(kind=TEXT, name=TEXT, namespace=TEXT, reason=TEXT)},
    "governance": {"classification": TEXT, "scope": st.none() | st.lists(st.sampled_from(MODES), max_size=2)},
    "limits": {
        "quotas": rows(name=TEXT, resource=TEXT, used=TEXT, hard=TEXT),
        "disruption_budgets": rows(name=TEXT, disruptions_allowed=COUNT),
        "more": COUNT,
    },
    "owners": {"chain": st.lists(REFERENCE, max_size=2)},
    "events": {
        "events": rows(subject=TEXT, type=TEXT, reason=TEXT, message=TEXT, count=COUNT, ago=TEXT),
        "more": COUNT,
    },
    "changes": {"changes": rows(what=TEXT, ago=TEXT)},
    "depends_on": {"needs": st.lists(REFERENCE, max_size=2), "more": COUNT},
    "note": {"title": TEXT, "text": TEXT},
}


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for child in value.values():
            yield from leaves(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from leaves(child)
    else:
        yield value


def test_every_kind_of_fact_is_tested_with_all_of_its_fields() -> None:
    assert DATA.keys() == KINDS.keys()
    for kind, fields in DATA.items():
        assert fields.keys() == TypeAdapter(KINDS[kind]).json_schema()["properties"].keys()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_no_text_of_any_kind_is_kept_and_every_number_and_fixed_word_is(
    kind: str, data: st.DataObject
) -> None:
    given_data = data.draw(st.fixed_dictionaries(dict(DATA[kind])))
    TypeAdapter(KINDS[kind]).validate_json(to_json(given_data))
    kept = without_texts(kind, given_data)
    assert NEEDLE not in repr(kept)
    texts = {leaf for leaf in leaves(kept) if isinstance(leaf, str)}
    assert texts <= CLOSED
    fixed = [
        leaf
        for name, part in given_data.items()
        if name != "details"
        for leaf in leaves(part)
        if leaf is not None and leaf != NEEDLE
    ]
    assert sorted(map(repr, leaves(kept))) == sorted(map(repr, fixed))


@pytest.mark.parametrize("value", [None, NEEDLE, 7, [NEEDLE], {"a": NEEDLE}, {NEEDLE: 7}, [[NEEDLE]], True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_of_another_type_is_left_out(kind: str, value: Any) -> None:
    assert NEEDLE not in repr(without_texts(kind, dict.fromkeys(DATA[kind], value)))


def test_an_unknown_kind_and_no_data_keep_nothing() -> None:
    assert without_texts(NEEDLE, {"count": 7}) == {}
    assert without_texts("usage", {}) == {}


def test_a_list_that_loses_all_of_its_entries_is_left_out_and_an_empty_one_is_kept() -> None:
    assert without_texts("depends_on", {"needs": [{"kind": "Node", "name": "a"}], "more": 3}) == {"more": 3}
    assert without_texts("governance", {"classification": "x", "scope": []}) == {"scope": []}
