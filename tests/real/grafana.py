"""A stand-in for Grafana, which no registry of packages has: the part of its API that mcp-grafana reaches a
Prometheus by, in front of a real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx

TOKEN = "glsa_a-token-that-grafana-accepts"
PROXY = ("/api/datasources/proxy/uid/prometheus", "/api/datasources/uid/prometheus/resources")


class Grafana(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, prometheus: str, host: str) -> None:
        super().__init__((host, 0), _Handler)
        self.prometheus, self.url = prometheus, f"http://{host}:{self.server_address[1]}"
        self.asked: list[str] = []
        """Method and path of each request with the right token."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Grafana

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._send(401, {"message": "Invalid API key"})
        path = self.path.split("?")[0]
        self.server.asked.append(f"{self.command} {path}")
        source = {"id": 1, "uid": "prometheus", "name": "Prometheus", "type": "prometheus", "access": "proxy"}
        source |= {"url": self.server.prometheus, "isDefault": True, "jsonData": {}}
        if path == "/api/datasources":
            return self._send(200, [source])
        if path in ("/api/datasources/uid/prometheus", "/api/datasources/name/Prometheus"):
            return self._send(200, source)
        for prefix in PROXY:
            if self.path.startswith(prefix):
                return self._forward(self.path.removeprefix(prefix), body)
        return self._send(404, {"message": "Not found"})

    do_POST = do_GET

    def _forward(self, path: str, body: bytes) -> None:
        kind = {"Content-Type": self.headers.get("Content-Type", "")}
        told = httpx.request(
            self.command, self.server.prometheus + path, content=body, headers=kind, trust_env=False
        )
        self._send(told.status_code, told.json())

    def _send(self, status: int, told: Any) -> None:
        content = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the test's output to the test."""


@contextmanager
def grafana(prometheus: str, host: str = "127.0.0.1") -> Iterator[Grafana]:
    server = Grafana(prometheus, host)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
