"""The tiers' Jobs as pods: real kubelet, real images, Pod Security restricted, and a scripted model."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from function.runner.paths import Paths
from tests.cluster.cluster import AGENTS, Cluster, codes, messages, process, reachable
from tests.harness import jira as jiras
from tests.harness.components import wait_until
from tests.harness.container import KEY
from tests.harness.grafana import TOKEN as GRAFANA_TOKEN
from tests.harness.incident import STORAGE_CLASS
from tests.harness.manifests import TIERS
from tests.harness.model import Model, Reply, call, hanging, model, outcome
from tests.harness.pod import given_of
from tests.harness.site import FILE, RULE, SERIES, Site, claim, proposing


@pytest.fixture(autouse=True)
def no_tickets(site: Site) -> None:
    site.jira.issues.clear()


@contextmanager
def running(
    cluster: Cluster, port: int, tier: str, given: dict[str, str], script: Sequence[Reply]
) -> Iterator[Model]:
    """A Job of the tier, made as the dispatcher makes it and with its rights, and the model of its agent."""
    template = cluster.get("cronjob", "-n", AGENTS, f"sre-agent-{tier}")["spec"]["jobTemplate"]
    identity = json.loads(given["event"])["identity"]
    labels = template["metadata"]["labels"] | {"app.kubernetes.io/managed-by": "sre-dispatch"}
    annotations = {f"sre-dispatch/{name}": text for name, text in given.items()}
    template["spec"]["template"]["metadata"] = {"labels": labels, "annotations": annotations}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"sre-{identity[:40]}",
            "namespace": AGENTS,
            "labels": labels,
            "annotations": {"sre-dispatch/identity": identity},
        },
        "spec": template["spec"],
    }
    dispatcher = "--as=system:serviceaccount:f3iai:sre-dispatch"
    with model(*script, port=port) as asked, reachable(asked.url, cluster.address):
        cluster.kubectl("create", dispatcher, "-f", "-", stdin=json.dumps(job))
        yield asked


def job_of(given: dict[str, str]) -> str:
    return f"sre-{json.loads(given['event'])['identity'][:40]}"


@pytest.mark.parametrize("tier", TIERS)
def test_a_try_out_runs(installed: Cluster, model_port: int, tier: str) -> None:
    told = f"try-out of tier {tier}"
    with model([outcome(summary=told)], port=model_port) as asked, reachable(asked.url, installed.address):
        installed.kubectl("create", "job", "-n", AGENTS, f"--from=cronjob/sre-agent-{tier}", "try-it")
        pod = installed.ended("try-it")
    assert codes(pod) == {"agent": 0, "report": 0}, messages(pod)
    assert [message["outcome"]["summary"] for message in messages(pod).values()] == [told, told]


def test_high_investigates_and_writes_a_ticket(installed: Cluster, site: Site, model_port: int) -> None:
    given = given_of("incident-90")
    look = call("mcp__kubernetes__pods_list_in_namespace", namespace="sre-agents")
    secret = call(
        "mcp__kubernetes__resources_get",
        apiVersion="v1",
        kind="Secret",
        namespace="sre-agents",
        name="sre-agent-report",
    )
    with running(
        installed, model_port, "investigate", given, ([look], [secret], [outcome(summary="It fills.")])
    ) as asked:
        pod = installed.ended(job_of(given))
    assert codes(pod) == {"agent": 0, "report": 0}, messages(pod)
    pods, refused = asked.results()
    assert job_of(given) in pods and "not allowed" in refused
    assert messages(pod)["report"]["ticket"].endswith(site.jira.issues[0].key)


def test_medium_opens_a_pull_request(installed: Cluster, site: Site, model_port: int) -> None:
    given = given_of("incident-75")
    with running(installed, model_port, "propose", given, proposing(f"{Paths.read({}).work}/{FILE}", "40Gi")):
        pod = installed.ended(job_of(given))
    assert codes(pod) == {"agent": 0, "report": 0}, messages(pod)
    pull, content = site.proposed()
    site.close(pull)
    assert "storage: 40Gi" in content
    assert messages(pod)["report"]["merge_request"].endswith(f"/pulls/{pull['number']}")


@pytest.fixture
def volume(installed: Cluster) -> Iterator[Cluster]:
    """The incident's claim, bound."""
    gone = ("delete", "--ignore-not-found", "-n", "f3iai", "pvc/typedb-data", "pv/typedb-data")
    installed.kubectl(*gone)
    shape: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "storageClassName": "ceph-rbd"}
    named = {"name": "typedb-data", "namespace": "f3iai"}
    installed.apply(
        STORAGE_CLASS,
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "typedb-data"},
            "spec": {
                **shape,
                "capacity": {"storage": "20Gi"},
                "hostPath": {"path": "/tmp"},
                "claimRef": named,
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {**named, "annotations": {"sre-dispatch/max-storage": "40Gi"}},
            "spec": {**shape, "volumeName": "typedb-data", "resources": {"requests": {"storage": "20Gi"}}},
        },
    )
    wait_until(
        lambda: installed.get("pvc", "-n", "f3iai", "typedb-data")["status"]["phase"] == "Bound", "the claim"
    )
    yield installed
    installed.kubectl(*gone)


def test_low_grows_the_claim_and_sees_the_alert_clear(
    volume: Cluster, site: Site, model_port: int, runs: Callable[[str], list[Any]]
) -> None:
    given = given_of("asks-low")
    given |= site.rising(given["event"])
    steps = [
        [call("mcp__remedies__resources_create_or_update", resource=claim(size))] for size in ("40Gi", "80Gi")
    ]
    told = outcome(status="resolved", summary="Grew the claim to 40Gi.", actions=["20Gi -> 40Gi"])

    def size() -> str:
        found: str = volume.get("pvc", "-n", "f3iai", "typedb-data")["spec"]["resources"]["requests"][
            "storage"
        ]
        return found

    with running(volume, model_port, "remediate", given, (*steps, [told])) as asked:
        wait_until(lambda: size() == "40Gi", "the claim to grow")
        site.prometheus.exporter.samples[SERIES] = "37.6"
        pod = volume.ended(job_of(given))
    assert codes(pod) == {"agent": 0, "report": 0}, messages(pod)
    assert "Request no more than the annotation allows" in asked.results()[1] and size() == "40Gi"
    assert messages(pod)["report"]["verification"] == "cleared"
    assert runs(RULE["alert"])[0]["verification"] == "cleared"


# --- where each credential is, looked for from inside each container ----------------------------------


def test_each_credential_is_where_it_should_be_and_nowhere_else(
    installed: Cluster, site: Site, model_port: int
) -> None:
    given = given_of("incident-75")
    with running(installed, model_port, "propose", given, (hanging,)) as asked:
        assert asked.asked.wait(60)
        pod = installed.pod_of(job_of(given))
        seen = {name: found_in(process(pod, name)) for name in ("kubernetes", "grafana", "agent", "report")}
    holders_of = {
        KEY: {"agent"},
        installed.secret("f3iai", "sre-dispatch-worldmodel", "reader"): {"agent"},
        GRAFANA_TOKEN: {"grafana"},
        jiras.TOKEN: {"report"},
        installed.secret("f3iai", "sre-dispatch-worldmodel", "writer"): {"report"},
        site.gitea.tokens["agent"]: {"report"},
    }
    for secret, holders in holders_of.items():
        assert {name for name, text in seen.items() if secret in text} == holders, secret[:12]
    tokens = {name for name, text in seen.items() if "system:serviceaccount:" in text or ".eyJ" in text}
    assert {name for name in seen if is_token_there(seen[name])} == {"kubernetes"}, tokens


def found_in(pid: int) -> str:
    """Every environment and command line of the container, and each of its files that no image brought."""
    root, told = Path(f"/proc/{pid}/root"), []
    inside = Path(f"/proc/{pid}/ns/pid").stat().st_ino
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if (each / "ns/pid").stat().st_ino == inside:
                told += [(each / name).read_bytes() for name in ("environ", "cmdline")]
        except OSError:
            continue
    mounts = [line.split()[4] for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
    for mount in mounts:
        if mount != "/" and not mount.startswith(("/proc", "/sys", "/dev")):
            told += [file.read_bytes() for file in sorted((root / mount[1:]).rglob("*")) if file.is_file()]
            told += [(root / mount[1:]).read_bytes()] if (root / mount[1:]).is_file() else []
    return b"\n".join(told).decode("utf-8", "replace")


def is_token_there(text: str) -> bool:
    """Whether a ServiceAccount's token, a JWT, is in the text."""
    return any(word.count(".") == 2 and word.startswith("eyJ") for word in text.replace("\0", " ").split())


# --- ends that nobody planned -------------------------------------------------------------------------


def test_an_agent_that_is_killed_is_reported(installed: Cluster, site: Site, model_port: int) -> None:
    given = given_of("incident-75")
    with running(installed, model_port, "propose", given, (hanging,)) as asked:
        assert asked.asked.wait(60)
        os.kill(process(installed.pod_of(job_of(given)), "agent"), signal.SIGKILL)
        pod = installed.ended(job_of(given))
    assert codes(pod) == {"agent": 137, "report": 0}
    assert messages(pod)["report"]["ended"] == "killed"
    assert len(site.jira.issues) == 1


def test_a_pod_that_is_told_to_go_says_what_it_knows(installed: Cluster, site: Site, model_port: int) -> None:
    given = given_of("incident-75")
    with running(
        installed, model_port, "propose", given, (hanging, [outcome(summary="As far as I came.")])
    ) as asked:
        assert asked.asked.wait(60)
        pod = installed.pod_of(job_of(given))["metadata"]["name"]
        installed.kubectl("delete", "pod", "-n", AGENTS, pod, "--timeout=100s")
    assert "As far as I came." in site.jira.issues[0].fields["description"]


def test_nothing_in_a_pod_can_be_written_but_its_volumes(installed: Cluster, model_port: int) -> None:
    given = given_of("incident-75")
    with running(installed, model_port, "propose", given, (hanging,)) as asked:
        assert asked.asked.wait(60)
        pod = installed.pod_of(job_of(given))
        roots = {
            name: Path(f"/proc/{process(pod, name)}/mountinfo").read_text().splitlines()[0].split()
            for name in ("kubernetes", "grafana", "agent", "report")
        }
        user = Path(f"/proc/{process(pod, 'agent')}/status").read_text()
    assert all(line[4] == "/" and line[5].startswith("ro") for line in roots.values())
    assert "Uid:\t10001\t10001" in user and "CapEff:\t0000000000000000" in user and "NoNewPrivs:\t1" in user
