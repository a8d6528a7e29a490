"""All that an agent meets beside its cluster: Gitea, Prometheus, the world model; stand-ins for Grafana and
Jira."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness import jira as jiras
from tests.harness.components import need, wait_until
from tests.harness.gitea import Gitea, gitea
from tests.harness.grafana import Grafana, grafana
from tests.harness.jira import Jira
from tests.harness.manifests import CLUSTER
from tests.harness.model import call, outcome
from tests.harness.rules import Ruled, ruled
from tests.harness.worldmodel import WorldModel, world_model

SERIES = 'kubelet_volume_stats_used_percent{namespace="f3iai",persistentvolumeclaim="typedb-data"}'
FILE = "apps/typedb/claim.yaml"
RULE: dict[str, Any] = {
    "alert": "PVCUsageRising",
    "expr": f"{SERIES.partition('{')[0]} > 60",
    "labels": {"severity": "info"},
}
NAMED = {
    "jira": "https://jira.example",
    "gitea": "https://gitea.example/f3iai/gitops.git",
    "grafana": "http://kube-prom-stack-grafana.monitoring",
    "prometheus": "http://kube-prom-stack-kube-prome-prometheus.monitoring:9090",
    "world": "http://sre-dispatch-worldmodel.f3iai.svc:50060",
}
"""Where each is, in the tiers' files."""


@dataclass
class Site:
    gitea: Gitea
    grafana: Grafana
    prometheus: Ruled
    world: WorldModel
    jira: Jira

    def addresses(self) -> dict[str, str]:
        """What replaces what stands in the tiers' files."""
        here = {
            "jira": self.jira.url,
            "gitea": self.gitea.repository,
            "grafana": self.grafana.url,
            "prometheus": self.prometheus.url,
            "world": self.world.url,
        }
        account = {
            "sre-agent@example.com": jiras.USER,
            '"project": "SRE"': f'"project": "{self.jira.project}"',
        }
        return {NAMED[name]: url for name, url in here.items()} | account

    def proposed(self) -> tuple[Any, str]:
        """The one open pull request, and the claim's file as it would have it."""
        (pull,) = self.gitea.ask("GET", "pulls?state=open")
        return pull, self.gitea.file(FILE, pull["head"]["sha"])

    def close(self, pull: Any) -> None:
        self.gitea.ask("PATCH", f"pulls/{pull['number']}", {"state": "closed"})

    def rising(self, event: str) -> dict[str, str]:
        """Event and decision of an enrolled alert of the same volume, as it fires in the real Prometheus."""
        self.prometheus.exporter.samples[SERIES] = "75.2"
        fired = self.prometheus.fired(RULE["alert"], persistentvolumeclaim="typedb-data")
        told = json.loads(event) | {name: fired[name] for name in ("alertname", "raw_payload")}
        decision = {"mode": "autonomous", "grant": {"tier": "remediate"}}
        return {"event": json.dumps(told), "decision": json.dumps(decision)}


@contextmanager
def site(folder: Path, kubeconfig: Path) -> Iterator[Site]:
    """The site around the cluster of the kubeconfig."""
    need("gitea", "prometheus", "claude", "kubernetes-mcp-server", "mcp-grafana")
    for name in ("gitea", "prometheus", "world"):
        (folder / name).mkdir()
    with ExitStack() as stack:
        enter = stack.enter_context
        prometheus = enter(ruled(folder / "prometheus", [RULE]))
        wait_until(prometheus.scraped, "the first scrape")
        forge = enter(gitea(folder / "gitea"))
        forge.put(FILE, "spec:\n  resources:\n    requests:\n      storage: 20Gi\n")
        yield Site(
            forge,
            enter(grafana(prometheus.url)),
            prometheus,
            enter(world_model(folder / "world", KUBECONFIG=str(kubeconfig), SRE_DISPATCH_CLUSTER=CLUSTER)),
            enter(jiras.serving(Jira())),
        )


def proposing(file: str, size: str, before: str = "20Gi") -> list[list[dict[str, Any]]]:
    """A model that reads the claim's file, writes another size into it, and says so."""
    edit = call("Edit", file_path=file, old_string=f"storage: {before}", new_string=f"storage: {size}")
    told = outcome(
        status="proposed", summary=f"Raise the claim to {size}.", actions=[f"{FILE}: {before} -> {size}"]
    )
    return [[call("Read", file_path=file)], [edit], [told]]


def claim(size: str, **metadata: Any) -> str:
    """What a model applies."""
    named = {"name": "typedb-data", "namespace": "f3iai", **metadata}
    wanted = {"resources": {"requests": {"storage": size}}}
    return json.dumps(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": named, "spec": wanted}
    )
