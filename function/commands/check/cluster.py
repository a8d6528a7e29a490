"""Requests to the API server that change nothing: reviews, reads, dry runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from function.commands.check.rows import value_at
from function.dispatch.adapters.kubernetes import OUR_POLICY, Kubernetes
from function.shared.errors import Unavailable
from function.shared.kubernetes import SHAPE_ERRORS, Answer, Api, message_of, refusal
from function.shared.strict_json import Json

QUOTA = re.compile(r"exceeded quota: ([a-z0-9.-]{1,253}),", re.ASCII)
"""Finds the name of the quota in the message of Kubernetes 1.36."""
POD_SECURITY = "would violate PodSecurity"
"""A part of the warning for a Job whose pods Pod Security will refuse. The Job itself is admitted. The API
server sends this warning only if the namespace has the label pod-security.kubernetes.io/warn."""
MAX_WORDS = 300
"""The maximum number of characters of the API server's message in a row."""


@dataclass(frozen=True)
class Permission:
    """A verb on a resource, in the form of `kubectl auth can-i`."""

    verb: str
    resource: str
    """The plural of the resource, with its group and subresource if it has them: `jobs.batch`,
    `pods/exec`."""
    namespace: str = ""
    """The namespace. It is empty for a cluster-scoped resource."""

    def attributes(self) -> Json:
        """Returns the resourceAttributes of a SelfSubjectAccessReview."""
        plural, _, subresource = self.resource.partition("/")
        resource, _, group = plural.partition(".")
        named = {"verb": self.verb, "group": group, "resource": resource, "subresource": subresource}
        return {**named, "namespace": self.namespace}


@dataclass(frozen=True)
class Admission:
    """The result of a Job's dry run."""

    by: Literal["", "policy", "unwatched", "quota", "pod security", "other"]
    """What refused the Job. It is empty if the Job was admitted. `policy` is one of our admission policies.
    `unwatched` is one of our policies that does not find its CronJob. `pod security` admits the Job and will
    refuse its pods."""
    words: str = ""
    """The quota's name, or the first MAX_WORDS printable characters of the API server's message."""


class ClusterAudit:
    """Reads an installation on a cluster. It changes nothing: the API server does not store reviews and dry
    runs."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._config_maps = f"/api/v1/namespaces/{namespace}/configmaps"
        self.template = Kubernetes(api, namespace).template

    def who(self) -> tuple[str, Sequence[str]]:
        """Returns name and groups of our own account. Raises Unavailable."""
        review = self._review("authentication.k8s.io/v1", "SelfSubjectReview", {})
        try:
            user = review["status"]["userInfo"]
            return str(user["username"]), [str(group) for group in user.get("groups") or ()]
        except SHAPE_ERRORS:
            raise Unavailable(
                "kubernetes_answer", "the API server's SelfSubjectReview cannot be read"
            ) from None

    def may(self, access: Permission) -> bool:
        """Returns whether our account has the right for all objects of the kind. A right that resourceNames
        limits does not count. Raises Unavailable."""
        spec = {"resourceAttributes": access.attributes()}
        review = self._review("authorization.k8s.io/v1", "SelfSubjectAccessReview", {"spec": spec})
        try:
            return bool(review["status"]["allowed"])
        except SHAPE_ERRORS:
            raise Unavailable(
                "kubernetes_answer", "the API server's SelfSubjectAccessReview cannot be read"
            ) from None

    def find(self, path: str) -> Json | None:
        """Returns the object, or the list of objects, at /apis/`path`. Returns None if the path does not
        exist. Raises Unavailable."""
        return _found(path, self._api.request("GET", f"/apis/{path}"))

    def labelled(self, path: str, selector: str) -> list[Json]:
        """Returns the objects at `path` that the label selector selects. Raises Unavailable."""
        root = "/api" if path.startswith("v1/") else "/apis"
        answer = self._api.request("GET", f"{root}/{path}", query={"labelSelector": selector})
        return value_at(_found(path, answer), "items") or []

    def config_map(self, name: str) -> Json | None:
        """Returns the ConfigMap of that name in the agents' namespace, or None. Raises Unavailable."""
        answer = self._api.request("GET", f"{self._config_maps}/{name}")
        if answer.status == 403:
            what = f"the function's ServiceAccount may not read the ConfigMap {name}"
            raise Unavailable(
                "kubernetes_forbidden", f"{what}: add its name to knative/base/check.yaml and apply that file"
            )
        return _found(f"the ConfigMap {name}", answer)

    def judge(self, job: Json) -> Admission:
        """Returns whether the API server would admit the Job, from a dry run. Raises Unavailable."""
        answer = self._api.request("POST", self._jobs, job, query={"dryRun": "All"})
        message = message_of(answer)
        words = "".join(filter(str.isprintable, answer.warning or message))[:MAX_WORDS]
        if answer.status == 201:
            return Admission("pod security", words) if POD_SECURITY in answer.warning else Admission("")
        if OUR_POLICY.match(message) and " denied request: sre-dispatch: " in message:
            return Admission("policy", words)
        if OUR_POLICY.match(message) and "no params found" in message:
            return Admission("unwatched", words)
        if answer.status == 403 and (quota := QUOTA.search(message)):
            return Admission("quota", quota.group(1))
        return Admission("other", f"{answer.status}: {words}")

    def _review(self, version: str, kind: str, body: Json) -> Json:
        review = {"apiVersion": version, "kind": kind, **body}
        answer = self._api.request("POST", f"/apis/{version}/{kind.lower()}s", review)
        if answer.status != 201:
            raise refusal(f"create a {kind}", answer)
        return answer.body


def _found(what: str, answer: Answer) -> Json | None:
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise refusal(f"read {what}", answer)
    return answer.body
