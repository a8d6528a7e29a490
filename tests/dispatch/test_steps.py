from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from typing import Any

import pytest

from function.dispatch import jobs, steps
from function.dispatch.enrich import FactSource
from function.dispatch.model import Decision, Outcome, Result
from function.dispatch.normalize import NormalizedText
from function.dispatch.ports import Dependencies
from function.dispatch.stages import Arrived, Enriched, Granted, New, Triaged
from function.dispatch.steps import Work
from function.shared.errors import PermanentError, Unavailable
from function.shared.event import SREEvent
from tests.harness.fakes import NOW, WHOLE, FakeCluster, FakePolicy, FakeWorld, app, event, known, refused

MILD = replace(event(), identity="1" * 64)
OTHER = replace(event(), identity="2" * 64, resource_id="another-claim")


def work_with(deps: Dependencies) -> Work:
    index = jobs.index_of(deps.cluster.jobs(), deps.clock())
    read_job = cache(deps.cluster.job)
    template = cache(lambda name: cache(partial(deps.cluster.template, name)))
    return Work(deps, 1.0, NormalizedText, index, read_job, template, FactSource(deps.world))


def triaged(event: SREEvent, work: Work) -> Triaged:
    found = steps.triage(New(event), work)
    assert isinstance(found, Triaged)
    return found


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (Unavailable("down", "it is down"), (Outcome.DEFERRED, "down", "it is down")),
        (PermanentError("invalid_job", "no"), (Outcome.DEAD_LETTERED, "invalid_job", "no")),
    ],
)
def test_a_step_that_fails_ends_its_alert(error: Exception, ended: tuple[Outcome, str, str]) -> None:
    def fails(item: New, work: Work) -> New | Result:
        raise error

    result = steps.attempt(work_with(app()), fails, New(MILD))
    assert isinstance(result, Result)
    assert (result.alert, result.outcome, result.code, result.detail) == (MILD, *ended)


def test_after_the_deadline_no_step_is_started() -> None:
    def never(item: New, work: Work) -> New | Result:
        raise AssertionError

    late = work_with(app(monotonic=lambda: 2.0))
    result = steps.attempt(late, never, New(MILD))
    assert isinstance(result, Result) and (result.outcome, result.code) == (Outcome.DEFERRED, "deadline")


def test_an_alert_without_a_job_is_new_and_one_with_a_job_ends() -> None:
    work = work_with(app())
    assert steps.look_up(Arrived(MILD, None), work) == New(MILD)
    ended = steps.look_up(Arrived(MILD, known(MILD)), work)
    assert isinstance(ended, Result) and (ended.outcome, ended.job) == (Outcome.DUPLICATE, MILD.job)


def test_an_alert_whose_listed_job_is_gone_by_now_is_new() -> None:
    listed = known(MILD, finished=True, created_at=MILD.starts_at.replace(year=2020))
    assert steps.look_up(Arrived(MILD, listed), work_with(app())) == New(MILD)


def test_screening_lets_pass_what_is_denied_for_now_and_triage_ends_it() -> None:
    answer = refused(effective="HIGH", denials=[{"code": "budget", "retry": True}])
    work = work_with(app(FakePolicy(answer)))
    assert isinstance(steps.screen(New(MILD), work), Triaged)
    ended = steps.triage(New(MILD), work)
    assert isinstance(ended, Result) and (ended.outcome, ended.code) == (Outcome.DEFERRED, "budget")
    assert isinstance(ended.decision, Decision)


def test_each_alert_counts_the_jobs_that_those_before_it_may_start() -> None:
    work = work_with(app(cluster=FakeCluster({"sre-x": known(event(), name="sre-x")})))
    counted = steps.reserve([triaged(MILD, work), triaged(OTHER, work)], work.index)
    assert [item.activity.active for item in counted] == [1, 2]
    assert work.index.activity(MILD).active == 1


def test_review_reads_the_text_that_triage_has_read() -> None:
    policy = FakePolicy()
    work = work_with(app(policy))
    first = triaged(MILD, work)
    text = first.text.model_copy(update={"words": [" read by triage "]})
    reviewed = steps.review(Enriched(MILD, text, first.activity, first.decision, WHOLE), work)
    assert isinstance(reviewed, Granted)
    assert [asked["phase"] for asked in policy.asked] == ["triage", "review"]
    assert policy.asked[1]["text"]["words"] == [" read by triage "]


def test_alerts_of_one_resource_share_one_question_to_the_world_model() -> None:
    world = FakeWorld()
    work = work_with(app(world=world))
    same = replace(MILD, identity="3" * 64)
    course = steps.enrich(work, [triaged(each, work) for each in (MILD, same, OTHER)])
    with pytest.raises(StopIteration) as end:
        next(course)
    assert [item.event for item in end.value.value] == [MILD, same, OTHER]
    assert sorted(asked.resource_id for asked in world.asked) == sorted([MILD.resource_id, OTHER.resource_id])


def test_where_facts_cannot_be_read_all_alerts_of_the_resource_end() -> None:
    class Hostile(dict[str, Any]):
        def get(self, *_: object) -> Any:
            raise ZeroDivisionError("secret alert text")

    work = work_with(app(world=FakeWorld(Hostile())))
    same = replace(MILD, identity="3" * 64)
    ended = list(steps.enrich(work, [triaged(each, work) for each in (MILD, same)]))
    assert [(result.alert, result.code) for result in ended] == [
        (MILD, "internal_error"),
        (same, "internal_error"),
    ]
    assert all(result.decision and "secret" not in result.detail for result in ended)


def test_a_created_job_is_counted_and_found_by_later_alerts_and_no_other_result_is() -> None:
    work = work_with(app())
    assert work.after(Result(MILD, Outcome.CREATED)).index.jobs.keys() == {MILD.job}
    assert work.after(Result(MILD, Outcome.DUPLICATE)) is work
    assert work.index.jobs == {}


def test_facts_are_asked_for_from_several_threads_at_once_and_no_more_after_a_failure() -> None:
    together = threading.Barrier(2, timeout=10)

    class Dead(FakeWorld):
        def context(self, event: SREEvent) -> object:
            self.asked.append(event)
            together.wait()  # passes only while the other is being asked as well
            raise Unavailable("world_model_slow", "it took over 2 s")

    world = Dead()
    source = FactSource(world)
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(source.facts, (MILD, OTHER)))
    third = source.facts(replace(event(), resource_id="a-third-claim"))
    assert {facts.gaps for facts in (*found, third)} == {("world_model_slow",)}
    assert len(world.asked) == 2


def test_the_clock_of_the_index_is_the_policys() -> None:
    assert work_with(app()).index.now == NOW
