"""The audit of a cluster, against an API server that has one answer to everything."""

from __future__ import annotations

from typing import Any

from function.commands.check.cluster import ClusterAudit
from function.shared.kubernetes import Answer


class Server:
    """An API server that has one answer to everything, and remembers what was sent."""

    def __init__(self, status: int, body: Any = None, warning: str = "") -> None:
        self.answer = Answer(status, body or {}, warning)
        self.sent: list[Any] = []

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        self.sent.append((method, path, body, options.get("query")))
        return self.answer


def inspection(server: Server) -> ClusterAudit:
    return ClusterAudit(server, "sre-agents")  # type: ignore[arg-type]
