"""The web edge: HTTP requests in, HTTP replies out, and an audit line for each alert, storm and refusal.

Alertmanager retries only after 5xx. So the reply is 503 if a retry can help, 4xx if the request is at fault,
and 200 only if all alerts are done. Alertmanager logs error replies, so no reply has text of the request.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import unquote

import functions_framework.aio
from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from function.dispatch import audit, pipeline, storm, translate, wiring
from function.dispatch.model import NOTICE_TYPE, RECEIPT_TYPE, Delivery, Outcome, Result
from function.dispatch.ports import Dependencies
from function.dispatch.settings import LOOPBACK, Settings
from function.shared import auth
from function.shared.auth import Unauthorized
from function.shared.errors import Misconfigured, Rejected, Unavailable, reason
from function.shared.strict_json import MAX_BODY, parse, to_json

log = logging.getLogger("sre-dispatch")
T = TypeVar("T")

BODY_SECONDS = 10.0
REPLY_SECONDS = 10.0
"""The time limit for a reply, from the moment at which the body is complete. A token review can add 3 s
before that. Alertmanager's HA peers wait for 15 s."""
RETRY_AFTER_SECONDS = 15
WORKERS = 10
"""How many deliveries are processed at once: the containerConcurrency of the Knative Service."""
TOKEN_FILES = "SRE_DISPATCH_TOKEN_FILES"  # noqa: S105  the name of a setting
CLOSE = {"Connection": "close"}
"""For replies that may be sent before the whole body has arrived."""

WEBHOOK_PATH = "/alertmanager"
HEALTH_PATHS = frozenset({"/health/liveness", "/health/readiness"})
"""The paths that Knative's func expects. They always answer 200: with invalid settings, prompts or embedded
policy the process does not start."""

READERS = {
    "sre-dispatch.alertmanager.v4": translate.webhook,
    "sre-dispatch.alert.v1": translate.alert,
    "boson.fn": translate.either,  # the default type of `func invoke`
}
OWN_TYPES = frozenset({RECEIPT_TYPE, NOTICE_TYPE})


async def answer(request: Request, settings: Settings, app: Dependencies) -> Response:
    """Reply to any HTTP request."""
    event = _is_event(request)
    try:
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
    length = getattr(request.state, "bytes_read", _declared(request))
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
    delivery = await _delivery(request, event, app)
    if delivery is None:
        return Response(status_code=204)
    counts = await asyncio.wait_for(_in_thread(_work, delivery, app), REPLY_SECONDS)
    receipt = {"outcomes": {outcome.value: count for outcome, count in sorted(counts.items())}}
    if counts[Outcome.DEFERRED]:
        return _again(receipt, event)
    return _reply(202 if event else 200, receipt, event)


def _is_event(request: Request) -> bool:
    return "ce-specversion" in request.headers or _media_type(request).startswith("application/cloudevents")


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


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


async def _delivery(request: Request, event: bool, app: Dependencies) -> Delivery | None:
    """Returns the delivery in the request, or None if the request is a CloudEvent that we sent ourselves.
    Raises Rejected and Unavailable."""
    media_type = _media_type(request)
    if media_type not in ("application/json", "application/cloudevents+json"):
        raise Rejected(
            415, "media_type", "only application/json and application/cloudevents+json are accepted"
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Rejected(415, "content_encoding", "the body must not be compressed or encoded")
    body = await _body(request)
    return await _in_thread(_read, request, event, media_type, body, app)


def _read(request: Request, event: bool, media_type: str, body: bytes, app: Dependencies) -> Delivery | None:
    reader: Any = translate.webhook
    if event:
        attributes, data = _cloudevent(request, body, media_type)
        if attributes["type"] in OWN_TYPES:
            return None
        if attributes["type"] not in READERS:
            raise Rejected(415, "event_type", f"the accepted types are {', '.join(READERS)}")
        reader = READERS[attributes["type"]]
    else:
        data = parse(body)
    delivery: Delivery = reader(data, app.reading())
    return delivery


async def _body(request: Request) -> bytes:
    """Returns the body. Raises Rejected if the body is too large, and Unavailable if it arrives too slowly:
    a retry can help."""
    if (_declared(request) or 0) > MAX_BODY:
        raise Rejected(413, "too_large", f"the body is over {MAX_BODY} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise Rejected(413, "too_large", f"the body is over {MAX_BODY} bytes")
    except (TimeoutError, ClientDisconnect):
        raise Unavailable("slow_body", f"the body did not arrive within {BODY_SECONDS} s") from None
    finally:
        request.state.bytes_read = len(body)
    return bytes(body)


def _declared(request: Request) -> int | None:
    """Returns the length of the body according to the sender, or None."""
    length = request.headers.get("content-length", "")
    return int(length[:15]) if length.isascii() and length.isdigit() else None


def _cloudevent(request: Request, body: bytes, media_type: str) -> tuple[Mapping[str, Any], Any]:
    """Returns attributes and data of a CloudEvent 1.0, binary or structured. Raises Rejected.

    The SDK's reader is not used: it accepts duplicate keys and NaN, returns broken JSON as bytes, and does
    not decode header values.
    """
    if media_type == "application/cloudevents+json":
        attributes = parse(body)
        if not isinstance(attributes, dict):
            raise Rejected(400, "bad_event", "a structured CloudEvent must be a JSON object")
        data = _structured_data(attributes)
    else:
        attributes = {
            name.removeprefix("ce-"): unquote(value)
            for name, value in request.headers.items()
            if name.startswith("ce-")
        }
        data = parse(body)
    wanted = [attributes.get(name) for name in ("id", "source", "type")]
    if attributes.get("specversion") != "1.0" or not all(isinstance(each, str) and each for each in wanted):
        raise Rejected(400, "bad_event", "a CloudEvent 1.0 must have specversion, id, source and type")
    if "time" in attributes and not _is_time(attributes["time"]):
        raise Rejected(400, "bad_event", "the CloudEvent's time must be an RFC 3339 time")
    return attributes, data


def _structured_data(event: Mapping[str, Any]) -> Any:
    if "data_base64" not in event:
        return event.get("data")
    try:
        return parse(base64.b64decode(event["data_base64"], validate=True))
    except (binascii.Error, TypeError, ValueError):
        raise Rejected(400, "bad_event", "data_base64 must be base64") from None


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


async def _in_thread(call: Callable[..., T], *arguments: Any) -> T:
    """Run slow work in a thread. The event loop keeps answering health checks."""
    return await asyncio.get_running_loop().run_in_executor(_threads, call, *arguments)


def _work(delivery: Delivery, app: Dependencies) -> Counter[Outcome]:
    """Process a delivery: print an audit line for each result, then notify people."""
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
_threads = ThreadPoolExecutor(WORKERS, "delivery")
_settings, _app = _started()


@functions_framework.aio.http  # type: ignore[untyped-decorator]  # the framework has no type hints
async def handle(request: Request) -> Response:
    return await answer(request, _settings, _app)
