"""How samples are made of series.yaml, and of the objects."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.eval import series, state_metrics
from tests.eval.cases import selector

NOW = 1_774_753_800
HOUR = 3600


def at(item: dict[str, Any], *back: int) -> list[float]:
    """The values so many seconds ago."""
    return list(series.values(item, NOW, [NOW - each for each in back]))


def test_a_step_and_a_slope() -> None:
    step = {"was": 1, "now": 5, "since": "20m"}
    assert at(step, HOUR, 1201, 1200, 0) == [1, 1, 5, 5]
    assert at(step | {"how": "slope"}, HOUR, 1200, 600, 0) == [1, 1, 3, 5]


def test_a_counter_grows_by_its_rate() -> None:
    counter = {"was": 1, "now": 3, "since": "10m", "per_second": True}
    before, changed, now = at(counter, 1200, 600, 0)
    assert (changed - before, now - changed) == (600, 1800)


RATES = st.floats(0, 1e4)


@given(RATES, RATES, st.integers(1, 7 * 86_400), st.sampled_from(["step", "slope"]))
def test_a_counter_never_falls(was: float, now: float, since: int, how: str) -> None:
    counter = {"was": was, "now": now, "since": f"{since}s", "per_second": True, "how": how}
    found = list(series.values(counter, NOW, series.grid(NOW)))
    assert all(after >= before - 1e-6 * max(1, before) for before, after in pairwise(found))


def test_a_series_begins_and_ends_when_it_is_told_to() -> None:
    lines = series.openmetrics({selector('up{a="b"}'): {"now": 1, "from": "30m", "gone": "10m"}}, NOW).split(
        "\n"
    )
    assert lines[0] == f'up{{a="b"}} 1 {NOW - 1800}' and lines[-3] == f'up{{a="b"}} 1 {NOW - 600}'
    assert lines[-2:] == ["# EOF", ""]


def test_there_are_samples_now_and_where_offset_looks() -> None:
    for times in (series.grid(NOW), series.sparse(NOW)):
        for back in (0, HOUR, 6 * HOUR, 24 * HOUR, 7 * 24 * HOUR):
            assert any(NOW - back - 300 < each <= NOW - back for each in times), back


def test_an_alert_that_fires_is_recorded_as_prometheus_does() -> None:
    told = series.firing({"alertname": "X"}, "5m", NOW)
    assert told["ALERTS", (("alertname", "X"), ("alertstate", "firing"))]["now"] == 1
    assert told["ALERTS_FOR_STATE", (("alertname", "X"),)]["now"] == NOW - 300


@pytest.mark.parametrize(
    ("name", "job"),
    [
        ('container_memory_rss{pod="x"}', "kubelet"),
        ('kube_pod_info{pod="x"}', "kube-state-metrics"),
        ('node_load1{job="mine"}', "mine"),
    ],
)
def test_a_series_gets_the_labels_of_its_target(name: str, job: str) -> None:
    assert dict(series.with_target(selector(name))[1])["job"] == job


def pod(restarts: int, reason: str = "") -> dict[Any, Any]:
    state = {"waiting": {"reason": reason}} if reason else {"running": {}}
    status = {"name": "main", "restartCount": restarts, "ready": not reason, "state": state}
    made = {"kind": "Pod", "metadata": {"name": "web-0", "namespace": "shop"}, "spec": {"nodeName": "w1"}}
    return {("Pod", "shop", "web-0"): made | {"status": {"phase": "Running", "containerStatuses": [status]}}}


def test_the_state_of_objects_changes_when_the_fault_begins() -> None:
    found = state_metrics.changing(pod(0), pod(7, "CrashLoopBackOff"), "27m")
    labels = (("container", "main"), ("namespace", "shop"), ("pod", "web-0"))
    restarts = found["kube_pod_container_status_restarts_total", labels]
    assert restarts == {"was": 0, "now": 7, "since": "27m"}
    (waiting,) = [item for (name, _), item in found.items() if name.endswith("waiting_reason")]
    assert waiting == {"now": 1, "from": "27m"}


def test_an_object_that_is_gone_has_no_more_samples() -> None:
    assert {item["gone"] for item in state_metrics.changing(pod(0), {}, "27m").values()} == {"27m"}
