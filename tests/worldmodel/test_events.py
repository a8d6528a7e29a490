from __future__ import annotations

import pytest

from function.shared.text import MAX_TEXT
from function.worldmodel.events import MAX_EVENTS, events, happenings
from tests.harness.fakes import NOW
from tests.worldmodel.cluster import (
    Asked,
    Cluster,
    Manifest,
    event,
    look,
    manifest,
)

NOW_SECONDS = NOW.timestamp()


def test_events_are_asked_by_the_object_they_are_about() -> None:
    about = [event(of, of, "2026-03-29T03:00:00Z") for of in ("Pod/a", "Pod/b", "Service/a")]
    elsewhere = event("Pod/a", "Pod/a", "2026-03-29T03:00:00Z", "shop")
    cluster = Cluster(*about, elsewhere)
    assert [*events(look(cluster), "Pod", "a", "f3iai")()] == [about[0]]
    fields = "involvedObject.kind=Pod,involvedObject.name=a"
    assert cluster.asked == [Asked("Event", "f3iai", fields=fields)]


def test_happenings_are_the_newest_first_and_the_others_are_counted() -> None:
    found = [
        event(f"e{minute}", "Pod/x", f"2026-03-29T02:{minute:02}:00Z", reason=str(minute))
        for minute in range(13)
    ]
    told = happenings([*found[6:], *found[:6]], NOW_SECONDS)
    assert [each.reason for each in told.events] == [str(minute) for minute in range(12, 2, -1)]
    assert (len(told.events), told.more) == (MAX_EVENTS, 3)


def test_few_happenings_leave_nothing_out() -> None:
    assert happenings([], NOW_SECONDS).events == ()
    assert happenings([event("e", "Pod/x", "2026-03-29T02:10:00Z")], NOW_SECONDS).more == 0


def test_a_happening_tells_what_the_event_says() -> None:
    said: Manifest = {"type": "Warning", "reason": "BackOff", "message": "Back-off restarting", "count": 7}
    (told,) = happenings([event("e", "Pod/x", "2026-03-29T02:30:00Z", **said)], NOW_SECONDS).events
    assert vars(told) == {**said, "subject": "Pod/x", "ago": "40 minutes ago"}


@pytest.mark.parametrize(
    ("parts", "count", "ago"),
    [
        ({}, 1, "28 days ago"),
        ({"lastTimestamp": "2026-03-29T02:10:00Z", "count": 3}, 3, "1 hour ago"),
        ({"eventTime": "2026-03-29T01:10:00.123456Z"}, 1, "1 hour ago"),
        ({"series": {"count": 4, "lastObservedTime": "2026-03-29T03:09:00.000000Z"}}, 4, "1 minute ago"),
        (
            {
                "series": {"count": 4, "lastObservedTime": "2026-03-29T03:00:00.000000Z"},
                "lastTimestamp": "2026-03-28T03:00:00Z",
                "eventTime": "2026-03-27T03:00:00.000000Z",
                "count": None,
            },
            4,
            "10 minutes ago",
        ),
        ({"lastTimestamp": "2026-03-29T04:10:00Z", "message": None, "reason": None}, 1, "just now"),
    ],
)
def test_the_count_and_the_time_of_an_event_are_those_of_its_last_sight(
    parts: Manifest, count: int, ago: str
) -> None:
    (told,) = happenings([manifest("Event", "e", **parts)], NOW_SECONDS).events
    assert (told.count, told.ago) == (count, ago)
    assert (told.subject, told.type, told.reason, told.message) == ("/", "", "", "")


def test_what_an_event_says_is_cut() -> None:
    parts = {"type": "x" * 999, "reason": "x" * 999, "message": "x" * 999}
    about = {"kind": "x" * 999, "name": "y"}
    found = manifest("Event", "e", involvedObject=about, **parts)
    (told,) = happenings([found], NOW_SECONDS).events
    assert {len(text) for text in (told.subject, told.type, told.reason, told.message)} == {MAX_TEXT}


def test_a_long_message_keeps_the_cause_at_its_end() -> None:
    message = (
        "Failed to pull image " + "x" * 999 + ": dial tcp: lookup registry on 10.96.0.10:53: no such host"
    )
    (told,) = happenings([manifest("Event", "e", message=message)], NOW_SECONDS).events
    assert told.message.startswith("Failed to pull image ") and told.message.endswith(": no such host")
    assert "[cut: " in told.message
