"""A sink of notices fails. The delivery and the other sink notice nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from tests.faults.system import System, blocked, firing, webhook
from tests.harness import faults
from tests.harness.components import alertmanager, need, wait_until
from tests.harness.fault_proxy import Fault, FaultProxy, Target, fault_proxies
from tests.harness.faults import begin, end
from tests.harness.firing import ROUTE
from tests.harness.scripted import Scripted, scripted
from tests.harness.server import Server

FAULTS: dict[str, Fault | None] = {
    "refuse": None,
    "reset": faults.reset,
    "garbage": faults.garbage,
    "silent": faults.silent,
    "drip": faults.drip,
    "an answer without an end": faults.endless,
}


@dataclass
class Notifying:
    """The function with two more sinks, each behind a proxy."""

    server: Server
    ways: dict[str, FaultProxy]
    broker: Scripted
    alertmanager: str

    def is_told(self, sink: str, claim: str) -> bool:
        """Returns whether a notice about the claim has arrived there."""
        if sink == "broker":
            return any(claim.encode() in asked.content for asked in self.broker.requests)
        return claim in httpx.get(f"{self.alertmanager}/api/v2/alerts", timeout=5).text


@pytest.fixture(scope="module")
def notifying(running: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notifying]:
    need("alertmanager")
    config = ROUTE.format(url="http://127.0.0.1:1", token="none", repeat="1h", wait="1h", interval="1h")
    with ExitStack() as stack:
        broker = stack.enter_context(scripted(lambda request: request.reply(status=202)))
        people = stack.enter_context(alertmanager(tmp_path_factory.mktemp("people"), config))
        proxies = stack.enter_context(fault_proxies([Target(broker.url), Target(people)]))
        ways = dict(zip(("broker", "alertmanager"), proxies, strict=True))
        settings = {"K_SINK": ways["broker"].url, "SRE_DISPATCH_ALERTMANAGER_URL": ways["alertmanager"].url}
        yield Notifying(stack.enter_context(running.restart(**settings)), ways, broker, people)


@pytest.mark.parametrize("sink", ["broker", "alertmanager"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_sink_that_fails_costs_the_delivery_nothing(
    system: System, notifying: Notifying, sink: str, fault: str
) -> None:
    way = notifying.ways[sink]
    begin(way, FAULTS[fault])
    claim, other = f"{fault}-{sink}".replace(" ", "-"), "alertmanager" if sink == "broker" else "broker"
    body = webhook(firing("typedb-data"), blocked(claim))
    system.send_until_done(body, notifying.server)
    assert len(system.jobs()) == 1
    assert notifying.is_told(other, claim)
    end(way)
    assert system.send_until_done(body, notifying.server) == {"duplicate": 1, "blocked": 1}
    wait_until(lambda: notifying.is_told(sink, claim), "the notice")
