"""A stand-in for the kubelet: runs the pod that the Job controller made, and tells its state as one would."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.harness import jira
from tests.harness.components import ApiServer
from tests.harness.grafana import TOKEN as GRAFANA_TOKEN
from tests.harness.incident import MERGE
from tests.harness.manifests import PODS
from tests.harness.model import Model, real
from tests.harness.pod import Ended, Pod, Processes, Ran, pod
from tests.harness.site import Site
from tests.harness.worldmodel import READER, WRITER
from tests.story.parts import Script

REAL_SECONDS = 300.0
"""For a real model's agent."""


@dataclass(frozen=True)
class Kubelet:
    api: ApiServer
    admin: httpx.Client
    site: Site
    folder: Path
    """In which each pod gets one."""

    def run(self, found: Any, script: Script, running: Callable[[], None]) -> Ran:
        """Runs the containers of the pod to their end; `running` is called once they run."""
        folder = self.folder / found["metadata"]["name"]
        folder.mkdir(parents=True)
        secrets = {
            "reader-token": READER,
            "worldmodel-token": WRITER,
            "jira-token": jira.TOKEN,
            "git-credentials": self.site.gitea.credentials(folder).read_text(encoding="utf-8").strip(),
        }
        addresses = self.site.addresses() | {"GRAFANA_SERVICE_ACCOUNT_TOKEN": GRAFANA_TOKEN}

        def meanwhile(_: Processes, __: Model) -> None:
            self._tell(found, {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
            running()

        tier = found["metadata"]["labels"]["sre-dispatch/tier"]
        with pod(tier, folder, self.api, addresses, secrets) as here:
            _give(here, found)
            ran = here.run(*script(here.work), meanwhile=meanwhile)
        self._ended(found, {"agent": ran.agent, "report": ran.report})
        return ran

    def _ended(self, found: Any, ends: Mapping[str, Ended]) -> None:
        states = [
            {"name": name, "image": "sre-agent", "imageID": "", "ready": False, "restartCount": 0}
            | {"state": {"terminated": {"exitCode": end.status, "message": json.dumps(end.message)[:4096]}}}
            for name, end in ends.items()
        ]
        went_well = not any(end.status for end in ends.values())
        phase = "Succeeded" if went_well else "Failed"
        self._tell(found, {"phase": phase, "containerStatuses": states})

    def _tell(self, found: Any, status: Any) -> None:
        path = f"{PODS}/{found['metadata']['name']}/status"
        self.admin.patch(path, json={"status": status}, headers=MERGE).raise_for_status()


def _give(here: Pod, found: Any) -> None:
    """What the downward API and the Secrets bring into it."""
    told = found["metadata"]["annotations"]
    here.given |= {name: told[f"sre-dispatch/{name}"] for name in ("prompt", "event", "decision")}
    here.given["job"] = found["metadata"]["labels"]["batch.kubernetes.io/job-name"]
    here.given["managed-by"] = found["metadata"]["labels"]["app.kubernetes.io/managed-by"]
    if asked := real():
        here.environment |= {"ANTHROPIC_BASE_URL": "https://api.anthropic.com"} | asked
        here.seconds = REAL_SECONDS
