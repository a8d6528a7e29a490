"""The least that functions-framework serves: what everything else is compared with."""

from __future__ import annotations

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response


@functions_framework.aio.http  # type: ignore[untyped-decorator]  # the framework ships no types
async def handle(request: Request) -> Response:
    return Response("ok")
