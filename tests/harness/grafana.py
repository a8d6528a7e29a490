"""A stand-in for Grafana, which no registry of packages has: the part of its API that mcp-grafana reaches a
Prometheus by, in front of a real one."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from http.server import ThreadingHTTPServer
from typing import Any

import httpx

from tests.harness.loopback import Quiet, serving

TOKEN = "glsa_a-token-that-grafana-accepts"
UID = "prometheus"
PROXY = ("/api/datasources/proxy/uid/prometheus", "/api/datasources/uid/prometheus/resources")


class Grafana(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, prometheus: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.prometheus, self.url = prometheus, f"http://127.0.0.1:{self.server_port}"
        self.asked: list[str] = []
        """Method and path of each request with the right token."""


class _Handler(Quiet):
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
        if path == "/api/prometheus/prometheus/api/v1/rules":
            return self._forward("/api/v1/rules", body)
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
        self.say(json.dumps(told).encode(), status, Content_Type="application/json")


def grafana(prometheus: str) -> AbstractContextManager[Grafana]:
    return serving(Grafana(prometheus))
