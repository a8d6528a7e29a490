from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch import marks, pipeline, storm, translate
from function.dispatch.adapters.opa import Opa
from function.dispatch.batches import BATCH_CHARACTERS
from function.dispatch.jobs import MAX_FAMILY
from function.dispatch.model import DeadLetter, Delivery, JobStatus, Outcome, Result
from function.dispatch.pipeline import MAX_NAMED, SOFT_DEADLINE_SECONDS
from function.dispatch.policy_files import read
from function.dispatch.ports import BATCH, Dependencies
from function.dispatch.storm import FOLD_ABOVE
from function.shared.errors import PermanentError, Unavailable
from function.shared.event import STORM, SREEvent
from function.shared.strict_json import Json
from tests.harness.fakes import (
    NOW,
    REVISION,
    FakeCluster,
    FakePolicy,
    FakeWorld,
    app,
    decided,
    delivery,
    delivery_json,
    event,
    known,
    refused,
    served,
)
from tests.harness.process import ROOT
from tests.harness.reading import reading
from tests.harness.rego import OneEngine
from tests.harness.scripted import Request, scripted
from tests.harness.storms import EARLIER, HERE, LATER, alert, alerts, job_of, of

Answer = Callable[[Request], None]
DOWN = Unavailable("down", "it is down")


class Closer(FakeCluster):
    """A listing, which does not tell when a Job ended; a look by name does."""

    def jobs(self) -> list[JobStatus]:
        self.calls.append("jobs")
        return [replace(job, completed_at=None) for job in self.known.values()]

    def listed_job(self, name: str) -> JobStatus | None:
        found = super().listed_job(name)
        return found and replace(found, completed_at=None)


def late_once(happened: Callable[[], bool]) -> Callable[[], float]:
    """A clock that passes the deadline as soon as this has happened."""
    return lambda: SOFT_DEADLINE_SECONDS + 1 if happened() else 0.0


def outcomes(delivery: Delivery, app: Dependencies) -> list[tuple[str, str]]:
    return [(result.outcome.value, result.code) for result in pipeline.run(delivery, app)]


def test_a_firing_alert_becomes_one_job() -> None:
    cluster = FakeCluster()
    (result,) = pipeline.run(delivery("incident-75"), app(cluster=cluster))
    assert result.outcome is Outcome.CREATED
    assert [job["metadata"]["name"] for job in cluster.created] == [event().job] == [result.job]
    assert cluster.calls == ["listed_job", "jobs", "template", "create"]


def test_the_policy_looks_twice_first_without_and_then_with_context() -> None:
    policy = FakePolicy()
    list(pipeline.run(delivery("incident-75"), app(policy, world=FakeWorld())))
    assert [(asked["phase"], asked["facts"] is None) for asked in policy.asked] == [
        ("triage", True),
        ("review", False),
    ]


def test_a_known_event_asks_neither_policy_nor_context() -> None:
    policy, cluster = FakePolicy(), FakeCluster({event().job: known(event())})
    assert outcomes(delivery("incident-75"), app(policy, cluster)) == [("duplicate", "")]
    assert policy.asked == []
    assert cluster.calls == ["listed_job"]


@pytest.mark.parametrize(
    ("count", "calls"), [(MAX_NAMED, ["listed_job"] * MAX_NAMED), (MAX_NAMED + 1, ["jobs"])]
)
def test_only_a_very_large_repeated_delivery_is_looked_up_with_a_listing(
    count: int, calls: list[str]
) -> None:
    made = alerts(count)
    policy, cluster = FakePolicy(), FakeCluster({each.job: known(each) for each in made})
    assert set(outcomes(of(*made), app(policy, cluster))) == {("duplicate", "")}
    assert cluster.calls == calls


def test_no_more_jobs_are_read_by_name_once_an_alert_is_new() -> None:
    made = sorted(alerts(2 * BATCH), key=lambda event: event.job)
    for old, reads in ((made[:0], 1), (made[:1], 1 + BATCH), (made[: 1 + BATCH], len(made))):
        cluster = FakeCluster({each.job: known(each) for each in old})
        list(pipeline.run(of(*made), app(FakePolicy(refused()), cluster)))
        assert cluster.calls == ["listed_job"] * reads + ["jobs"]


def test_a_job_that_disappears_after_it_was_read_by_name_defers_its_alert() -> None:
    """The budgets cannot be counted without the other Jobs."""
    finished = known(replace(event(), starts_at=NOW), created_at=NOW - timedelta(hours=1), finished=True)

    class Vanishing(FakeCluster):
        def job(self, name: str) -> None:
            return None

    cluster = Vanishing({finished.name: finished})
    again = replace(delivery("incident-75"), alerts=(replace(event(), starts_at=NOW),))
    assert outcomes(again, app(cluster=cluster)) == [("deferred", "job_deleting")]


@given(hours=st.floats(-2, 2))
def test_a_clock_that_is_wrong_starts_no_second_job(hours: float) -> None:
    """It may also be set back between two deliveries."""
    wrong = (NOW + timedelta(hours=hours)).timestamp()
    for changes in ({}, {"finished": True, "completed_at": NOW}):
        deps = app(cluster=FakeCluster({event().job: known(event(), **changes)}))
        assert outcomes(delivery("incident-75"), replace(deps, clock=lambda: wrong)) == [("duplicate", "")]


def test_a_grown_group_asks_the_policy_about_the_new_member_only() -> None:
    policy, cluster = FakePolicy(), FakeCluster({event().job: known(event())})
    assert outcomes(delivery("group-grown"), app(policy, cluster)) == [("duplicate", ""), ("created", "")]
    assert {asked["event"]["resource_id"] for asked in policy.asked} == {"postgres-data"}


def moving(number: int) -> SREEvent:
    """An alert of one subject whose identity moves."""
    labels = {"request": f"r-{number}"}
    return replace(event(), identity=f"{number:02}" * 32, identity_labels=labels, starts_at=NOW)


def test_the_ninth_identity_of_one_alertname_and_subject_shares_the_newest_job() -> None:
    cluster = FakeCluster()
    together = replace(delivery("incident-75"), alerts=tuple(moving(number) for number in range(12)))
    results = list(pipeline.run(together, app(cluster=cluster)))
    assert [result.outcome for result in results] == ["created"] * MAX_FAMILY + ["folded"] * 4
    assert len(cluster.created) == MAX_FAMILY
    for folded in results[MAX_FAMILY:]:
        assert (folded.code, folded.job) == ("labels_move", moving(MAX_FAMILY - 1).job)
        assert "differ in the labels request: add" in folded.detail and folded.for_people


def test_the_ninth_identity_asks_no_policy_once_the_jobs_are_listed() -> None:
    listed = {moving(n).job: known(moving(n), marks=marks.of(moving(n))) for n in range(MAX_FAMILY)}
    policy, cluster = FakePolicy(decided()), FakeCluster(known=listed)
    together = replace(delivery("incident-75"), alerts=(moving(20),))
    assert outcomes(together, app(policy, cluster)) == [("folded", "labels_move")]
    assert policy.asked == [] and cluster.created == []


def test_the_same_problem_twice_in_one_delivery_is_one_job() -> None:
    once, policy = delivery("incident-75"), FakePolicy()
    twice = replace(once, alerts=once.alerts * 2)
    assert outcomes(twice, app(policy)) == [("created", ""), ("duplicate", "")]
    assert len(policy.asked) == 2


def test_what_an_earlier_alert_may_start_is_counted_for_the_next_once_triage_let_it_pass() -> None:
    policy = FakePolicy()
    list(pipeline.run(delivery("group-grown"), app(policy)))
    assert [(asked["phase"], asked["activity"]["active"]) for asked in policy.asked] == [
        ("triage", 0),
        ("triage", 0),
        ("review", 0),
        ("review", 1),
    ]


def test_what_triage_blocked_is_counted_for_nobody() -> None:
    def first_blocked(document: Any) -> Any:
        return decided() if document["event"]["resource_id"] == "postgres-data" else refused()

    policy = FakePolicy(first_blocked)
    assert outcomes(delivery("group-grown"), app(policy)) == [("blocked", "critical"), ("created", "")]
    assert [asked["activity"]["active"] for asked in policy.asked] == [0, 0, 0]


def test_the_looks_of_a_batch_are_side_by_side() -> None:
    together = threading.Barrier(2, timeout=60)

    def both(document: Any) -> Any:
        together.wait()  # passes only while the other is being asked as well
        return decided()

    with ThreadPoolExecutor(2) as threads:
        beside = replace(app(FakePolicy(both)), parallel_map=threads.map)
        assert outcomes(delivery("group-grown"), beside) == [("created", "")] * 2


def test_jobs_of_different_problems_are_created_side_by_side() -> None:
    together = threading.Barrier(2, timeout=60)

    class Slow(FakeCluster):
        def create(self, manifest: Json) -> bool:
            together.wait()  # passes only while the other is being created as well
            return super().create(manifest)

    with ThreadPoolExecutor(2) as threads:
        beside = replace(app(cluster=Slow()), parallel_map=threads.map)
        assert outcomes(delivery("group-grown"), beside) == [("created", "")] * 2


def test_threads_change_no_result() -> None:
    kinds = ("allowed", "blocked", "denied", "budget", "down", "broken", "dead")
    some = [any_alert(number, kinds[number % len(kinds)], at=number % 3) for number in range(40)]
    everything = of(*alerts(MANY, start=100), *some, *alerts(12, start=300, cluster="elsewhere"))
    one_by_one = list(pipeline.run(everything, app(FakePolicy(by_kind), world=FakeWorld())))
    with ThreadPoolExecutor(BATCH) as threads:
        beside = replace(app(FakePolicy(by_kind), world=FakeWorld()), parallel_map=threads.map)
        assert list(pipeline.run(everything, beside)) == one_by_one
    assert {result.outcome for result in one_by_one} >= {Outcome.CREATED, Outcome.FOLDED, Outcome.BLOCKED}


def test_a_long_alert_waits_for_the_short_ones_however_severe_it_is() -> None:
    long = numbered(1, severity="HIGH", raw_payload={"annotations": {"note": "word " * BATCH_CHARACTERS}})
    short = numbered(2, severity="LOW", resource_id="claim-2")
    policy = FakePolicy(decided_for)
    told = outcomes(replace(delivery("incident-75"), alerts=(long, short)), app(policy))
    assert told == [("created", "")] * 2
    assert [asked["event"]["severity"] for asked in policy.asked] == ["LOW", "LOW", "HIGH", "HIGH"]


def test_a_large_delivery_gets_on_by_batches() -> None:
    several = tuple(numbered(number, resource_id=f"claim-{number}") for number in range(20))
    many = replace(delivery("incident-75"), alerts=several)
    cluster = FakeCluster()
    late = late_once(lambda: len(cluster.created) == BATCH)
    told = outcomes(many, app(cluster=cluster, monotonic=late))
    assert told == [("created", "")] * BATCH + [("deferred", "deadline")] * (20 - BATCH)


def numbered(number: int, **changes: Any) -> SREEvent:
    return replace(event(), identity=f"{number:02x}".ljust(64, "0"), **changes)


def test_context_is_asked_once_for_each_resource_of_a_delivery() -> None:
    world = FakeWorld()
    alerts = tuple(numbered(number, resource_id=f"claim-{number % 3}") for number in range(20))
    told = [*pipeline.run(replace(delivery("incident-75"), alerts=alerts), app(world=world))]
    assert sorted(event.resource_id for event in world.asked) == ["claim-0", "claim-1", "claim-2"]
    assert all(result.facts and result.facts.complete for result in told)


def test_context_of_several_resources_is_asked_side_by_side() -> None:
    together = threading.Barrier(2, timeout=60)

    class Slow(FakeWorld):
        def context(self, event: SREEvent) -> object:
            together.wait()  # passes only while the other is being asked as well
            return super().context(event)

    with ThreadPoolExecutor(2) as threads:
        beside = replace(app(world=Slow()), parallel_map=threads.map)
        assert outcomes(delivery("group-grown"), beside) == [("created", "")] * 2


def test_a_world_model_that_failed_once_is_not_waited_for_again_in_the_same_delivery() -> None:
    """Two seconds for each batch would use up the time of all, and defer what needs no context."""
    world = FakeWorld(Unavailable("world_model_slow", "it took over 2 s"))
    alerts = tuple(numbered(number, resource_id=f"claim-{number}") for number in range(2 * BATCH))
    told = [*pipeline.run(replace(delivery("incident-75"), alerts=alerts), app(world=world))]
    assert {result.facts.gaps for result in told if result.facts} == {("world_model_slow",)}
    assert len(told) == 2 * BATCH and len(world.asked) == 1


def test_the_review_knows_that_the_prompt_cannot_hold_the_whole_context() -> None:
    """The alert's own text can push the facts out of the prompt, and an agent acts alone only with them."""

    def low_with_the_whole(document: Any) -> Any:
        return decided("LOW" if not document["facts"] or document["facts"]["complete"] else "MEDIUM")

    notes = {f"note-{number}": "<" * 4000 for number in range(4)}
    crowded = replace(event(), raw_payload={"annotations": notes}, severity="LOW")
    policy = FakePolicy(lambda document: low_with_the_whole(document) | {"initial": "LOW"})
    (result,) = pipeline.run(
        replace(delivery("incident-75"), alerts=(crowded,)), app(policy, world=FakeWorld())
    )
    assert result.decision and result.prompt and result.facts
    assert (result.decision.effective, result.facts.gaps) == ("MEDIUM", ("cut",))
    assert "incomplete (cut)" in result.prompt.text or "context" in result.prompt.cut
    assert [document["facts"] and document["facts"]["complete"] for document in policy.asked] == [None, False]


def test_of_two_alerts_about_one_resource_only_the_crowded_one_goes_without_the_whole_context() -> None:
    crowded = numbered(1, raw_payload={"annotations": {f"note-{n}": "<" * 4000 for n in range(4)}})
    both = replace(delivery("incident-75"), alerts=(crowded, numbered(2)))
    world = FakeWorld()
    whole, without = pipeline.run(both, app(world=world))
    assert without.facts and not without.facts.complete and without.facts.gaps == ("cut",)
    assert whole.facts and whole.facts.complete and whole.prompt and whole.prompt.cut == ()
    assert len(world.asked) == 1


def test_a_world_model_that_fails_in_an_unknown_way_costs_no_alert_of_its_resource() -> None:
    alerts = tuple(numbered(number) for number in range(3))
    world = FakeWorld(ZeroDivisionError())
    told = [*pipeline.run(replace(delivery("incident-75"), alerts=alerts), app(world=world))]
    assert [result.outcome for result in told] == [Outcome.CREATED] * 3
    assert {result.facts.gaps for result in told if result.facts} == {("dependency_error",)}


def test_the_notifications_text_counts_for_each_of_its_alerts() -> None:
    policy = FakePolicy()
    body = delivery_json("group-grown") | {"commonAnnotations": {"note": "Kubectl DELETE pvc"}}
    list(pipeline.run(translate.webhook(body, reading("fmc")), app(policy)))
    assert all(" kubectl delete pvc " in asked["text"]["words"] for asked in policy.asked)


def test_a_template_is_read_once_in_a_delivery() -> None:
    cluster = FakeCluster()
    list(pipeline.run(delivery("group-grown"), app(cluster=cluster)))
    assert cluster.calls == ["listed_job", "jobs", "template", "create", "create"]


def test_a_template_is_read_while_the_policy_looks_again() -> None:
    template_read = threading.Event()

    class Tiers(FakeCluster):
        def template(self, name: str) -> Any:
            template_read.set()
            return super().template(name)

    def after_the_template(document: Any) -> Any:
        assert document["phase"] == "triage" or template_read.wait(60)
        return decided()

    with ThreadPoolExecutor(1) as threads:
        made = app(FakePolicy(after_the_template), Tiers())
        beside = replace(made, begin=lambda call: threads.submit(call).result)
        assert outcomes(delivery("incident-75"), beside) == [("created", "")]


def test_a_template_that_review_grants_instead_is_read_then() -> None:
    def raised_in_review(document: Any) -> Any:
        return decided("HIGH" if document["phase"] == "review" else "MEDIUM")

    read: list[str] = []

    class Tiers(FakeCluster):
        def template(self, name: str) -> Any:
            read.append(name)
            return super().template(name)

    with ThreadPoolExecutor(1) as threads:
        made = app(FakePolicy(raised_in_review), Tiers())
        beside = replace(made, begin=lambda call: threads.submit(call).result)
        assert outcomes(delivery("incident-75"), beside) == [("created", "")]
    assert read == ["sre-agent-propose", "sre-agent-investigate"]


def test_resolved_alerts_and_dead_letters_need_nothing() -> None:
    cluster = FakeCluster()
    assert outcomes(delivery("resolved"), app(cluster=cluster)) == [("resolved", "")]
    assert cluster.calls == []


def test_a_poison_alert_is_accounted_for_among_its_neighbours() -> None:
    assert outcomes(delivery("poison-among-good"), app()) == [
        ("dead-lettered", "bad_labels"),
        ("dead-lettered", "no_alertname"),
        ("dead-lettered", "bad_body"),
        ("dead-lettered", "bad_startsAt"),
        ("created", ""),
        ("created", ""),
    ]


def test_what_needs_no_decision_is_told_before_anything_is_asked() -> None:
    cluster = FakeCluster()
    results = pipeline.run(delivery("poison-among-good"), app(cluster=cluster))
    assert next(results).outcome is Outcome.DEAD_LETTERED
    assert cluster.calls == []


def test_the_results_of_a_batch_are_told_before_the_next_one_is_begun() -> None:
    several = tuple(numbered(number, resource_id=f"claim-{number}") for number in range(BATCH + 1))
    policy, cluster = FakePolicy(), FakeCluster()
    results = pipeline.run(replace(delivery("incident-75"), alerts=several), app(policy, cluster))
    assert next(results).outcome is Outcome.CREATED
    assert len(cluster.created) == 1
    assert [next(results).outcome for _ in range(BATCH - 1)] == [Outcome.CREATED] * (BATCH - 1)
    assert len(policy.asked) == 2 * BATCH
    assert [result.outcome for result in results] == [Outcome.CREATED]


def test_blocked_at_triage_calls_nothing_further() -> None:
    cluster, world = FakeCluster(), FakeWorld(AssertionError("must not be asked"))
    assert outcomes(delivery("incident-75"), app(FakePolicy(refused()), cluster, world)) == [
        ("blocked", "critical")
    ]
    assert cluster.calls == ["listed_job", "jobs"]


@pytest.mark.parametrize(
    ("denials", "expected"),
    [
        ([("loop", False)], ("denied", "loop")),
        ([("budget", True)], ("deferred", "budget")),
        ([("budget", True), ("loop", False)], ("denied", "loop")),
    ],
)
def test_a_denial_is_final_unless_all_of_it_may_pass(
    denials: list[tuple[str, bool]], expected: tuple[str, str]
) -> None:
    answer = refused(effective="HIGH", denials=[{"code": code, "retry": retry} for code, retry in denials])
    assert outcomes(delivery("incident-75"), app(FakePolicy(answer))) == [expected]


def test_an_alert_back_after_its_run_is_held_after_one_closer_look() -> None:
    back = replace(event(), starts_at=NOW)
    ended = NOW - timedelta(minutes=1)
    job = known(back, created_at=NOW - timedelta(hours=1), finished=True)

    cluster = Closer({back.job: replace(job, completed_at=ended)})
    again = replace(delivery("incident-75"), alerts=(back,))
    assert outcomes(again, app(cluster=cluster)) == [("held", "recurred")]
    assert cluster.calls == ["listed_job", "job"]


def test_two_alerts_back_after_the_same_run_need_one_closer_look() -> None:
    back = replace(event(), starts_at=NOW)
    job = known(
        back, created_at=NOW - timedelta(hours=1), completed_at=NOW - timedelta(minutes=1), finished=True
    )
    cluster = Closer({back.job: job})
    twice = replace(delivery("incident-75"), alerts=(back, back))
    assert outcomes(twice, app(cluster=cluster)) == [("held", "recurred")] * 2
    assert cluster.calls == ["listed_job", "job"]


def test_an_existing_job_found_only_by_the_post_is_a_duplicate() -> None:
    class Late(FakeCluster):
        def jobs(self) -> list[Any]:
            return []

    cluster = Late({event().job: known(event())})
    assert outcomes(delivery("incident-75"), app(cluster=cluster)) == [("duplicate", "")]


def test_a_name_that_is_taken_and_free_in_turn_is_tried_twice() -> None:
    class Flickering(FakeCluster):
        def create(self, manifest: Any) -> bool:
            self.calls.append("create")
            return False

    cluster = Flickering()
    assert outcomes(delivery("incident-75"), app(cluster=cluster)) == [("deferred", "name_conflict")]
    assert cluster.calls.count("create") == 2


@pytest.mark.parametrize("call", ["jobs", "template", "create"])
def test_a_cluster_that_does_not_answer_defers(call: str) -> None:
    cluster = FakeCluster(failing={call: DOWN})
    assert outcomes(delivery("incident-75"), app(cluster=cluster)) == [("deferred", "down")]


def test_a_job_that_can_never_be_accepted_is_a_dead_letter() -> None:
    cluster = FakeCluster(failing={"create": PermanentError("invalid_job", "no")})
    assert outcomes(delivery("incident-75"), app(cluster=cluster)) == [("dead-lettered", "invalid_job")]


@pytest.mark.parametrize("answer", [DOWN, None, {}, "x"])
def test_no_decision_defers(answer: Any) -> None:
    cluster = FakeCluster()
    ((outcome, _),) = outcomes(delivery("incident-75"), app(FakePolicy(answer), cluster))
    assert outcome == "deferred"
    assert cluster.created == []


NO_ANSWERS: dict[str, tuple[Answer, str]] = {
    "500": (lambda request: request.reply({"code": "internal_error"}, 500), "opa_status"),
    "HTML": (lambda request: request.reply(b"<html>"), "opa_answer"),
    "100 MB": (lambda request: request.reply(b" " * 100_000_000), "opa_answer"),
    "no policy": (lambda request: request.reply({}), "no_decision"),
    "a key more": (lambda request: request.reply(served(decided(more=1), REVISION)), "no_decision"),
    "effective below initial": (
        lambda request: request.reply(served(decided("LOW"), REVISION)),
        "bad_decision",
    ),
    "another revision": (lambda request: request.reply(served(decided(), "cd" * 32)), "policy_revision"),
}


@pytest.mark.parametrize("failure", NO_ANSWERS)
def test_an_opa_that_answers_otherwise_starts_no_job_and_says_why(failure: str) -> None:
    answer, code = NO_ANSWERS[failure]
    cluster = FakeCluster()
    with scripted(answer) as server, closing(Opa(server.url)) as opa:
        assert outcomes(delivery("incident-75"), app(opa, cluster)) == [("deferred", code)]
    assert cluster.created == []


def test_an_embedded_engine_that_panics_in_another_thread_starts_no_job_and_says_why() -> None:
    cluster = FakeCluster()
    with ThreadPoolExecutor(1) as threads:
        elsewhere = replace(app(OneEngine(read(ROOT / "policies")), cluster), parallel_map=threads.map)
        assert outcomes(delivery("incident-75"), elsewhere) == [("deferred", "policy_engine")]
    assert cluster.created == []


def test_a_fault_of_ours_is_a_dead_letter_that_names_its_place_and_no_alert_text() -> None:
    broken = replace(event(), raw_payload={"labels": {1: object()}})  # what no stage expects
    (result,) = pipeline.run(replace(delivery("incident-75"), alerts=(broken,)), app())
    assert (result.outcome.value, result.code) == ("dead-lettered", "internal_error")
    assert "normalize.py" in result.detail


@pytest.mark.parametrize("call", ["jobs", "template", "create"])
def test_whatever_a_cluster_fails_with_defers_and_is_not_quoted(call: str) -> None:
    cluster = FakeCluster(failing={call: ZeroDivisionError("secret alert text")})
    (result,) = pipeline.run(delivery("incident-75"), app(cluster=cluster))
    assert (result.outcome.value, result.code) == ("deferred", "dependency_error")
    assert "fakes.py" in result.detail and "secret" not in result.detail


def test_whatever_a_policy_fails_with_defers() -> None:
    assert outcomes(delivery("incident-75"), app(FakePolicy(ZeroDivisionError()))) == [
        ("deferred", "dependency_error")
    ]


def test_whatever_a_world_model_fails_with_is_a_gap() -> None:
    (result,) = pipeline.run(delivery("incident-75"), app(world=FakeWorld(ZeroDivisionError())))
    assert result.outcome is Outcome.CREATED
    assert result.facts is not None and result.facts.gaps == ("dependency_error",)


def test_of_two_alerts_about_one_thing_the_more_severe_is_worked_on() -> None:
    mild = event()
    severe = replace(mild, severity="HIGH")
    both = replace(delivery("incident-75"), alerts=(mild, severe))
    done = list(pipeline.run(both, app(FakePolicy(decided_for))))
    assert [(result.outcome.value, result.decision and result.decision.effective) for result in done] == [
        ("created", "HIGH"),
        ("duplicate", None),
    ]


def test_while_the_more_severe_of_two_alerts_about_one_thing_has_no_answer_the_milder_waits_too() -> None:
    """An agent for the milder one could do more, and the next delivery would find its Job."""
    mild, elsewhere = event(), alert(1)
    severe = replace(mild, severity="HIGH")
    together = replace(delivery("incident-75"), alerts=(mild, severe, elsewhere))
    cluster = FakeCluster()
    policy = FakePolicy(lambda asked: DOWN if asked["event"]["severity"] == "HIGH" else decided_for(asked))
    assert outcomes(together, app(policy, cluster)) == [
        ("deferred", "down"),
        ("deferred", "same_problem_deferred"),
        ("created", ""),
    ]
    assert [job["metadata"]["name"] for job in cluster.created] == [elsewhere.job]


def test_a_long_text_does_not_let_a_milder_alert_of_its_problem_go_first() -> None:
    mild = event()
    long = {"labels": {}, "annotations": {f"note-{number}": "word " * 800 for number in range(20)}}
    severe, elsewhere = replace(mild, severity="HIGH", raw_payload=long), alert(1, severity="LOW")
    together = replace(delivery("incident-75"), alerts=(mild, severe, elsewhere))
    done = list(pipeline.run(together, app(FakePolicy(decided_for))))
    assert [(result.outcome.value, result.alert) for result in done] == [
        ("created", elsewhere),
        ("created", severe),
        ("duplicate", mild),
    ]


def test_after_the_soft_deadline_the_rest_is_deferred() -> None:
    cluster = FakeCluster()
    late = late_once(lambda: len(cluster.created) == 1)
    told = outcomes(delivery("group-grown"), app(cluster=cluster, monotonic=late))
    assert told == [("created", ""), ("deferred", "deadline")]


def test_a_result_keeps_what_was_learnt_before_it_failed() -> None:
    cluster = FakeCluster(failing={"create": DOWN})
    (result,) = pipeline.run(delivery("incident-75"), app(cluster=cluster))
    assert result.decision is not None and result.prompt is not None and result.job == event().job


FAULTS = st.sampled_from(["none", "policy", "jobs", "template", "create"])


@given(
    st.lists(st.tuples(st.sampled_from(["incident-75", "incident-90", "group-grown"]), FAULTS), max_size=8)
)
def test_any_order_of_deliveries_and_faults_makes_at_most_one_job_an_identity(
    course: list[tuple[str, str]],
) -> None:
    cluster = FakeCluster()
    for name, fault in course:
        cluster.failing = {fault: DOWN}
        results = list(
            pipeline.run(delivery(name), app(FakePolicy(DOWN if fault == "policy" else decided_for), cluster))
        )
        assert len(results) == len(delivery(name).alerts)
        remember(cluster, results)
    names = [job["metadata"]["name"] for job in cluster.created]
    assert len(names) == len(set(names))


def decided_for(document: Any) -> dict[str, Any]:
    asks = document["event"]["severity"]
    return decided(asks, initial=asks)


def remember(cluster: FakeCluster, results: list[Result]) -> None:
    for result in results:
        if isinstance(result.alert, SREEvent) and result.outcome is Outcome.CREATED:
            cluster.known[result.job] = known(result.alert)


def test_a_cluster_that_cannot_be_listed_is_asked_once_for_the_whole_delivery() -> None:
    cluster = FakeCluster(failing={"jobs": DOWN})
    assert outcomes(delivery("group-grown"), app(cluster=cluster)) == [("deferred", "down")] * 2
    assert cluster.calls == ["listed_job", "jobs"]


# storms

MANY = FOLD_ABOVE + 10
STORM_JOB = next(iter(job_of(HERE)))
NEEDLE = "needle"


def storm_of(*more: SREEvent | DeadLetter) -> Delivery:
    return of(*alerts(MANY), *more)


def by_alert(delivery: Delivery, app: Dependencies) -> dict[int, tuple[str, str, str]]:
    """What became of each alert of the delivery, by its place; that each has one result is checked."""
    results = [result for result in pipeline.run(delivery, app) if not is_storm(result)]
    places = {id(alert): place for place, alert in enumerate(delivery.alerts)}
    assert len(results) == len(delivery.alerts)
    told = {places[id(result.alert)]: (result.outcome.value, result.code, result.job) for result in results}
    assert len(told) == len(delivery.alerts)
    return told


def is_storm(result: Result) -> bool:
    return isinstance(result.alert, SREEvent) and result.alert.source == STORM


def prompts(cluster: FakeCluster) -> list[str]:
    pods = [job["spec"]["template"]["metadata"]["annotations"] for job in cluster.created]
    return [annotations["sre-dispatch/prompt"] for annotations in pods]


def refusing(**answers: dict[str, Any]) -> Callable[[Any], dict[str, Any]]:
    """A policy that gives an answer of its own to the resources that are named, `claim_1` for claim-1."""

    def answer(document: Any) -> dict[str, Any]:
        asked = document["event"]
        own = answers.get(asked["resource_id"].replace("-", "_"))
        return own | {"initial": asked["severity"]} if own else decided_for(document)

    return answer


LOOP = refused(effective="HIGH", denials=[{"code": "loop", "retry": False}])
BUDGET = refused(effective="HIGH", denials=[{"code": "budget", "retry": True}])


def test_a_storm_becomes_one_job_that_every_alert_of_it_names() -> None:
    cluster, world = FakeCluster(), FakeWorld()
    results = list(pipeline.run(storm_of(), app(FakePolicy(decided_for), cluster, world)))
    assert [job["metadata"]["name"] for job in cluster.created] == [STORM_JOB]
    assert [(result.outcome.value, result.job) for result in results] == [
        ("created", STORM_JOB),
        *[("folded", STORM_JOB)] * MANY,
    ]
    assert is_storm(results[0]) and not any(map(is_storm, results[1:]))
    assert cluster.calls[1:] == ["jobs", "template", "create"] and world.asked == []


def test_each_alert_of_a_storm_is_looked_at_once_and_the_storm_twice() -> None:
    policy = FakePolicy(decided_for)
    list(pipeline.run(storm_of(), app(policy)))
    looks = [(asked["phase"], asked["event"]["resource_id"] != "") for asked in policy.asked]
    assert looks == [("triage", True)] * MANY + [("triage", False), ("review", False)]


def test_a_storm_of_mild_alerts_is_only_investigated() -> None:
    policy, cluster = FakePolicy(decided_for), FakeCluster()
    made, *_ = pipeline.run(of(*alerts(MANY, severity="LOW")), app(policy, cluster))
    assert made.decision and (made.decision.initial, made.decision.mode) == ("HIGH", "investigate")
    assert made.prompt and made.prompt.template == "alerts/_storm.md.j2"


def test_a_policy_that_puts_a_storm_below_high_is_not_believed() -> None:
    milder = FakePolicy(
        lambda asked: decided_for(asked) if asked["event"]["resource_id"] else decided("MEDIUM")
    )
    cluster = FakeCluster()
    told = by_alert(storm_of(), app(milder, cluster))
    assert {outcome[:2] for outcome in told.values()} == {("deferred", "bad_decision")}
    assert cluster.created == []


def test_the_policys_budgets_count_a_storms_job_once() -> None:
    policy = FakePolicy(decided_for)
    list(pipeline.run(storm_of(alert(900, cluster="elsewhere")), app(policy)))
    assert [asked["activity"]["active"] for asked in policy.asked][-2:] == [1, 1]
    assert {asked["activity"]["active"] for asked in policy.asked[:-2]} == {0}


def test_what_is_blocked_or_denied_is_told_to_people_and_no_word_of_it_gets_into_the_prompt() -> None:
    secret = {"description": NEEDLE, "alertname": NEEDLE, "namespace": NEEDLE}
    two = [alert(number, severity="HIGH", **secret) for number in (1, 2)]
    members = [*alerts(MANY, start=10), *two]
    cluster = FakeCluster()
    policy = FakePolicy(refusing(claim_1=refused(), claim_2=LOOP))
    told = by_alert(of(*members), app(policy, cluster))
    assert told[MANY][:2] == ("blocked", "critical") and told[MANY + 1][:2] == ("denied", "loop")
    assert [outcome for outcome, _, _ in told.values()].count("folded") == MANY
    (manifest,) = cluster.created
    assert NEEDLE not in str(manifest)
    assert f'"alerts": {MANY}' in prompts(cluster)[0]


def test_what_only_a_budget_denies_shares_the_job_that_the_policy_allows() -> None:
    told = by_alert(of(*alerts(MANY)), app(FakePolicy(refusing(claim_1=BUDGET))))
    assert {outcome for outcome, _, _ in told.values()} == {"folded"}


def test_a_budget_that_denies_the_storm_defers_all_of_it() -> None:
    cluster = FakeCluster()
    told = by_alert(
        storm_of(), app(FakePolicy(lambda asked: BUDGET | {"initial": asked["event"]["severity"]}), cluster)
    )
    assert {outcome[:2] for outcome in told.values()} == {("deferred", "budget")}
    assert cluster.created == []


def test_a_poison_alert_in_a_storm_costs_its_neighbours_nothing() -> None:
    broken = alert(700, raw_payload={"labels": {1: object()}})  # what no stage expects
    told = by_alert(storm_of(broken, DeadLetter("bad_labels", {})), app(FakePolicy(decided_for)))
    assert told[MANY][:2] == ("dead-lettered", "internal_error")
    assert told[MANY + 1][:2] == ("dead-lettered", "bad_labels")
    assert {told[place][0] for place in range(MANY)} == {"folded"}


def test_where_the_members_words_are_refused_together_the_storm_goes_without_them() -> None:
    def together(asked: Any) -> dict[str, Any]:
        names_members = any("claim-1 " in words for words in asked["text"]["words"])
        alone = asked["event"]["resource_id"] != ""
        return refused(initial="HIGH") if names_members and not alone else decided_for(asked)

    cluster = FakeCluster()
    itself, *members = pipeline.run(storm_of(), app(FakePolicy(together), cluster))
    assert itself.detail == "made without the texts of its alerts: critical"
    assert {result.outcome for result in members} == {Outcome.FOLDED}
    (prompt,) = prompts(cluster)
    assert "claim-" not in prompt and f'"alerts": {MANY}' in prompt


def test_a_storm_that_is_blocked_even_so_is_blocked_for_all_and_told_once() -> None:
    policy = FakePolicy(
        lambda asked: decided_for(asked) if asked["event"]["resource_id"] else refused(initial="HIGH")
    )
    results = list(pipeline.run(storm_of(), app(policy)))
    assert [result.outcome for result in results] == [Outcome.BLOCKED] * (MANY + 1)
    (notice,) = storm.notices(results)
    assert notice.alerts == MANY


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        ({"create": Unavailable("quota", "full")}, ("deferred", "quota")),
        ({"template": DOWN}, ("deferred", "down")),
        ({"create": PermanentError("invalid_job", "no")}, ("dead-lettered", "invalid_job")),
    ],
)
def test_what_the_cluster_says_of_the_storms_job_holds_for_all_its_alerts(
    failing: dict[str, Exception], expected: tuple[str, str]
) -> None:
    told = by_alert(storm_of(), app(FakePolicy(decided_for), FakeCluster(failing=failing)))
    assert {outcome[:2] for outcome in told.values()} == {expected}


def test_a_storms_job_found_only_by_the_post_is_shared() -> None:
    class Late(FakeCluster):
        def jobs(self) -> list[Any]:
            return []

    told = by_alert(storm_of(), app(FakePolicy(decided_for), Late(job_of(HERE))))
    assert set(told.values()) == {("folded", "", STORM_JOB)}


@pytest.mark.parametrize("count", [1, FOLD_ABOVE, MANY])
def test_a_storm_told_again_is_folded_without_a_question_however_few_are_left(count: int) -> None:
    policy, cluster = FakePolicy(), FakeCluster(job_of(HERE))
    told = by_alert(of(*alerts(count)), app(policy, cluster))
    assert set(told.values()) == {("folded", "", STORM_JOB)}
    assert policy.asked == [] and cluster.calls[-1] == "jobs"


def test_a_resolved_alert_of_a_problem_in_a_storm_is_resolved() -> None:
    told = by_alert(storm_of(alert(0, status="resolved")), app(FakePolicy(decided_for)))
    assert told.pop(MANY) == ("resolved", "", "")
    assert set(told.values()) == {("folded", "", STORM_JOB)}


def test_new_alerts_after_a_storms_job_was_made_get_jobs_of_their_own() -> None:
    cluster = FakeCluster(job_of(HERE))
    told = by_alert(storm_of(alert(800, starts_at=LATER)), app(FakePolicy(decided_for), cluster))
    assert told.pop(MANY) == ("created", "", alert(800).job)
    assert set(told.values()) == {("folded", "", STORM_JOB)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"finished": True, "failed": True}, ("held", "run_failed")),
        ({"deleting": True}, ("deferred", "job_deleting")),
        ({"identity": "00" * 32}, ("dead-lettered", "identity_mismatch")),
    ],
)
def test_a_storms_job_stands_for_its_alerts_as_any_job_does_and_people_are_told_once(
    changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    there = {name: replace(job, **changes) for name, job in job_of(HERE).items()}
    results = list(pipeline.run(of(*alerts(200)), app(cluster=FakeCluster(there))))
    assert {(result.outcome.value, result.code) for result in results} == {expected}
    assert len(results) == 200 and len(storm.notices(results)) == 1


def test_a_storm_back_after_its_run_is_held_after_one_closer_look() -> None:
    there = job_of(HERE, EARLIER, finished=True, completed_at=NOW)
    cluster = Closer(there)
    back = by_alert(of(*alerts(MANY, starts_at=LATER)), app(cluster=cluster))
    assert set(back.values()) == {("held", "recurred", STORM_JOB)}
    assert cluster.calls[1:] == ["jobs", "job"]
    went_on = by_alert(of(*alerts(MANY, starts_at=EARLIER + timedelta(seconds=1))), app(cluster=cluster))
    assert set(went_on.values()) == {("folded", "", STORM_JOB)}


def test_a_storms_job_that_went_between_two_looks_defers_its_alerts() -> None:
    class Gone(Closer):
        def job(self, name: str) -> None:
            self.calls.append("job")

    cluster = Gone(job_of(HERE, EARLIER, finished=True))
    told = by_alert(of(*alerts(MANY, starts_at=LATER)), app(cluster=cluster))
    assert {outcome[:2] for outcome in told.values()} == {("deferred", "job_deleting")}
    assert cluster.calls[1:] == ["jobs", "job"]


def late_after(batches: int, policy: FakePolicy, cluster: FakeCluster) -> Callable[[], float]:
    """A clock that passes the deadline when so many batches of a storm were looked at."""
    return late_once(lambda: cluster.calls != [] and len(policy.asked) >= batches * BATCH)


def test_a_storm_too_large_for_the_deadline_ends_at_once_and_people_are_told_of_the_rest() -> None:
    huge, policy, cluster = of(*alerts(5000)), FakePolicy(decided_for), FakeCluster()
    read = 3 * BATCH
    first = list(by_alert(huge, app(policy, cluster, monotonic=late_after(3, policy, cluster))).values())
    assert first.count(("folded", "", STORM_JOB)) == read
    assert first.count(("folded", "not_listed", STORM_JOB)) == 5000 - read
    assert f'"not_looked_at": {5000 - read}' in prompts(cluster)[0]
    cluster.known, asked = job_of(HERE), len(policy.asked)
    second = by_alert(huge, app(policy, cluster))
    assert set(second.values()) == {("folded", "", STORM_JOB)}
    assert len(policy.asked) == asked


def test_nobody_ends_an_alert_of_a_storm_that_nobody_looked_at() -> None:
    huge, policy, cluster = of(*alerts(5000)), FakePolicy(refused()), FakeCluster()
    late = late_after(2, policy, cluster)
    results = list(pipeline.run(huge, app(policy, cluster, monotonic=late)))
    read = 2 * BATCH
    assert [result.outcome for result in results].count(Outcome.BLOCKED) == read
    unread = [result for result in results if result.outcome is Outcome.DEFERRED]
    assert len(unread) == 5000 - read and {result.code for result in unread} == {"deadline"}
    assert cluster.created == []


def test_people_are_told_of_the_alerts_that_a_storms_prompt_leaves_out() -> None:
    huge, cluster = of(*alerts(2000)), FakeCluster()
    results = list(pipeline.run(huge, app(FakePolicy(decided_for), cluster)))
    (itself,) = filter(is_storm, results)
    told = [result for result in results if result.code == "not_listed"]
    assert isinstance(itself.alert, SREEvent)
    payload = itself.alert.raw_payload
    assert payload["counts"]["not_listed"] == len(told) == 2000 - len(payload["examples"] + payload["others"])
    (notice,) = storm.notices(result for result in results if result.for_people)
    assert (notice.alerts, notice.job, notice.outcome) == (len(told), itself.job, Outcome.FOLDED)


def test_a_storm_that_can_have_no_job_ends_for_those_that_were_looked_at() -> None:
    policy, cluster = (
        FakePolicy(decided_for),
        FakeCluster(failing={"create": PermanentError("invalid_job", "no")}),
    )
    late = late_after(2, policy, cluster)
    told = by_alert(of(*alerts(5000)), app(policy, cluster, monotonic=late))
    ends = Counter(outcome[:2] for outcome in told.values())
    read = 2 * BATCH
    assert ends == {("dead-lettered", "invalid_job"): read, ("deferred", "deadline"): 5000 - read}


def test_a_storm_that_a_policy_without_answers_left_unread_comes_back() -> None:
    policy, cluster = FakePolicy(DOWN), FakeCluster()
    late = late_after(2, policy, cluster)
    told = by_alert(of(*alerts(5000)), app(policy, cluster, monotonic=late))
    assert {outcome for outcome, _, _ in told.values()} == {"deferred"}


def test_a_storm_that_nobody_had_time_to_look_at_comes_back() -> None:
    policy, cluster = FakePolicy(), FakeCluster()
    told = by_alert(storm_of(), app(policy, cluster, monotonic=late_after(0, policy, cluster)))
    assert set(told.values()) == {("deferred", "deadline", "")}


ANSWERS: dict[str, Any] = {
    "blocked": refused(),
    "denied": LOOP,
    "budget": BUDGET,
    "down": DOWN,
    "allowed": None,
}
KINDS = st.sampled_from(
    ["allowed", "allowed", "allowed", "blocked", "denied", "budget", "down", "broken", "dead"]
)


def any_alert(number: int, kind: str, at: int) -> SREEvent | DeadLetter:
    if kind == "dead":
        return DeadLetter("bad_labels", {})
    raw: Any = (
        {"labels": {1: object()}} if kind == "broken" else {"annotations": {"note": f"{NEEDLE} {kind}"}}
    )
    words = {"description": f"{NEEDLE}-{kind} </alert> @file", "resource_id": f"{kind}-{number}"}
    return alert(number, raw_payload=raw, starts_at=NOW + timedelta(minutes=at), **words)


def by_kind(document: Any) -> Any:
    asked = document["event"]
    answer = ANSWERS.get(asked["resource_id"].partition("-")[0])
    return (
        answer | {"initial": asked["severity"]}
        if isinstance(answer, dict)
        else answer or decided_for(document)
    )


ANY_ALERTS = st.lists(
    st.builds(any_alert, st.integers(0, 60), KINDS, st.integers(-10, 10)), min_size=15, max_size=70
)


@given(ANY_ALERTS, st.booleans(), st.integers(0, 12), st.sampled_from(["none", "jobs", "template", "create"]))
def test_of_any_storm_every_alert_ends_once_and_what_is_folded_names_a_job(
    members: list[SREEvent | DeadLetter], there: bool, batches: int, fault: str
) -> None:
    cluster = FakeCluster(job_of(HERE) if there else {}, failing={fault: DOWN})
    policy = FakePolicy(by_kind)
    late = late_after(batches, policy, cluster)
    told = by_alert(of(*members), app(policy, cluster, monotonic=late))
    names = {job["metadata"]["name"] for job in cluster.created} | set(cluster.known)
    assert {job for outcome, _, job in told.values() if outcome == "folded"} <= names & {STORM_JOB}
    assert [job["metadata"]["name"] for job in cluster.created].count(STORM_JOB) <= 1
    shared = [job for job in cluster.created if job["metadata"]["name"] == STORM_JOB]
    assert not any(f"{kind}-" in str(shared) for kind in ("blocked", "denied", "down", "broken"))


@given(ANY_ALERTS, st.randoms(use_true_random=False))
def test_the_order_in_which_a_storm_comes_changes_nothing(
    members: list[SREEvent | DeadLetter], chance: Any
) -> None:
    one, other = FakeCluster(), FakeCluster()
    everything = [*alerts(MANY, start=100), *members]
    list(pipeline.run(of(*everything), app(FakePolicy(by_kind), one)))
    list(pipeline.run(of(*chance.sample(everything, len(everything))), app(FakePolicy(by_kind), other)))
    assert one.created[0] == other.created[0]


@given(ANY_ALERTS)
def test_no_word_of_a_storms_alerts_leaves_its_block(members: list[SREEvent | DeadLetter]) -> None:
    told = []
    for each in (members, []):
        cluster = FakeCluster()
        list(pipeline.run(of(*alerts(MANY, start=100), *each), app(FakePolicy(by_kind), cluster)))
        prompt = prompts(cluster)[0]
        start, end = prompt.index("<alert-"), prompt.index("</alert-")
        assert not set("<>&@") & set(prompt[start:end].split("\n", 1)[1])
        told.append(prompt[:start] + prompt[end:])
    assert told[0] == told[1]
