"""Lists of Jobs -> which alerts already have a Job, and how many Jobs the policy counts.

The Job object is the lock and the memory. While it exists, the same problem starts no other Job.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from function.dispatch import marks
from function.dispatch.model import OTHER_WORDS, Activity, JobStatus, Outcome
from function.shared.errors import PermanentError, Unavailable
from function.shared.event import STORM, SREEvent

HOUR = timedelta(hours=1)
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
"""Names of labels that are shown in an operator's log."""
MAX_SHOWN = 10
MAX_FAMILY = 8
"""The number of Jobs for one alertname and subject. The next identity shares the newest one. Without the
limit, a label that changes with each evaluation would start an agent each time."""


@dataclass(frozen=True)
class JobIndex:
    """The Jobs by name: the listed Jobs, and the Jobs that this delivery has created since the listing."""

    jobs: Mapping[str, JobStatus]
    now: datetime
    complete: bool = True
    """Whether all Jobs are listed. If not, the index has only the Jobs of this delivery's alerts."""

    def admit(self, event: SREEvent) -> JobIndex:
        """Returns an index that includes a Job of the event, so that the next alert counts this Job."""
        job = JobStatus(event.job, event.identity, event.resource, self.now, marks.of(event))
        return replace(self, jobs={**self.jobs, event.job: job})

    def reserve(self, event: SREEvent) -> JobIndex:
        """Returns an index in which the event has an active Job that did not start within the hour. The Job
        may never start, and a count of started Jobs can end an alert for good."""
        job = JobStatus(event.job, event.identity, event.resource, self.now - HOUR, marks.of(event))
        return replace(self, jobs={**self.jobs, event.job: job})

    def activity(self, event: SREEvent) -> Activity:
        """Count the active Jobs and the Jobs of the last hour: all, those on the event's resource, and those
        that are charged to the same namespace."""
        active = [job for job in self.jobs.values() if not job.finished]
        recent = [job for job in self.jobs.values() if self.now - job.created_at < HOUR]
        namespace, resource = marks.charged(event), event.resource
        return Activity(
            active=len(active),
            on_resource=sum(job.resource == resource for job in active),
            started_last_hour=len(recent),
            share_active=sum(job.marks.charged_to == namespace for job in active),
            share_started_last_hour=sum(job.marks.charged_to == namespace for job in recent),
        )

    def family(self, event: SREEvent) -> list[JobStatus]:
        """Returns the Jobs of the event's alertname and subject, the oldest first."""
        family = marks.family(event) if event.source != STORM else ""
        jobs = [job for job in self.jobs.values() if family and job.marks.family == family]
        return sorted((job for job in jobs if not job.deleting), key=lambda job: (job.created_at, job.name))


def moving_labels(event: SREEvent, jobs: Sequence[JobStatus]) -> list[str]:
    """Returns the names of the labels whose values differ between the event and the Jobs' alerts."""
    seen = [marks.of(event).labels, *(job.marks.labels for job in jobs)]
    names = sorted({name for labels in seen for name in labels})
    moving = [name for name in names if len({labels.get(name) for labels in seen}) > 1]
    return [name if PLAIN.fullmatch(name) else "(an unusual name)" for name in moving][:MAX_SHOWN]


def index_of(jobs: Sequence[JobStatus], epoch_seconds: float, *, complete: bool = True) -> JobIndex:
    return JobIndex({job.name: job for job in jobs}, datetime.fromtimestamp(epoch_seconds, UTC), complete)


def needs_completion_time(event: SREEvent, job: JobStatus) -> bool:
    """Returns whether the outcome depends on the Job's completion time. A list of Jobs does not contain this
    time."""
    return job.finished and job.completed_at is None and event.starts_at > job.created_at


def outcome_for(event: SREEvent, job: JobStatus) -> tuple[Outcome, str]:
    """Returns the outcome, and its code, of an event whose Job name is taken.

    Raises Unavailable while the Job is being deleted, because the name will be free soon. Raises
    PermanentError if the Job belongs to another identity.
    """
    if job.identity != event.identity:
        raise PermanentError(
            "identity_mismatch",
            f"Job {job.name} exists with another identity: find out who created it, and delete it",
        )
    if job.deleting:
        raise Unavailable("job_deleting", f"Job {job.name} of the same identity is being deleted")
    if job.failed:
        return Outcome.HELD, "run_failed"
    if job.completed_at is not None and event.starts_at > job.completed_at:
        return Outcome.HELD, "recurred"
    other = job.marks.words and job.marks.words != marks.words(event)
    return Outcome.DUPLICATE, OTHER_WORDS if other else ""
