"""The function, but that it creates Jobs through the Kubernetes client's typed API."""

from __future__ import annotations

from dataclasses import replace

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from function import main
from function.dispatch.adapters.kubernetes import Kubernetes
from function.shared.kubernetes import Api
from function.shared.strict_json import Json


class Typed(Kubernetes):
    def create(self, manifest: Json) -> bool:
        from kubernetes.client import BatchV1Api

        BatchV1Api(self._api._connected()).create_namespaced_job(manifest["metadata"]["namespace"], manifest)
        return True


app = replace(main._app, cluster=Typed(Api(), main._settings.agents_namespace))


@functions_framework.aio.http  # type: ignore[untyped-decorator]  # the framework ships no types
async def handle(request: Request) -> Response:
    return await main.answer(request, main._settings, app)
