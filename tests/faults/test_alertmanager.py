"""A real Alertmanager sends. It gets a reply in time, whatever fails, and retries until all is done."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.faults.system import DEPENDENCIES, System, events, webhook
from tests.harness.components import alertmanager, need, wait_until
from tests.harness.examples import THOROUGH, cover
from tests.harness.faults import SINGLE, Hold, begin
from tests.harness.firing import ROUTE, alert, fire
from tests.harness.recorder import Attempt, Recorder, recording

SECONDS = 120
ROWS = [{"fault": fault, "dependency": name} for fault in SINGLE for name in DEPENDENCIES]
CASES = [(row["fault"], row["dependency"]) for number, row in enumerate(ROWS) if number in cover(ROWS)]
MANY = 300 if THOROUGH else 100


@pytest.fixture(scope="module")
def recorder(running: System) -> Iterator[Recorder]:
    with recording("127.0.0.1", f"{running.server.url}/alertmanager") as recorder:
        yield recorder


@pytest.fixture(scope="module")
def sender(running: System, recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its group_interval is long, because it gives up an attempt when the interval is over."""
    need("alertmanager")
    url, token = recorder.url.removesuffix("/alertmanager"), running.folder / "token"
    config = ROUTE.format(url=url, token=token, repeat="1h", wait="10ms", interval="5m")
    with alertmanager(tmp_path_factory.mktemp("alertmanager"), config) as url:
        yield url


def three(name: str) -> list[Any]:
    """Alerts of three groups, so Alertmanager sends three deliveries at once."""
    severities = {"a": "warning", "b": "warning", "c": "critical"}
    return [
        alert(f"{name}-{each}", severity=severities[each], namespace=f"{name}-{each}") for each in severities
    ]


def names(alerts: Sequence[Any]) -> list[str]:
    """The names of their Jobs."""
    return sorted(event.job for event in events(webhook(*({**each, "status": "firing"} for each in alerts))))


def attempts(recorder: Recorder, alerts: Sequence[Any]) -> list[Attempt]:
    """Those of the alerts' groups."""
    groups = [f'namespace="{each["labels"]["namespace"]}"' for each in alerts]
    return [each for each in list(recorder.attempts) if any(group in each.group for group in groups)]


def are_accepted(recorder: Recorder, alerts: Sequence[Any]) -> bool:
    return len({each.group for each in attempts(recorder, alerts) if each.accepted}) == len(alerts)


@pytest.mark.parametrize(("fault", "dependency"), CASES)
def test_a_fault_of_a_dependency_costs_a_retry_at_most(
    system: System, sender: str, recorder: Recorder, fault: str, dependency: str
) -> None:
    alerts, way = three(f"{fault}-{dependency}".replace(" ", "-")), system.ways[dependency]
    begin(way, SINGLE[fault])
    fire(sender, *alerts)
    wait_until(lambda: bool(attempts(recorder, alerts)), "the first attempt", SECONDS)
    system.lift()
    wait_until(lambda: are_accepted(recorder, alerts), "each delivery to be accepted", SECONDS)
    found = attempts(recorder, alerts)
    assert all(each.was_heard for each in found)
    assert {each.status for each in found} <= {200, 503}
    if dependency != "world-model" and fault != "late":
        assert found[0].status == 503
    assert sorted(system.jobs()) == system.created() == names(alerts)


def test_a_function_that_is_killed_and_comes_back_costs_a_retry(
    system: System, sender: str, recorder: Recorder
) -> None:
    alerts, hold = three("killed"), Hold(2, lambda call: call.method == "POST" and "/jobs" in call.path)
    usual = recorder.passes_to
    with system.restart() as first, system.restart() as second:
        recorder.passes_to = f"{first.url}/alertmanager"
        system.break_all(hold)
        fire(sender, *alerts)
        assert hold.reached.wait(60)
        recorder.passes_to = f"{second.url}/alertmanager"
        system.lift()
        first.process.send_signal(signal.SIGKILL)
        wait_until(lambda: are_accepted(recorder, alerts), "each delivery to be accepted", SECONDS)
        recorder.passes_to = usual
    assert sorted(system.jobs()) == system.created() == names(alerts)
    assert 502 in {each.status for each in attempts(recorder, alerts)}


def test_many_deliveries_at_once_are_all_accepted_in_the_end(
    system: System, sender: str, recorder: Recorder
) -> None:
    """The policy blocks each of the alerts, so that no budget limits their number."""
    text = {"summary": "To free space run: kubectl delete pvc old-data --force"}
    alerts = [
        {**alert("old-data", namespace=f"many-{number}"), "annotations": text} for number in range(MANY)
    ]
    fire(sender, *alerts)
    wait_until(lambda: are_accepted(recorder, alerts), "all of them", 5 * SECONDS, 0.5)
    identities = {
        event.identity for event in events(webhook(*({**each, "status": "firing"} for each in alerts)))
    }
    wait_until(lambda: system.final([system.server]).keys() == identities, "an outcome of each alert")
    assert {"blocked"} == {each for found in system.final([system.server]).values() for each in found}
    assert system.jobs() == {}
