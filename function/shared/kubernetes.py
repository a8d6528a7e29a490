"""The Kubernetes API by a few untyped requests: the typed client costs 150 to 200 ms at first use.

Every call has its time limit and is sent once; Alertmanager is the one that retries.
"""

from __future__ import annotations

import json
import os
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from function.shared.errors import Unavailable
from function.shared.strict_json import Json

TIMEOUT_SECONDS = (1.0, 3.0)
"""To connect, and for each read."""
BODY_SECONDS = 5.0
READ_BYTES = 256 * 1024
MAX_BYTES = 64 * 1024 * 1024
"""Of an answer: a listing takes about 4 KB a Job."""
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


def message_of(answer: Answer) -> str:
    """The API server's own words: looked at, never passed on, as they may quote the Job."""
    return str(answer.body.get("message", ""))


def refusal(what: str, answer: Answer) -> Unavailable:
    if answer.status == 403:
        return Unavailable(
            "kubernetes_forbidden", f"the function's ServiceAccount may not {what}: see knative/base"
        )
    return Unavailable("kubernetes_status", f"the API server answered {answer.status} to: {what}")
