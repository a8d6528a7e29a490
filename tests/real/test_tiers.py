"""The incident in each tier: its own files, rights and admission policies on a real API server, its real MCP
servers, runner and Claude Code, a scripted model; and what came of it where it would have arrived."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import jira as jiras
from tests.jira import Jira
from tests.real.components import ApiServer, api_server, wait_until
from tests.real.conftest import KNATIVE, MANIFESTS, need
from tests.real.gitea import Gitea, gitea
from tests.real.grafana import TOKEN as GRAFANA_TOKEN
from tests.real.grafana import Grafana, grafana
from tests.real.incident import incident
from tests.real.pod import Pod, Processes, given_of, pod
from tests.real.rules import Ruled, ruled
from tests.runner.model import Model, call, outcome
from tests.worldmodel.process import READER, WRITER, WorldModel, world_model

pytestmark = pytest.mark.real

CLAIM = "/api/v1/namespaces/f3iai/persistentvolumeclaims/typedb-data"
CANARY = "a-password-that-nobody-may-read"
SERIES = 'kubelet_volume_stats_used_percent{namespace="f3iai",persistentvolumeclaim="typedb-data"}'
FILE = "apps/typedb/claim.yaml"
RULE: dict[str, Any] = {
    "alert": "PVCUsageRising",
    "expr": f"{SERIES.partition('{')[0]} > 60",
    "labels": {"severity": "info"},
}
ADDRESSES = {
    "jira": "https://jira.example",
    "git": "https://gitea.example/f3iai/gitops.git",
    "grafana": "http://kube-prom-stack-grafana.monitoring",
    "prometheus": "http://kube-prom-stack-kube-prometheus-stack-prometheus.monitoring:9090",
    "world": "http://sre-dispatch-worldmodel.f3iai.svc:50060",
}


@dataclass
class Site:
    """All that an agent meets."""

    api: ApiServer
    gitea: Gitea
    grafana: Grafana
    prometheus: Ruled
    world: WorldModel
    jira: Jira


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    need(
        "etcd",
        "kube-apiserver",
        "kubectl",
        "gitea",
        "prometheus",
        "claude",
        "kubernetes-mcp-server",
        "mcp-grafana",
    )
    folder = tmp_path_factory.mktemp("site")
    for name in ("api", "gitea", "prometheus", "world"):
        (folder / name).mkdir()
    with ExitStack() as stack:
        enter = stack.enter_context
        api = enter(api_server(folder / "api"))
        install(api)
        prometheus = enter(ruled(folder / "prometheus", [RULE]))
        forge = enter(gitea(folder / "gitea"))
        content = base64.b64encode(b"spec:\n  resources:\n    requests:\n      storage: 20Gi\n").decode()
        forge.ask("POST", f"contents/{FILE}", {"content": content, "branch": "main"})
        yield Site(
            api,
            forge,
            enter(grafana(prometheus.url)),
            prometheus,
            enter(world_model(folder / "world", KUBECONFIG=str(api.kubeconfig))),
            enter(jiras.serving(Jira())),
        )


def install(api: ApiServer) -> None:
    """Everything of ours that is in force on such a cluster, and the incident's objects."""
    incident(api, max_storage="40Gi")
    for name in ("reading", "ceilings"):
        api.kubectl("apply", "-f", KNATIVE / "base" / f"{name}.yaml")
    for manifest in [*MANIFESTS, KNATIVE / "enrolled" / "f3iai.yaml"]:
        api.kubectl("apply", "-f", manifest)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "typedb", "namespace": "f3iai"}}
    api.kubectl("apply", "-f", "-", stdin=json.dumps(secret | {"stringData": {"password": CANARY}}))
    with api.client(api.token("sre-agents", "sre-agent-low")) as low:
        patch = {"spec": {"resources": {"requests": {"storage": "41Gi"}}}}
        kind = {"content-type": "application/merge-patch+json"}
        wait_until(
            lambda: low.patch(CLAIM, json=patch, headers=kind, params={"dryRun": "All"}).status_code == 422,
            "the ceilings to be in force",
        )


@pytest.fixture
def start(site: Site, tmp_path: Path) -> Iterator[Callable[[str, str], Pod]]:
    """A pod of a tier with the Job of a delivery."""
    with ExitStack() as stack:

        def started(tier: str, delivery: str) -> Pod:
            addresses = {
                ADDRESSES["jira"]: site.jira.url,
                ADDRESSES["git"]: site.gitea.repository,
                ADDRESSES["grafana"]: site.grafana.url,
                ADDRESSES["prometheus"]: site.prometheus.url,
                ADDRESSES["world"]: site.world.url,
                "sre-agent@example.com": jiras.USER,
                '"project": "SRE"': f'"project": "{site.jira.project}"',
                "GRAFANA_SERVICE_ACCOUNT_TOKEN": GRAFANA_TOKEN,
            }
            secrets = {
                "reader-token": READER,
                "worldmodel-token": WRITER,
                "jira-token": jiras.TOKEN,
                "git-credentials": site.gitea.credentials(tmp_path).read_text().strip(),
            }
            ready = stack.enter_context(pod(tier, tmp_path, site.api, addresses, secrets))
            ready.given |= given_of(delivery)
            return ready

        site.jira.issues.clear()
        yield started


def test_high_reads_writes_a_ticket_and_changes_nothing(site: Site, start: Callable[[str, str], Pod]) -> None:
    before = site.api.kubectl("get", "pvc,statefulset,pod", "-n", "f3iai", "-o", "yaml")
    high = start("high", "incident-90")
    look = call(
        "mcp__kubernetes__resources_get",
        apiVersion="v1",
        kind="PersistentVolumeClaim",
        namespace="f3iai",
        name="typedb-data",
    )
    ask = call(
        "mcp__grafana__query_prometheus",
        datasourceUid="prometheus",
        expr="up",
        queryType="instant",
        endTime="now",
    )
    ran = high.run([look], [ask], [outcome(summary="The volume fills.")])
    assert (ran.agent.status, ran.report.status) == (0, 0), ran.everything()
    assert "ceph-rbd" in ran.model.results()[0] and "test" in ran.model.results()[1]
    (issue,) = site.jira.issues
    assert "The volume fills." in issue.fields["description"]
    assert ran.report.message["ticket"].endswith(issue.key)
    again = high.run([outcome(summary="It still fills.")])
    assert again.report.status == 0 and len(site.jira.issues) == 1
    assert "It still fills." in issue.comments[0]
    assert site.api.kubectl("get", "pvc,statefulset,pod", "-n", "f3iai", "-o", "yaml") == before
    runs = site.world.call("list_outcomes", {"resource_id": "typedb-data", "alertname": "PVCUsageCritical"})[
        "outcomes"
    ]
    assert len(runs) == 2 and {each["status"] for each in runs} == {"investigated"}


def proposing(pod: Pod, size: str) -> list[list[dict[str, Any]]]:
    """A model that reads the claim's file, writes another size into it, and says so."""
    file = str(pod.work / FILE)
    edit = call("Edit", file_path=file, old_string="storage: 20Gi", new_string=f"storage: {size}")
    told = outcome(
        status="proposed", summary=f"Raise the claim to {size}.", actions=[f"{FILE}: 20Gi -> {size}"]
    )
    return [[call("Read", file_path=file)], [edit], [told]]


def test_medium_opens_a_pull_request_and_a_repeat_updates_it(
    site: Site, start: Callable[[str, str], Pod]
) -> None:
    medium = start("medium", "incident-75")
    ran = medium.run(*proposing(medium, "40Gi"))
    assert ran.prepared and (ran.prepared.status, ran.agent.status, ran.report.status) == (0, 0, 0), (
        ran.everything()
    )
    pull, content = proposed(site)
    assert ran.report.message["merge_request"] == pull["html_url"]
    assert "storage: 40Gi" in content
    assert "storage: 20Gi" in site.gitea.file(FILE, "main")
    assert pull["html_url"] in site.jira.issues[0].fields["description"]
    again = medium.run(*proposing(medium, "60Gi"))
    assert again.report.message["merge_request"] == pull["html_url"]
    assert "storage: 60Gi" in proposed(site)[1] and len(site.jira.issues) == 1
    assert requested(site) == "20Gi"


def proposed(site: Site) -> tuple[Any, str]:
    """The one open pull request, and the claim's file as it would have it."""
    (pull,) = site.gitea.ask("GET", "pulls?state=open")
    return pull, site.gitea.file(FILE, pull["head"]["sha"])


def test_low_grows_the_claim_up_to_its_ceiling_and_no_further(
    site: Site, start: Callable[[str, str], Pod]
) -> None:
    low = start("low", "asks-low")
    low.given |= autonomous(site, low)
    sizes = [
        call("mcp__remedies__resources_create_or_update", resource=claim(size)) for size in ("40Gi", "80Gi")
    ]
    raised = claim("80Gi", annotations={"sre-dispatch/max-storage": "1Ti"})
    annotate = call("mcp__remedies__resources_create_or_update", resource=raised)
    told = outcome(
        status="resolved", summary="Grew the claim to 40Gi.", actions=["typedb-data: 20Gi -> 40Gi"]
    )

    def relieve(_: Processes, asked: Model) -> None:
        wait_until(lambda: requested(site) == "40Gi", "the claim to grow")
        site.prometheus.exporter.samples[SERIES] = "37.6"

    ran = low.run([sizes[0]], [sizes[1]], [annotate], [told], meanwhile=relieve)
    assert (ran.agent.status, ran.report.status) == (0, 0), ran.everything()
    grown, beyond, annotated = ran.model.results()
    assert "40Gi" in grown and "max-storage allows" in beyond and "denied request: sre-dispatch" in annotated
    assert requested(site) == "40Gi"
    assert (ran.report.message["verification"], ran.report.message["reason"]) == ("cleared", "good_sample")
    (run,) = site.world.call("list_outcomes", {"alertname": RULE["alert"]})["outcomes"]
    assert (run["status"], run["verification"]) == ("resolved", "cleared")
    assert "Grew the claim to 40Gi." in site.jira.issues[0].fields["description"]


def autonomous(site: Site, pod: Pod) -> dict[str, str]:
    """The Job of an enrolled alert of the same volume, as it fires in the real Prometheus."""
    site.prometheus.exporter.samples[SERIES] = "75.2"
    fired = site.prometheus.fired(RULE["alert"], persistentvolumeclaim="typedb-data")
    event = json.loads(pod.given["event"]) | {name: fired[name] for name in ("alertname", "raw_payload")}
    decision = {"mode": "autonomous", "grant": {"tier": "low"}}
    return {"event": json.dumps(event), "decision": json.dumps(decision)}


def claim(size: str, **metadata: Any) -> str:
    """What a model applies."""
    named = {"name": "typedb-data", "namespace": "f3iai", **metadata}
    wanted = {"resources": {"requests": {"storage": size}}}
    return json.dumps(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": named, "spec": wanted}
    )


def requested(site: Site) -> str:
    with site.api.client() as admin:
        told: str = admin.get(CLAIM).json()["spec"]["resources"]["requests"]["storage"]
    return told
