"""The web edge: HTTP requests in, HTTP replies out, and an audit line for each alert, storm and refusal.

Alertmanager retries only after 5xx. So the reply is 503 if a retry can help, 4xx if the request is at fault,
and 200 only if all alerts are done. Alertmanager logs error replies, so no reply has text of the request.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import functions_framework.aio
from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from function.dispatch import audit, pipeline, receive, storm, wiring
from function.dispatch.in_flight import InFlight, Share
from function.dispatch.model import RECEIPT_TYPE, Outcome, Result
from function.dispatch.ports import DELIVERIES, Dependencies
from function.dispatch.settings import LOOPBACK, Settings
from function.shared import auth
from function.shared.auth import Unauthorized
from function.shared.errors import Misconfigured, Rejected, Unavailable, reason
from function.shared.strict_json import MAX_BODY, to_json

log = logging.getLogger("sre-dispatch")

RETRY_AFTER_SECONDS = 15
TOKEN_FILES = "SRE_DISPATCH_TOKEN_FILES"  # noqa: S105  the name of a setting
CLOSE = {"Connection": "close"}
"""For replies that may be sent before the whole body has arrived."""

WEBHOOK_PATH = "/alertmanager"
HEALTH_PATHS = frozenset({"/health/liveness", "/health/readiness"})
"""The paths that Knative's func expects. They always answer 200: with invalid settings, prompts or embedded
policy the process does not start."""


async def answer(request: Request, settings: Settings, app: Dependencies) -> Response:
    """Reply to any HTTP request."""
    event = receive.is_event(request.headers)
    try:
        async with asyncio.timeout(receive.REPLY_SECONDS):
            return await _answered(request, event, settings, app)
    except Exception as error:  # noqa: BLE001  the framework would log the message, which may quote an alert
        code, reply = _refused(error, event)
        _print_refusal(request, error, code, reply.status_code, app.clock())
        return reply


def _refused(error: Exception, event: bool) -> tuple[str, Response]:
    """Returns the code and the reply for a request that ended with this error."""
    match error:
        case Unauthorized():
            return "unauthorized", Response(None, 401, {"WWW-Authenticate": "Bearer", **CLOSE})
        case Rejected():
            headers = {"Allow": "POST", **CLOSE} if error.status == 405 else CLOSE
            return error.code, _reply(error.status, {"error": error.code}, event, headers)
        case Unavailable():
            return error.code, _again({"error": error.code}, event, CLOSE)
        case TimeoutError():
            return "deadline", _again({"error": "deadline"}, event)
    return "internal_error", _again({"error": "internal_error"}, event)


def _print_refusal(request: Request, error: Exception, code: str, status: int, now: float) -> None:
    """Prints the audit line, and the message for the operator. A traceback could quote the request."""
    length = getattr(request.state, "bytes_read", receive.declared(request.headers))
    is_known = getattr(request.state, "is_sender_known", False)
    refusal = audit.Refusal(code, status, length, request.headers.get("user-agent", ""), is_known)
    if line := _sampler.line(refusal, now):
        audit.write(line)
        if not isinstance(error, Unauthorized | Rejected | TimeoutError):
            log.error("%s: %s", code, reason(error))


async def _answered(request: Request, event: bool, settings: Settings, app: Dependencies) -> Response:
    path = request.scope["path"]
    if request.method in ("GET", "HEAD") and path in HEALTH_PATHS:
        return Response("ok", media_type="text/plain")
    _routed(request, path, event)
    await _authenticated(request, settings, app)
    request.state.is_sender_known = True
    counts = await _processed(request, app)
    if counts is None:
        return Response(status_code=204)
    receipt = {"outcomes": {outcome.value: count for outcome, count in sorted(counts.items())}}
    if counts[Outcome.DEFERRED]:
        return _again(receipt, event)
    return _reply(202 if event else 200, receipt, event)


def _routed(request: Request, path: str, event: bool) -> None:
    """Raises Rejected for unknown paths and methods."""
    if path != WEBHOOK_PATH and not event:
        raise Rejected(404, "not_found", "no such path")
    if request.method != "POST":
        raise Rejected(405, "method", "only POST is accepted here")


async def _authenticated(request: Request, settings: Settings, app: Dependencies) -> None:
    """Raises Unauthorized if the sender has no accepted token, and Unavailable if the token cannot be
    reviewed. The token files are compared first. Only a token that is in no file is reviewed."""
    if settings.auth == "none":
        if (request.scope.get("server") or ("",))[0] not in LOOPBACK:
            raise Unauthorized
        return
    headers = request.headers.getlist("authorization")
    given = auth.credential(headers)
    if auth.is_one_of(given, auth.accepted(settings.token_files, TOKEN_FILES)):
        return
    if app.authenticator is None or not await app.authenticator.accept(auth.bearer(headers)):
        raise Unauthorized


async def _processed(request: Request, app: Dependencies) -> Counter[Outcome] | None:
    """Read and process the delivery in the request. Returns None if it is a CloudEvent that we sent
    ourselves. Raises Rejected and Unavailable.

    A thread does the slow work, so that the event loop answers health checks. After the deadline the thread
    goes on, and so the delivery's bytes stay in flight.
    """
    receive.check_media_type(request.headers)
    share = Share(_in_flight)
    try:
        body = await _body(request, share)
        work = _threads.submit(_work, dict(request.headers), body, app)
    except BaseException:
        share.end()
        raise
    work.add_done_callback(lambda _: share.end())
    return await asyncio.wrap_future(work)


async def _body(request: Request, share: Share) -> bytes:
    """Returns the body. Raises Rejected if the body is too large. Raises Unavailable if it finds no room, or
    arrives too slowly: a retry can help."""
    declared = receive.declared(request.headers) or 0
    _check_size(declared)
    share.reach(declared)
    body = bytearray()
    try:
        async with asyncio.timeout(receive.BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                _check_size(len(body))
                share.reach(len(body))
    except (TimeoutError, ClientDisconnect):
        what = f"the body did not arrive within {receive.BODY_SECONDS} s"
        raise Unavailable("slow_body", what) from None
    finally:
        request.state.bytes_read = len(body)
    return bytes(body)


def _check_size(count: int) -> None:
    if count > MAX_BODY:
        raise Rejected(413, "too_large", f"the body is over {MAX_BODY} bytes")


def _work(headers: receive.Headers, body: bytes, app: Dependencies) -> Counter[Outcome] | None:
    """Process a delivery: print an audit line for each result, then notify people."""
    delivery = receive.delivery(headers, body, app.reading())
    if delivery is None:
        return None
    counts: Counter[Outcome] = Counter()
    for_people: list[Result] = []
    for result in pipeline.run(delivery, app):
        audit.write(audit.alert_line(result, app.clock()))
        counts[result.outcome] += 1
        if result.for_people:
            for_people.append(result)
    if for_people:
        app.sink.notify(storm.notices(for_people))
    return counts


def _again(body: Mapping[str, Any], event: bool, headers: Mapping[str, str] | None = None) -> Response:
    return _reply(503, body, event, {"Retry-After": str(RETRY_AFTER_SECONDS), **(headers or {})})


def _reply(
    status: int, body: Mapping[str, Any], event: bool, headers: Mapping[str, str] | None = None
) -> Response:
    """Returns the reply. A CloudEvent is answered with a CloudEvent, even if the reply is an error:
    `func invoke` prints nothing else, and a broker accepts nothing else."""
    if not event:
        return Response(to_json(body), status, {**(headers or {}), "Content-Type": "application/json"})
    attributes = {"type": RECEIPT_TYPE, "source": "/sre-dispatch", "datacontenttype": "application/json"}
    event_headers, content = to_binary(CloudEvent(attributes, dict(body)))
    return Response(content, status, {**event_headers, **(headers or {})})


def _started() -> tuple[Settings, Dependencies]:
    """Returns the settings and the dependencies. Raises Misconfigured for every fault that shows before the
    first request."""
    settings = Settings.read(os.environ)
    try:
        auth.accepted(settings.token_files, TOKEN_FILES)
    except Unavailable as error:
        raise Misconfigured(str(error)) from None
    return settings, wiring.dependencies(settings)


_sampler = audit.Sampler()
_threads = ThreadPoolExecutor(DELIVERIES, "delivery")
_in_flight = InFlight()
_settings, _app = _started()


@functions_framework.aio.http  # type: ignore[untyped-decorator]  # the framework has no type hints
async def handle(request: Request) -> Response:
    return await answer(request, _settings, _app)
