"""The prompt of a case, as the real pipeline writes it: labels read, policy asked, facts fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from function.dispatch import pipeline, translate, wiring
from function.dispatch.adapters.local import DryRunCluster
from function.dispatch.ports import Dependencies
from function.dispatch.settings import Settings
from function.shared.event import SREEvent
from function.shared.strict_json import Json
from tests.eval.calls import LATE, TRIES
from tests.eval.cases import Case, timed
from tests.eval.forms import Unusable
from tests.eval.world import CLUSTER, Place
from tests.harness.process import ROOT

ALERT = "# The alert\n"
REPORT = "# The report\n"
MARK = "sre-dispatch/"


@dataclass(frozen=True)
class Prompt:
    """What the agent is given."""

    given: Mapping[str, str]
    """Event, decision, prompt and system prompt, by the names of their files."""
    event: SREEvent
    page: str
    """The template of the prompt."""

    @property
    def text(self) -> str:
        return self.given["prompt"]

    @property
    def expression(self) -> str:
        """The rule's expression, as the prompt tells it."""
        block = self.known.partition(">\n")[2].partition("\n</")[0]
        return str(json.loads(block).get("expression", ""))

    @property
    def ways(self) -> str:
        """What the prompt says to do: the alert's page, and how to look."""
        return self.text.partition(ALERT)[0]

    @property
    def known(self) -> str:
        """What the prompt says of the incident: the alert and the facts."""
        return self.text.partition(ALERT)[2].partition(REPORT)[0]


class Keeping(DryRunCluster):
    """Keeps the Jobs that it is given."""

    created: list[Json]

    def create(self, manifest: Json) -> bool:
        self.created.append(manifest)
        return True


def dependencies(here: Place, with_facts: bool = True) -> tuple[Dependencies, Keeping]:
    """The function's dependencies: all real, but no Job is started. An engine takes a second to build."""
    told = {
        "HOST": "127.0.0.1",
        "SRE_DISPATCH_AUTH": "none",
        "SRE_DISPATCH_POLICY": "embedded",
        "SRE_DISPATCH_CLUSTER": CLUSTER,
    }
    if with_facts:
        told |= {
            "SRE_DISPATCH_CONTEXT": "world-model",
            "SRE_DISPATCH_WORLD_MODEL_URL": f"{here.model_of_world.url}/mcp",
            "SRE_DISPATCH_WORLD_MODEL_TOKEN_FILE": str(here.model_of_world.folder / "reader"),
        }
    cluster = Keeping(ROOT / "knative" / "tiers")
    cluster.created = []
    return replace(wiring.offline(Settings.read(told)), cluster=cluster), cluster


def prompt(deps: Dependencies, cluster: Keeping, case: Case, now: datetime) -> Prompt:
    """The prompt of the case's alert, once the facts are not late. Raises Unusable."""
    for _ in range(TRIES):
        found = _prompt(deps, cluster, case, now)
        if not LATE.search(found.text):
            break
    return found


def _prompt(deps: Dependencies, cluster: Keeping, case: Case, now: datetime) -> Prompt:
    """Raises Unusable if the policy starts no agent that investigates."""
    cluster.created.clear()
    (result,) = pipeline.run(translate.either(webhook(case, now), deps.reading()), deps)
    if not cluster.created or not isinstance(result.alert, SREEvent) or not result.decision:
        why = f"{result.outcome.value} {result.code} {result.detail}"
        raise Unusable(f"{case.name}/alert.yaml: the policy starts no agent ({why}); write another alert")
    if result.decision.mode != "investigate":
        raise Unusable(f"{case.name}/alert.yaml: its mode is {result.decision.mode}; make it critical")
    annotations = cluster.created[0]["spec"]["template"]["metadata"]["annotations"]
    given = {name.removeprefix(MARK): text for name, text in annotations.items()}
    page = cluster.created[0]["metadata"]["annotations"][f"{MARK}prompt-template"]
    return Prompt(given, result.alert, page)


def webhook(case: Case, now: datetime) -> dict[str, Any]:
    """What Alertmanager would send."""
    url = f"http://prometheus-0:9090/graph?g0.expr={quote(case.alert.expr, safe='')}&g0.tab=1"
    alert = {
        "status": "firing",
        "labels": case.alert.labels,
        "annotations": case.alert.annotations,
        "startsAt": timed(case.alert.startsAt, now),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": url,
        "fingerprint": "c0ffee0000000001",
    }
    group = {"alertname": case.alert.labels["alertname"]}
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{group["alertname"]}"}}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "sre-dispatch",
        "groupLabels": group,
        "commonLabels": case.alert.labels,
        "commonAnnotations": case.alert.annotations,
        "externalURL": "http://alertmanager:9093",
        "alerts": [alert],
    }
