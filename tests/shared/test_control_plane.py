from __future__ import annotations

from function.dispatch.closed_facts import without_texts


def test_an_agent_that_acts_alone_gets_every_number_and_no_verb() -> None:
    told = without_texts("api_server", {"verbs": [{"verb": "order", "requests_per_second": 2.0}]})
    assert told == {"verbs": [{"requests_per_second": 2.0}]}
    assert without_texts("etcd", {"has_leader": False, "size_gib": 7.9}) == {
        "has_leader": False,
        "size_gib": 7.9,
    }
