from __future__ import annotations

from function.shared.symptoms import Schedule
from function.worldmodel.schedules import schedule
from tests.harness.fakes import NOW
from tests.worldmodel.cluster import manifest

NOW_SECONDS = NOW.timestamp()


def test_a_schedule_says_when_it_last_ran_and_when_that_last_succeeded() -> None:
    status = {"active": [{}, {}], "lastScheduleTime": "2026-03-29T03:00:00Z"}
    of = manifest("CronJob", "backup", spec={"schedule": "@daily"}, status=status)
    assert schedule(of, NOW_SECONDS) == Schedule("backup", "@daily", False, 2, 600, None)


def test_a_time_ahead_of_our_clock_is_now() -> None:
    status = {"lastSuccessfulTime": "2026-03-29T03:10:05Z"}
    of = manifest("CronJob", "backup", spec={"suspend": True}, status=status)
    assert schedule(of, NOW_SECONDS) == Schedule("backup", "", True, 0, None, 0)
