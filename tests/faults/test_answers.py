"""Answers that are valid HTTP, and yet not what the function asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.faults import system as calls
from tests.faults.system import ALERTS, END, System, events, webhook
from tests.harness.components import ApiServer, wait_until
from tests.harness.fault_proxy import Call, Fault
from tests.harness.faults import changed, flood, on, reply
from tests.harness.manifests import JOBS
from tests.harness.process import ROOT

MERGE = {"Content-Type": "application/merge-patch+json"}
REFUSAL = b'{"kind": "Status", "status": "Failure", "message": "no"}'
HTML = b"<html><body>Bad gateway</body></html>"
MAX_MEBIBYTES = 256
"""Half of what knative/base/service.yaml allows."""

# the API server

NOT_CREATED: dict[str, Fault] = {
    "429, retry after 1 s": reply(429, REFUSAL, headers="Retry-After: 1\r\n"),
    "429, retry after an hour": reply(429, REFUSAL, headers="Retry-After: 3600\r\n"),
    "429, retry after garbage": reply(429, REFUSAL, headers="Retry-After: soon\r\n"),
    "500": reply(500, REFUSAL),
    "503 of a load balancer": reply(503, HTML, "text/html"),
    "403": reply(403, REFUSAL),
    "401": reply(401, REFUSAL),
    "a redirect": reply(307, b"", headers="Location: http://127.0.0.1:1/\r\n"),
}
CREATED: dict[str, Fault] = {
    "201 with HTML": reply(201, HTML, "text/html", ask=True),
    "201 with half of the JSON": reply(201, b'{"kind": "Job", "metad', ask=True),
    "201 with a list": reply(201, b"[]", ask=True),
    "201 without a body": reply(201, b"", ask=True),
    "504 of a load balancer": reply(504, HTML, "text/html", ask=True),
}
"""The API server has created the Job, and the function cannot know."""


@pytest.mark.parametrize("answer", NOT_CREATED | CREATED)
def test_an_answer_to_a_create_that_says_nothing_costs_a_retry(system: System, answer: str) -> None:
    system.ways["kubernetes"].fault = on(calls.is_create, (NOT_CREATED | CREATED)[answer])
    assert system.send().status_code == 503
    sent = 2 if answer == "401" else 1  # the token may have been rotated
    assert len(system.calls(calls.is_create)) == sent * len(END)
    system.lift()
    system.send_until_done()
    system.assert_same_end()


@pytest.mark.parametrize("chosen", [calls.is_look, calls.is_listing, calls.is_template])
@pytest.mark.parametrize("answer", ["429, retry after an hour", "500", "403"])
def test_an_answer_to_a_read_that_says_nothing_costs_a_retry(
    system: System, chosen: Callable[[Call], bool], answer: str
) -> None:
    system.ways["kubernetes"].fault = on(chosen, NOT_CREATED[answer])
    assert system.send().status_code == 503
    system.lift()
    system.send_until_done()
    system.assert_same_end()


def test_a_created_job_of_another_shape_is_created(system: System) -> None:
    system.ways["kubernetes"].fault = on(calls.is_create, reply(201, b'{"metadata": 7}', ask=True))
    system.send_until_done()
    system.assert_same_end()


def test_an_invalid_job_is_a_dead_letter_and_costs_its_neighbours_nothing(system: System) -> None:
    system.ways["kubernetes"].fault = on(calls.is_create, reply(422, REFUSAL), times=1)
    assert system.send().json() == {"outcomes": {"created": 2, "blocked": 1, "dead-lettered": 1}}
    assert set(system.notices()) == {"AlertBlocked", "AlertDeadLettered"}
    system.lift()
    assert system.send_until_done() == {"created": 1, "duplicate": 2, "blocked": 1}
    assert system.jobs() == END


def test_one_401_costs_nothing(system: System) -> None:
    system.ways["kubernetes"].fault = on(lambda _: True, reply(401, REFUSAL), times=1)
    assert system.send().status_code == 200
    system.assert_same_end()


def test_a_token_that_the_api_server_refuses_defers_until_there_is_a_new_one(system: System) -> None:
    """The next delivery reads the new token. The process goes on."""
    file = system.folder / "kubeconfig-through-the-proxy"
    good = file.read_text(encoding="utf-8")
    told = json.loads(good)
    told["users"][0]["user"]["token"] = "nobody-gave-out-this-token"
    file.write_text(json.dumps(told), encoding="utf-8")
    try:
        with system.restart() as server:
            assert system.send(server=server).status_code == 503
            file.write_text(good, encoding="utf-8")
            system.send_until_done(server=server)
            system.assert_same_end(server)
    finally:
        file.write_text(good, encoding="utf-8")


def test_without_the_right_to_create_jobs_it_defers_until_it_has_the_right(
    system: System, api: ApiServer
) -> None:
    api.kubectl("delete", "rolebinding", "-n", "sre-agents", "sre-dispatch")
    try:
        wait_until(lambda: system.send().status_code == 503, "the right to be gone")
    finally:
        api.kubectl("apply", "-f", ROOT / "knative" / "base" / "dispatcher.yaml")
    system.clear()
    wait_until(lambda: system.send().status_code == 200, "the right to be back")
    assert "kubernetes_forbidden" in system.deferred_codes()
    assert system.jobs() == END


@contextmanager
def unreachable_webhook(system: System, api: ApiServer) -> Iterator[None]:
    """An admission webhook of another product, which is down and must not be passed over."""
    hook = {
        "name": "job.another.example",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": [
            {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["jobs"]}
        ],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    system.admin.post(path, json={"metadata": {"name": "another"}, "webhooks": [hook]}).raise_for_status()
    try:
        yield
    finally:
        system.admin.delete(f"{path}/another").raise_for_status()


def test_another_products_webhook_that_is_down_defers(system: System, api: ApiServer) -> None:
    with unreachable_webhook(system, api):
        wait_until(lambda: system.send().status_code == 503, "the webhook to be asked")
        assert system.deferred_codes() == {"kubernetes_status"}
        system.clear()
    wait_until(lambda: system.send().status_code == 200, "the webhook to be gone")
    assert system.jobs() == END


def test_while_a_job_of_the_name_is_being_deleted_its_alert_is_deferred(system: System) -> None:
    """A Job at the end of its TTL is such a Job."""
    body = webhook(ALERTS[0])
    (event,) = events(body)
    system.send_until_done(body)
    path = f"{JOBS}/{event.job}"
    held = {"metadata": {"finalizers": ["another.example/held"]}}
    system.admin.patch(path, json=held, headers=MERGE).raise_for_status()
    system.admin.delete(path).raise_for_status()
    assert system.send(body).status_code == 503
    assert system.deferred_codes() == {"job_deleting"}
    system.admin.patch(path, json={"metadata": {"finalizers": None}}, headers=MERGE).raise_for_status()
    assert system.send_until_done(body) == {"created": 1}
    assert system.created() == [event.job] * 2


# OPA


def decision(**changes: Any) -> Fault:
    """OPA's decision with these changes."""

    def change(body: bytes) -> bytes:
        answer = json.loads(body)
        answer["result"] |= changes
        return json.dumps(answer).encode()

    return changed(change)


GRANT = {"tier": "almighty", "mode": "merge-request", "template": "sre-agent-almighty"}
NO_DECISION: dict[str, Fault] = {
    "nothing": reply(200, b"{}"),
    "HTML": reply(200, HTML, "text/html"),
    "an error": reply(500, b'{"code": "internal_error"}'),
    "100 MiB": flood,
    "one more key": decision(more=1),
    "an unknown tier": decision(grant=GRANT),
    "an unknown mode": decision(mode="almighty"),
    "a level below the alert's": decision(effective="LOW"),
    "another revision": decision(policy_revision="ab" * 32),
}


@pytest.mark.parametrize("answer", NO_DECISION)
def test_what_is_no_decision_starts_no_job(system: System, answer: str) -> None:
    system.ways["opa"].fault = NO_DECISION[answer]
    assert system.send().status_code == 503
    assert system.jobs() == {}
    system.lift()
    system.send_until_done()
    system.assert_same_end()
    assert system.server.peak_mebibytes() < MAX_MEBIBYTES


# the world model

NO_FACTS: dict[str, Fault] = {
    "100 MiB": flood,
    "HTML": reply(200, HTML, "text/html"),
    "an error": reply(500, HTML, "text/html"),
    "a redirect": reply(307, b"", headers="Location: http://127.0.0.1:1/\r\n"),
}


@pytest.mark.parametrize("answer", NO_FACTS)
def test_what_is_no_context_is_a_gap_and_no_delay(system: System, answer: str) -> None:
    system.ways["world-model"].fault = NO_FACTS[answer]
    system.send_until_done()
    system.assert_same_end()
    assert system.server.peak_mebibytes() < MAX_MEBIBYTES


@pytest.mark.parametrize("chosen", [calls.is_look, calls.is_listing, calls.is_template, calls.is_create])
def test_an_api_server_that_says_too_much_is_not_read_to_its_end(
    system: System, chosen: Callable[[Call], bool]
) -> None:
    system.ways["kubernetes"].fault = on(chosen, flood, times=1)
    assert system.send().status_code == 503
    system.lift()
    system.send_until_done()
    system.assert_same_end()
    assert system.server.peak_mebibytes() < MAX_MEBIBYTES


# names that nobody knows

NOWHERE = "http://nowhere.invalid:8181"


@pytest.mark.parametrize("setting", ["SRE_DISPATCH_OPA_URL", "SRE_DISPATCH_WORLD_MODEL_URL", "KUBECONFIG"])
def test_a_name_that_dns_does_not_know_is_a_dependency_that_is_down(system: System, setting: str) -> None:
    value = NOWHERE
    if setting == "KUBECONFIG":
        told = json.loads((system.folder / "kubeconfig-through-the-proxy").read_text(encoding="utf-8"))
        told["clusters"][0]["cluster"]["server"] = NOWHERE.replace("http", "https")
        (system.folder / "kubeconfig-nowhere").write_text(json.dumps(told), encoding="utf-8")
        value = str(system.folder / "kubeconfig-nowhere")
    with system.restart(**{setting: value}) as server:
        expected = 200 if "WORLD_MODEL" in setting else 503
        assert system.send(server=server).status_code == expected
    system.send_until_done()
    system.assert_same_end(server)
