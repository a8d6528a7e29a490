from __future__ import annotations

from function.shared.facts import State
from function.shared.symptoms import Crashes, Schedule
from function.worldmodel.cronjob import cronjob
from function.worldmodel.found import Found
from function.worldmodel.workload import workload as read_workload
from tests.worldmodel.cluster import Cluster, Manifest, look, manifest, pod_spec, told, workload

BACKUP = {"app": "backup"}
NIGHTLY = Schedule("backup", "0 3 * * *", False, 1, 600, 8 * 86_400 + 600)


def nightly() -> Manifest:
    of = workload("CronJob", "backup", BACKUP, pod_spec(), schedule="0 3 * * *")
    times = {"lastScheduleTime": "2026-03-29T03:00:00Z", "lastSuccessfulTime": "2026-03-21T03:00:00Z"}
    return {**of, "status": {"active": [{"name": "backup-2"}], **times}}


def job(name: str, made: str, failed: bool = True) -> Manifest:
    condition = {"type": "Failed", "status": str(failed), "reason": "BackoffLimitExceeded"}
    spec = {"selector": {"matchLabels": {"job": name}}, "template": {"spec": pod_spec()}}
    status = {"conditions": [condition]}
    return manifest("Job", name, made=made, owner="CronJob/backup", spec=spec, status=status)


def pod(of: str) -> Manifest:
    ended = {"exitCode": 3, "reason": "Error", "message": f"{of}: disk full"}
    status = {"phase": "Failed", "containerStatuses": [{"name": "main", "state": {"terminated": ended}}]}
    labels = {"batch.kubernetes.io/job-name": of, "job": of}
    return manifest("Pod", f"{of}-x", labels=labels, owner=f"Job/{of}", status=status)


def test_a_cron_job_is_told_with_its_last_success_and_why_its_jobs_failed() -> None:
    days = {f"backup-{day}": f"2026-03-2{day}T03:00:00Z" for day in (6, 7, 8)}
    jobs = [job(name, made) for name, made in days.items()]
    other = job("other", "2026-03-28T03:00:00Z")
    other["metadata"]["ownerReferences"][0]["name"] = "elsewhere"
    found = cronjob(look(Cluster(nightly(), *jobs, other, *map(pod, days))), "f3iai", "backup")
    assert told(found, Schedule) == NIGHTLY
    details = told(found, State).details
    assert (details["jobs"], details["failed_jobs"]) == (3, 3)
    crashed = told(found, Crashes).containers
    assert sorted(each.log_end for each in crashed) == [("backup-7: disk full",), ("backup-8: disk full",)]


def test_a_job_is_told_with_its_pods_last_words_and_its_cron_jobs_last_success() -> None:
    failed = job("backup-2", "2026-03-29T03:00:00Z")
    found = read_workload(look(Cluster(nightly(), failed, pod("backup-2"))), "Job", "f3iai", "backup-2")
    assert told(found, Schedule) == NIGHTLY
    (crash,) = told(found, Crashes).containers
    assert (crash.exit_code, crash.log_end) == (3, ("backup-2: disk full",))


def test_a_cron_job_that_never_ran_and_one_that_is_not_there() -> None:
    never = workload("CronJob", "backup", BACKUP, pod_spec(), schedule="@daily", suspend=True)
    found = cronjob(look(Cluster(never)), "f3iai", "backup")
    assert told(found, Schedule) == Schedule("backup", "@daily", True, 0, None, None)
    assert cronjob(look(Cluster()), "f3iai", "backup") == Found()
