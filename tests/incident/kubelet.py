"""A stand-in for the kubelet: runs the pod that the Job controller made, and tells its state as one would."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests import jira
from tests.incident.parts import Parts
from tests.real.conftest import JOBS, PODS
from tests.real.grafana import TOKEN as GRAFANA_TOKEN
from tests.real.incident import MERGE
from tests.real.pod import Pod, Processes, Ran, pod
from tests.runner.model import Model, Reply, real
from tests.worldmodel.process import READER, WRITER

REAL_SECONDS = 300.0
"""For a real model's agent."""
Script = Callable[[Path], Sequence[Reply]]
"""What the model says, by the folder in which the agent works."""


def pod_of(parts: Parts, job: str) -> Any:
    """The pod of the Job, nothing while there is none."""
    told = parts.admin.get(PODS, params={"labelSelector": f"batch.kubernetes.io/job-name={job}"})
    return next(iter(told.raise_for_status().json()["items"]), None)


def run(parts: Parts, found: Any, script: Script, running: Callable[[], None]) -> Ran:
    """Runs the containers of the pod to their end; `running` is called once they run."""
    tier = found["metadata"]["labels"]["sre-dispatch/tier"]
    folder = parts.folder / "jobs" / found["metadata"]["name"]
    folder.mkdir()
    secrets = {
        "reader-token": READER,
        "worldmodel-token": WRITER,
        "jira-token": jira.TOKEN,
        "git-credentials": parts.site.gitea.credentials(folder).read_text(encoding="utf-8").strip(),
    }
    addresses = parts.site.addresses() | {"GRAFANA_SERVICE_ACCOUNT_TOKEN": GRAFANA_TOKEN}

    def meanwhile(_: Processes, __: Model) -> None:
        _tell(parts, found, {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
        running()

    with pod(tier, folder, parts.api, addresses, secrets) as here:
        _give(here, found)
        ran = here.run(*script(here.work), meanwhile=meanwhile)
    ends = {"agent": ran.agent, "report": ran.report}
    states = [
        {"name": name, "image": "sre-agent", "imageID": "", "ready": False, "restartCount": 0}
        | {"state": {"terminated": {"exitCode": end.status, "message": json.dumps(end.message)[:4096]}}}
        for name, end in ends.items()
    ]
    went_well = not any(end.status for end in ends.values())
    _tell(parts, found, {"phase": "Succeeded" if went_well else "Failed", "containerStatuses": states})
    return ran


def _give(here: Pod, found: Any) -> None:
    """What the downward API and the Secrets bring into it."""
    told = found["metadata"]["annotations"]
    here.given |= {name: told[f"sre-dispatch/{name}"] for name in ("prompt", "event", "decision")}
    here.given["job"] = found["metadata"]["labels"]["batch.kubernetes.io/job-name"]
    here.given["managed-by"] = found["metadata"]["labels"]["app.kubernetes.io/managed-by"]
    if asked := real():
        here.environment |= {"ANTHROPIC_BASE_URL": "https://api.anthropic.com"} | asked
        here.seconds = REAL_SECONDS


def _tell(parts: Parts, found: Any, status: Any) -> None:
    path = f"{PODS}/{found['metadata']['name']}/status"
    parts.admin.patch(path, json={"status": status}, headers=MERGE).raise_for_status()


def job_of(parts: Parts, job: str) -> Any:
    return parts.admin.get(f"{JOBS}/{job}").raise_for_status().json()
