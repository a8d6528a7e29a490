"""Two deliveries of one alert meet, and a Job disappears between two calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.faults import system as calls
from tests.faults.system import System, events, firing, webhook
from tests.harness.faults import Hold, on
from tests.harness.manifests import JOBS

BODY = webhook(firing("typedb-data"))
(EVENT,) = events(BODY)


@contextmanager
def about_to_create(system: System) -> Iterator[tuple[Hold, list[httpx.Response]]]:
    """A delivery has found no Job. Its create is held until the test lifts it."""
    hold, replies = Hold(), list[httpx.Response]()
    system.ways["kubernetes"].fault = on(calls.is_create, hold, times=1)
    thread = threading.Thread(target=lambda: replies.append(system.send(BODY)))
    thread.start()
    assert hold.reached.wait(60)
    yield hold, replies
    thread.join()


def test_of_two_deliveries_that_meet_the_first_ones_job_stays_whatever_the_policy_says(
    system: System,
) -> None:
    """The policy answers otherwise the second time, because the alert has become critical."""
    with about_to_create(system) as (hold, replies):
        critical = webhook(firing("typedb-data", "critical"))
        assert system.send_until_done(critical) == {"created": 1}
        hold.lift()
    assert len(replies) == 1
    assert 409 in [call.status for call in system.calls(calls.is_create)] or replies[0].status_code == 503
    assert system.send_until_done(BODY) == {"duplicate": 1}
    assert system.jobs() == {EVENT.job: "investigate"}
    assert system.created() == [EVENT.job]


def test_a_job_that_disappears_after_the_api_server_said_that_it_exists_is_created_again(
    system: System,
) -> None:
    """The Job's TTL ends at this moment."""
    with about_to_create(system) as (hold, replies):
        assert system.send_until_done(BODY) == {"created": 1}
        look = Hold()
        system.ways["kubernetes"].fault = on(calls.is_look, look, times=1)
        hold.lift()
        look.reached.wait(10)  # if the function has given up meanwhile, the next delivery does the same
        path = f"{JOBS}/{EVENT.job}"
        system.admin.delete(path, params={"propagationPolicy": "Background"}).raise_for_status()
        look.lift()
    assert len(replies) == 1
    system.send_until_done(BODY)
    assert system.jobs() == {EVENT.job: "propose"}
    assert system.created() == [EVENT.job] * 2


def test_whatever_the_order_in_which_an_alert_fires_and_is_resolved_it_has_one_job(system: System) -> None:
    over = webhook({**firing("typedb-data"), "status": "resolved", "endsAt": "2026-03-29T04:00:00Z"})
    assert system.send_until_done(over) == {"resolved": 1}
    assert system.send_until_done(BODY) == {"created": 1}
    assert system.send_until_done(over) == {"resolved": 1}
    assert system.send_until_done(BODY) == {"duplicate": 1}  # it was late
    assert system.created() == [EVENT.job]
