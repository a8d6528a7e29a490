"""Jobs and their templates, from the Kubernetes API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from function.dispatch import marks
from function.dispatch.model import JobStatus
from function.shared.errors import PermanentError, Unavailable
from function.shared.kubernetes import SHAPE_ERRORS, Answer, Api, message_of, refusal
from function.shared.strict_json import Json

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
"""The media type of a list as a Table. A Table has the status and metadata of each Job and no pod template:
8 KB for each Job instead of 70 KB. A single Job can be read as a Table too."""
OUR_POLICY = re.compile(
    r"jobs\.batch \"[^\"]*\" is forbidden: ValidatingAdmissionPolicy 'sre-dispatch-", re.ASCII
)
"""How the message of Kubernetes 1.36 begins if a policy of knative/base/admission.yaml refuses a Job. Only
such a message is quoted: other messages contain the invalid value, which can be text of an alert."""


class _Metadata(TypedDict, total=False):
    name: str
    creationTimestamp: str
    deletionTimestamp: str
    labels: Any
    annotations: Any


class _Object(TypedDict):
    metadata: _Metadata


class _Row(TypedDict):
    cells: list[Any]
    object: _Object


class _Column(TypedDict):
    name: str


class _Table(TypedDict, total=False):
    """The parts of a Table that are read. The rest is larger: the managedFields of a Job are 350 objects in
    Python. Without them a list is read three to five times as fast."""

    columnDefinitions: list[_Column]
    rows: list[_Row] | None


_TABLE = TypeAdapter(_Table)


class Kubernetes:
    """Jobs and their templates in one namespace."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._templates = f"/apis/batch/v1/namespaces/{namespace}/cronjobs"

    def jobs(self) -> Sequence[JobStatus]:
        answer = self._table(self._jobs)
        if answer.status != 200:
            raise refusal("list Jobs", answer)
        return self._rows(answer)

    def listed_job(self, name: str) -> JobStatus | None:
        answer = self._table(f"{self._jobs}/{name}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise refusal("get Jobs", answer)
        rows = self._rows(answer)
        if len(rows) != 1:
            raise Unavailable("kubernetes_answer", "unexpected answer about a Job from the API server")
        return rows[0]

    def _table(self, path: str) -> Answer:
        query = {"includeObject": "Metadata"}
        return self._api.request("GET", path, query=query, accept=TABLE, parse=_TABLE.validate_json)

    @staticmethod
    def _rows(answer: Answer) -> list[JobStatus]:
        try:
            names = [column["name"] for column in answer.body["columnDefinitions"]]
            status = names.index("Status")
            return [
                _from_row(row["object"]["metadata"], row["cells"][status])
                for row in answer.body["rows"] or ()
            ]
        except SHAPE_ERRORS:
            raise Unavailable(
                "kubernetes_answer",
                "unexpected answer about Jobs from the API server: it must be a Table with a column Status",
            ) from None

    def job(self, name: str) -> JobStatus | None:
        answer = self._api.request("GET", f"{self._jobs}/{name}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise refusal("get Jobs", answer)
        try:
            return _from_object(answer.body["metadata"], answer.body.get("status") or {})
        except SHAPE_ERRORS:
            raise Unavailable("kubernetes_answer", "unexpected Job object from the API server") from None

    def template(self, name: str) -> Mapping[str, Any]:
        answer = self._api.request("GET", f"{self._templates}/{name}")
        if answer.status == 404:
            raise Unavailable("no_template", f"CronJob {name} does not exist: apply knative/tiers")
        if answer.status != 200:
            raise refusal("get CronJobs", answer)
        try:
            template: Mapping[str, Any] = answer.body["spec"]["jobTemplate"]
            if isinstance(template["spec"]["template"]["spec"], dict):
                return template
        except SHAPE_ERRORS:
            pass
        raise Unavailable("kubernetes_answer", f"CronJob {name} has no jobTemplate")

    def create(self, manifest: Json) -> bool:
        answer = self._api.request("POST", self._jobs, manifest)
        if answer.status == 201:
            return True
        if answer.status == 409:
            return False
        if answer.status == 403 and "exceeded quota" in message_of(answer):
            # The API server checks the quota before the name, so the Job may exist.
            if self.job(manifest["metadata"]["name"]) is not None:
                return False
            raise Unavailable("quota", "the agents' quota is full: wait for Jobs to end, or raise it")
        if answer.status == 422 and OUR_POLICY.match(message_of(answer)):
            raise Unavailable(
                "admission",
                "our admission policy refused the Job: if this repeats, run `sre-dispatch check`",
            )
        if answer.status in (400, 422):
            raise PermanentError(
                "invalid_job", f"the API server refused the Job as invalid ({answer.status})"
            )
        raise refusal("create Jobs", answer)


def _from_row(metadata: Mapping[str, Any], status: str) -> JobStatus:
    return _job_status(metadata, finished=status in ("Complete", "Failed"), failed=status == "Failed")


def _from_object(metadata: Mapping[str, Any], status: Mapping[str, Any]) -> JobStatus:
    ended = {
        condition["type"]: condition
        for condition in status.get("conditions") or ()
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True"
    }
    when = next((condition["lastTransitionTime"] for condition in ended.values()), None)
    completed = status.get("completionTime") or when
    return _job_status(
        metadata,
        finished=bool(ended),
        failed="Failed" in ended,
        completed_at=datetime.fromisoformat(completed) if ended and completed else None,
    )


def _job_status(
    metadata: Mapping[str, Any], *, finished: bool, failed: bool, completed_at: datetime | None = None
) -> JobStatus:
    annotations = metadata.get("annotations") or {}
    return JobStatus(
        name=metadata["name"],
        identity=annotations.get("sre-dispatch/identity", ""),
        resource=(metadata.get("labels") or {}).get("sre-dispatch/resource", ""),
        created_at=datetime.fromisoformat(metadata["creationTimestamp"]),
        marks=marks.read(annotations),
        completed_at=completed_at,
        finished=finished,
        failed=failed,
        deleting="deletionTimestamp" in metadata,
    )
