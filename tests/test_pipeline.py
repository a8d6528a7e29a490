from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import chain, repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function import pipeline, translate
from function.adapters.opa import Opa
from function.bundle import read
from function.errors import Poison, Unavailable
from function.model import Delivery, Outcome, Result, SREEvent
from function.ports import App
from tests.adapters.test_opa import Request, served, stub
from tests.adapters.test_rego import OneEngine
from tests.fakes import (
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
)
from tests.process import ROOT

Answer = Callable[[Request], None]
DOWN = Unavailable("down", "it is down")


def outcomes(delivery: Delivery, app: App) -> list[tuple[str, str]]:
    return [(result.outcome.value, result.code) for result in pipeline.run(delivery, app)]


def test_a_firing_alert_becomes_one_job() -> None:
    cluster = FakeCluster()
    (result,) = pipeline.run(delivery("incident-75"), app(cluster=cluster))
    assert result.outcome is Outcome.CREATED
    assert [job["metadata"]["name"] for job in cluster.created] == [event().job] == [result.job]
    assert cluster.calls == ["jobs", "template", "create"]


def test_the_policy_looks_twice_first_without_and_then_with_context() -> None:
    policy = FakePolicy()
    list(pipeline.run(delivery("incident-75"), app(policy, world=FakeWorld())))
    assert [(asked["look"], asked["facts"] is None) for asked in policy.asked] == [
        ("triage", True),
        ("review", False),
    ]


def test_a_known_event_asks_neither_policy_nor_context() -> None:
    policy, cluster = FakePolicy(), FakeCluster({event().job: known(event())})
    assert outcomes(delivery("incident-75"), app(policy, cluster)) == [("duplicate", "")]
    assert policy.asked == []
    assert cluster.calls == ["jobs"]


def test_a_grown_group_asks_the_policy_about_the_new_member_only() -> None:
    policy, cluster = FakePolicy(), FakeCluster({event().job: known(event())})
    assert outcomes(delivery("group-grown"), app(policy, cluster)) == [("duplicate", ""), ("created", "")]
    assert {asked["event"]["resource_id"] for asked in policy.asked} == {"postgres-data"}


def test_the_same_problem_twice_in_one_delivery_is_one_job() -> None:
    once, policy = delivery("incident-75"), FakePolicy()
    twice = replace(once, alerts=once.alerts * 2)
    assert outcomes(twice, app(policy)) == [("created", ""), ("duplicate", "")]
    assert len(policy.asked) == 2


def test_what_an_earlier_alert_may_start_is_counted_for_the_next_once_triage_let_it_pass() -> None:
    policy = FakePolicy()
    list(pipeline.run(delivery("group-grown"), app(policy)))
    assert [(asked["look"], asked["activity"]["active"]) for asked in policy.asked] == [
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
    together = threading.Barrier(2, timeout=10)

    def both(document: Any) -> Any:
        together.wait()  # passes only while the other is being asked as well
        return decided()

    with ThreadPoolExecutor(2) as threads:
        beside = replace(app(FakePolicy(both)), each=threads.map)
        assert outcomes(delivery("group-grown"), beside) == [("created", "")] * 2


def test_a_large_delivery_gets_on_by_batches() -> None:
    several = tuple(numbered(number, resource_id=f"claim-{number}") for number in range(20))
    many = replace(delivery("incident-75"), alerts=several)
    calls = 1 + 4 * pipeline.BATCH
    late = pipeline.SOFT_DEADLINE_SECONDS + 1
    told = outcomes(many, app(ticks=chain([0.0] * calls, repeat(late))))
    assert told == [("created", "")] * pipeline.BATCH + [("deferred", "deadline")] * (20 - pipeline.BATCH)


def numbered(number: int, **changes: str) -> SREEvent:
    return replace(event(), identity=f"{number:02x}".ljust(64, "0"), **changes)  # type: ignore[arg-type]


def test_context_is_asked_once_for_each_resource_of_a_delivery() -> None:
    world = FakeWorld()
    alerts = tuple(numbered(number, resource_id=f"claim-{number % 3}") for number in range(20))
    told = [*pipeline.run(replace(delivery("incident-75"), alerts=alerts), app(world=world))]
    assert sorted(event.resource_id for event in world.asked) == ["claim-0", "claim-1", "claim-2"]
    assert all(result.facts and result.facts.complete for result in told)


def test_context_of_several_resources_is_asked_side_by_side() -> None:
    together = threading.Barrier(2, timeout=10)

    class Slow(FakeWorld):
        def context(self, event: SREEvent) -> object:
            together.wait()  # passes only while the other is being asked as well
            return super().context(event)

    with ThreadPoolExecutor(2) as threads:
        beside = replace(app(world=Slow()), each=threads.map)
        assert outcomes(delivery("group-grown"), beside) == [("created", "")] * 2


def test_a_world_model_that_failed_once_is_not_waited_for_again_in_the_same_delivery() -> None:
    """Two seconds for each batch would use up the time of all, and defer what needs no context."""
    world = FakeWorld(Unavailable("ffo_slow", "it took over 2 s"))
    alerts = tuple(numbered(number, resource_id=f"claim-{number}") for number in range(3 * pipeline.BATCH))
    told = [*pipeline.run(replace(delivery("incident-75"), alerts=alerts), app(world=world))]
    assert {result.facts.gaps for result in told if result.facts} == {("ffo_slow",)}
    assert len(told) == 3 * pipeline.BATCH and len(world.asked) == 1


def test_what_was_decided_with_context_is_decided_again_where_the_context_has_to_be_cut() -> None:
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
    assert [document["facts"] and document["facts"]["complete"] for document in policy.asked] == [
        None,
        True,
        False,
    ]


def test_a_world_model_that_fails_in_an_unknown_way_costs_no_alert_of_its_resource() -> None:
    alerts = tuple(numbered(number) for number in range(3))
    world = FakeWorld(ZeroDivisionError())
    told = [*pipeline.run(replace(delivery("incident-75"), alerts=alerts), app(world=world))]
    assert [result.outcome for result in told] == [Outcome.CREATED] * 3
    assert {result.facts.gaps for result in told if result.facts} == {("port_failed",)}


def test_the_notifications_text_counts_for_each_of_its_alerts() -> None:
    policy = FakePolicy()
    body = delivery_json("group-grown") | {"commonAnnotations": {"note": "Kubectl DELETE pvc"}}
    list(pipeline.run(translate.webhook(body, cluster="fmc"), app(policy)))
    assert all(" kubectl delete pvc " in asked["text"]["words"] for asked in policy.asked)


def test_a_template_is_read_once_in_a_delivery() -> None:
    cluster = FakeCluster()
    list(pipeline.run(delivery("group-grown"), app(cluster=cluster)))
    assert cluster.calls == ["jobs", "template", "create", "create"]


def test_resolved_alerts_and_dead_letters_need_nothing() -> None:
    cluster = FakeCluster()
    assert outcomes(delivery("resolved"), app(cluster=cluster)) == [("resolved", "")]
    assert cluster.calls == []


def test_a_poison_alert_is_accounted_for_among_its_neighbours() -> None:
    assert outcomes(delivery("poison-among-good"), app()) == [
        ("created", ""),
        ("created", ""),
        ("dead-lettered", "bad_labels"),
        ("dead-lettered", "no_alertname"),
        ("dead-lettered", "bad_body"),
        ("dead-lettered", "bad_startsAt"),
    ]


def test_blocked_at_triage_calls_nothing_further() -> None:
    cluster, world = FakeCluster(), FakeWorld(AssertionError("must not be asked"))
    assert outcomes(delivery("incident-75"), app(FakePolicy(refused()), cluster, world)) == [
        ("blocked", "critical")
    ]
    assert cluster.calls == ["jobs"]


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

    class Listing(FakeCluster):
        def jobs(self) -> list[Any]:
            self.calls.append("jobs")
            return [job]

    cluster = Listing({back.job: replace(job, completed_at=ended)})
    again = replace(delivery("incident-75"), alerts=(back,))
    assert outcomes(again, app(cluster=cluster)) == [("held", "back_after_run")]
    assert cluster.calls == ["jobs", "job"]


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
    assert outcomes(delivery("incident-75"), app(cluster=cluster)) == [("deferred", "name_taken")]
    assert cluster.calls.count("create") == 2


@pytest.mark.parametrize("call", ["jobs", "template", "create"])
def test_a_cluster_that_does_not_answer_defers(call: str) -> None:
    cluster = FakeCluster(failing={call: DOWN})
    assert outcomes(delivery("incident-75"), app(cluster=cluster)) == [("deferred", "down")]


def test_a_job_that_can_never_be_accepted_is_a_dead_letter() -> None:
    cluster = FakeCluster(failing={"create": Poison("invalid_job", "no")})
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
    with stub(answer) as server, closing(Opa(server.url)) as opa:
        assert outcomes(delivery("incident-75"), app(opa, cluster)) == [("deferred", code)]
    assert cluster.created == []


def test_an_embedded_engine_that_panics_in_another_thread_starts_no_job_and_says_why() -> None:
    cluster = FakeCluster()
    with ThreadPoolExecutor(1) as threads:
        elsewhere = replace(app(OneEngine(read(ROOT / "policies")), cluster), each=threads.map)
        assert outcomes(delivery("incident-75"), elsewhere) == [("deferred", "policy_engine")]
    assert cluster.created == []


def test_a_fault_of_ours_is_a_dead_letter_that_names_its_place_and_no_alert_text() -> None:
    broken = replace(event(), raw_payload={"labels": {1: object()}})  # what no stage expects
    (result,) = pipeline.run(replace(delivery("incident-75"), alerts=(broken,)), app())
    assert (result.outcome.value, result.code) == ("dead-lettered", "internal_error")
    assert "canonical.py" in result.detail


@pytest.mark.parametrize("call", ["jobs", "template", "create"])
def test_whatever_a_cluster_fails_with_defers_and_is_not_quoted(call: str) -> None:
    cluster = FakeCluster(failing={call: ZeroDivisionError("secret alert text")})
    (result,) = pipeline.run(delivery("incident-75"), app(cluster=cluster))
    assert (result.outcome.value, result.code) == ("deferred", "port_failed")
    assert "fakes.py" in result.detail and "secret" not in result.detail


def test_whatever_a_policy_fails_with_defers() -> None:
    assert outcomes(delivery("incident-75"), app(FakePolicy(ZeroDivisionError()))) == [
        ("deferred", "port_failed")
    ]


def test_whatever_a_world_model_fails_with_is_a_gap() -> None:
    (result,) = pipeline.run(delivery("incident-75"), app(world=FakeWorld(ZeroDivisionError())))
    assert result.outcome is Outcome.CREATED
    assert result.facts is not None and result.facts.gaps == ("port_failed",)


def test_of_two_alerts_about_one_thing_the_more_severe_is_worked_on() -> None:
    mild = event()
    severe = replace(mild, severity="HIGH")
    both = replace(delivery("incident-75"), alerts=(mild, severe))
    done = list(pipeline.run(both, app(FakePolicy(decided_for))))
    assert [(result.outcome.value, result.decision and result.decision.effective) for result in done] == [
        ("created", "HIGH"),
        ("duplicate", None),
    ]


def test_after_the_soft_deadline_the_rest_is_deferred() -> None:
    looks_context_and_one_job = [0.0] * (1 + 2 + 2 + 2 + 1)
    ticks = chain(looks_context_and_one_job, [pipeline.SOFT_DEADLINE_SECONDS + 1])
    assert outcomes(delivery("group-grown"), app(ticks=ticks)) == [("created", ""), ("deferred", "deadline")]


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
    assert cluster.calls == ["jobs"]
