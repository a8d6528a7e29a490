from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from function.dispatch import jobs
from function.dispatch.model import Activity, Outcome
from function.shared.errors import PermanentError, Unavailable
from tests.fakes import NOW, event, known

EVENT = replace(event(), starts_at=NOW - timedelta(minutes=5))
LATER = NOW + timedelta(minutes=20)


def test_a_running_job_makes_its_event_a_duplicate() -> None:
    assert jobs.outcome_for(EVENT, known(EVENT)) == (Outcome.DUPLICATE, "")


def test_a_finished_job_makes_its_event_a_duplicate_while_the_alert_went_on() -> None:
    job = known(EVENT, finished=True, completed_at=LATER)
    assert jobs.outcome_for(EVENT, job) == (Outcome.DUPLICATE, "")


def test_an_alert_that_came_back_after_the_run_is_held() -> None:
    back = replace(EVENT, starts_at=LATER + timedelta(seconds=1))
    job = known(EVENT, finished=True, completed_at=LATER)
    assert jobs.outcome_for(back, job) == (Outcome.HELD, "recurred")


def test_an_alert_whose_run_failed_is_held() -> None:
    assert jobs.outcome_for(EVENT, known(EVENT, finished=True, failed=True)) == (Outcome.HELD, "run_failed")


def test_a_dying_job_defers_its_event() -> None:
    with pytest.raises(Unavailable, match="being deleted"):
        jobs.outcome_for(EVENT, known(EVENT, deleting=True))


def test_a_job_of_another_identity_is_no_duplicate() -> None:
    with pytest.raises(PermanentError, match="not of this identity"):
        jobs.outcome_for(EVENT, known(EVENT, identity="00" * 32))


def test_only_an_alert_that_began_after_its_finished_job_needs_the_time_of_completion() -> None:
    finished = known(EVENT, finished=True)
    back = replace(EVENT, starts_at=LATER)
    assert jobs.needs_completion_time(back, finished)
    assert not jobs.needs_completion_time(EVENT, finished)
    assert not jobs.needs_completion_time(back, known(EVENT))


def test_activity_counts_running_jobs_their_resource_and_the_last_hour() -> None:
    other = event("node-critical")
    listed = [
        known(EVENT, name="a"),
        known(EVENT, name="b", finished=True, created_at=NOW - timedelta(minutes=50)),
        known(other, name="c", created_at=NOW - timedelta(hours=2)),
    ]
    taken = jobs.take(listed, NOW.timestamp())
    assert taken.activity(EVENT) == Activity(active=2, on_resource=1, started_last_hour=2)


def test_a_closer_look_takes_the_place_of_what_was_listed() -> None:
    job = known(EVENT, finished=True)
    taken = jobs.take([job], NOW.timestamp())
    seen = replace(job, completed_at=LATER)
    assert taken.seen(job.name, seen).jobs == {job.name: seen}
    assert taken.seen(job.name, None).jobs == {}


def test_what_the_delivery_admitted_counts() -> None:
    taken = jobs.take([], NOW.timestamp()).admit(EVENT)
    assert taken.activity(EVENT) == Activity(active=1, on_resource=1, started_last_hour=1)
    assert EVENT.job in taken.jobs
