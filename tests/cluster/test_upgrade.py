"""The upgrade from the tiers low, medium and high, by the page's commands, while an agent of before runs and
alerts come in. Each test goes on where the one before it ended.

E2E_UPGRADE_FROM is the folder knative/ of before, whose images have the tag `before` (.ci/cluster). Nothing
may be installed on the cluster, so this runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cluster.cluster import AGENTS, Cluster, codes, messages, reachable
from tests.cluster.conftest import install, no_jobs, secrets
from tests.cluster.knative import deliver_until, no_agents, sender
from tests.cluster.page import Page, sections
from tests.harness.components import Broken, wait_until
from tests.harness.manifests import CLUSTER
from tests.harness.model import Model, call, model, outcome
from tests.harness.site import Site
from tests.harness.ticking import ticking

BEFORE = "E2E_UPGRADE_FROM"
pytestmark = pytest.mark.skipif(
    BEFORE not in os.environ, reason=f"{BEFORE} is not set: UPGRADE_FROM=be9a6a5 .ci/cluster"
)
SECTION = "From an installation with tiers low, medium, high"
OLD = ("sre-agent-low", "sre-agent-medium", "sre-agent-high")
NEW = ("sre-agent-remediate", "sre-agent-propose", "sre-agent-investigate")
KINDS = "cronjobs,configmaps,serviceaccounts"
ENROLLED = ("rolebinding", "sre-dispatch-grow-claims", "-n", "carts")
"""A copy of knative/enrolled/f3iai.yaml that somebody applied from elsewhere."""
HANDLED, RUNNING = "HandledBefore", "RunsMeanwhile"
SEEN = "It could read all the time."
MOST = 3
"""Alerts that come one after the other; the policy lets five agents run at a time."""


def alert(name: str) -> dict[str, str]:
    """The upgrade gives the cluster its name. The alert has it before, so its identity stays the same."""
    labels = {"alertname": name, "namespace": "shop", "pod": "web", "severity": "critical"}
    return labels | {"cluster": CLUSTER}


def jobs(cluster: Cluster) -> dict[str, list[str]]:
    """The names of each alert's Jobs."""
    found: dict[str, list[str]] = {}
    for each in cluster.jobs():
        alertname = each["metadata"]["labels"]["sre-dispatch/alertname"]
        found.setdefault(alertname, []).append(each["metadata"]["name"])
    return found


def bindings(cluster: Cluster) -> Counter[str]:
    """How many bindings each admission policy has."""
    found = cluster.get("validatingadmissionpolicybindings")["items"]
    return Counter(each["spec"]["policyName"] for each in found)


def there(cluster: Cluster) -> set[str]:
    """The templates, ConfigMaps and accounts of tiers that are there, by their names."""
    found = cluster.get(KINDS, "-n", AGENTS, "-l", "sre-dispatch/tier")["items"]
    return {each["metadata"]["name"] for each in found}


def may_grow(cluster: Cluster, account: str, namespace: str) -> bool:
    who = f"--as=system:serviceaccount:{AGENTS}:{account}"
    try:
        cluster.kubectl("auth", "can-i", "patch", "persistentvolumeclaims", "-n", namespace, who)
    except Broken:
        return False
    return True


def failing(told: str) -> list[str]:
    return [line for line in told.splitlines() if line.startswith("FAIL")]


@dataclass
class Sender:
    """Sends an alert whose agent runs again and again, and new ones, each until it is accepted."""

    deliver: Callable[..., httpx.Response]
    answers: Counter[str] = field(default_factory=Counter)
    fired: list[str] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)

    def send(self) -> None:
        if len(self.fired) < MOST and {*self.fired} <= self.accepted:
            self.fired.append(f"Meanwhile{len(self.fired)}")
        for name in (RUNNING, *self.fired[-1:]):
            try:
                reply = self.deliver(alert(name))
            except httpx.TransportError as error:
                self.answers[type(error).__name__] += 1
                continue
            self.answers[str(reply.status_code)] += 1
            if reply.is_success:
                self.accepted.add(name)


@dataclass(frozen=True)
class Old:
    """What runs when the upgrade begins."""

    job: str
    model: Model
    sender: Sender
    go_on: threading.Event
    """Lets the agent end."""


@pytest.fixture(scope="session")
def installed(
    cluster: Cluster, site: Site, addresses: dict[str, str], neighbours: list[Any], model_port: int
) -> Cluster:
    """The installation of before, whose world model has a run to remember, and a namespace enrolled in it."""
    secrets(cluster, site)
    install(cluster, addresses, Path(os.environ[BEFORE]), "before")
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "carts"}})
    low = f"--serviceaccount={AGENTS}:sre-agent-low"
    cluster.kubectl("create", *ENROLLED, "--clusterrole=sre-agent-grow-claims", low)
    with model([outcome()], port=model_port) as asked, reachable(asked.url, cluster.address):
        deliver_until(cluster, alert(HANDLED))
        ((job,),) = jobs(cluster).values()
        assert codes(cluster.ended(job)) == {"agent": 0, "report": 0}
    return cluster


@pytest.fixture(autouse=True)
def no_jobs_left() -> None:
    """They stay: it is one story."""


@pytest.fixture(scope="module")
def old(installed: Cluster, page: Page, model_port: int) -> Iterator[Old]:
    """An agent of before that waits for its model; no other gets a pod meanwhile."""
    go_on = threading.Event()
    look = call("mcp__kubernetes__pods_list_in_namespace", namespace=AGENTS)

    def waiting(handler: BaseHTTPRequestHandler) -> None:
        assert go_on.wait(500)
        handler.give([look])  # type: ignore[attr-defined]

    script = (waiting, [outcome(summary=SEEN, root_cause=SEEN)])
    with model(*script, port=model_port) as asked, reachable(asked.url, installed.address):
        deliver_until(installed, alert(RUNNING))
        assert asked.asked.wait(120)
        (job,) = jobs(installed)[RUNNING]
        with no_agents(installed):
            yield Old(job, asked, Sender(sender(installed)), go_on)


def steps(*beginnings: str) -> list[str]:
    """The section's commands that begin so."""
    found = [command for command in sections()[SECTION] if command.startswith(beginnings)]
    assert found, beginnings
    return found


def test_an_overlay_of_these_names_has_none_of_before(page: Page) -> None:
    assert [page.run_these([step]) for step in steps("! grep")] == ["", "", ""]


def test_the_memory_is_backed_up_first(old: Old, page: Page) -> None:
    page.run_these(steps("kubectl -n f3iai exec"))
    assert (page.folder / "backup.db").read_bytes().startswith(b"SQLite format 3")


def test_the_new_tiers_come_before_everything_else(installed: Cluster, old: Old, page: Page) -> None:
    page.run_these(steps("kubectl kustomize", "kubectl create clusterrolebinding"))
    assert there(installed) == {*OLD, *NEW}
    assert bindings(installed)["sre-dispatch-template"] == 6


def test_everything_else_follows_while_alerts_come(installed: Cluster, old: Old, page: Page) -> None:
    """The check at its end names what is left, and finds nothing else to say."""
    with ticking(old.sender.send, 0.5), pytest.raises(Broken) as ended:
        page.run_these(steps("make deploy"))
    (fault,) = failing(str(ended.value))
    assert fault.startswith("FAIL  leftovers") and all(name in fault for name in OLD)
    assert "kubectl -n carts delete rolebinding sre-dispatch-grow-claims" in fault


def test_an_old_setting_is_told_by_its_new_name_and_what_serves_stays_in_service(
    installed: Cluster, old: Old, page: Page
) -> None:
    (look,) = steps("kubectl -n f3iai logs")
    assert page.run_these([look]) == ""
    service = ("ksvc", "sre-dispatch", "-n", "f3iai")
    (container,) = installed.get(*service)["spec"]["template"]["spec"]["containers"]
    place = f"/spec/template/spec/containers/0/env/{len(container['env'])}"
    setting = {"name": "OPA_URL", "value": "http://sre-dispatch-opa.f3iai:8181"}

    def change(**operation: object) -> None:
        patch = json.dumps([{"path": place, **operation}])
        installed.kubectl("patch", *service, "--type=json", "-p", patch)

    change(op="add", value=setting)
    renamed = "OPA_URL is now SRE_DISPATCH_OPA_URL: use that"
    wait_until(lambda: renamed in page.run_these([look]), "the new name to be told", 60, every=1)
    assert old.sender.deliver(alert(RUNNING)).json() == {"outcomes": {"duplicate": 1}}
    failed = installed.get(*service)["status"]["latestCreatedRevisionName"]
    change(op="remove")
    installed.kubectl("delete", "revision", "-n", "f3iai", failed)  # which Knative would try for ten minutes
    installed.kubectl("wait", "-n", "f3iai", "ksvc/sre-dispatch", "--for=condition=Ready", "--timeout=120s")


def test_whoever_may_still_write_is_named(installed: Cluster, page: Page) -> None:
    assert not may_grow(installed, "sre-agent-low", "f3iai")
    assert may_grow(installed, "sre-agent-remediate", "f3iai")
    with pytest.raises(Broken, match="carts"):
        page.run_these(steps("! kubectl get rolebindings"))
    installed.kubectl("delete", *ENROLLED)
    assert page.run_these(steps("! kubectl get rolebindings")) == ""
    assert not any(may_grow(installed, account, "carts") for account in OLD)


def test_the_old_bindings_and_templates_go_while_an_old_agent_runs(
    installed: Cluster, old: Old, page: Page
) -> None:
    with ticking(old.sender.send, 0.5):
        page.run_these(
            steps("kubectl delete validatingadmissionpolicybinding", "kubectl -n sre-agents delete cronjob")
        )
    assert bindings(installed) == {
        "sre-dispatch-template": 3,
        **dict.fromkeys(
            [f"sre-dispatch-{name}" for name in ("shape", "remedies", "claims", "deployments")], 1
        ),
    }


def test_the_old_agent_runs_to_its_end_and_could_read_all_the_time(
    installed: Cluster, old: Old, page: Page
) -> None:
    old.go_on.set()
    pod = installed.ended(old.job)
    assert codes(pod) == {"agent": 0, "report": 0}, messages(pod)
    assert messages(pod)["report"]["outcome"]["summary"] == SEEN
    (run,) = installed.world("list_outcomes", {"alertname": RUNNING})["outcomes"]
    assert run["root_cause"] == SEEN
    (pods,) = old.model.results()
    assert old.job in pods


def test_no_alert_is_lost_or_handled_twice(installed: Cluster, old: Old) -> None:
    sender = old.sender
    while not {*sender.fired} <= sender.accepted:
        sender.send()
    assert {*sender.answers} <= {"200", "503"}, sender.answers
    assert sender.answers["200"] and jobs(installed)[RUNNING] == [old.job]
    assert {name: len(jobs(installed)[name]) for name in sender.fired} == dict.fromkeys(sender.fired, 1)


def test_a_new_alert_gets_a_tier_of_now(installed: Cluster, old: Old) -> None:
    deliver_until(installed, alert("After"))
    made = {each["metadata"]["labels"]["sre-dispatch/alertname"]: each for each in installed.jobs()}
    assert made["After"]["metadata"]["labels"]["sre-dispatch/tier"] == "investigate"


def test_the_memory_of_before_is_there(installed: Cluster) -> None:
    assert len(installed.world("list_outcomes", {"alertname": HANDLED})["outcomes"]) == 1


def test_in_the_end_nothing_is_left_and_the_check_passes(installed: Cluster, old: Old, page: Page) -> None:
    no_jobs(installed)  # those that were given no pod
    told = page.run_these(
        steps(
            "until",
            "kubectl -n sre-agents delete configmap",
            "kubectl delete clusterrolebinding",
            "knative/check",
        )
    )
    assert not failing(told) and "leftovers" in told
    assert there(installed) == {*NEW}
