"""What happens, scene by scene; each waits for what it is about, and keeps what it saw."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from yaml import safe_dump, safe_load

from tests.agent import steps
from tests.incident import kubelet, shipped
from tests.incident.diary import Diary
from tests.incident.parts import Parts
from tests.incident.volumes import FILE_BYTES, GIB, bound, size
from tests.monitoring.helm import MORE, PATCH, VALUES
from tests.real.components import Broken, wait_until
from tests.real.conftest import JOBS
from tests.real.incident import CLAIMS
from tests.real.pod import Ran
from tests.real.site import FILE, claim, proposing
from tests.runner.model import Reply, call, outcome

TYPEDB, POSTGRES = "typedb-data", "postgres-data"
LIMIT_SECONDS = 570.0
"""For all of it."""
QUERY = 'kubelet_volume_stats_used_bytes{{namespace="f3iai",persistentvolumeclaim="{claim}"}}'


def until(diary: Diary, ready: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """The first answer that is one; a part that is away gives none."""
    found: list[Any] = []

    def asked() -> bool:
        try:
            found[:] = [ready()]
        except (httpx.HTTPError, IndexError, KeyError):
            return False
        return bool(found[0])

    wait_until(asked, what, min(seconds, LIMIT_SECONDS - diary.now()), every=0.1)
    return found[0]


def state(parts: Parts, alert: str, of: str) -> str:
    """Of the alert about the claim, in Prometheus."""
    told = [each for rule in parts.prometheus.alerting(alert) for each in rule["alerts"]]
    found = [each["state"] for each in told if each["labels"].get("persistentvolumeclaim") == of]
    return found[0] if found else "inactive"


def query(parts: Parts, expression: str) -> list[Any]:
    told = httpx.get(
        f"{parts.prometheus.url}/api/v1/query", params={"query": expression}, timeout=10, trust_env=False
    )
    return list(told.raise_for_status().json()["data"]["result"])


def is_scraped(parts: Parts, diary: Diary) -> None:
    listed = sorted(each["metadata"]["name"] for each in bound(parts.admin))

    def scraped() -> list[str]:
        found = query(parts, 'kubelet_volume_stats_capacity_bytes{namespace="f3iai"}')
        return sorted(each["metric"]["persistentvolumeclaim"] for each in found)

    until(diary, lambda: scraped() == listed, "volume statistics of all claims")
    diary.fact(
        "scraped",
        f"Prometheus has those of {', '.join(listed)}, all of its claims that the API server lists as bound",
    )


def is_routed(parts: Parts, diary: Diary) -> None:
    about = {"namespace": "f3iai", "persistentvolumeclaim": TYPEDB}
    high = parts.receivers(alertname="PVCUsageHigh", severity="warning", **about)
    critical = parts.receivers(alertname="PVCUsageCritical", severity="critical", **about)
    notice = parts.receivers(alertname="SREDispatchNeedsPerson", severity="warning")
    if high == "sre-dispatch" and "sre-dispatch" in critical.split(","):
        diary.fact("routed", f"amtool config routes test: High to {high}, Critical to {critical}")
    if notice == "people" and "people" in critical.split(","):
        diary.fact("people", f"amtool config routes test: Critical to {critical}, the notice to {notice}")


def fills(parts: Parts, diary: Diary, of: str, files: int) -> None:
    parts.volumes.volumes[of].until = files
    diary.note(f"{of} fills, to {files} files of 16 MiB", f"{of} fills")


def fires(parts: Parts, diary: Diary, alert: str, of: str) -> None:
    """Waits first, for as long as its rule says, and fires then."""
    until(diary, lambda: state(parts, alert, of) == "pending", f"{alert} to be pending")
    pending = diary.now()
    diary.note(f"{alert} is pending", "pending")
    until(diary, lambda: state(parts, alert, of) == "firing", f"{alert} to fire")
    diary.note(f"{alert} fires", f"{alert} fires")
    if alert == "PVCUsageHigh":
        used = float(query(parts, QUERY.format(claim=of))[0]["value"][1])
        count, percent = round(used / FILE_BYTES), parts.volumes.volumes[of].percent
        counted = f"{count} files of 16 MiB are {used / GIB:.2f} GiB, {percent:.1f} % of 20Gi, by Prometheus"
        diary.fact("files", counted if count == 962 else "")
        waited = f"pending at {pending:.1f} s, firing at {diary.now():.1f} s, at {percent:.1f} %"
        diary.fact("fired", waited if percent > 75 else "")


@contextmanager
def losing(parts: Parts, diary: Diary, part: str) -> Iterator[None]:
    """The part is killed now and comes back within the block, or at its end; "" kills none."""
    if not part:
        yield
        return
    diary.note(f"{part} is killed", f"{part} killed")
    with parts.without(part, lambda: diary.note(f"{part} is back", f"{part} back")):
        yield


def created(parts: Parts, diary: Diary, alert: str) -> Any:
    """The audit line of the Job that the alert led to."""

    def lines() -> Any:
        told = [each for each in parts.server.audit if "audit" in each]
        mine = [each for each in told if each["audit"]["alertname"] == alert]
        return [each for each in mine if each["audit"]["outcome"] == "created"]

    found = until(diary, lines, f"a Job for {alert}", 120)[0]
    level = found["decision"]["effective"]
    diary.note(f"the function made the {level} Job {found['audit']['job']}", f"{level} Job")
    return found


def works(parts: Parts, diary: Diary, line: Any, script: kubelet.Script) -> Ran:
    """The Job's pod, from its start to its end."""
    job = line["audit"]["job"]
    found = until(diary, lambda: kubelet.pod_of(parts, job), "the Job's pod", seconds=120)

    def running() -> None:
        def active() -> bool:
            return bool(kubelet.job_of(parts, job)["status"].get("ready"))

        until(diary, active, "the Job to run")
        jobs = parts.admin.get(JOBS).raise_for_status().json()["items"]
        alert = line["audit"]["alertname"]
        mine = [each for each in jobs if each["metadata"]["labels"]["sre-dispatch/alertname"] == alert]
        diary.note("its pod runs, and the agent in it", "agent starts")
        tier = found["metadata"]["labels"]["sre-dispatch/tier"]
        if alert == "PVCUsageHigh" and len(mine) == 1:
            diary.fact("job", f"{job}, tier {tier}; one pod active and ready, and no other Job for the alert")

    ran = kubelet.run(parts, found, script, running)
    told = [json.loads(each) for each in ran.agent.output.splitlines()]
    calls = [step.split()[1] for event in told for step in steps(event) if step.startswith("calls")]
    diary.note(f"the agent called {', '.join(calls) or 'nothing'}")
    return ran


def looks(claim_name: str) -> list[Reply]:
    """A model that looks before it does anything."""
    where = {"namespace": "f3iai", "name": claim_name}
    query = call(
        "mcp__grafana__query_prometheus",
        datasourceUid="prometheus",
        expr=QUERY.format(claim=claim_name),
        queryType="instant",
        endTime="now",
    )
    context = {"resource_type": "k8s_pvc", "namespace": "f3iai", "resource_id": claim_name}
    return [
        [call("mcp__world__get_resource_context", **context)],
        [call("mcp__kubernetes__resources_get", apiVersion="v1", kind="PersistentVolumeClaim", **where)],
        [query],
    ]


def proposes(work: Path) -> list[Reply]:
    return [*looks(TYPEDB), *proposing(str(work / FILE), "40Gi")]


def grows(_: Path) -> list[Reply]:
    """A model that wants more than it may, and takes what it gets."""
    wanted = [
        [call("mcp__remedies__resources_create_or_update", resource=claim(to, name=POSTGRES))]
        for to in ("40Gi", "20Gi")
    ]
    told = outcome(
        status="resolved",
        summary="Grew postgres-data to 20Gi, its ceiling.",
        root_cause="more data",
        evidence=["62 % of 10Gi used"],
        actions=["postgres-data: 10Gi -> 20Gi"],
        follow_up="Raise the ceiling before it is needed.",
    )
    return [*looks(POSTGRES), *wanted, [told]]


def proposed(parts: Parts, diary: Diary, line: Any, ran: Ran) -> Any:
    """The open pull request, and what is seen of the event, the prompt and the outcome."""
    event, prompt = _given(parts, line)
    names = ("source", "severity", "resource_type", "namespace", "resource_id", "alertname", "description")
    if event["resource_id"] == TYPEDB and event["raw_payload"]["labels"]["alertname"] == event["alertname"]:
        diary.fact("translated", "; ".join(f"{name} {event[name]}" for name in names))
    for where, text in (("its tools say", " ".join(ran.model.results())), ("its prompt says", prompt)):
        told_of = re.search(r'[^"\\]*962 write-ahead log files[^"\\]*', text)
        diary.fact("prompt", f"{where}: {told_of[0]}" if told_of else "")
    told = ran.report.message
    pull, content = parts.site.proposed()
    before = _size(safe_load(parts.site.gitea.file(FILE, "main")))
    wanted = _size(safe_load(content))
    diary.note(f"pull request {pull['number']}: {before} to {wanted}", "pull request")
    if size(wanted) > size(before) and told.get("merge_request") == pull["html_url"]:
        diary.fact("pull", f"{pull['title']!r}, {FILE}: {before} to {wanted}")
    if told["outcome"]["status"] == "proposed" and _requested(parts, TYPEDB) == before:
        verification = told.get("verification", "none")
        diary.fact("outcome", f"{told['outcome']['status']}, verification {verification}: {before} as before")
    issue = parts.site.jira.issues[-1]
    says = pull["html_url"] in issue.fields["description"] and told["ticket"].endswith(issue.key)
    diary.fact("ticket", f"{issue.key}, with the address of the pull request" if says else "")
    return pull


def _given(parts: Parts, line: Any) -> tuple[Any, str]:
    """Event and prompt, as the Job has them."""
    template = kubelet.job_of(parts, line["audit"]["job"])["spec"]["template"]
    told = template["metadata"]["annotations"]
    return json.loads(told["sre-dispatch/event"]), told["sre-dispatch/prompt"]


def _size(manifest: Any) -> str:
    return str(manifest["spec"]["resources"]["requests"]["storage"])


def _requested(parts: Parts, of: str) -> str:
    return _size(parts.admin.get(f"{CLAIMS}/{of}").raise_for_status().json())


def merged(parts: Parts, diary: Diary, pull: Any) -> None:
    """A person merges; what keeps the cluster in step with the repository applies."""
    before = _requested(parts, TYPEDB)
    parts.site.gitea.ask("POST", f"pulls/{pull['number']}/merge", {"Do": "merge"})
    diary.note("a person merges it", "merged")
    manifest = safe_load(parts.site.gitea.file(FILE, "main"))
    parts.api.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=gitops",
        "-f",
        "-",
        stdin=safe_dump(manifest),
    )
    wanted = _size(manifest)
    until(diary, lambda: parts.volumes.volumes[TYPEDB].capacity == size(wanted), "the volume to grow")
    capacity = parts.admin.get(f"{CLAIMS}/{TYPEDB}").json()["status"]["capacity"]["storage"]
    if _requested(parts, TYPEDB) == wanted and capacity == wanted:
        diary.fact("grown", f"{before} to {wanted}, requested and had")


def resolved(parts: Parts, diary: Diary, alert: str, of: str, full: float) -> None:
    """Gone from Prometheus and from Alertmanager."""

    def is_gone() -> bool:
        told = httpx.get(f"{parts.alertmanager}/api/v2/alerts", timeout=10, trust_env=False).json()
        held = [each["labels"]["alertname"] for each in told]
        return state(parts, alert, of) == "inactive" and alert not in held

    until(diary, is_gone, f"{alert} to be gone from Prometheus and Alertmanager")
    diary.note(f"{alert} is gone from Prometheus and Alertmanager", f"{alert} gone")
    ratio = f"100 * {QUERY} / {QUERY.replace('used', 'capacity')}".format(claim=of)
    now = float(query(parts, ratio)[0]["value"][1])
    if alert == "PVCUsageHigh" and now <= full / 2 + 0.1:
        diary.fact("resolved", f"neither Prometheus nor Alertmanager has it; {full:.1f} % became {now:.1f} %")


def enrolled(parts: Parts, diary: Diary) -> None:
    """The operator takes the better rules, routes them, and enrols one of them."""
    parts.reload(shipped.MORE_RULES, VALUES, PATCH, MORE)
    parts.enrol()
    until(diary, lambda: parts.prometheus.alerting("PVCUsageRising"), "the rules to be in force")
    reached = parts.receivers(alertname="PVCUsageRising", severity="info", namespace="f3iai")
    diary.note(f"the operator enrols PVCUsageRising, which goes to {reached}", "enrolled")


def alone(parts: Parts, diary: Diary, line: Any, ran: Ran) -> None:
    """What came of an agent that acted by itself."""
    decision, told = line["decision"], ran.report.message
    if (decision["effective"], decision["mode"]) == ("LOW", "autonomous"):
        diary.fact("low", f"{decision['initial']} asked, {decision['effective']} decided: {decision['mode']}")
    refusals = [each for each in ran.model.results() if "max-storage" in each and "denied" in each]
    ceiling = parts.admin.get(f"{CLAIMS}/{POSTGRES}").json()["metadata"]["annotations"]
    most = ceiling["sre-dispatch/max-storage"]
    if _requested(parts, POSTGRES) == most and refusals:
        diary.fact("ceiling", f"grown from 10Gi to {most}; 40Gi was refused by the real admission")
    verdict = f"{told['verification']} ({told['reason']})"
    diary.note(f"the runner's verification: {verdict}", told["verification"])
    diary.fact("verified", verdict if told["verification"] == "cleared" else "")


def remembered(parts: Parts, diary: Diary) -> None:
    found = []
    for of in (TYPEDB, POSTGRES):
        runs = parts.site.world.call("list_outcomes", {"resource_id": of})["outcomes"]
        found += [f"{of} {each['status']} {each['verification']}" for each in runs]
    wanted = {f"{TYPEDB} proposed none", f"{POSTGRES} resolved cleared"}
    diary.fact("remembered", "; ".join(found) if wanted <= set(found) else "")


def came_again(parts: Parts, diary: Diary) -> None:
    """What Alertmanager was answered while a part was away."""
    statuses = [each.status for each in list(parts.recorder.attempts)]
    if 503 in statuses and statuses[-1] == 200:
        refused = statuses.count(503)
        diary.fact("killed", f"{refused} deliveries were answered 503, and the alert was taken at last")


def waited(diary: Diary, line: Any, ran: Ran) -> None:
    """Without its world model the function goes on, and the agent does not begin before it is back."""
    context = line["context"]["status"]
    if ran.agent.status == 0:
        diary.fact(
            "killed", f"the Job was made with context {context}, and its agent waited until there was one"
        )


def well(ran: Ran) -> None:
    """Raises Broken where a container failed."""
    for name, end in (("prepare", ran.prepared), ("agent", ran.agent), ("report", ran.report)):
        if end and end.status:
            why = "; the model's API did not answer: it needs network" if end.status == 30 else ""
            raise Broken(f"{name} ended with {end.status}{why}: {json.dumps(end.message)[:1500]}")
