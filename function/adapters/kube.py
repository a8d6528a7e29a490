"""Cluster over the Kubernetes API, and Kubernetes Events as a sink.

The client is used untyped: its typed API costs 150 to 200 ms at first use. Every call has its time limit
and is sent once; Alertmanager is the one that retries.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from function.errors import Poison, Unavailable
from function.model import Json, KnownJob, Result, to_json

TIMEOUT_SECONDS = (1.0, 3.0)
"""To connect, and for each read."""

BODY_SECONDS = 5.0
READ_BYTES = 256 * 1024
MAX_BYTES = 64 * 1024 * 1024
"""Of an answer: a listing takes about 4 KB a Job."""

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
"""A listing as a Table carries status and metadata without the pod template: 3 KB a Job in place of 65."""

OUR_POLICY = re.compile(
    r"jobs\.batch \"[^\"]*\" is forbidden: ValidatingAdmissionPolicy 'sre-dispatch-", re.ASCII
)
"""How Kubernetes 1.36 begins a refusal by the policies of knative/base/admission.yaml. Matched at the
beginning, since other refusals quote the value at fault, which can be alert text."""

QUOTA = re.compile(r"exceeded quota: ([a-z0-9.-]{1,253}),", re.ASCII)
"""How Kubernetes 1.36 names the quota that refuses."""
POD_SECURITY = "would violate PodSecurity"
"""What the API server warns of at a Job whose pods it will refuse, where the namespace has the label
pod-security.kubernetes.io/warn; the Job itself it admits."""
MAX_WORDS = 300
"""Characters of the API server's own words that are passed on to who asked by a dry run."""

SHAPE_ERRORS = (KeyError, TypeError, ValueError, IndexError, AttributeError)
"""What reading an object of another shape ends in."""

Client = Any
"""kubernetes.client.ApiClient, imported where it is first needed."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: Mapping[str, Any]
    warning: str = ""
    """What the API server warned of, as its header has it."""


def connect(connections: int = 4) -> Client:
    """A client that keeps so many connections, by the pod's ServiceAccount, else by KUBECONFIG. Raises
    Unavailable where neither serves."""
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.config.config_exception import ConfigException

    configuration = Configuration()
    try:
        if "KUBERNETES_SERVICE_HOST" in os.environ:
            from kubernetes.config.incluster_config import load_incluster_config

            load_incluster_config(client_configuration=configuration)
        else:
            from kubernetes.config.kube_config import load_kube_config

            load_kube_config(client_configuration=configuration)
    except (ConfigException, OSError):
        raise Unavailable("kubernetes_unconfigured", "no ServiceAccount and no usable KUBECONFIG") from None
    # The default sends a GET up to four times and sleeps in between for as long as a server says.
    configuration.retries = False
    configuration.connection_pool_maxsize = connections
    client = ApiClient(configuration)
    if configuration.verify_ssl and configuration.ssl_ca_cert:
        client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = _trust(configuration)
    return client


def _trust(configuration: Any) -> ssl.SSLContext:
    """The cluster's own authority, and what that signed. Since Python 3.13 the default refuses authorities
    without certain extensions (VERIFY_X509_STRICT), as many a cluster has them."""
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context


class Api:
    """The few requests that are made of the API server, each sent once, but for an expired token."""

    def __init__(self, connect: Callable[[], Client] = connect) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._client: Client | None = None

    def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: Mapping[str, str] | None = None,
        accept: str = "",
    ) -> Answer:
        """The answer, a JSON object. Raises Unavailable for 5xx, 429, a 401 that stays, and none at all."""
        answer = self._send(self._connected(), method, path, body, query, accept)
        if answer.status == 401:  # the token was rotated: read it again, once
            answer = self._send(self._connected(anew=True), method, path, body, query, accept)
        if answer.status == 429 or answer.status >= 500 or answer.status == 401:
            raise Unavailable("kubernetes_status", f"the API server answered {method} with {answer.status}")
        return answer

    def _connected(self, *, anew: bool = False) -> Client:
        with self._lock:
            if self._client is None or anew:
                self._client = self._connect()
            return self._client

    @staticmethod
    def _send(
        client: Client,
        method: str,
        path: str,
        body: Json | None,
        query: Mapping[str, str] | None,
        accept: str,
    ) -> Answer:
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        headers = {"Accept": accept or "application/json", "Content-Type": "application/json"}
        try:
            request = client.param_serialize(
                method, path, query_params=list((query or {}).items()), header_params=headers,
                body=body, auth_settings=["BearerToken"],
            )  # fmt: skip
            response = client.call_api(*request, _request_timeout=TIMEOUT_SECONDS)
            told = json.loads(_body(response.response))
        except (HTTPError, ApiException, OSError) as error:
            why = type(error).__name__
            raise Unavailable("kubernetes_unreachable", f"the API server cannot be asked: {why}") from None
        except (ValueError, RecursionError):
            raise Unavailable("kubernetes_answer", "the API server's answer is no JSON") from None
        if not isinstance(told, dict):
            raise Unavailable("kubernetes_answer", "the API server's answer is no object")
        return Answer(response.status, told, response.response.headers.get("Warning", ""))


def _body(response: Any) -> bytes:
    """The whole body; a server that sends it drop by drop is given up, as each read alone would not be."""
    deadline = time.monotonic() + BODY_SECONDS
    body = bytearray()
    while chunk := response.read1(READ_BYTES):
        body += chunk
        if time.monotonic() > deadline or len(body) > MAX_BYTES:
            response.close()
            raise Unavailable(
                "kubernetes_answer", f"the API server took over {BODY_SECONDS} s or {MAX_BYTES} bytes"
            )
    return bytes(body)


class Kubernetes:
    """Jobs and their templates in one namespace."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._templates = f"/apis/batch/v1/namespaces/{namespace}/cronjobs"

    def jobs(self) -> Sequence[KnownJob]:
        answer = self._api.request("GET", self._jobs, query={"includeObject": "Metadata"}, accept=TABLE)
        if answer.status != 200:
            raise _refused("list Jobs", answer)
        try:
            names = [column["name"] for column in answer.body["columnDefinitions"]]
            status = names.index("Status")
            return [
                _listed(row["object"]["metadata"], row["cells"][status]) for row in answer.body["rows"] or ()
            ]
        except SHAPE_ERRORS:
            raise Unavailable(
                "kubernetes_answer", "the listing of Jobs is no Table with a column Status"
            ) from None

    def job(self, name: str) -> KnownJob | None:
        answer = self._api.request("GET", f"{self._jobs}/{name}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise _refused("get Jobs", answer)
        try:
            return _seen(answer.body["metadata"], answer.body.get("status") or {})
        except SHAPE_ERRORS:
            raise Unavailable("kubernetes_answer", "a Job has not the shape of one") from None

    def template(self, name: str) -> Mapping[str, Any]:
        answer = self._api.request("GET", f"{self._templates}/{name}")
        if answer.status == 404:
            raise Unavailable("no_template", f"there is no CronJob {name}: apply knative/tiers")
        if answer.status != 200:
            raise _refused("get CronJobs", answer)
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
        if answer.status == 403 and "exceeded quota" in _message(answer):
            # Quota is checked before the name: an existing Job under a full quota is 403 as well.
            if self.job(manifest["metadata"]["name"]) is not None:
                return False
            raise Unavailable("quota", "a quota in the agents' namespace admits no further Job now")
        if answer.status == 422 and OUR_POLICY.match(_message(answer)):
            raise Unavailable(
                "admission", "our admission policy refused the Job: was its tier changed just now?"
            )
        if answer.status in (400, 422):
            raise Poison("invalid_job", f"the API server finds the Job invalid ({answer.status})")
        raise _refused("create Jobs", answer)


class Events:
    """One Kubernetes Event an outcome, in the function's own namespace."""

    def __init__(self, api: Api, namespace: str, clock: Callable[[], float]) -> None:
        self._api, self._namespace, self._clock = api, namespace, clock

    def tell(self, results: Iterable[Result]) -> None:
        for result in results:
            answer = self._api.request(
                "POST", f"/api/v1/namespaces/{self._namespace}/events", self._event(result)
            )
            if answer.status != 201:
                raise _refused("create Events", answer)

    def _event(self, result: Result) -> Json:
        now = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        service = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "sre-dispatch"}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": "sre-dispatch-", "namespace": self._namespace},
            "involvedObject": {**service, "namespace": self._namespace},
            "type": "Warning",
            "reason": "Alert" + result.outcome.value.title().replace("-", ""),
            "message": to_json(result.summary())[:1024],  # the API's limit
            "source": {"component": "sre-dispatch"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }


@dataclass(frozen=True)
class Access:
    """One thing to do, in the notation of `kubectl auth can-i`."""

    verb: str
    resource: str
    """Plural, with its group and its subresource where it has them: `jobs.batch`, `pods/exec`."""
    namespace: str = ""
    """Empty for what is in no namespace."""

    def attributes(self) -> Json:
        """As a SelfSubjectAccessReview has them."""
        plural, _, subresource = self.resource.partition("/")
        resource, _, group = plural.partition(".")
        named = {"verb": self.verb, "group": group, "resource": resource, "subresource": subresource}
        return {**named, "namespace": self.namespace}


@dataclass(frozen=True)
class Verdict:
    """What became of a Job that was sent to be judged and not to be made."""

    by: Literal["", "policy", "unwatched", "quota", "pod security", "other"]
    """Who refused it: nobody, our own admission policies, one of them without the CronJob that it compares
    with, a quota, what will refuse its pods, or else."""
    words: str = ""
    """The quota's name, or what the API server had to say, printable and at most MAX_WORDS characters."""


class Inspection:
    """What `check` asks of an installation. Nothing here changes it: reviews and dry runs are not kept."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._config_maps = f"/api/v1/namespaces/{namespace}/configmaps"
        self.template = Kubernetes(api, namespace).template

    def who(self) -> tuple[str, Sequence[str]]:
        """Name and groups of who asks. Raises Unavailable."""
        review = self._review("authentication.k8s.io/v1", "SelfSubjectReview", {})
        try:
            user = review["status"]["userInfo"]
            return str(user["username"]), [str(group) for group in user.get("groups") or ()]
        except SHAPE_ERRORS:
            raise Unavailable("kubernetes_answer", "a SelfSubjectReview has not the shape of one") from None

    def may(self, access: Access) -> bool:
        """Whether who asks may do that to every object of the kind; a right to objects by name is not seen.
        Raises Unavailable."""
        spec = {"resourceAttributes": access.attributes()}
        review = self._review("authorization.k8s.io/v1", "SelfSubjectAccessReview", {"spec": spec})
        try:
            return bool(review["status"]["allowed"])
        except SHAPE_ERRORS:
            raise Unavailable("kubernetes_answer", "an access review has not the shape of one") from None

    def find(self, path: str) -> Json | None:
        """The object, or the listing, at /apis/`path`; None where there is none. Raises Unavailable."""
        return _found(path, self._api.request("GET", f"/apis/{path}"))

    def config_map(self, name: str) -> Json | None:
        """The agents' ConfigMap of that name; None where there is none. Raises Unavailable."""
        answer = self._api.request("GET", f"{self._config_maps}/{name}")
        if answer.status == 403:
            what = f"the function's ServiceAccount may not read the ConfigMap {name}"
            raise Unavailable(
                "kubernetes_forbidden", f"{what}: name it in knative/base/check.yaml and apply that file"
            )
        return _found(f"the ConfigMap {name}", answer)

    def judge(self, job: Json) -> Verdict:
        """Whether the Job would be admitted, by a dry run. Raises Unavailable."""
        answer = self._api.request("POST", self._jobs, job, query={"dryRun": "All"})
        message = _message(answer)
        words = "".join(filter(str.isprintable, answer.warning or message))[:MAX_WORDS]
        if answer.status == 201:
            return Verdict("pod security", words) if POD_SECURITY in answer.warning else Verdict("")
        if OUR_POLICY.match(message) and " denied request: sre-dispatch: " in message:
            return Verdict("policy", words)
        if OUR_POLICY.match(message) and "no params found" in message:
            return Verdict("unwatched", words)
        if answer.status == 403 and (quota := QUOTA.search(message)):
            return Verdict("quota", quota.group(1))
        return Verdict("other", f"{answer.status}: {words}")

    def _review(self, version: str, kind: str, body: Json) -> Json:
        review = {"apiVersion": version, "kind": kind, **body}
        answer = self._api.request("POST", f"/apis/{version}/{kind.lower()}s", review)
        if answer.status != 201:
            raise _refused(f"create a {kind}", answer)
        return answer.body


def _listed(metadata: Mapping[str, Any], status: str) -> KnownJob:
    return _known(metadata, finished=status in ("Complete", "Failed"), failed=status == "Failed")


def _seen(metadata: Mapping[str, Any], status: Mapping[str, Any]) -> KnownJob:
    ended = {
        condition["type"]: condition
        for condition in status.get("conditions") or ()
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True"
    }
    when = next((condition["lastTransitionTime"] for condition in ended.values()), None)
    completed = status.get("completionTime") or when
    return _known(
        metadata,
        finished=bool(ended),
        failed="Failed" in ended,
        completed_at=datetime.fromisoformat(completed) if ended and completed else None,
    )


def _known(
    metadata: Mapping[str, Any], *, finished: bool, failed: bool, completed_at: datetime | None = None
) -> KnownJob:
    return KnownJob(
        name=metadata["name"],
        identity=(metadata.get("annotations") or {}).get("sre-dispatch/identity", ""),
        resource=(metadata.get("labels") or {}).get("sre-dispatch/resource", ""),
        created_at=datetime.fromisoformat(metadata["creationTimestamp"]),
        completed_at=completed_at,
        finished=finished,
        failed=failed,
        deleting="deletionTimestamp" in metadata,
    )


def _message(answer: Answer) -> str:
    """The API server's own words: looked at, never passed on, as they may quote the Job."""
    return str(answer.body.get("message", ""))


def _found(what: str, answer: Answer) -> Json | None:
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise _refused(f"read {what}", answer)
    return answer.body


def _refused(what: str, answer: Answer) -> Unavailable:
    if answer.status == 403:
        return Unavailable(
            "kubernetes_forbidden", f"the function's ServiceAccount may not {what}: see knative/base"
        )
    return Unavailable("kubernetes_status", f"the API server answered {answer.status} to: {what}")


class TokenReviews:
    """Whose a token is, by the API server's word."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def review(self, token: str, audience: str) -> str | None:
        """The owner's username, None where the token is nobody's or not for the audience. Raises Unavailable.

        An API server that knows no audiences tells none, and has not looked at them: nobody's. What it says
        of a token that it refuses is not told, as it quotes the token's claims.
        """
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [audience]},
        }
        answer = self._api.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", body)
        if answer.status == 403:
            what = "the function's ServiceAccount may not create TokenReviews"
            raise Unavailable("kubernetes_forbidden", f"{what}: apply knative/components/tokenreview")
        if answer.status != 201:
            raise _refused("create TokenReviews", answer)
        try:
            status = answer.body["status"]
            if status.get("authenticated") is not True or audience not in list(status.get("audiences") or ()):
                return None
            username: str = status["user"]["username"]
            return username
        except SHAPE_ERRORS:
            raise Unavailable("kubernetes_answer", "a TokenReview has not the shape of one") from None
