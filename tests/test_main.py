"""The reply contract, row by row, over HTTP against the function as it runs."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from function.dispatch.adapters.token_reviews import REVIEW_SECONDS
from function.dispatch.in_flight import MAX_IN_FLIGHT, RESERVED
from function.dispatch.pipeline import SOFT_DEADLINE_SECONDS
from function.dispatch.receive import BODY_SECONDS, REPLY_SECONDS
from function.shared.connections import MAX_CONNECTIONS
from function.shared.strict_json import MAX_BODY, to_json
from tests.harness import backends
from tests.harness.components import answers, wait_until
from tests.harness.fakes import delivery_bytes, delivery_json, event, folder_of
from tests.harness.half_open import all_of, connect, half_open
from tests.harness.process import ROOT
from tests.harness.scripted import Request, Scripted, scripted
from tests.harness.server import SECOND_TOKEN, TOKEN, Server, environment, refuses_to_start, serving

MEBIBYTE = 1024 * 1024
HOSTILE = "needle-in-the-alert"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as running:
        yield running


def outcomes(reply: httpx.Response) -> dict[str, int]:
    return dict(reply.json()["outcomes"])


def named(name: str) -> dict[str, Any]:
    """The incident's delivery with a claim of its own, so that tests on one server do not meet."""
    body = delivery_json("incident-75")
    body["alerts"][0]["labels"]["persistentvolumeclaim"] = name
    return dict(body)


# what is done


def test_a_delivery_becomes_a_job_and_the_next_is_a_duplicate(fresh: Server) -> None:
    first, second = fresh.post(delivery_bytes("incident-75")), fresh.post(delivery_bytes("incident-75"))
    assert (first.status_code, outcomes(first)) == (200, {"created": 1})
    assert (second.status_code, outcomes(second)) == (200, {"duplicate": 1})
    assert folder_of(fresh.jobs) == [f"{event().job}.yaml"]
    assert fresh.said('"audit"', '"duplicate"')
    assert [line["audit"]["outcome"] for line in fresh.audit] == ["created", "duplicate"]


def test_a_storm_is_one_job_and_the_next_delivery_of_it_is_folded(fresh: Server) -> None:
    first, second = fresh.post(delivery_bytes("storm")), fresh.post(delivery_bytes("storm"))
    once = {"blocked": 1, "created": 1, "denied": 1, "folded": 27, "resolved": 1}
    assert (first.status_code, outcomes(first)) == (200, once)
    assert (second.status_code, outcomes(second)) == (200, {"folded": 29, "resolved": 1})
    (job,) = folder_of(fresh.jobs)
    fresh.post(named("the-last-one"))
    fresh.said('"audit"', "the-last-one")  # and so all the lines before it
    told = [line["audit"] for line in fresh.audit][:-1]
    assert {f"{each['job']}.yaml" for each in told if each["outcome"] in ("created", "folded")} == {job}
    assert len(told) == 31 + 30


def test_people_are_told_once_of_many_alerts_that_ended_alike(fresh: Server) -> None:
    body = delivery_json("destructive")
    (one,) = body["alerts"]
    body["alerts"] = [
        {**one, "labels": {**one["labels"], "persistentvolumeclaim": f"c-{number}"}} for number in range(25)
    ]
    assert outcomes(fresh.post(body)) == {"blocked": 25}
    assert fresh.said("needs a person", '"alerts":"25"')
    assert sum("needs a person" in line for line in fresh.lines) == 1


def test_the_same_delivery_fifty_times_at_once_is_one_job(fresh: Server) -> None:
    replies: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: replies.append(fresh.post(delivery_bytes("incident-75"))))
        for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {reply.status_code for reply in replies} == {200}
    assert sum(outcomes(reply).get("created", 0) for reply in replies) == 1
    assert len(folder_of(fresh.jobs)) == 1


def test_a_poison_alert_costs_its_neighbours_nothing(fresh: Server) -> None:
    reply = fresh.post(delivery_bytes("poison-among-good"))
    assert (reply.status_code, outcomes(reply)) == (200, {"created": 2, "dead-lettered": 4})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resolved", {"resolved": 1}),
        ("no-alerts", {}),
        ("destructive", {"blocked": 1}),
    ],
)
def test_what_needs_no_job_is_done(server: Server, name: str, expected: dict[str, int]) -> None:
    reply = server.post(delivery_bytes(name))
    assert (reply.status_code, outcomes(reply)) == (200, expected)


def test_alerts_that_alertmanager_left_out_are_said_loudly(server: Server) -> None:
    reply = server.post(delivery_bytes("truncated-group"))
    assert reply.status_code == 200 and outcomes(reply)["dead-lettered"] == 1
    assert server.said("needs a person", "truncated_alerts")


def test_null_labels_are_a_dead_letter(server: Server) -> None:
    body = named("null-labels")
    body["alerts"][0]["labels"] = None
    assert outcomes(server.post(body)) == {"dead-lettered": 1}


def test_an_annotation_of_100000_characters_is_cut_and_raises_to_high(server: Server) -> None:
    body = named("long-annotation")
    body["alerts"][0]["annotations"]["summary"] = "x" * 100_000
    assert outcomes(server.post(body)) == {"created": 1}
    line = json.loads(server.said('"audit"', "long-annotation"))
    assert line["decision"]["effective"] == "HIGH"
    assert len(to_json(line["raw"])) < 8000


def test_brackets_in_the_text_of_an_alert_cost_nothing(server: Server) -> None:
    body = named("brackets")
    body["alerts"][0]["annotations"]["summary"] = "[" * 300_000
    assert outcomes(server.post(body)) == {"created": 1}


def test_the_audit_line_holds_the_raw_alert_in_ascii(server: Server) -> None:
    server.post(delivery_bytes("hostile-text"))
    line = server.said('"audit"', "# SYSTEM")
    assert line.isascii() and line.count("\n") == 1 and "\x1b" not in line
    assert json.loads(line)["raw"] == delivery_json("hostile-text")["alerts"][0]


def test_audit_lines_of_deliveries_that_meet_are_not_torn(fresh: Server) -> None:
    def long(claim: str) -> Any:
        body = named(claim)
        body["alerts"][0]["annotations"] = {f"a{number}": claim * 200 for number in range(5)}
        return body

    threads = [threading.Thread(target=lambda n=n: fresh.post(long(f"claim-{n:03}"))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: len(fresh.audit) >= 20, "all the lines")
    assert (
        len(fresh.audit) == len([line for line in fresh.lines if "claim-" in line and line[0] == "{"]) == 20
    )


# what is refused

REFUSED_BODIES: dict[str, tuple[bytes, int]] = {
    "100 KB of nested brackets": (b"[" * 50_000 + b"]" * 50_000, 400),
    "NaN": (b'{"version": "4", "alerts": [NaN]}', 400),
    "a key twice": (b'{"version": "4", "version": "4", "alerts": []}', 400),
    "UTF-16": (delivery_bytes("incident-75").decode().encode("utf-16"), 400),
    "half a body": (delivery_bytes("incident-75")[:200], 400),
    "version 3": (delivery_bytes("refused/version-3"), 400),
    "an array": (b"[]", 400),
    "nothing": (b"", 400),
    "300,000 alerts that are none": (b'{"version": "4", "alerts": [' + b"0," * 300_000 + b"0]}", 400),
    "9 MiB": (b" " * 9 * MEBIBYTE, 413),
}


@pytest.mark.parametrize("case", REFUSED_BODIES)
def test_this_body_is_refused(server: Server, case: str) -> None:
    body, status = REFUSED_BODIES[case]
    reply = server.post(body)
    assert reply.status_code == status
    assert set(reply.json()) == {"error"}


def test_9_mib_in_chunks_without_a_length_are_cut_off(server: Server) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(9 * 16):
            yield b" " * (MEBIBYTE // 16)

    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    try:
        status = httpx.post(f"{server.url}/alertmanager", content=chunks(), headers=headers).status_code
    except httpx.WriteError:  # the server answered and closed before all was sent
        status = 413
    assert status == 413


def test_a_body_that_never_ends_is_given_up_and_may_be_sent_again(server: Server) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=120) as line:
        line.sendall(
            b"POST /alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + TOKEN.encode() + b"\r\nContent-Length: 1000\r\n\r\n{"
        )
        assert server.post(named("meanwhile")).status_code == 200
        answer = b""
        while chunk := line.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 503 ") and b"slow_body" in answer


def head(server: Server, *headers: str) -> socket.socket:
    """A connection that has sent the headers of a delivery, and these."""
    lines = ["POST /alertmanager HTTP/1.1", "Host: x", f"Authorization: Bearer {TOKEN}"]
    lines += ["Content-Type: application/json", *headers, "", ""]
    return connect(server.url, "\r\n".join(lines).encode())


def padded(body: Any, size: int) -> bytes:
    content = to_json(body).encode()
    return content + b" " * (size - len(content))


class Gate:
    """An OPA that answers nobody until it is opened, and then with nonsense."""

    def __init__(self) -> None:
        self.asked, self.opened = threading.Semaphore(0), threading.Event()

    def __call__(self, request: Request) -> None:
        self.asked.release()
        self.opened.wait(60)
        request.reply({})


def test_bodies_beyond_the_room_for_all_are_refused_before_they_are_read(tmp_path: Path) -> None:
    """Ten deliveries of 8 MiB: one is worked on, and its bytes count until the work has ended."""
    gate, replies = Gate(), list[int]()
    largest = padded(named("large"), MAX_BODY)
    with scripted(gate) as opa, deciding(tmp_path, opa) as server:
        first = threading.Thread(target=lambda: replies.append(server.post(largest).status_code))
        first.start()
        assert gate.asked.acquire(timeout=60)
        for _ in range(9):
            with head(server, f"Content-Length: {MAX_BODY}") as line:
                answer = all_of(line)  # not a byte of the body was sent
                assert answer.startswith(b"HTTP/1.1 503 ") and b'{"error":"busy"}' in answer
                assert b"retry-after: 15" in answer.lower()
        assert server.post(delivery_bytes("resolved")).status_code == 200  # a usual one still fits
        gate.opened.set()
        first.join()
        assert server.post(padded(delivery_json("resolved"), MAX_BODY)).status_code == 200
        assert [line["audit"]["code"] for line in refusals(server, 9)] == ["busy"] * 9
    assert replies == [503]


def test_a_body_of_unknown_length_is_refused_when_it_outgrows_the_room(tmp_path: Path) -> None:
    gate = Gate()
    with scripted(gate) as opa, deciding(tmp_path, opa) as server:
        first = threading.Thread(target=server.post, args=(padded(named("large"), MAX_BODY),))
        first.start()
        assert gate.asked.acquire(timeout=60)
        with head(server, "Transfer-Encoding: chunked") as line:
            room = MAX_IN_FLIGHT - RESERVED - MAX_BODY
            line.sendall(b"%x\r\n%s\r\n" % (room, b" " * room))
            line.sendall(b"1\r\n \r\n")
            assert b'{"error":"busy"}' in all_of(line)
        gate.opened.set()
        first.join()


def test_bytes_are_given_back_after_each_way_in_which_a_request_ends(fresh: Server) -> None:
    for body in (b"x", b"[]", named("given-back"), delivery_json("resolved")):
        for _ in range(3):
            fresh.post(padded(body, MAX_BODY) if not isinstance(body, bytes) else body.ljust(MAX_BODY))
    with head(fresh, f"Content-Length: {MAX_BODY}") as line:
        line.sendall(b"{")
    wait_until(lambda: len(fresh.refused) >= 7, "the sender that left to be noticed")
    assert fresh.post(padded(delivery_json("resolved"), MAX_BODY)).status_code == 200


def test_the_whole_of_a_delivery_fits_into_the_time_that_alertmanager_waits() -> None:
    """Body and steps end before the deadline, and the deadline before Alertmanager's."""
    alertmanager = (ROOT / "knative/monitoring/alertmanager-config-patch.yaml").read_text(encoding="utf-8")
    waits = [float(seconds) for seconds in re.findall(r"timeout: (\d+)s # shorter than", alertmanager)]
    assert waits and BODY_SECONDS + SOFT_DEADLINE_SECONDS <= REPLY_SECONDS < min(waits)
    assert REVIEW_SECONDS < REPLY_SECONDS


def test_connections_without_a_request_keep_nobody_out(fresh: Server) -> None:
    with half_open(fresh.url, MAX_CONNECTIONS + 50) as lines:
        assert httpx.get(f"{fresh.url}/health/readiness").status_code == 200
        assert fresh.post(delivery_bytes("resolved")).status_code == 200
        assert all_of(lines[0]).startswith(b"HTTP/1.1 503 ")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": ""}, 415),
        ({"Content_Encoding": "gzip"}, 415),
        ({"Content_Type": "application/json; charset=utf-8"}, 200),
    ],
)
def test_only_plain_json_is_taken(server: Server, headers: dict[str, str], status: int) -> None:
    assert server.post(delivery_bytes("resolved"), **headers).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/liveness", 200),
        ("GET", "/health/readiness", 200),
        ("GET", "/alertmanager", 405),
        ("PUT", "/alertmanager", 405),
        ("GET", "/", 404),
        ("POST", "/", 404),
        ("POST", "/alertmanager/", 404),
        ("POST", "/health/readiness", 404),
    ],
)
def test_the_paths(server: Server, method: str, path: str, status: int) -> None:
    reply = httpx.request(method, server.url + path, headers={"Authorization": f"Bearer {TOKEN}"})
    assert reply.status_code == status
    if status == 405:
        assert reply.headers["allow"] == "POST"


# who may send


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"x:{password}".encode()).decode()


@pytest.mark.parametrize(
    "credential", [f"Bearer {TOKEN}", f"bearer {SECOND_TOKEN}", basic(TOKEN), basic(SECOND_TOKEN)]
)
def test_this_credential_is_accepted(server: Server, credential: str) -> None:
    assert server.post(delivery_bytes("resolved"), Authorization=credential).status_code == 200


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "Bearer",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        TOKEN,
        f"Token {TOKEN}",
        basic(TOKEN + "x"),
        basic(""),
        "Basic !!!",
        f"Basic {TOKEN}",
    ],
)
def test_this_credential_is_refused_without_a_word(server: Server, credential: str) -> None:
    reply = server.post(named("refused-claim"), Authorization=credential)
    assert (reply.status_code, reply.content) == (401, b"")


def test_a_refused_delivery_is_not_worked_on(server: Server) -> None:
    server.post(named("refused-claim"), Authorization="Bearer nobody-gave-out-this-token")
    server.post(named("accepted-claim"))
    assert server.said('"audit"', "accepted-claim")
    assert not any("refused-claim" in line for line in server.lines)


def test_a_token_that_is_no_ascii_is_refused(server: Server) -> None:
    headers = [(b"Authorization", b"Bearer \xff\xfe"), (b"Content-Type", b"application/json")]
    assert httpx.post(f"{server.url}/alertmanager", content=b"{}", headers=headers).status_code == 401


def test_two_credentials_are_refused(server: Server) -> None:
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer x")]
    assert httpx.post(f"{server.url}/alertmanager", content=b"{}", headers=headers).status_code == 401


def test_a_rotated_token_counts_at_once_and_a_lost_file_defers(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        (tmp_path / "token").write_text("a-new-token-of-thirty-characters", encoding="utf-8")
        assert server.post(delivery_bytes("resolved")).status_code == 401
        renewed = "Bearer a-new-token-of-thirty-characters"
        assert server.post(delivery_bytes("resolved"), Authorization=renewed).status_code == 200
        (tmp_path / "token").unlink()
        assert server.post(delivery_bytes("resolved"), Authorization=renewed).status_code == 503


# whose token is reviewed

SUBJECT = "system:serviceaccount:monitoring:alertmanager"
KNOWN, OTHERS, NOBODYS = (f"{name}.claims.signature" for name in ("known", "others", "nobodys"))


class Reviewer:
    """An API server that knows two tokens and remembers which it was shown."""

    def __init__(self) -> None:
        self.status = 201
        self.shown: list[str] = []

    def __call__(self, request: Request) -> None:
        asked = request.asked.body["spec"]
        self.shown.append(asked["token"])
        names = {KNOWN: SUBJECT, OTHERS: "system:serviceaccount:monitoring:prometheus"}
        found = names.get(asked["token"])
        status = {"authenticated": True, "user": {"username": found}, "audiences": asked["audiences"]}
        request.reply({"spec": asked, "status": status if found else {"error": asked["token"]}}, self.status)


@contextmanager
def reviewing(folder: Path, **settings: str) -> Iterator[tuple[Server, Reviewer]]:
    reviewer = Reviewer()
    with scripted(reviewer) as api:
        usual = {
            "SRE_DISPATCH_JOBS": "kubernetes",
            "KUBECONFIG": backends.settings(api.url, folder)["KUBECONFIG"],
            "SRE_DISPATCH_TOKENREVIEW_AUDIENCE": "sre-dispatch",
            "SRE_DISPATCH_TOKENREVIEW_SUBJECT": SUBJECT,
        }
        with serving(folder, ("-m", "function", "serve"), **usual | settings) as server:
            yield server, reviewer


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Reviewer]]:
    with reviewing(tmp_path_factory.mktemp("reviewed")) as both:
        yield both


def until_known(server: Server, credential: str) -> httpx.Response:
    """Sent again while a review takes too long, as Alertmanager does."""
    while b"tokenreview_timeout" in (reply := _shown(server, credential)).content:
        pass
    return reply


def _shown(server: Server, credential: str) -> httpx.Response:
    return server.post(delivery_bytes("resolved"), Authorization=credential)


@pytest.mark.parametrize(
    ("credential", "status", "shown"),
    [
        (f"Bearer {KNOWN}", 200, [KNOWN]),
        (f"Bearer {OTHERS}", 401, [OTHERS]),
        (f"Bearer {NOBODYS}", 401, [NOBODYS]),
        (f"Bearer {TOKEN}", 200, []),
        (f"Bearer {SECOND_TOKEN}", 200, []),
        (basic(TOKEN), 200, []),
        (basic(KNOWN), 401, []),
        (f"Bearer {TOKEN}x", 401, []),
        (f"Bearer {KNOWN}.x", 401, []),
        (f"Bearer {KNOWN} x", 401, []),
        (f"Bearer {'x' * 8192}.claims.signature", 401, []),
        (KNOWN, 401, []),
        ("", 401, []),
    ],
)
def test_only_a_bearer_that_is_in_no_file_and_has_the_form_of_a_jwt_is_reviewed(
    reviewed: tuple[Server, Reviewer], credential: str, status: int, shown: list[str]
) -> None:
    server, reviewer = reviewed
    reviewer.shown.clear()
    reply = until_known(server, credential)
    assert (reply.status_code, [*dict.fromkeys(reviewer.shown)]) == (status, shown)
    if status == 401:
        assert (reply.content, reply.headers["www-authenticate"]) == (b"", "Bearer")


def test_two_reviewed_credentials_are_refused_and_not_reviewed(reviewed: tuple[Server, Reviewer]) -> None:
    server, reviewer = reviewed
    reviewer.shown.clear()
    headers = [("Authorization", f"Bearer {KNOWN}"), ("Authorization", f"Bearer {KNOWN}")]
    assert httpx.post(f"{server.url}/alertmanager", content=b"{}", headers=headers).status_code == 401
    assert reviewer.shown == []


def test_where_tokens_are_reviewed_no_file_is_needed(tmp_path: Path) -> None:
    with reviewing(tmp_path, SRE_DISPATCH_TOKEN_FILES="") as (server, _):
        assert until_known(server, f"Bearer {KNOWN}").status_code == 200
        assert until_known(server, f"Bearer {TOKEN}").status_code == 401
        assert until_known(server, "Bearer").status_code == 401


def test_a_review_that_fails_is_to_be_tried_again_and_the_log_says_what_to_do(tmp_path: Path) -> None:
    with reviewing(tmp_path) as (server, reviewer):
        reviewer.status = 403
        reply = until_known(server, f"Bearer {KNOWN}")
        assert (reply.status_code, reply.json()) == (503, {"error": "kubernetes_forbidden"})
        assert reply.headers["retry-after"] == "15"
        assert server.said("may not create TokenReviews", "apply knative/components/tokenreview")
        assert server.post(delivery_bytes("resolved")).status_code == 200  # the token from the file
        reviewer.status = 201
        assert until_known(server, f"Bearer {KNOWN}").status_code == 200
        assert until_known(server, f"Bearer {NOBODYS}").status_code == 401
        assert not any("claims.signature" in line for line in server.lines)


# CloudEvents

WEBHOOK_EVENT = {"specversion": "1.0", "id": "1", "source": "/am", "type": "sre-dispatch.alertmanager.v4"}


def receipt(reply: httpx.Response) -> Any:
    assert reply.headers["ce-type"] == "sre-dispatch.receipt.v1"
    assert reply.headers["ce-specversion"] == "1.0" and reply.headers["ce-id"] and reply.headers["ce-source"]
    return reply.json()


def structured(server: Server, attributes: dict[str, Any], path: str = "/") -> httpx.Response:
    return server.post(attributes, path, Content_Type="application/cloudevents+json")


def test_what_func_invoke_sends_is_answered_with_a_cloudevent(fresh: Server) -> None:
    """The request of knative func 0.50 (Go SDK), header for header and in its order."""
    body = delivery_bytes("one-alert")
    address = urlsplit(fresh.url)
    line = http.client.HTTPConnection(address.hostname or "", address.port)
    line.putrequest("POST", "/", skip_host=True, skip_accept_encoding=True)
    for name, value in {
        "Host": address.netloc,
        "User-Agent": "Go-http-client/1.1",
        "Content-Length": str(len(body)),
        "Authorization": basic(TOKEN),
        "Ce-Id": "0c5bfbd0-53a8-4a55-9b28-1a1ad4d1a9a2",
        "Ce-Source": "/boson/fn",
        "Ce-Specversion": "1.0",
        "Ce-Time": "2026-03-29T03:10:00.123456789Z",
        "Ce-Type": "boson.fn",
        "Content-Type": "application/json",
        "Accept-Encoding": "gzip",
    }.items():
        line.putheader(name, value)
    line.endheaders(body)
    reply = line.getresponse()
    assert reply.status == 202
    assert reply.headers["ce-type"] == "sre-dispatch.receipt.v1"
    assert json.loads(reply.read()) == {"outcomes": {"created": 1}}
    line.close()


def test_a_structured_event_of_a_webhook_is_taken_on_any_path(server: Server) -> None:
    reply = structured(server, WEBHOOK_EVENT | {"data": delivery_json("resolved")}, "/anywhere")
    assert (reply.status_code, receipt(reply)) == (202, {"outcomes": {"resolved": 1}})


def test_a_structured_event_of_one_alert_is_taken(server: Server) -> None:
    alert = WEBHOOK_EVENT | {"type": "sre-dispatch.alert.v1", "data": named("structured")["alerts"][0]}
    assert receipt(structured(server, alert)) == {"outcomes": {"created": 1}}


def test_data_in_base64_is_taken(server: Server) -> None:
    coded = base64.b64encode(delivery_bytes("resolved")).decode()
    assert receipt(structured(server, WEBHOOK_EVENT | {"data_base64": coded})) == {
        "outcomes": {"resolved": 1}
    }


def test_header_values_are_decoded(server: Server) -> None:
    ce = {
        "ce_specversion": "1.0",
        "ce_id": "1",
        "ce_source": "/am",
        "ce_type": "sre%2Ddispatch.alertmanager.v4",
    }
    assert server.post(delivery_bytes("resolved"), "/", **ce).status_code == 202


@pytest.mark.parametrize("own", ["sre-dispatch.receipt.v1", "sre-dispatch.notice.v1"])
def test_our_own_events_are_left_alone(server: Server, own: str) -> None:
    reply = structured(server, WEBHOOK_EVENT | {"type": own, "data": {}})
    assert (reply.status_code, reply.content) == (204, b"")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"specversion": "0.3"}, 400),
        ({"id": ""}, 400),
        ({"id": 7}, 400),
        ({"source": None}, 400),
        ({"time": "nope"}, 400),
        ({"time": "2026-03-29T03:10:00"}, 400),
        ({"type": "com.example.other"}, 415),
        ({"data": "text"}, 400),
        ({"data": None}, 400),
        ({"data": {"version": "3"}}, 400),
        ({"data_base64": "!"}, 400),
        ({"data_base64": 7}, 400),
    ],
)
def test_this_event_is_refused_with_an_event(server: Server, changes: dict[str, Any], status: int) -> None:
    reply = structured(server, WEBHOOK_EVENT | {"data": delivery_json("resolved")} | changes)
    assert reply.status_code == status
    assert set(receipt(reply)) == {"error"}


def test_a_batch_is_refused(server: Server) -> None:
    reply = server.post([WEBHOOK_EVENT], "/", Content_Type="application/cloudevents-batch+json")
    assert reply.status_code == 415


def test_an_event_without_credentials_gets_no_event(server: Server) -> None:
    reply = server.post(WEBHOOK_EVENT, "/", Content_Type="application/cloudevents+json", Authorization="")
    assert (reply.status_code, reply.content) == (401, b"")


# what will be tried again


@contextmanager
def deciding(folder: Path, opa: Scripted) -> Iterator[Server]:
    """The function, which asks this OPA."""
    with serving(folder, SRE_DISPATCH_POLICY="opa", SRE_DISPATCH_OPA_URL=opa.url) as server:
        yield server


def test_an_answer_that_is_no_decision_defers(tmp_path: Path) -> None:
    answers = [b"{}", b'{"result": {"allowed": true}}', b"<html>", b"[]", b'{"result": 1}']
    said: list[bytes] = []
    with scripted(lambda request: request.reply(said[-1])) as opa, deciding(tmp_path, opa) as server:
        for answer in answers:
            said.append(answer)
            reply = server.post(delivery_bytes("incident-75"))
            assert (reply.status_code, outcomes(reply)) == (503, {"deferred": 1})
            assert reply.headers["retry-after"] == "15"
        assert len(opa.requests) == len(answers)
        assert not server.jobs.exists()


def test_a_policy_that_never_answers_defers(tmp_path: Path) -> None:
    body = delivery_json("incident-75")
    body["alerts"] = [named(f"slow-{number}")["alerts"][0] for number in range(20)]
    with scripted(Request.hold) as opa, deciding(tmp_path, opa) as server:
        reply = server.post(body)
        assert (reply.status_code, outcomes(reply)) == (503, {"deferred": 20})


def test_events_that_were_done_are_duplicates_when_the_rest_comes_again(fresh: Server) -> None:
    assert outcomes(fresh.post(delivery_bytes("incident-75"))) == {"created": 1}
    assert outcomes(fresh.post(delivery_bytes("group-grown"))) == {"created": 1, "duplicate": 1}


# what is written down of refused requests


def refusals(server: Server, count: int) -> list[dict[str, Any]]:
    """The lines about refused requests, once there are so many. They may come a moment after the reply."""
    wait_until(lambda: len(server.refused) >= count, f"{count} lines about refusals")
    return server.refused


def test_each_refused_delivery_leaves_a_line_with_its_code_its_size_and_its_sender(fresh: Server) -> None:
    agent = {"User_Agent": "Grafana"}
    body = delivery_bytes("refused/version-3")
    fresh.post(body, **agent)
    fresh.post(body, Content_Type="text/plain", **agent)
    fresh.post(b" " * 9 * MEBIBYTE, **agent)
    fresh.post(named("a-claim"), "/elsewhere", **agent)
    fresh.post(named("a-claim"), Authorization="Bearer nobody-gave-out-this-token", **agent)
    httpx.get(f"{fresh.url}/alertmanager", headers={"User-Agent": "curl"})
    found = refusals(fresh, 6)
    assert [(line["request"]["status"], line["audit"]["outcome"]) for line in found] == [
        (status, "refused") for status in (400, 415, 413, 404, 401, 405)
    ]
    assert [line["audit"]["code"] for line in found[1:]] == [
        "media_type",
        "too_large",
        "not_found",
        "unauthorized",
        "method",
    ]
    sizes = [line["request"]["bytes"] for line in found]
    assert sizes[:3] == [len(body), len(body), 9 * MEBIBYTE] and sizes[-1] is None
    assert [line["request"]["agent"] for line in found] == ["Grafana"] * 5 + ["curl"]


def test_a_body_of_unknown_length_counts_as_far_as_it_was_read(fresh: Server) -> None:
    address = urlsplit(fresh.url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=120) as line:
        line.sendall(
            b"POST /alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + TOKEN.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\n[[[\r\n0\r\n\r\n"
        )
        assert line.recv(4096).startswith(b"HTTP/1.1 400 ")
    (told,) = refusals(fresh, 1)
    assert told["request"] == {"status": 400, "bytes": 3, "agent": ""}


def test_a_delivery_that_is_put_off_before_its_alerts_are_read_leaves_a_line(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        (tmp_path / "token").unlink()
        assert server.post(delivery_bytes("incident-75")).status_code == 503
        (told,) = refusals(server, 1)
    assert (told["audit"]["code"], told["request"]["status"]) == ("no_tokens", 503)


def test_neither_accepted_deliveries_nor_health_checks_nor_deferred_alerts_leave_one(tmp_path: Path) -> None:
    with serving(tmp_path, SRE_DISPATCH_POLICY="opa", SRE_DISPATCH_OPA_URL="http://127.0.0.1:1") as server:
        for path in ("/health/liveness", "/health/readiness"):
            assert httpx.get(server.url + path).status_code == 200
        assert server.post(delivery_bytes("incident-75")).status_code == 503
        assert server.post(delivery_bytes("resolved")).status_code == 200
        structured(server, WEBHOOK_EVENT | {"type": "sre-dispatch.receipt.v1", "data": {}})
        server.post(b"[]")
        (told,) = refusals(server, 1)  # and so all the lines before it
    assert told["request"]["status"] == 400
    assert [line["audit"]["outcome"] for line in server.audit] == ["deferred", "resolved"]


def test_strangers_do_not_flood_the_log(fresh: Server) -> None:
    for _ in range(64):
        fresh.post(b"{}", Authorization="Bearer nobody-gave-out-this-token")
    fresh.post(b"[]")
    wait_until(lambda: '"status":400' in fresh.lines[-1], "the last line")
    found = [line["request"]["number_in_minute"] for line in fresh.refused[:-1]]
    assert 7 <= len(found) <= 2 * 6 and found[0] == 1  # the minute may have ended meanwhile


def test_nor_does_what_the_operator_is_told_of_them(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        (tmp_path / "token").unlink()
        for _ in range(64):
            assert server.post(b"{}", Authorization="Bearer anything").status_code == 503
        httpx.get(server.url)
        wait_until(lambda: '"status":404' in server.lines[-1], "the last line")
    assert 7 <= sum("cannot be read" in line for line in server.lines) <= 2 * 6


def test_no_line_about_a_refusal_holds_a_word_of_the_body_the_path_or_another_header(fresh: Server) -> None:
    body = named(HOSTILE)
    fresh.post(body | {"version": HOSTILE})
    fresh.post(HOSTILE.encode())
    fresh.post(body, f"/{HOSTILE}?{HOSTILE}", Cookie=HOSTILE)
    fresh.post(body, Content_Type=f"text/{HOSTILE}", Referer=HOSTILE)
    fresh.post(body, Authorization=f"Bearer {HOSTILE}")
    structured(fresh, WEBHOOK_EVENT | {"type": HOSTILE})
    assert len(refusals(fresh, 6)) == 6
    assert not any(HOSTILE in line or TOKEN in line for line in fresh.lines)


# what never happens


def test_no_reply_holds_a_word_of_the_request(server: Server) -> None:
    body = named(HOSTILE)
    body["receiver"] = body["groupKey"] = HOSTILE
    replies = [
        server.post(body),
        server.post(body | {"version": HOSTILE}),
        server.post(HOSTILE.encode()),
        server.post(body, "/" + HOSTILE),
        server.post(body, Content_Type="text/" + HOSTILE),
        structured(server, WEBHOOK_EVENT | {"type": HOSTILE}),
        structured(server, WEBHOOK_EVENT | {"id": HOSTILE, "source": HOSTILE, "time": HOSTILE}),
    ]
    for reply in replies:
        assert HOSTILE not in reply.text and HOSTILE not in str(reply.headers)
        assert TOKEN not in reply.text and len(reply.content) < 1024


def test_no_token_is_ever_printed(server: Server) -> None:
    server.post(named("token"), Authorization=f"Bearer {TOKEN}x")
    assert not any(TOKEN in line or SECOND_TOKEN in line for line in server.lines)


# how it starts and ends


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "SRE_DISPATCH_TOKEN_FILES"),
        ({"SRE_DISPATCH_AUTH": "none", "HOST": "0.0.0.0", "SRE_DISPATCH_POLICY": "embedded"}, "loopback"),
        ({"SRE_DISPATCH_AUTH": "none", "K_SERVICE": "x", "SRE_DISPATCH_POLICY": "embedded"}, "loopback"),
        (
            {"SRE_DISPATCH_TOKENREVIEW_AUDIENCE": "a", "SRE_DISPATCH_POLICY": "embedded"},
            "TOKENREVIEW_SUBJECT",
        ),
        ({"SRE_DISPATCH_TOKEN_FILES": "/nowhere", "SRE_DISPATCH_POLICY": "embedded"}, "cannot be read"),
        ({"SRE_DISPATCH_TOKEN_FILES": "/dev/null", "SRE_DISPATCH_POLICY": "embedded"}, "under 16 bytes"),
        (
            {"SRE_DISPATCH_AUTH": "none", "SRE_DISPATCH_POLICY": "embedded", "SRE_DISPATCH_ROOT": "/"},
            "no policy",
        ),
    ],
)
def test_it_refuses_to_start(settings: dict[str, str], message: str) -> None:
    told = refuses_to_start(**settings)
    assert message in told and "Traceback" not in told and told.count("\n") == 1


def test_sigterm_lets_a_request_end(tmp_path: Path) -> None:
    asked, ending = threading.Event(), threading.Event()

    def late(request: Request) -> None:
        asked.set()
        ending.wait(60)
        request.reply({})

    replies: list[int] = []
    with scripted(late) as opa, deciding(tmp_path, opa) as server:
        thread = threading.Thread(
            target=lambda: replies.append(server.post(delivery_bytes("incident-75")).status_code)
        )
        thread.start()
        assert asked.wait(60)
        server.process.terminate()
        wait_until(lambda: not answers(f"{server.url}/health/liveness"), "it to accept nobody any more")
        ending.set()
        thread.join()
    assert replies == [503]


def test_plain_functions_framework_serves_the_same(tmp_path: Path) -> None:
    command = ("-m", "functions_framework", "--source", "function/main.py", "--target", "handle")
    with serving(tmp_path, command) as server:
        assert outcomes(server.post(delivery_bytes("incident-75"))) == {"created": 1}


def test_no_credentials_are_needed_on_loopback_where_that_was_asked_for(tmp_path: Path) -> None:
    with serving(tmp_path, SRE_DISPATCH_AUTH="none") as server:
        assert server.post(delivery_bytes("resolved"), Authorization="").status_code == 200


def test_tests_never_see_the_settings_of_their_own_environment() -> None:
    assert not [name for name in environment() if name.startswith(("SRE_DISPATCH_", "KUBE", "K_"))]
