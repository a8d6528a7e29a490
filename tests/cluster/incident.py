"""The parts of the incident's story on a cluster: pods, and volumes that the kubelet measures."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import yaml

from function.commands.demo import sample
from function.runner.paths import Paths
from tests.cluster import stack
from tests.cluster.cluster import Cluster, reachable
from tests.cluster.conftest import MODEL_PORT, NEXT
from tests.cluster.volumes import folder, grow, unmount, volume
from tests.harness.components import find
from tests.harness.helm import PATCH, VALUES
from tests.harness.incident import MERGE, STORAGE_CLASS, Database, claim_of, database
from tests.harness.loopback import serving as loopback
from tests.harness.model import model
from tests.harness.pod import Ended, Ran
from tests.harness.receivers import Receivers, reached
from tests.harness.site import FILE, Site
from tests.harness.ticking import ticking
from tests.story import shipped
from tests.story.diary import Diary
from tests.story.monitoring import Monitoring
from tests.story.parts import START, Script, databases
from tests.story.volumes import (
    FILES_IN_A_TICK,
    FILES_OF_ONE,
    KUBELET,
    TICK_SECONDS,
    bound,
    grown,
    wanted,
)

DATABASES = [replace(each, volume=each.claim) for each in databases("Mi")]
NAMES = [each.claim for each in DATABASES]
RUN_SECONDS = 240.0
"""For an agent's pod, to its end."""
PODS = "/api/v1/namespaces/f3iai/pods"
SCRAPED_EVERY = "2s"
"""More often than the kubelet measures, and not so often that all of its metrics are a burden."""
FILLING = f"""
import os, pathlib, time
def write(number):
    with open(f"/data/{{number:06}}.wal", "xb") as file:
        os.posix_fallocate(file.fileno(), 0, {2**20 // FILES_OF_ONE})
wanted, written = pathlib.Path("/data/wanted"), len(list(pathlib.Path("/data").glob("*.wal")))
step = int(wanted.read_text())
while True:
    until = min(written + step, int(wanted.read_text() or 0))
    for number in range(written, until):
        write(number)
    written, step = max(written, until), {FILES_IN_A_TICK}
    time.sleep({TICK_SECONDS})
"""
"""A database as its disk sees it: all the files that are wanted at its start, then a few at a time."""


@dataclass
class OnCluster:
    cluster: Cluster
    admin: httpx.Client
    site: Site
    monitoring: Monitoring
    people: str
    """Where their receiver is, for pods."""
    unit: str = "Mi"
    written: dict[str, list[Any]] = field(default_factory=dict)
    """The lines of each of the function's pods, which go with it."""

    def kubectl(self, *arguments: Any, stdin: str | None = None) -> str:
        return self.cluster.kubectl(*arguments, stdin=stdin)

    def fill(self, claim: str, files: int) -> None:
        (folder(claim) / "wanted").write_text(str(files), encoding="ascii")

    def audit(self) -> list[Any]:
        chosen = {"labelSelector": "serving.knative.dev/service=sre-dispatch"}
        for pod in self.admin.get(PODS, params=chosen).raise_for_status().json()["items"]:
            name = pod["metadata"]["name"]
            log = self.admin.get(f"{PODS}/{name}/log", params={"container": "user-container"})
            if log.is_success:  # a container that has not begun has none
                lines = [line for line in log.text.splitlines() if line.startswith("{")]
                self.written[name] = [json.loads(line) for line in lines]
        return [line for lines in self.written.values() for line in lines if "decision" in line]

    def run(self, pod: Any, script: Script, running: Callable[[], None]) -> Ran:
        job = pod["metadata"]["labels"]["batch.kubernetes.io/job-name"]
        replies = script(Paths.read({}).work)
        with model(*replies, port=MODEL_PORT) as asked, reachable(asked.url, self.cluster.address):
            running()
            ended = self.cluster.ended(job, RUN_SECONDS)
        ends = {each["name"]: self._ended(ended, each) for each in _states(ended)}
        return Ran(ends["agent"], ends["report"], asked, ends.get("prepare"))

    def _ended(self, pod: Any, told: Any) -> Ended:
        state = told["state"]["terminated"]
        message = json.loads(state["message"]) if state.get("message") else {}
        log = self.kubectl("logs", "-n", "sre-agents", pod["metadata"]["name"], "-c", told["name"])
        return Ended(state["exitCode"], message, log, "")

    def runs(self, claim: str) -> list[Any]:
        return list(self.cluster.world("list_outcomes", {"resource_id": claim})["outcomes"])

    def enrol(self) -> None:
        opa = ("-n", "f3iai", "deployment/sre-dispatch-opa")
        self.kubectl("set", "image", *opa, f"opa=dev.local/sre-dispatch-opa:{NEXT}")
        self.kubectl("rollout", "status", *opa, "--timeout=110s")


def _states(pod: Any) -> list[Any]:
    """Of all containers that run once."""
    status = pod["status"]
    prepared = [each for each in status.get("initContainerStatuses", ()) if each["name"] == "prepare"]
    return [*prepared, *status["containerStatuses"]]


@contextmanager
def on_cluster(cluster: Cluster, site: Site, diary: Diary) -> Iterator[OnCluster]:
    """All of them ready, around what is installed already."""
    with ExitStack() as parts:
        enter = parts.enter_context
        admin = enter(proxied(cluster))
        cluster.world("record_outcome", asdict(sample.crash(datetime.now(UTC))), key="writer")
        closed(site)
        parts.callback(closed, site)
        before = site.gitea.file(FILE, "main")
        site.gitea.replace(FILE, yaml.safe_dump(claim_of(DATABASES[0]), sort_keys=False))
        parts.callback(site.gitea.replace, FILE, before)
        enter(filling(cluster))
        people = enter(reachable(enter(loopback(Receivers())).url, cluster.address))
        monitoring = enter(monitored(cluster, people))
        enter(ticking(Storage(admin, diary).tick, TICK_SECONDS))
        told, site.grafana.prometheus = site.grafana.prometheus, monitoring.prometheus
        parts.callback(setattr, site.grafana, "prometheus", told)
        yield OnCluster(cluster, admin, site, monitoring, people)


def closed(site: Site) -> None:
    """No pull request is open, as `Site.proposed` wants it."""
    for pull in site.gitea.ask("GET", "pulls?state=open"):
        site.close(pull)


@contextmanager
def proxied(cluster: Cluster) -> Iterator[httpx.Client]:
    """The API server, as admin."""
    command = [str(find("kubectl")), f"--kubeconfig={cluster.kubeconfig}", "proxy", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().split()[-1]  # Starting to serve on 127.0.0.1:8001
            with httpx.Client(base_url=f"http://{address}", timeout=10, trust_env=False) as admin:
                yield admin
        finally:
            process.kill()


@contextmanager
def filling(cluster: Cluster) -> Iterator[None]:
    """The databases, each with as many files as at the story's start."""
    _end(cluster)
    cluster.apply(STORAGE_CLASS)
    try:
        for each in DATABASES:
            claim = claim_of(each)
            cluster.apply(volume(cluster, claim))
            (folder(each.claim) / "wanted").write_text(str(START[each.claim]), encoding="ascii")
            cluster.apply(claim, *_workload(each))
        for each in DATABASES:
            cluster.kubectl("rollout", "status", "-n", "f3iai", f"statefulset/{each.name}", "--timeout=90s")
        yield
    finally:
        _end(cluster)


def _workload(of: Database) -> list[Any]:
    """StatefulSet and Service, with a program for the database's that fills the volume alike."""
    told = [each for each in database(of) if each["kind"] in ("StatefulSet", "Service")]
    for each in told:
        each.pop("status", None)
        if each["kind"] == "StatefulSet":
            pod = each["spec"]["template"]["spec"]
            pod["terminationGracePeriodSeconds"] = 1
            program = {"image": "dev.local/sre-agent:0.1.0", "command": ["python3", "-c", FILLING]}
            pod["containers"] = [{**container, **program} for container in pod["containers"]]
    return told


def _end(cluster: Cluster) -> None:
    for each in DATABASES:
        workload = (f"statefulset/{each.name}", f"service/{each.name}", f"pvc/{each.claim}")
        cluster.kubectl("delete", "-n", "f3iai", *workload, "--ignore-not-found", "--cascade=foreground")
        cluster.kubectl("delete", "--ignore-not-found", f"pv/{each.claim}")
        unmount(each.claim)


@contextmanager
def monitored(cluster: Cluster, people: str) -> Iterator[Monitoring]:
    """Prometheus and Alertmanager where kube-prometheus-stack has them, rules and routes as shipped."""
    prometheus, alertmanager = stack.prometheus(cluster, shipped.resend()), stack.alertmanager(cluster)
    with ExitStack() as parts:
        monitoring = Monitoring(
            prometheus.url,
            alertmanager.url,
            prometheus.folder / "rules.yml",
            alertmanager.folder / "alertmanager.yml",
            lambda config: reached(config, f"{people}/people"),
        )
        for program in (prometheus, alertmanager):
            program.folder.mkdir(exist_ok=True)
            parts.callback(program.stop)
        monitoring.configure(shipped.RULES, VALUES, PATCH)
        parts.enter_context(stack.policed(cluster, people))
        alertmanager.start({})
        prometheus.start({"prometheus.yml": json.dumps(_scraping(cluster, alertmanager, monitoring))})
        yield monitoring


def _scraping(cluster: Cluster, alertmanager: stack.Program, monitoring: Monitoring) -> Any:
    """As the chart's ServiceMonitor of the kubelet has it, for the volumes alone."""
    address = f"{cluster.address}:10250"
    node = cluster.get("nodes")["items"][0]["metadata"]["name"]
    kept = {"source_labels": ["__name__"], "regex": "kubelet_volume_stats_.*", "action": "keep"}
    kubelet = {
        "job_name": "kubelet",
        "scheme": "https",
        "scrape_interval": SCRAPED_EVERY,
        "scrape_timeout": SCRAPED_EVERY,
        "authorization": {"credentials_file": "/var/run/secrets/kubernetes.io/serviceaccount/token"},
        "tls_config": {"insecure_skip_verify": True},
        "metric_relabel_configs": [kept],
        "static_configs": [{"targets": [address], "labels": KUBELET | {"instance": address, "node": node}}],
    }
    told = shipped.prometheus(alertmanager.url.removeprefix("http://"))
    return told | {"rule_files": [str(monitoring.rules)], "scrape_configs": [kubelet]}


@dataclass
class Storage:
    """Grows a volume once its claim asks for more; looks on meanwhile how full each is."""

    admin: httpx.Client
    diary: Diary

    def tick(self) -> None:
        with suppress(httpx.HTTPError):  # the API server is slow: at the next tick
            for claim in bound(self.admin):
                if claim["metadata"]["name"] in NAMES and (to := wanted(claim)):
                    self._grow(claim, to)
        self.diary.sample({name: _percent(name) for name in NAMES})

    def _grow(self, claim: Any, to: str) -> None:
        """The claim's capacity before its volume's: while it has less, the kubelet grows a file system."""
        name = claim["metadata"]["name"]
        grow(name, to)
        grown(self.admin, claim, to, self.diary)
        told = {"spec": {"capacity": {"storage": to}}}
        self.admin.patch(f"/api/v1/persistentvolumes/{name}", json=told, headers=MERGE).raise_for_status()


def _percent(name: str) -> float:
    disk = shutil.disk_usage(folder(name))
    return 100 * disk.used / disk.total
