from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import pytest

from function.shared.errors import Unavailable
from function.shared.prometheus import Sample
from function.worldmodel.objects import Listing, Object
from function.worldmodel.reader import SECONDS, Look, Threads
from tests.harness.fakes import NOW
from tests.worldmodel.cluster import Asked, Cluster, Manifest, Series, look, manifest

SHORT = 0.05
FORBIDDEN = Unavailable("kubernetes_forbidden", "may not read Services")
POD, SERVICE = manifest("Pod", "typedb-0"), manifest("Service", "typedb")


class Held(Cluster):
    """Says nothing of Services until it is let go."""

    def __init__(self, *manifests: Manifest) -> None:
        super().__init__(*manifests)
        self.let_go = threading.Event()

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        found = super().get(kind, name, namespace)
        self._hold(kind)
        return found

    def list(self, kind: str, namespace: str = "", **selectors: Any) -> Listing:
        found = super().list(kind, namespace, **selectors)
        self._hold(kind)
        return found

    def _hold(self, kind: str) -> None:
        if kind == "Service":
            assert self.let_go.wait(60)


class HeldSeries(Series):
    """Says nothing of `slow` until it is let go."""

    def __init__(self, let_go: threading.Event) -> None:
        super().__init__({"up": [Sample({}, 1.0)]})
        self._let_go = let_go

    def query(self, expression: str, seconds: float = math.inf) -> list[Sample]:
        if expression == "slow":
            assert self._let_go.wait(60)
        return super().query(expression)


@pytest.fixture
def held() -> Iterator[Held]:
    cluster = Held(POD, SERVICE)
    yield cluster
    cluster.let_go.set()


def until(seconds: float, cluster: Cluster, threads: Executor, prometheus: Series | None = None) -> Look:
    return Look(
        cluster, prometheus, Threads(threads, threads), NOW.timestamp(), deadline=time.monotonic() + seconds
    )


def test_an_object_and_a_listing_are_told_and_leave_no_gap() -> None:
    cluster = Cluster(POD, SERVICE)
    looking = look(cluster)
    assert looking.get("Pod", "typedb-0", "f3iai")() == POD
    assert looking.get("Pod", "typedb-1", "f3iai")() is None
    assert looking.list("Service", "f3iai")() == [SERVICE]
    assert looking.gaps == set()


def test_a_look_has_its_seconds_from_when_it_begins() -> None:
    before = time.monotonic()
    looking = look(Cluster())
    assert before + SECONDS <= looking.deadline <= time.monotonic() + SECONDS


def test_a_listing_passes_its_selectors_on() -> None:
    cluster = Cluster()
    look(cluster).list("Pod", "f3iai", labels="a=b", fields="spec.nodeName=w2", metadata=True)()
    assert cluster.asked == [Asked("Pod", "f3iai", "", "a=b", "spec.nodeName=w2", metadata=True)]


def test_what_fails_is_a_gap_and_the_rest_is_told() -> None:
    unreachable = Unavailable("kubernetes_unreachable", "no line")
    looking = look(Cluster(POD, SERVICE, failing={"Service": FORBIDDEN, "Node": unreachable}))
    services, node, pod = (
        looking.list("Service", "f3iai"),
        looking.get("Node", "w2"),
        looking.get("Pod", "typedb-0", "f3iai"),
    )
    assert (services(), node(), pod()) == ((), None, POD)
    assert looking.gaps == {"kubernetes_forbidden", "kubernetes_unreachable"}


def test_a_question_whose_answer_nobody_waits_for_leaves_no_gap() -> None:
    looking = look(Cluster(failing={"Service": FORBIDDEN}))
    looking.list("Service", "f3iai")
    assert looking.gaps == set()


def test_an_error_that_nobody_foresaw_is_no_gap() -> None:
    looking = look(Cluster(failing={"Service": KeyError("metadata")}))
    with pytest.raises(KeyError):
        looking.list("Service", "f3iai")()
    assert looking.gaps == set()


def test_what_is_late_is_a_gap_and_the_rest_is_told(held: Held) -> None:
    with ThreadPoolExecutor(3) as threads:
        looking = until(60, held, threads)
        late = [looking.get("Service", "typedb", "f3iai"), looking.list("Service", "f3iai")]
        assert looking.get("Pod", "typedb-0", "f3iai")() == POD
        assert looking.gaps == set()
        looking.deadline = time.monotonic()
        assert [each() for each in late] == [None, ()]
        assert looking.gaps == {"kubernetes_slow"}
        held.let_go.set()


def test_what_came_in_time_is_told_after_the_deadline_too() -> None:
    with ThreadPoolExecutor(1) as threads:
        looking = until(-1, Cluster(POD), threads)
        asked = looking.get("Pod", "typedb-0", "f3iai")
        threads.submit(lambda: None).result()  # begins after it
        assert asked() == POD
        assert looking.gaps == set()


def test_what_was_not_asked_in_time_is_not_asked_any_more(held: Held) -> None:
    with ThreadPoolExecutor(1) as threads:
        looking = until(SHORT, held, threads)
        service, pod = looking.get("Service", "typedb", "f3iai"), looking.get("Pod", "typedb-0", "f3iai")
        assert (service(), pod()) == (None, None)
        looking.close()
        held.let_go.set()
    assert [asked.kind for asked in held.asked] == ["Service"]


def test_what_nobody_waits_for_is_taken_back_when_a_look_is_closed(held: Held) -> None:
    with ThreadPoolExecutor(1) as threads:
        looking = until(60, held, threads)
        looking.get("Service", "typedb", "f3iai")
        pod, pods = looking.get("Pod", "typedb-0", "f3iai"), looking.list("Pod", "f3iai")
        looking.close()
        held.let_go.set()
        assert (pod(), pods()) == (None, ())
        assert looking.gaps == {"kubernetes_slow"}
    assert [asked.kind for asked in held.asked] in ([], ["Service"])


def test_what_was_told_stays_told_when_a_look_is_closed() -> None:
    looking = look(Cluster(POD, SERVICE))
    pod, services = looking.get("Pod", "typedb-0", "f3iai"), looking.list("Service", "f3iai")
    looking.close()
    assert (pod(), services()) == (POD, [SERVICE])
    assert looking.gaps == set()


def test_the_first_answer_stands_however_often_it_is_asked_for(held: Held) -> None:
    with ThreadPoolExecutor(2) as threads:
        looking = until(60, held, threads)
        pod, services = looking.get("Pod", "typedb-0", "f3iai"), looking.list("Service", "f3iai")
        looking.deadline = time.monotonic()
        assert services() == ()
        held.let_go.set()
        looking.deadline = time.monotonic() + 60
        assert (services(), pod()) == ((), POD)
    assert (services(), pod()) == ((), POD)
    assert [asked.kind for asked in held.asked].count("Service") == 1


def test_a_cluster_that_hangs_takes_the_time_of_no_query(held: Held) -> None:
    with ThreadPoolExecutor(1) as kubernetes, ThreadPoolExecutor(1) as prometheus:
        series = Series({"up": [Sample({}, 1.0)]})
        threads = Threads(kubernetes, prometheus)
        looking = Look(held, series, threads, NOW.timestamp(), deadline=time.monotonic() + 60)
        looking.get("Service", "typedb", "f3iai")
        assert [*looking.query("up")()] == [Sample({}, 1.0)]
        held.let_go.set()


def test_a_query_that_is_late_is_a_gap_of_prometheus(held: Held) -> None:
    with ThreadPoolExecutor(2) as threads:
        looking = until(60, held, threads, HeldSeries(held.let_go))
        slow, up = looking.query("slow"), looking.query("up")
        assert [*up()] == [Sample({}, 1.0)] and looking.gaps == set()
        looking.deadline = time.monotonic()
        assert [*slow()] == [] and looking.gaps == {"prometheus_slow"}
        held.let_go.set()


def test_a_listing_that_was_cut_is_told_as_far_as_it_goes_and_is_a_gap() -> None:
    pods = [manifest("Pod", f"typedb-{number}") for number in range(3)]
    looking = look(Cluster(*pods, SERVICE, page=2))
    services = looking.list("Service", "f3iai")
    assert [*services()] == [SERVICE] and looking.gaps == set()
    assert [*looking.list("Pod", "f3iai")()] == pods[:2]
    assert looking.gaps == {"too_many"}


class Together(Cluster):
    """Answers only when three ask at the same time."""

    def __init__(self) -> None:
        super().__init__(POD, SERVICE)
        self.barrier = threading.Barrier(3)

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        self.barrier.wait(60)
        return super().get(kind, name, namespace)

    def list(self, kind: str, namespace: str = "", **selectors: Any) -> Listing:
        self.barrier.wait(60)
        return super().list(kind, namespace, **selectors)


class TogetherSeries(Series):
    def __init__(self, barrier: threading.Barrier) -> None:
        super().__init__({"up": [Sample({}, 1.0)]})
        self._barrier = barrier

    def query(self, expression: str, seconds: float = math.inf) -> list[Sample]:
        self._barrier.wait(60)
        return super().query(expression)


def test_all_that_is_asked_goes_side_by_side() -> None:
    cluster = Together()
    with ThreadPoolExecutor(3) as threads:
        looking = until(30, cluster, threads, TogetherSeries(cluster.barrier))
        pod, services, up = (
            looking.get("Pod", "typedb-0", "f3iai"),
            looking.list("Service", "f3iai"),
            looking.query("up"),
        )
        assert (pod(), [*services()], [*up()]) == (POD, [SERVICE], [Sample({}, 1.0)])
    assert looking.gaps == set()


def test_without_a_prometheus_a_query_is_a_gap_and_tells_nothing() -> None:
    looking = look(Cluster())
    assert [*looking.query("up")()] == []
    assert looking.gaps == {"prometheus_none"}


def test_the_gaps_of_two_looks_are_their_own() -> None:
    first, second = look(Cluster()), look(Cluster())
    first.query("up")
    assert (first.gaps, second.gaps) == ({"prometheus_none"}, set())


def test_a_listing_that_is_asked_for_twice_is_read_once() -> None:
    cluster = Cluster(manifest("Pod", "web-1"))
    looking = look(cluster)
    assert looking.list("Pod", "f3iai")() == looking.some("Pod", "f3iai")()
    assert len(cluster.asked) == 1
    assert looking.some("Pod", "f3iai", labels="app=web")() == []
    assert len(cluster.asked) == 2
