"""Deliveries as hypothesis makes them up: a few problems, told again and again in other words and order.
Every free text has the mark, so that a test finds it wherever it leaks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from function.dispatch.storm import FOLD_ABOVE

MARK = "zq7"
PODS = ("cart-zq7-7d8f9c5b74-qz7lp", "cart-zq7-5b6c98fd7-x2x9w", "cart-zq7-589df4b6d6-mmmmm")
"""Pods of one Deployment."""
PROBLEMS: Mapping[str, Any] = {
    "Claimzq7x0": {"namespace": "shop-zq7", "persistentvolumeclaim": "data-zq7-0", "job": "kubelet"},
    "Claimzq7x1": {"namespace": "shop-zq7", "persistentvolumeclaim": "data-zq7-1"},
    "Fullzq7x6": {"namespace": "shop-zq7", "persistentvolumeclaim": "data-zq7-1"},
    "Podzq7x2": {"namespace": "shop-zq7", "job": "cart-zq7", "instance": "10.1.1.1:8080", "pod": PODS},
    "Podzq7x3": {"namespace": "shop-zq7", "job": "kube-state-metrics", "container": "zq7", "pod": PODS},
    "Queuezq7x4": {"namespace": "shop-zq7", "queue": "zq7", "zone": "zq7"},
    "Nothingzq7x5": {"team": "zq7 \u00e4 <b>"},
}
"""The labels of each problem, by alertname. Where there are several values, each names the same problem."""
MOVING = ("prometheus_replica", "image", "uid", "version")
"""Labels that change while the problem stays."""
FLOOD = FOLD_ABOVE + 2
SEVERITIES = ("info", "warning", "critical", "page-zq7")


POISON = {"status": "firing", "labels": None, "startsAt": "zq7", "annotations": {"summary": "zq7"}}
HEADERS = {
    "content-type": "application/json",
    "user-agent": "zq7",
    "authorization": "Bearer zq7-token-of-a-sender",
}
ATTRIBUTES = {
    "specversion": "1.0",
    "id": "zq7",
    "source": "/zq7",
    "subject": "zq7",
    "type": "sre-dispatch.alertmanager.v4",
}


@dataclass(frozen=True)
class Telling:
    """One alert. `variant` changes all that may change while the problem stays."""

    alertname: str
    variant: int = 0
    status: str = "firing"
    severity: str = "warning"
    minutes: int = 1
    """How long ago it began."""

    def alert(self, now: datetime) -> dict[str, Any]:
        own = PROBLEMS.get(self.alertname, {"namespace": "shop-zq7", "queue": self.alertname})
        labels = {"alertname": self.alertname, "severity": self.severity} | {
            label: value if isinstance(value, str) else value[self.variant % len(value)]
            for label, value in own.items()
        }
        labels |= {label: f"zq7-{self.variant}" for label in MOVING[: self.variant % (len(MOVING) + 1)]}
        told = list(labels.items())
        return {
            "status": self.status,
            "labels": dict(told[::-1] if self.variant % 2 else told),
            "annotations": {
                "summary": f"zq7 {self.variant}%",
                f"zq7-{self.variant}": f"zq7 <{self.variant}>",
            },
            "startsAt": (now - timedelta(minutes=self.minutes)).isoformat(),
            "generatorURL": f"http://zq7/{self.variant}",
            "fingerprint": f"zq7{self.variant}",
        }


class Request(NamedTuple):
    body: bytes
    headers: Mapping[str, str]
    outcomes: int
    """How many outcomes it must have, storms apart."""


@dataclass(frozen=True)
class Arrival:
    """A delivery."""

    tellings: Sequence[Telling]
    is_flood: bool
    is_poisoned: bool
    is_truncated: bool
    group: int
    form: str

    def webhook(self, now: datetime) -> dict[str, Any]:
        """Returns the body of the webhook at this time."""
        flood = [Telling(f"Floodzq7x{number}") for number in range(FLOOD if self.is_flood else 0)]
        return {
            "version": "4",
            "receiver": "zq7",
            "status": "firing",
            "groupKey": f"zq7-{self.group}",
            "groupLabels": {"zq7": f"zq7-{self.group}"},
            "truncatedAlerts": 3 if self.is_truncated else 0,
            "externalURL": "http://zq7",
            "alerts": [each.alert(now) for each in (*self.tellings, *flood)] + [POISON] * self.is_poisoned,
        }

    def request(self, now: datetime) -> Request:
        webhook = self.webhook(now)
        outcomes = len(webhook["alerts"]) + self.is_truncated
        if self.form == "structured":
            headers = HEADERS | {"content-type": "application/cloudevents+json"}
            return Request(json.dumps(ATTRIBUTES | {"data": webhook}).encode(), headers, outcomes)
        attributes = ATTRIBUTES if self.form == "binary" else {}
        headers = HEADERS | {f"ce-{name}": value for name, value in attributes.items()}
        return Request(json.dumps(webhook).encode(), headers, outcomes)


def tellings(names: Sequence[str]) -> st.SearchStrategy[list[Telling]]:
    one = st.builds(
        Telling,
        st.sampled_from(names),
        st.integers(0, 9),
        st.sampled_from(("firing", "firing", "firing", "resolved")),
        st.sampled_from(SEVERITIES),
        st.sampled_from((0, 1, 30, 90)),
    )
    return st.lists(one, min_size=1, max_size=4)


ALL = sorted(PROBLEMS)
rarely = st.integers(0, 11).map(lambda number: number == 11)
arrivals = st.builds(
    Arrival,
    tellings(ALL) | st.sampled_from(ALL).flatmap(lambda name: tellings([name])),
    rarely,
    rarely,
    rarely,
    st.integers(0, 1),
    st.sampled_from(("plain", "binary", "structured")),
)
