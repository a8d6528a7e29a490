"""Read-only questions to the API server: reviews, objects, dry runs."""

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
"""How Kubernetes 1.36 names the quota that refuses."""
POD_SECURITY = "would violate PodSecurity"
"""Part of the warning for a Job whose pods Pod Security will refuse. The Job itself is admitted. The warning
needs the namespace label pod-security.kubernetes.io/warn."""
MAX_WORDS = 300
"""Characters of the API server's message that a row quotes."""


@dataclass(frozen=True)
class Permission:
    """A verb on a resource, as `kubectl auth can-i` takes them."""

    verb: str
    resource: str
    """Plural, with its group and its subresource where it has them: `jobs.batch`, `pods/exec`."""
    namespace: str = ""
    """Empty for a cluster-scoped resource."""

    def attributes(self) -> Json:
        """The resourceAttributes of a SelfSubjectAccessReview."""
        plural, _, subresource = self.resource.partition("/")
        resource, _, group = plural.partition(".")
        named = {"verb": self.verb, "group": group, "resource": resource, "subresource": subresource}
        return {**named, "namespace": self.namespace}


@dataclass(frozen=True)
class Admission:
    """The result of a Job's dry run."""

    by: Literal["", "policy", "unwatched", "quota", "pod security", "other"]
    """What refused the Job: nothing; one of our admission policies; one that does not find its CronJob; a
    quota; Pod Security, later, when pods are created; something else."""
    words: str = ""
    """The quota's name, or the API server's message: printable, at most MAX_WORDS characters."""


class ClusterAudit:
    """An installation on a cluster. Nothing here changes it: reviews and dry runs are not stored."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._config_maps = f"/api/v1/namespaces/{namespace}/configmaps"
        self.template = Kubernetes(api, namespace).template

    def who(self) -> tuple[str, Sequence[str]]:
        """Name and groups of our own account. Raises Unavailable."""
        review = self._review("authentication.k8s.io/v1", "SelfSubjectReview", {})
        try:
            user = review["status"]["userInfo"]
            return str(user["username"]), [str(group) for group in user.get("groups") or ()]
        except SHAPE_ERRORS:
            raise Unavailable(
                "kubernetes_answer", "the API server's SelfSubjectReview cannot be read"
            ) from None

    def may(self, access: Permission) -> bool:
        """Whether our account has the right for all objects of the kind. A right limited by resourceNames
        does not count. Raises Unavailable."""
        spec = {"resourceAttributes": access.attributes()}
        review = self._review("authorization.k8s.io/v1", "SelfSubjectAccessReview", {"spec": spec})
        try:
            return bool(review["status"]["allowed"])
        except SHAPE_ERRORS:
            raise Unavailable(
                "kubernetes_answer", "the API server's SelfSubjectAccessReview cannot be read"
            ) from None

    def find(self, path: str) -> Json | None:
        """The object, or the listing, at /apis/`path`; None where there is none. Raises Unavailable."""
        return _found(path, self._api.request("GET", f"/apis/{path}"))

    def labelled(self, path: str, selector: str) -> list[Json]:
        """The objects of the listing at `path` that the label selector selects. Raises Unavailable."""
        root = "/api" if path.startswith("v1/") else "/apis"
        answer = self._api.request("GET", f"{root}/{path}", query={"labelSelector": selector})
        return value_at(_found(path, answer), "items") or []

    def config_map(self, name: str) -> Json | None:
        """The agents' ConfigMap of that name; None where there is none. Raises Unavailable."""
        answer = self._api.request("GET", f"{self._config_maps}/{name}")
        if answer.status == 403:
            what = f"the function's ServiceAccount may not read the ConfigMap {name}"
            raise Unavailable(
                "kubernetes_forbidden", f"{what}: add its name to knative/base/check.yaml and apply that file"
            )
        return _found(f"the ConfigMap {name}", answer)

    def judge(self, job: Json) -> Admission:
        """Whether the Job would be admitted, by a dry run. Raises Unavailable."""
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
