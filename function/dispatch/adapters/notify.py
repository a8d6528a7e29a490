"""What people must see, brought to them: the log, a CloudEvents receiver, Alertmanager."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cloudevents.conversion import to_structured
from cloudevents.http import CloudEvent

from function.dispatch.model import NOTICE_TYPE, Result
from function.dispatch.ports import Sink
from function.shared.errors import DispatchError
from function.shared.event import digest
from function.shared.strict_json import to_json

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("sre-dispatch")

TIMEOUT_SECONDS = 1.0
TOGETHER_SECONDS = 3.0
"""For all sinks and all outcomes of a delivery, since Alertmanager waits for our reply meanwhile."""
NOTICE_ALERT = "SREDispatchNeedsPerson"
NOTICE_LASTS = timedelta(hours=1)
"""Alertmanager lets an alert end after five minutes if it is not told when."""


def connect(url: str) -> httpx.Client:
    """A client for one telling: outcomes for people are too rare to keep a connection for them."""
    import httpx

    return httpx.Client(timeout=TIMEOUT_SECONDS, verify=url.startswith("https:"), trust_env=False)


class Log:
    """One line an outcome; JSON escapes whatever the alert brought along."""

    def notify(self, results: Iterable[Result]) -> None:
        for result in results:
            log.warning("needs a person: %s", to_json(result.summary()))


class CloudEvents:
    """One CloudEvent an outcome, to the URL that Knative injects as K_SINK."""

    def __init__(self, url: str, connect: Callable[[str], httpx.Client] = connect) -> None:
        self._url, self._connect = url, connect

    def notify(self, results: Iterable[Result]) -> None:
        with self._connect(self._url) as client:
            for result in results:
                told = result.summary()
                attributes = {
                    "type": NOTICE_TYPE,
                    "source": "/sre-dispatch",
                    "subject": result.outcome.value,
                    "id": digest(to_json(told)),  # the same when a delivery comes again
                }
                headers, body = to_structured(CloudEvent(attributes, told))
                client.post(self._url, headers=headers, content=body).raise_for_status()


class Alertmanager:
    """One alert of ours an outcome. The function scales to zero, so nobody could scrape it."""

    def __init__(
        self, url: str, clock: Callable[[], float], connect: Callable[[str], httpx.Client] = connect
    ) -> None:
        self._url, self._clock, self._connect = url, clock, connect

    def notify(self, results: Iterable[Result]) -> None:
        ends = datetime.fromtimestamp(self._clock(), UTC) + NOTICE_LASTS
        alerts = [
            {"labels": _labels(result), "annotations": _text(result), "endsAt": ends.isoformat()}
            for result in results
        ]
        with self._connect(self._url) as client:
            client.post(f"{self._url}/api/v2/alerts", json=alerts).raise_for_status()


class Fanout:
    """Tells every sink within TOGETHER_SECONDS; one that fails costs the others nothing and is logged."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def notify(self, results: Iterable[Result]) -> None:
        told = list(results)
        deadline = time.monotonic() + TOGETHER_SECONDS
        for sink in self._sinks:
            try:
                sink.notify(_before(deadline, told))
            except Exception as error:  # noqa: BLE001  whatever it is, the others are told
                name, why = (
                    type(sink).__name__,
                    str(error) if isinstance(error, DispatchError) else type(error).__name__,
                )
                log.error("%s was not told of all %d outcomes: %s", name, len(told), why)  # noqa: TRY400


def _before(deadline: float, results: Iterable[Result]) -> Iterator[Result]:
    """The results, as long as there is time for another."""
    for result in results:
        if time.monotonic() > deadline:
            raise TimeoutError
        yield result


def _labels(result: Result) -> dict[str, str]:
    told = result.summary()
    return {
        "alertname": NOTICE_ALERT,
        "severity": "warning",
        "outcome": result.outcome.value,
        "code": result.code,
        "about": told.get("alertname", ""),
        "about_namespace": told.get("namespace", ""),
        "about_resource": told.get("resource_id", ""),
    }


def _text(result: Result) -> dict[str, str]:
    which = "this alert" if result.alerts == 1 else f"these {result.alerts} alerts"
    return {
        "summary": f"No agent works on {which}: {result.outcome.value}",
        "description": to_json(result.summary()),
    }
