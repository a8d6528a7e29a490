"""Kubernetes Events as a sink."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from function.dispatch.model import Result
from function.shared.kubernetes import Api, refusal
from function.shared.strict_json import Json, to_json


class Events:
    """One Kubernetes Event an outcome, in the function's own namespace."""

    def __init__(self, api: Api, namespace: str, clock: Callable[[], float]) -> None:
        self._api, self._namespace, self._clock = api, namespace, clock

    def notify(self, results: Iterable[Result]) -> None:
        for result in results:
            answer = self._api.request(
                "POST", f"/api/v1/namespaces/{self._namespace}/events", self._event(result)
            )
            if answer.status != 201:
                raise refusal("create Events", answer)

    def _event(self, result: Result) -> Json:
        now = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        service = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "sre-dispatch"}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": "sre-dispatch-", "namespace": self._namespace},
            "involvedObject": {**service, "namespace": self._namespace},
            "type": "Warning",
            "reason": "Alert" + result.outcome.value.title().replace("-", ""),
            "message": to_json(result.summary())[:1024],  # the API's limit
            "source": {"component": "sre-dispatch"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
