from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from function.dispatch import jobs, marks
from function.dispatch.model import Activity, Outcome
from function.shared.errors import PermanentError, Unavailable
from function.shared.event import SREEvent
from tests.harness.fakes import NOW, event, known

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
    with pytest.raises(PermanentError, match="with another identity"):
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
    index = jobs.index_of(listed, NOW.timestamp())
    assert index.activity(EVENT) == Activity(2, 1, 2, 0, 0)


def test_a_namespaces_share_is_what_is_charged_to_it_whatever_the_subject_is() -> None:
    other = replace(event("node-critical"), charged_to=EVENT.charged_to)
    listed = [
        known(other, name="a", marks=marks.of(other)),
        known(other, name="b", marks=marks.of(other), finished=True),
        known(other, name="c", marks=marks.of(other), created_at=NOW - timedelta(hours=2)),
        known(EVENT, name="d", marks=marks.of(replace(EVENT, charged_to="elsewhere"))),
    ]
    index = jobs.index_of(listed, NOW.timestamp())
    assert index.activity(EVENT) == Activity(3, 1, 3, share_active=2, share_started_last_hour=2)


def test_what_the_delivery_admitted_counts() -> None:
    index = jobs.index_of([], NOW.timestamp()).admit(EVENT)
    assert index.activity(EVENT) == Activity(1, 1, 1, 1, 1)
    assert EVENT.job in index.jobs


def test_what_may_start_counts_as_active_and_not_as_started() -> None:
    index = jobs.index_of([], NOW.timestamp()).reserve(EVENT)
    assert index.activity(EVENT) == Activity(1, 1, 0, share_active=1, share_started_last_hour=0)


def test_a_duplicate_whose_words_differ_is_told_apart() -> None:
    job = known(EVENT, marks=marks.of(EVENT))
    lost = replace(EVENT, raw_payload={"annotations": {"summary": "the volume is lost"}})
    assert jobs.outcome_for(EVENT, job) == (Outcome.DUPLICATE, "")
    assert jobs.outcome_for(lost, job) == (Outcome.DUPLICATE, "other_words")


def test_a_job_without_marks_has_no_words_to_compare() -> None:
    lost = replace(EVENT, raw_payload={"annotations": {"summary": "the volume is lost"}})
    assert jobs.outcome_for(lost, known(EVENT)) == (Outcome.DUPLICATE, "")


def moving(number: int, **labels: str) -> SREEvent:
    """An alert of EVENT's subject whose label `request` moves."""
    return replace(EVENT, identity=f"{number:02}" * 32, identity_labels={"request": f"r-{number}", **labels})


def test_a_family_is_the_jobs_of_one_alertname_and_subject_the_oldest_first() -> None:
    made = [moving(number) for number in range(3)]
    others = [replace(moving(7), alertname="Other"), replace(moving(8), resource_id="other")]
    listed = [
        known(each, marks=marks.of(each), created_at=NOW - timedelta(minutes=index))
        for index, each in enumerate([*made, *others])
    ]
    dying = known(moving(9), marks=marks.of(moving(9)), deleting=True)
    index = jobs.index_of([*listed, dying, known(moving(10))], NOW.timestamp())
    assert [job.name for job in index.family(EVENT)] == [each.job for each in reversed(made)]


def test_the_labels_that_move_are_named_and_their_values_are_not() -> None:
    listed = [known(each, marks=marks.of(each)) for each in (moving(1, disk="a"), moving(2, disk="a"))]
    assert jobs.moving_labels(moving(3, disk="a"), listed) == ["request"]
    assert jobs.moving_labels(moving(3, **{"disk": "a", "x y\n": "b"}), listed) == [
        "request",
        "(an unusual name)",
    ]
