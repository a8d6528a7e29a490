"""Notices to people: in the log, as CloudEvents, and as alerts in Alertmanager."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cloudevents.conversion import to_structured
from cloudevents.http import CloudEvent

from function.dispatch.model import NOTICE_TYPE, SHARE_HOUR, TOLD_ONCE, Result
from function.dispatch.ports import Sink
from function.shared import http
from function.shared.errors import DispatchError, Unavailable
from function.shared.event import digest
from function.shared.strict_json import to_json

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("sre-dispatch")

TIMEOUT_SECONDS = 1.0
"""The time limit for one request to a sink."""
TOGETHER_SECONDS = 3.0
"""The time limit for all notices of a delivery to all sinks. Alertmanager waits for our reply meanwhile."""
NOTICE_ALERT = "SREDispatchNeedsPerson"
NOTICE_LASTS = timedelta(hours=1)
"""How long a notice fires. Alertmanager resolves an alert that has no end after five minutes."""


def connect(url: str) -> httpx.Client:
    """Returns a client for one request. Notices are too rare to keep a connection open."""
    import httpx

    return httpx.Client(timeout=TIMEOUT_SECONDS, verify=url.startswith("https:"), trust_env=False)


def _post(client: httpx.Client, url: str, **content: Any) -> None:
    """Send one request within TIMEOUT_SECONDS, and close the client. The timeout of the client does not stop
    a sink whose answer has no end."""

    def act() -> None:
        client.post(url, **content).raise_for_status()

    late = Unavailable("sink_slow", f"no whole answer within {TIMEOUT_SECONDS} s: look at the sink's log")
    http.closed_after(TIMEOUT_SECONDS, client, act, late)


class Log:
    """Logs one line for each notice. JSON escapes the text of the alert."""

    def notify(self, results: Iterable[Result]) -> None:
        for result in results:
            log.warning("needs a person: %s", to_json(result.summary()))


class CloudEvents:
    """Sends one CloudEvent for each notice to K_SINK, which Knative sets."""

    def __init__(self, url: str, connect: Callable[[str], httpx.Client] = connect) -> None:
        self._url, self._connect = url, connect

    def notify(self, results: Iterable[Result]) -> None:
        for result in results:
            summary = result.summary()
            attributes = {
                "type": NOTICE_TYPE,
                "source": "/sre-dispatch",
                "subject": result.outcome.value,
                "id": digest(to_json(summary)),  # the same if the delivery is repeated
            }
            headers, body = to_structured(CloudEvent(attributes, summary))
            _post(self._connect(self._url), self._url, headers=headers, content=body)


class Alertmanager:
    """Sends one alert for each notice. Prometheus cannot scrape a function that scales to zero, so the
    function sends its notices itself."""

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
        _post(self._connect(self._url), f"{self._url}/api/v2/alerts", json=alerts)


class Fanout:
    """Notifies every sink, all within TOGETHER_SECONDS. If a sink fails, Fanout logs the failure and
    continues with the next sink."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def notify(self, results: Iterable[Result]) -> None:
        notices = list(results)
        deadline = time.monotonic() + TOGETHER_SECONDS
        for sink in self._sinks:
            try:
                sink.notify(_before(deadline, notices))
            except Exception as error:  # noqa: BLE001  the other sinks are notified anyway
                name, why = (
                    type(sink).__name__,
                    str(error) if isinstance(error, DispatchError) else type(error).__name__,
                )
                log.error("%s did not receive all %d notices: %s", name, len(notices), why)  # noqa: TRY400


def _before(deadline: float, results: Iterable[Result]) -> Iterator[Result]:
    """Yields the results until the deadline. After the deadline it raises TimeoutError."""
    for result in results:
        if time.monotonic() > deadline:
            raise TimeoutError
        yield result


def _labels(result: Result) -> dict[str, str]:
    summary = result.summary()
    return {
        "alertname": NOTICE_ALERT,
        "severity": "warning",
        "outcome": result.outcome.value,
        "code": result.code,
        "about": summary.get("alertname", ""),
        "about_namespace": summary.get("namespace", ""),
        "about_resource": summary.get("resource_id", ""),
    }


def _text(result: Result) -> dict[str, str]:
    which = "this alert" if result.alerts == 1 else f"these {result.alerts} alerts"
    summary = f"No agent works on {which}: {result.outcome.value}"
    if result.code == SHARE_HOUR:
        summary += f", because namespace {result.summary().get('charged_to', 'none')} has used its share"
    elif result.code in TOLD_ONCE:
        summary = f"Job {result.job} may not cover {which}: {result.code}"
    return {
        "summary": summary,
        "description": to_json(result.summary()),
    }
