"""The web edge: a request in, a status out; one audit line for each alert, and for each storm of them.

Alertmanager retries 5xx and nothing else, and writes an error's body to its log. So 503 where another try
can help, 4xx where the request is at fault, 200 only for what is done; never a word of the request.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import unquote

import functions_framework.aio
from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from function.dispatch import pipeline, storm, translate, wiring
from function.dispatch.model import FOR_PEOPLE, NOTICE_TYPE, RECEIPT_TYPE, Delivery, Outcome, Result
from function.dispatch.ports import Dependencies
from function.dispatch.settings import LOOPBACK, Settings
from function.shared import auth
from function.shared.auth import Unauthorized
from function.shared.errors import Misconfigured, Rejected, Unavailable, location
from function.shared.event import SREEvent
from function.shared.strict_json import MAX_BODY, parse, to_json

log = logging.getLogger("sre-dispatch")
T = TypeVar("T")

BODY_SECONDS = 10.0
REPLY_SECONDS = 10.0
"""No reply is later than this after the body is there and the token reviewed, which has 3 s:
Alertmanager's HA peers wait for 15 s."""
RETRY_AFTER_SECONDS = 15
WORKERS = 10
"""Deliveries worked on at once: containerConcurrency of the Knative Service."""
TOKEN_FILES = "SRE_DISPATCH_TOKEN_FILES"  # noqa: S105  the setting's name
CLOSE = {"Connection": "close"}
"""On replies that may go out before the body has come: the rest of it is not waited for."""

WEBHOOK_PATH = "/alertmanager"
HEALTH_PATHS = frozenset({"/health/liveness", "/health/readiness"})
"""What Knative's func expects. That we run means that settings, prompts and embedded policy were read."""

READERS = {
    "sre-dispatch.alertmanager.v4": translate.webhook,
    "sre-dispatch.alert.v1": translate.alert,
    "boson.fn": translate.either,  # what `func invoke` sends if it is not told a type
}
OWN_TYPES = frozenset({RECEIPT_TYPE, NOTICE_TYPE})


async def answer(request: Request, settings: Settings, app: Dependencies) -> Response:
    """The whole reply contract; `request` may be anything that HTTP can carry."""
    event = _is_event(request)
    try:
        return await _answered(request, event, settings, app)
    except Unauthorized:
        return Response(status_code=401, headers={"WWW-Authenticate": "Bearer", **CLOSE})
    except Rejected as error:
        headers = {"Allow": "POST", **CLOSE} if error.status == 405 else CLOSE
        return _reply(error.status, {"error": error.code}, event, headers)
    except Unavailable as error:
        log.error("%s", error)  # noqa: TRY400  what it was raised from may quote the request
        return _again({"error": error.code}, event, CLOSE)
    except TimeoutError:
        return _again({"error": "deadline"}, event)
    except Exception as error:  # noqa: BLE001  the framework would log the message, and so the alert
        log.error("internal error: %s", location(error))  # noqa: TRY400
        return _again({"error": "internal_error"}, event)


async def _answered(request: Request, event: bool, settings: Settings, app: Dependencies) -> Response:
    path = request.scope["path"]
    if request.method in ("GET", "HEAD") and path in HEALTH_PATHS:
        return Response("ok", media_type="text/plain")
    _routed(request, path, event)
    await _authenticated(request, settings, app)
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
    """Raises Rejected for what no door takes."""
    if path != WEBHOOK_PATH and not event:
        raise Rejected(404, "not_found", "no such path")
    if request.method != "POST":
        raise Rejected(405, "method", "only POST is taken here")


async def _authenticated(request: Request, settings: Settings, app: Dependencies) -> None:
    """Raises Unauthorized, or Unavailable where it cannot be known who it is. Nobody is asked about a token
    from a file, or about a password."""
    if settings.auth == "none":
        if (request.scope.get("server") or ("",))[0] not in LOOPBACK:
            raise Unauthorized
        return
    headers = request.headers.getlist("authorization")
    given = auth.credential(headers)
    if auth.is_one_of(given, auth.accepted(settings.token_files, TOKEN_FILES)):
        return
    if app.callers is None or not await app.callers.accept(auth.bearer(headers)):
        raise Unauthorized


async def _delivery(request: Request, event: bool, app: Dependencies) -> Delivery | None:
    """The delivery that the request carries, None for an event of our own. Raises Rejected, Unavailable."""
    media_type = _media_type(request)
    if media_type not in ("application/json", "application/cloudevents+json"):
        raise Rejected(415, "media_type", "only application/json and application/cloudevents+json are taken")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Rejected(415, "content_encoding", "encoded bodies are not taken")
    body = await _body(request)
    return await _in_thread(_read, request, event, media_type, body, app)


def _read(request: Request, event: bool, media_type: str, body: bytes, app: Dependencies) -> Delivery | None:
    reader: Any = translate.webhook
    if event:
        attributes, data = _cloudevent(request, body, media_type)
        if attributes["type"] in OWN_TYPES:
            return None
        if attributes["type"] not in READERS:
            raise Rejected(415, "event_type", f"the types taken are {', '.join(READERS)}")
        reader = READERS[attributes["type"]]
    else:
        data = parse(body)
    delivery: Delivery = reader(data, cluster=app.cluster_name, volatile=app.volatile_labels)
    return delivery


async def _body(request: Request) -> bytes:
    """The body, counted as it comes. A slow sender is a broken line, not a bad request: Unavailable."""
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:20]) > MAX_BODY:
        raise Rejected(413, "too_large", f"the body is over {MAX_BODY} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise Rejected(413, "too_large", f"the body is over {MAX_BODY} bytes")
    except (TimeoutError, ClientDisconnect):
        raise Unavailable("slow_body", f"the body did not come within {BODY_SECONDS} s") from None
    return bytes(body)


def _cloudevent(request: Request, body: bytes, media_type: str) -> tuple[Mapping[str, Any], Any]:
    """Attributes and data of a CloudEvent 1.0, binary or structured. Raises Rejected.

    Read here and not by the SDK, which takes duplicate keys and NaN, passes broken JSON on as bytes and
    leaves header values encoded.
    """
    if media_type == "application/cloudevents+json":
        attributes = parse(body)
        if not isinstance(attributes, dict):
            raise Rejected(400, "bad_event", "a structured CloudEvent is a JSON object")
        data = _structured_data(attributes)
    else:
        attributes = {
            name.removeprefix("ce-"): unquote(value)
            for name, value in request.headers.items()
            if name.startswith("ce-")
        }
        data = parse(body)
    wanted = ("id", "source", "type")
    if attributes.get("specversion") != "1.0" or not all(_is_text(attributes.get(name)) for name in wanted):
        raise Rejected(400, "bad_event", "a CloudEvent 1.0 has specversion, id, source and type")
    if "time" in attributes and not _is_time(attributes["time"]):
        raise Rejected(400, "bad_event", "the CloudEvent's time is no RFC 3339 time")
    return attributes, data


def _structured_data(event: Mapping[str, Any]) -> Any:
    if "data_base64" not in event:
        return event.get("data")
    try:
        return parse(base64.b64decode(event["data_base64"], validate=True))
    except (binascii.Error, TypeError, ValueError):
        raise Rejected(400, "bad_event", "data_base64 is no base64 text") from None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


async def _in_thread(call: Callable[..., T], *arguments: Any) -> T:
    """Work that takes long goes on beside the loop, which answers health checks meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(_threads, call, *arguments)


def _work(delivery: Delivery, app: Dependencies) -> Counter[Outcome]:
    """The delivery through the pipeline: an audit line for each result, then word to people."""
    counts: Counter[Outcome] = Counter()
    for_people: list[Result] = []
    for result in pipeline.run(delivery, app):
        _print(audit_line(result, app.clock()))
        counts[result.outcome] += 1
        if result.outcome in FOR_PEOPLE:
            for_people.append(result)
    if for_people:
        app.sink.notify(storm.notices(for_people))
    return counts


def _print(line: str) -> None:
    with _printing:  # a long line is written in pieces, and other deliveries print as well
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def audit_line(result: Result, epoch_seconds: float) -> str:
    """What outlives the Job: one line of ASCII JSON with the raw alert, the decision and the outcome."""
    alert = result.alert
    return to_json(
        {
            "audit": result.summary(),
            "time": datetime.fromtimestamp(epoch_seconds, UTC),
            **result.payload(),
            "raw": alert.raw_payload if isinstance(alert, SREEvent) else alert.raw,
        }
    )


def _again(body: Mapping[str, Any], event: bool, headers: Mapping[str, str] | None = None) -> Response:
    return _reply(503, body, event, {"Retry-After": str(RETRY_AFTER_SECONDS), **(headers or {})})


def _reply(
    status: int, body: Mapping[str, Any], event: bool, headers: Mapping[str, str] | None = None
) -> Response:
    """A CloudEvent is answered with one, errors too: `func invoke` prints nothing else, a broker takes
    nothing else."""
    if not event:
        return Response(to_json(body), status, {**(headers or {}), "Content-Type": "application/json"})
    attributes = {"type": RECEIPT_TYPE, "source": "/sre-dispatch", "datacontenttype": "application/json"}
    event_headers, content = to_binary(CloudEvent(attributes, dict(body)))
    return Response(content, status, {**event_headers, **(headers or {})})


def _started() -> tuple[Settings, Dependencies]:
    """Raises Misconfigured for all that can be known to be wrong before the first request."""
    settings = Settings.read(os.environ)
    try:
        auth.accepted(settings.token_files, TOKEN_FILES)
    except Unavailable as error:
        raise Misconfigured(str(error)) from None
    return settings, wiring.app(settings)


_printing = threading.Lock()
_threads = ThreadPoolExecutor(WORKERS, "delivery")
_settings, _app = _started()


@functions_framework.aio.http  # type: ignore[untyped-decorator]  # the framework ships no types
async def handle(request: Request) -> Response:
    return await answer(request, _settings, _app)
