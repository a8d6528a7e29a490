from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from function.dispatch import storm_event
from function.shared.event import STORM, SREEvent
from function.shared.strict_json import to_json
from tests.harness.storms import EARLIER, GROUP, HERE, alert, alerts

NEEDLE = "needle"


def made_of(members: Sequence[SREEvent], **changes: Any) -> SREEvent:
    return storm_event.storm_event(HERE, members, GROUP, 7, **changes)


def test_the_event_is_high_names_no_resource_and_began_with_its_first_alert() -> None:
    made = made_of([alert(0, severity="LOW"), alert(1, starts_at=EARLIER - timedelta(hours=1))])
    assert (made.source, made.severity, made.identity) == (STORM, "HIGH", HERE)
    assert (made.resource_type, made.resource_id, made.namespace) == ("", "", "f3iai")
    assert made.starts_at == EARLIER - timedelta(hours=1)
    assert made.alertname == GROUP["alertname"]
    assert storm_event.storm_event(HERE, alerts(1), {}, 0).alertname == storm_event.UNNAMED


def test_it_tells_of_a_namespace_only_where_all_are_in_it() -> None:
    assert made_of([alert(0), alert(1, namespace="other")]).namespace == ""


def test_counts_are_over_all_and_examples_are_the_worst() -> None:
    made = made_of([*alerts(30), alert(0), alert(90, severity="HIGH", namespace="other")]).raw_payload
    assert made["counts"] == {
        "alerts": 31,
        "not_looked_at": 7,
        "by_severity": {"MEDIUM": 30, "HIGH": 1},
        "by_alertname": {"PVCUsageHigh": 31},
        "by_namespace": {"f3iai": 30, "other": 1},
        "not_listed": 0,
    }
    assert len(made["examples"]) == storm_event.EXAMPLES
    assert made["examples"][0]["resource_id"] == "claim-90"
    assert len(made["others"]) == 31 - storm_event.EXAMPLES


def test_an_unknown_severity_goes_after_every_known_one() -> None:
    junk = [alert(n, severity="HIGH", severity_known=False, namespace=f"n-{n}") for n in range(22)]
    made = made_of([*junk, alert(90, severity="MEDIUM")]).raw_payload
    assert made["examples"][0]["resource_id"] == "claim-90"


KINDS = st.tuples(st.sampled_from(("LOW", "MEDIUM", "HIGH")), st.sampled_from("ABC"), st.sampled_from("xyz"))


@given(st.lists(st.tuples(KINDS, st.booleans()), min_size=1, max_size=200), st.integers(0, 150))
def test_each_kind_has_an_example_before_any_kind_has_two(kinds: list[Any], more: int) -> None:
    """However many alerts of one kind there are, none of the others is left out of 20 examples."""
    members = [
        alert(n, severity=level, alertname=name, namespace=space, severity_known=known)
        for n, ((level, name, space), known) in enumerate(kinds)
    ]
    made = made_of([*members, *alerts(more, 1000)]).raw_payload
    shown = [(each["severity"], each["alertname"], each["namespace"]) for each in made["examples"]]
    there = {(each.severity, each.alertname, each.namespace) for each in members}
    there |= {("MEDIUM", "PVCUsageHigh", "f3iai")} if more else set()
    assert len(set(shown)) == min(len(there), len(shown))
    assert len(made["examples"]) + len(made["others"]) == len(members) + more


def test_every_alert_is_named_as_far_as_there_is_room_and_the_rest_is_told() -> None:
    members = alerts(3000)
    made = made_of(members).raw_payload
    named = len(made["examples"]) + len(made["others"])
    left_out = storm_event.not_listed(members)
    assert 300 < named < 3000 and len(left_out) == made["counts"]["not_listed"] == 3000 - named
    assert len(to_json(made["others"])) <= storm_event.LISTED_BYTES + 2


def test_neither_long_texts_nor_many_names_fill_the_prompt() -> None:
    long = [alert(n, alertname=f"A{n}" + "\u20ac" * 5000, description="\u20ac" * 5000) for n in range(5000)]
    group = {f"label-{number}": "\u20ac" * 1024 for number in range(64)}
    made = storm_event.storm_event(HERE, long, group, 0).raw_payload
    assert 0 < len(made["examples"]) < storm_event.EXAMPLES
    assert len(to_json(made["examples"])) <= storm_event.EXAMPLES_BYTES + 2 * storm_event.EXAMPLES
    assert len(made["counts"]["by_alertname"]) == len(made["group"]) == storm_event.MAX_NAMES


def test_without_names_it_holds_no_word_of_any_member() -> None:
    texts = dict.fromkeys(("alertname", "namespace", "resource_id", "description"), NEEDLE)
    members = [alert(number, **texts) for number in range(3)]
    assert NEEDLE in to_json(vars(made_of(members)))
    assert NEEDLE not in to_json(vars(made_of(members, named=False)))
