"""What happens, scene by scene; each waits for what it is about, and keeps what it saw."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlsplit

import httpx
from yaml import safe_dump, safe_load

from tests.harness.components import Broken, wait_until
from tests.harness.helm import MORE, PATCH, VALUES
from tests.harness.incident import CLAIMS
from tests.harness.manifests import JOBS, PODS
from tests.harness.model import Reply, call, outcome
from tests.harness.pod import Ran
from tests.harness.site import FILE, claim, proposing
from tests.story import shipped
from tests.story.agent import steps
from tests.story.diary import Diary
from tests.story.parts import Parts, Script
from tests.story.volumes import FILES_OF_ONE, bound, size

TYPEDB, POSTGRES = "typedb-data", "postgres-data"
HIGH, RISING = "PVCUsageHigh", "PVCUsageRising"
BELOW = {"Gi": "MiB", "Mi": "KiB"}
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


def nothing_more(_: Any, __: Ran) -> None:
    pass


def tell(
    parts: Parts,
    diary: Diary,
    during: AbstractContextManager[None] | None = None,
    seen: Callable[[Any, Ran], None] = nothing_more,
) -> None:
    """The story. What happens `during` the first run begins as its alert fires, and is `seen` in the end."""
    known = sessions(parts)
    is_scraped(parts, diary)
    is_routed(parts, diary)

    # The database fills. A person merges what the agent proposes.
    fills(parts, diary, TYPEDB, files=962)
    fires(parts, diary, HIGH, TYPEDB)
    counted(parts, diary, TYPEDB, files=962)
    with during or nullcontext():
        line = created(parts, diary, HIGH)
        ran = works(parts, diary, line, proposes(parts.unit))
        seen(line, ran)
    well(ran)
    before = full(parts, TYPEDB)
    pull = proposed(parts, diary, line, ran)
    merged(parts, diary, pull)
    resolved(parts, diary, HIGH, TYPEDB, before)

    # Another one fills later. By then its alert is enrolled, and the agent acts alone.
    enrolled(parts, diary)
    fills(parts, diary, POSTGRES, files=397)
    fires(parts, diary, RISING, POSTGRES)
    line = created(parts, diary, RISING)
    ran = works(parts, diary, line, grows(parts.unit))
    well(ran)
    alone(parts, diary, line, ran)
    resolved(parts, diary, RISING, POSTGRES, before)
    remembered(parts, diary, known)


def is_scraped(parts: Parts, diary: Diary) -> None:
    listed = sorted(each["metadata"]["name"] for each in bound(parts.admin))

    def scraped() -> list[str]:
        found = parts.monitoring.query('kubelet_volume_stats_capacity_bytes{namespace="f3iai"}')
        return sorted(each["metric"]["persistentvolumeclaim"] for each in found)

    until(diary, lambda: scraped() == listed, "volume statistics of all claims")
    diary.fact(
        "scraped",
        f"Prometheus has those of {', '.join(listed)}, all of its claims that the API server lists as bound",
    )


def is_routed(parts: Parts, diary: Diary) -> None:
    about = {"namespace": "f3iai", "persistentvolumeclaim": TYPEDB}
    high = parts.monitoring.receivers(alertname=HIGH, severity="warning", **about)
    critical = parts.monitoring.receivers(alertname="PVCUsageCritical", severity="critical", **about)
    notice = parts.monitoring.receivers(alertname="SREDispatchNeedsPerson", severity="warning")
    if high == "sre-dispatch" and "sre-dispatch" in critical.split(","):
        diary.fact("routed", f"amtool config routes test: High to {high}, Critical to {critical}")
    if notice == "people" and "people" in critical.split(","):
        diary.fact("people", f"amtool config routes test: Critical to {critical}, the notice to {notice}")


def fills(parts: Parts, diary: Diary, of: str, files: int) -> None:
    parts.fill(of, files)
    diary.note(f"{of} fills, to {files} files of 16 {BELOW[parts.unit]}", f"{of} fills")


def fires(parts: Parts, diary: Diary, alert: str, of: str) -> None:
    """Waits first, for as long as its rule says, and fires then."""
    until(diary, lambda: parts.monitoring.state(alert, of) == "pending", f"{alert} to be pending")
    pending = diary.now()
    diary.note(f"{alert} is pending", "pending")
    until(diary, lambda: parts.monitoring.state(alert, of) == "firing", f"{alert} to fire")
    diary.note(f"{alert} fires", f"{alert} fires")
    if alert == HIGH:
        waited = f"pending at {pending:.1f} s, firing at {diary.now():.1f} s"
        percent = full(parts, of)
        diary.fact("fired", f"{waited}, at {percent:.1f} %" if percent > 75 else "")


def full(parts: Parts, of: str) -> float:
    """How full the volume is, in percent, as Prometheus knows it."""
    ratio = f"100 * {QUERY} / {QUERY.replace('used', 'capacity')}".format(claim=of)
    return float(parts.monitoring.query(ratio)[0]["value"][1])


def counted(parts: Parts, diary: Diary, of: str, files: int) -> None:
    """Prometheus knows of all files, which the measuring may be a little late for."""
    one = size(f"1{parts.unit}")

    def used() -> float:
        return float(parts.monitoring.query(QUERY.format(claim=of))[0]["value"][1])

    until(diary, lambda: round(used() / one * FILES_OF_ONE) == files, f"all {files} files to be measured", 90)
    are = f"{files} files of 16 {BELOW[parts.unit]} are {used() / one:.2f} {parts.unit}B"
    diary.fact("files", f"{are}, {full(parts, of):.1f} % of 20{parts.unit}, by Prometheus")


def created(parts: Parts, diary: Diary, alert: str) -> Any:
    """The audit line of the Job that the alert led to."""

    def lines() -> Any:
        mine = [each for each in parts.audit() if each["audit"]["alertname"] == alert]
        return [each for each in mine if each["audit"]["outcome"] == "created"]

    found = until(diary, lines, f"a Job for {alert}", 120)[0]
    level = found["decision"]["effective"]
    diary.note(f"the function made the {level} Job {found['audit']['job']}", f"{level} Job")
    return found


def works(parts: Parts, diary: Diary, line: Any, script: Script) -> Ran:
    """The Job's pod, from its start to its end."""
    job = line["audit"]["job"]
    found = until(diary, lambda: pod_of(parts, job), "the Job's pod", seconds=120)

    def running() -> None:
        def active() -> bool:
            return bool(job_of(parts, job)["status"].get("ready"))

        until(diary, active, "the Job to run")
        jobs = parts.admin.get(JOBS).raise_for_status().json()["items"]
        alert = line["audit"]["alertname"]
        mine = [each for each in jobs if each["metadata"]["labels"]["sre-dispatch/alertname"] == alert]
        diary.note("its pod runs, and the agent in it", "agent starts")
        tier = found["metadata"]["labels"]["sre-dispatch/tier"]
        if alert == HIGH and len(mine) == 1:
            diary.fact("job", f"{job}, tier {tier}; one pod active and ready, and no other Job for the alert")

    ran = parts.run(found, script, running)
    told = [json.loads(each) for each in ran.agent.output.splitlines() if each.startswith("{")]
    calls = [step.split()[1] for event in told for step in steps(event) if step.startswith("calls")]
    diary.note(f"the agent called {', '.join(calls) or 'nothing'}")
    return ran


def job_of(parts: Parts, job: str) -> Any:
    return parts.admin.get(f"{JOBS}/{job}").raise_for_status().json()


def pod_of(parts: Parts, job: str) -> Any:
    """The pod of the Job, nothing while there is none."""
    told = parts.admin.get(PODS, params={"labelSelector": f"batch.kubernetes.io/job-name={job}"})
    return next(iter(told.raise_for_status().json()["items"]), None)


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


def proposes(unit: str) -> Script:
    return lambda work: [*looks(TYPEDB), *proposing(str(work / FILE), f"40{unit}", f"20{unit}")]


def grows(unit: str) -> Script:
    """A model that wants more than it may, and takes what it gets."""
    wanted = [
        [call("mcp__remedies__resources_create_or_update", resource=claim(f"{to}{unit}", name=POSTGRES))]
        for to in (40, 20)
    ]
    told = outcome(
        status="resolved",
        summary=f"Grew postgres-data to 20{unit}, its ceiling.",
        root_cause="more data",
        evidence=[f"62 % of 10{unit} used"],
        actions=[f"postgres-data: 10{unit} -> 20{unit}"],
        follow_up="Raise the ceiling before it is needed.",
    )
    return lambda _: [*looks(POSTGRES), *wanted, [told]]


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
    path = urlsplit(pull["html_url"]).path  # its host is another one for pods than here
    if size(wanted) > size(before) and urlsplit(told.get("merge_request", "")).path == path:
        diary.fact("pull", f"{pull['title']!r}, {FILE}: {before} to {wanted}")
    if told["outcome"]["status"] == "proposed" and _requested(parts, TYPEDB) == before:
        verification = told.get("verification", "none")
        diary.fact("outcome", f"{told['outcome']['status']}, verification {verification}: {before} as before")
    issue = parts.site.jira.issues[-1]
    says = path in issue.fields["description"] and told["ticket"].endswith(issue.key)
    diary.fact("ticket", f"{issue.key}, with the address of the pull request" if says else "")
    return pull


def _given(parts: Parts, line: Any) -> tuple[Any, str]:
    """Event and prompt, as the Job has them."""
    template = job_of(parts, line["audit"]["job"])["spec"]["template"]
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
    apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=gitops", "-f", "-")
    parts.kubectl(*apply, stdin=safe_dump(manifest))
    wanted = _size(manifest)

    def has() -> bool:
        told = parts.admin.get(f"{CLAIMS}/{TYPEDB}").raise_for_status().json()
        return bool(told["status"]["capacity"]["storage"] == wanted)

    until(diary, has, "the volume to grow")
    if _requested(parts, TYPEDB) == wanted:
        diary.fact("grown", f"{before} to {wanted}, requested and had")


def resolved(parts: Parts, diary: Diary, alert: str, of: str, before: float) -> None:
    """Gone from Prometheus and from Alertmanager."""

    def is_gone() -> bool:
        return parts.monitoring.state(alert, of) == "inactive" and alert not in parts.monitoring.held()

    until(diary, is_gone, f"{alert} to be gone from Prometheus and Alertmanager", 120)
    diary.note(f"{alert} is gone from Prometheus and Alertmanager", f"{alert} gone")
    now = full(parts, of)
    if alert == HIGH and now <= before / 2 + 0.1:
        seen = f"neither Prometheus nor Alertmanager has it; {before:.1f} % became {now:.1f} %"
        diary.fact("resolved", seen)


def enrolled(parts: Parts, diary: Diary) -> None:
    """The operator takes the better rules, routes them, and enrols one of them."""
    parts.monitoring.reload(shipped.MORE_RULES, VALUES, PATCH, MORE)
    parts.enrol()
    until(diary, lambda: parts.monitoring.has_rule(RISING), "the rules to be in force")
    reached = parts.monitoring.receivers(alertname=RISING, severity="info", namespace="f3iai")
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
        before, more = f"10{parts.unit}", f"40{parts.unit}"
        diary.fact("ceiling", f"grown from {before} to {most}; {more} was refused by the real admission")
    verdict = f"{told['verification']} ({told['reason']})"
    diary.note(f"the runner's verification: {verdict}", told["verification"])
    diary.fact("verified", verdict if told["verification"] == "cleared" else "")


def sessions(parts: Parts) -> set[str]:
    """The runs that the world model knows of."""
    return {each["session"] for of in (TYPEDB, POSTGRES) for each in parts.runs(of)}


def remembered(parts: Parts, diary: Diary, known: set[str]) -> None:
    found = []
    for of in (TYPEDB, POSTGRES):
        new = [each for each in parts.runs(of) if each["session"] not in known]
        found += [f"{of} {each['status']} {each['verification']}" for each in new]
    wanted = {f"{TYPEDB} proposed none", f"{POSTGRES} resolved cleared"}
    diary.fact("remembered", "; ".join(found) if wanted <= set(found) else "")


def well(ran: Ran) -> None:
    """Raises Broken where a container failed."""
    for name, end in (("prepare", ran.prepared), ("agent", ran.agent), ("report", ran.report)):
        if end and end.status:
            why = "; the model's API did not answer: it needs network" if end.status == 30 else ""
            raise Broken(f"{name} ended with {end.status}{why}: {json.dumps(end.message)[:1500]}")
