"""Notices to people as Kubernetes Events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from function.dispatch.model import TOLD_ONCE, Result
from function.shared.event import digest
from function.shared.kubernetes import Api, refusal
from function.shared.strict_json import Json, to_json


class Events:
    """Writes one Kubernetes Event for each notice, in the function's own namespace."""

    def __init__(self, api: Api, namespace: str, clock: Callable[[], float]) -> None:
        self._api, self._namespace, self._clock = api, namespace, clock

    def notify(self, results: Iterable[Result]) -> None:
        for result in results:
            answer = self._api.request(
                "POST", f"/api/v1/namespaces/{self._namespace}/events", self._event(result)
            )
            told_before = answer.status == 409 and result.code in TOLD_ONCE
            if answer.status != 201 and not told_before:
                raise refusal("create Events", answer)

    def _event(self, result: Result) -> Json:
        now = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        service = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "sre-dispatch"}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {**_name(result), "namespace": self._namespace},
            "involvedObject": {**service, "namespace": self._namespace},
            "type": "Warning",
            "reason": "Alert" + result.outcome.value.title().replace("-", ""),
            "message": to_json(result.summary())[:1024],  # the API's limit
            "source": {"component": "sre-dispatch"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }


def _name(result: Result) -> Json:
    """Returns a fixed name for what people are told once, so that the API server refuses a second Event. It
    keeps Events for an hour by default."""
    if result.code not in TOLD_ONCE:
        return {"generateName": "sre-dispatch-"}
    about = result.job or result.summary().get("charged_to", "")
    return {"name": f"sre-dispatch-{digest(about, result.code)[:40]}"}
