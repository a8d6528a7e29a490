"""The facts of a CronJob."""

from __future__ import annotations

from function.worldmodel import objects
from function.worldmodel.crashes import crashes
from function.worldmodel.events import events, happenings
from function.worldmodel.found import Found, state
from function.worldmodel.neighbours import clients, dependents, depends_on, limits, neighbours
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look
from function.worldmodel.schedules import schedule

JOBS_WITH_PODS = 2
JOB = "batch.kubernetes.io/job-name"
"""The label of a Job's pods with the name of the Job."""


def cronjob(look: Look, namespace: str, name: str) -> Found:
    requested = look.get("CronJob", name, namespace)
    happened = events(look, "CronJob", name, namespace)
    near = neighbours(look, namespace)
    listed = look.list("Job", namespace)
    of = requested()
    if of is None:
        return Found()
    jobs = [job for job in listed() if _is_of(job, of)]
    failed = sorted((job for job in jobs if _failed(job)), key=objects.created, reverse=True)
    recent = [objects.name(job) for job in failed[:JOBS_WITH_PODS]]
    pods = [look.list("Pod", namespace, labels=f"{JOB}={job}") for job in recent]
    of_jobs = [events(look, "Job", job, namespace) for job in recent]

    found = Found(exists=True)
    counts = {"jobs": len(jobs), "failed_jobs": len(failed)}
    shown = [f"{objects.name(job)} {each}" for job in failed for each in objects.conditions(job)]
    found.add(state(of, look.now, "CronJob", images=objects.images(of), failures=shown, **counts))
    found.add(schedule(of, look.now))
    found.add(*crashes([pod for each in pods for pod in each()], look.now))
    labels = objects.template_labels(of)
    found.add(dependents(clients(labels, near)), limits(near, [labels]))
    found.add(happenings([event for each in (happened, *of_jobs) for event in each()], look.now))
    found.add(depends_on(objects.needs(of)))
    found.watched = {
        "images": ", ".join(objects.images(of)),
        "suspended": str(bool(objects.spec(of).get("suspend"))),
    }
    return found


def _is_of(job: Object, cronjob: Object) -> bool:
    owner = objects.controller(job)
    return owner is not None and (owner.kind, owner.name) == ("CronJob", objects.name(cronjob))


def _failed(job: Object) -> bool:
    conditions = objects.status(job).get("conditions") or ()
    return any(each["type"] == "Failed" and each["status"] == "True" for each in conditions)
