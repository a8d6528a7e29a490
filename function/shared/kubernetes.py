"""A client for the Kubernetes API, with the configuration and the connections of the package `kubernetes`. It
sends untyped requests, because the typed client takes 150 to 200 ms at its first use.

Each request has time limits and is sent once. Alertmanager retries the delivery.
"""

from __future__ import annotations

import io
import json
import os
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlencode

from function.shared import http
from function.shared.errors import Unavailable
from function.shared.strict_json import Json, to_json

TIMEOUT_SECONDS = (1.0, 3.0)
"""The time limits for connecting and for each read of the socket."""
RESPONSE_SECONDS = 5.0
"""The time limit for a whole response."""
READ_BYTES = 256 * 1024
MAX_BYTES = 64 * 1024 * 1024
"""The maximum size of a response. A listing takes about 8 KB for each Job, mostly managedFields."""
SHAPE_ERRORS = http.SHAPE_ERRORS
Client = Any
"""The type is kubernetes.client.ApiClient. That module is imported at its first use."""
Parse = Callable[[bytes], Any]
"""Reads the JSON of a response. Raises ValueError."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: Mapping[str, Any]
    warning: str = ""
    """The value of the API server's Warning header."""


CONNECTIONS = 16
"""How many connections are kept open. A thread that finds none makes a new one, which takes as long as six
requests."""


def connect(connections: int = CONNECTIONS) -> Client:
    """Returns a client with at most `connections` connections. It uses the pod's ServiceAccount, or else
    KUBECONFIG. Raises Unavailable if neither is usable."""
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
    # By default the client sends a GET up to four times. Between attempts it sleeps as long as the server
    # requests.
    configuration.retries = False
    configuration.connection_pool_maxsize = connections
    client = ApiClient(configuration)
    if configuration.verify_ssl and configuration.ssl_ca_cert:
        client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = _trust(configuration)
    return client


def _trust(configuration: Any) -> ssl.SSLContext:
    """Trusts the cluster's certificate authority without VERIFY_X509_STRICT. Python 3.13 sets this flag by
    default. Many clusters have an authority without the extensions that the flag requires."""
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context


class _Response(HTTPResponse):
    """A response that must arrive within RESPONSE_SECONDS. The time limit of each read does not stop a server
    that sends byte by byte."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_Until(time.monotonic() + RESPONSE_SECONDS, raw))


class _Until(io.RawIOBase):
    """Reads from a socket until the deadline."""

    def __init__(self, deadline: float, raw: io.RawIOBase) -> None:
        self._deadline, self._raw = deadline, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._deadline:
            raise TimeoutError
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _limited(client: Client) -> Client:
    """Returns the client, whose connections now read each response as a _Response."""

    def with_limit(pool: Any) -> Any:
        connection = type("Connection", (pool.ConnectionCls,), {"response_class": _Response})
        return type("Pool", (pool,), {"ConnectionCls": connection})

    manager = client.rest_client.pool_manager
    manager.pool_classes_by_scheme = {
        scheme: with_limit(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }
    return client


class Api:
    """Sends each request once. After a response 401 it reads the token again and sends the request a second
    time."""

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
        parse: Parse = json.loads,
    ) -> Answer:
        """Returns the response, which is a JSON object. Raises Unavailable for 5xx, 429, a second 401, and if
        there is no response. `parse` reads the JSON. It may leave parts out."""
        status, warning, data = self._send(self._connected(), method, path, body, query, accept)
        if status == 401:  # the token may have been rotated
            connected = self._connected(anew=True)
            status, warning, data = self._send(connected, method, path, body, query, accept)
        if status == 429 or status >= 500 or status == 401:
            raise Unavailable("kubernetes_status", f"the API server answered {method} with {status}")
        what = "the API server's answer is not the expected JSON"
        answer = http.parsed(data, Unavailable("kubernetes_answer", what), parse)
        if not isinstance(answer, dict):
            raise Unavailable("kubernetes_answer", "the API server's answer is not a JSON object")
        return Answer(status, answer, warning)

    def _connected(self, *, anew: bool = False) -> Client:
        with self._lock:
            if self._client is None or anew:
                self._client = _limited(self._connect())
            return self._client

    @staticmethod
    def _send(
        client: Client,
        method: str,
        path: str,
        body: Json | None,
        query: Mapping[str, str] | None,
        accept: str,
    ) -> tuple[int, str, bytes]:
        """Returns the status, the Warning header and the body."""
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        configuration = client.configuration
        headers = {"Accept": accept or "application/json", "Content-Type": "application/json"}
        try:
            if token := configuration.auth_settings().get("BearerToken"):  # this reads a rotated token
                headers["Authorization"] = token["value"]
            response = client.rest_client.pool_manager.request(
                method,
                configuration.host + path + (f"?{urlencode(query)}" if query else ""),
                body=None if body is None else to_json(body),
                headers=headers,
                timeout=Timeout(connect=TIMEOUT_SECONDS[0], read=TIMEOUT_SECONDS[1]),
                preload_content=False,
                redirect=False,
            )
            return response.status, response.headers.get("Warning", ""), _body(response)
        except (HTTPError, OSError) as error:
            why = type(error).__name__
            raise Unavailable("kubernetes_unreachable", f"the API server cannot be reached: {why}") from None


def _body(response: Any) -> bytes:
    """Returns the whole body."""
    body = bytearray()
    while chunk := response.read1(READ_BYTES):
        body += chunk
        if len(body) > MAX_BYTES:
            response.close()
            raise Unavailable("kubernetes_answer", f"the API server's answer is over {MAX_BYTES} bytes")
    return bytes(body)


def message_of(answer: Answer) -> str:
    """Returns the message of the API server. Never log the message: it may quote the Job."""
    return str(answer.body.get("message", ""))


def refusal(what: str, answer: Answer) -> Unavailable:
    if answer.status == 403:
        return Unavailable(
            "kubernetes_forbidden", f"the function's ServiceAccount may not {what}: check knative/base"
        )
    return Unavailable("kubernetes_status", f"the API server answered {answer.status} when asked to {what}")
