"""One listing of Jobs -> which events are known already, and the activity that the policy counts.

The Job object is the lock and the memory: while it exists, its event starts nothing new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from function.dispatch.model import Activity, JobStatus, Outcome
from function.shared.errors import PermanentError, Unavailable
from function.shared.event import SREEvent

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class JobIndex:
    """The Jobs by name: those listed, and those that this delivery has admitted since."""

    jobs: Mapping[str, JobStatus]
    now: datetime

    def admit(self, event: SREEvent) -> JobIndex:
        """The index with the event's Job in it, so that the next event of the delivery counts it."""
        job = JobStatus(event.job, event.identity, event.resource, created_at=self.now)
        return replace(self, jobs={**self.jobs, event.job: job})

    def seen(self, name: str, job: JobStatus | None) -> JobIndex:
        """The index with the Job of that name as a closer look found it."""
        others = {other: known for other, known in self.jobs.items() if other != name}
        return replace(self, jobs=others | ({name: job} if job else {}))

    def activity(self, event: SREEvent) -> Activity:
        """Active Jobs, those on the event's resource, and all that started within the last hour."""
        jobs = self.jobs.values()
        active = [job for job in jobs if not job.finished]
        return Activity(
            active=len(active),
            on_resource=sum(job.resource == event.resource for job in active),
            started_last_hour=sum(self.now - job.created_at < HOUR for job in jobs),
        )


def take(jobs: Sequence[JobStatus], epoch_seconds: float) -> JobIndex:
    return JobIndex({job.name: job for job in jobs}, datetime.fromtimestamp(epoch_seconds, UTC))


def needs_completion_time(event: SREEvent, job: JobStatus) -> bool:
    """Whether only the time of completion, which no listing tells, can decide about the event."""
    return job.finished and job.completed_at is None and event.starts_at > job.created_at


def outcome_for(event: SREEvent, job: JobStatus) -> tuple[Outcome, str]:
    """What the Job that has the event's name means for the event: an outcome and its code.

    Raises Unavailable while the Job is being deleted (its name is free in a moment), Poison where it
    belongs to another identity.
    """
    if job.identity != event.identity:
        raise PermanentError(
            "identity_mismatch", f"Job {job.name} exists and is not of this identity: look who made it"
        )
    if job.deleting:
        raise Unavailable("job_deleting", f"Job {job.name} of the same identity is being deleted")
    if job.failed:
        return Outcome.HELD, "run_failed"
    if job.completed_at is not None and event.starts_at > job.completed_at:
        return Outcome.HELD, "recurred"
    return Outcome.DUPLICATE, ""
