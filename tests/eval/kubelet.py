"""A stand-in for the kubelets: it serves the logs of all containers, as the API server asks for them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests.eval.cases import Logs
from tests.harness.loopback import Quiet, serving


class Kubelet(ThreadingHTTPServer):
    """`logs` may be replaced while it serves."""

    daemon_threads = True

    def __init__(self, certificates: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "apiserver.crt", certificates / "apiserver.key")
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.logs = Logs({})


class _Handler(Quiet):
    protocol_version = "HTTP/1.1"
    server: Kubelet

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        parts = [unquote(part) for part in asked.path.split("/")[1:]]
        query = {name: values[-1] for name, values in parse_qs(asked.query).items()}
        if len(parts) != 4 or parts[0] != "containerLogs":
            return self.say(b"not found", 404)
        _, namespace, pod, container = parts
        previous = query.get("previous") == "true"
        text = self.server.logs.of(namespace, pod, container, previous)
        if text is None and previous:
            why = f'previous terminated container "{container}" in pod "{pod}" not found'
            return self.say(why.encode(), 400)
        shown = shortened(text or "", int(query.get("tailLines", -1)), int(query.get("limitBytes", -1)))
        self.say(shown.encode(), Content_Type="text/plain")


def shortened(text: str, tail: int, limit: int) -> str:
    """The last lines of the text, and of these the first bytes; -1 is no limit."""
    lines = text.splitlines(keepends=True)
    kept = "".join(lines if tail < 0 else lines[len(lines) - min(tail, len(lines)) :])
    return kept if limit < 0 else kept.encode()[:limit].decode(errors="ignore")


@contextmanager
def kubelet(certificates: Path) -> Iterator[Kubelet]:
    with serving(Kubelet(certificates)) as server:
        yield server
