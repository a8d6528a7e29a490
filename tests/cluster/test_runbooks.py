"""Each command of the runbooks' diagnoses, run as it stands there after an alert whose agent has ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.cluster import AGENTS, reachable
from tests.cluster.knative import deliver_until
from tests.cluster.page import Page, sections
from tests.harness.model import model, outcome
from tests.harness.monitoring import RUNBOOKS

ALERT = {"alertname": "KubePodNotReady", "namespace": "shop", "pod": "web", "severity": "critical"}
OF_THE_FUNCTION = "serving.knative.dev/service"
"""Its pods go soon: their commands are the first to be run."""
OF_THE_STACK = " -n monitoring "
"""Of the chart's own pods, which are not on this cluster."""
NOTHING_TO_TELL = ("deferred", "budget_active", "type=Warning", "managed-by!=")
"""What they look for is not there when all is well."""


def commands() -> list[str]:
    found = {each for path in RUNBOOKS.iterdir() for each in sections(path)["Diagnosis"]}
    return sorted(found, key=lambda each: (OF_THE_FUNCTION not in each, each))


@pytest.fixture
def names(page: Page, model_port: int) -> Iterator[dict[str, str]]:
    """What stands in the place of the names that a person fills in; the pause is there as well."""
    cluster = page.cluster
    with (
        model([outcome(summary="It fills.")], port=model_port) as asked,
        reachable(asked.url, cluster.address),
    ):
        deliver_until(cluster, ALERT)
        (job,) = (each["metadata"]["name"] for each in cluster.jobs())
        pod: Any = cluster.ended(job)
    pause = ("quota", "pause", "-n", AGENTS)
    cluster.kubectl("create", *pause, "--hard=count/jobs.batch=99")
    deliver_until(cluster, ALERT)  # the function's pod of before may be gone
    yield {
        "NAME-OF-THE-ALERT": ALERT["alertname"],
        "JOB": job,
        "POD": pod["metadata"]["name"],
        "NODE": pod["spec"]["nodeName"],
    }
    cluster.kubectl("delete", *pause)


def filled(command: str, names: dict[str, str]) -> str:
    """With the names, and without its filter where that lets nothing through."""
    for name, value in names.items():
        command = command.replace(name, value)
    return command.partition(" | ")[0] if may_be_empty(command) else command


def may_be_empty(command: str) -> bool:
    return any(part in command for part in NOTHING_TO_TELL)


def test_every_command_of_a_diagnosis_tells_something(page: Page, names: dict[str, str]) -> None:
    ours = [each for each in commands() if OF_THE_STACK not in each]
    told = {each: page.run_these([filled(each, names)]) for each in ours}
    silent = [each for each, text in told.items() if not text.strip() or "No resources found" in text]
    assert [each for each in silent if not may_be_empty(each)] == [] and len(ours) > 30
