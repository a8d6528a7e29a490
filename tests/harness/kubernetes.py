"""A scripted API server, and the Kubernetes client that talks to it."""

from __future__ import annotations

from typing import Any

from kubernetes.client import ApiClient, Configuration

from tests.harness.scripted import Request

Answer = tuple[int, Any]


class Script:
    """An API server that gives the answers it was told to, one a request, and remembers the requests."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[tuple[str, str, str]] = []
        self.bodies: list[bytes] = []
        self.url = ""
        self.tokens = iter(["first", "second", "third"])

    def __call__(self, request: Request) -> None:
        asked = request.asked
        self.bodies.append(asked.content)
        self.requests.append((asked.method, asked.path, asked.headers["Authorization"]))
        status, body = self.answers.pop(0)
        request.reply(body, status, Retry_After="1")

    def connect(self) -> Any:
        configuration = Configuration(host=self.url)
        configuration.api_key = {"BearerToken": f"Bearer {next(self.tokens)}"}
        configuration.retries = False
        return ApiClient(configuration)


def methods(script: Script) -> list[str]:
    return [method for method, _, _ in script.requests]
