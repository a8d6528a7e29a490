"""Faults that a real API server won't produce on demand; what it does produce is tested in tests/real."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from function.dispatch.adapters.kubernetes import Kubernetes
from function.shared.errors import PermanentError, Unavailable
from function.shared.kubernetes import Api
from tests.harness.kubernetes import Answer, Script, methods
from tests.harness.process import free_port
from tests.harness.scripted import Request, scripted

JOB = {"metadata": {"name": "sre-1"}}
STORED = {
    "metadata": {
        "name": "sre-1",
        "creationTimestamp": "2026-03-29T03:10:00Z",
        "labels": {"sre-dispatch/resource": "r"},
        "annotations": {"sre-dispatch/identity": "i"},
    }
}
QUOTA = {"message": 'jobs.batch "sre-1" is forbidden: exceeded quota: pause, requested: count/jobs.batch=1'}
REFUSAL = "jobs.batch \"sre-1\" is forbidden: ValidatingAdmissionPolicy 'sre-dispatch-shape' denied request"
INVALID = 'Job.batch "sre-1" is invalid: metadata.labels: Invalid value: "{}"'


@pytest.fixture
def cluster(script: Script) -> Kubernetes:
    return Kubernetes(Api(script.connect), "sre-agents")


def test_created(script: Script, cluster: Kubernetes) -> None:
    script.answers = [(201, STORED)]
    assert cluster.create(JOB) is True
    assert script.requests == [("POST", "/apis/batch/v1/namespaces/sre-agents/jobs", "Bearer first")]


def test_a_taken_name(script: Script, cluster: Kubernetes) -> None:
    script.answers = [(409, {"reason": "AlreadyExists"})]
    assert cluster.create(JOB) is False


ROW = {"object": STORED, "cells": ["sre-1", "Complete"]}
TABLE = {"columnDefinitions": [{"name": "Name"}, {"name": "Status"}], "rows": [ROW]}


def test_a_job_is_read_by_name_as_a_list_shows_it(script: Script, cluster: Kubernetes) -> None:
    script.answers = [(200, TABLE), (404, {})]
    found = cluster.listed_job("sre-1")
    assert found and (found.name, found.finished) == ("sre-1", True)
    assert cluster.listed_job("sre-2") is None
    asked = [path.partition("?")[0].rpartition("/")[2] for _, path, _ in script.requests]
    assert asked == ["sre-1", "sre-2"]


@pytest.mark.parametrize("rows", [[], [ROW, ROW], None, [{}], {"object": 1}])
def test_an_answer_without_exactly_one_job_is_unavailable(
    script: Script, cluster: Kubernetes, rows: Any
) -> None:
    script.answers = [(200, TABLE | {"rows": rows})]
    with pytest.raises(Unavailable):
        cluster.listed_job("sre-1")


def test_a_named_job_that_may_not_be_read_is_unavailable(script: Script, cluster: Kubernetes) -> None:
    script.answers = [(403, {})]
    with pytest.raises(Unavailable):
        cluster.listed_job("sre-1")


def test_a_full_quota_is_a_taken_name_if_the_job_exists(script: Script, cluster: Kubernetes) -> None:
    script.answers = [(403, QUOTA), (200, STORED)]
    assert cluster.create(JOB) is False


def test_a_full_quota_defers_if_the_job_does_not_exist(script: Script, cluster: Kubernetes) -> None:
    script.answers = [(403, QUOTA), (404, {})]
    with pytest.raises(Unavailable) as failure:
        cluster.create(JOB)
    assert failure.value.code == "quota"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((403, {"message": "jobs.batch is forbidden: User cannot create"}), "kubernetes_forbidden"),
        ((404, {"message": "namespace not found"}), "kubernetes_status"),
        ((422, {"message": REFUSAL}), "admission"),
        ((429, {}), "kubernetes_status"),
        ((500, {}), "kubernetes_status"),
        ((201, b"<html>"), "kubernetes_answer"),
        ((201, b'{"metadata": {"na'), "kubernetes_answer"),
        ((201, b"[]"), "kubernetes_answer"),
    ],
)
def test_this_answer_to_a_create_defers_and_is_not_sent_again(
    script: Script, cluster: Kubernetes, answer: Answer, code: str
) -> None:
    script.answers = [answer]
    with pytest.raises(Unavailable) as failure:
        cluster.create(JOB)
    assert failure.value.code == code
    assert methods(script) == ["POST"]


@pytest.mark.parametrize("message", [INVALID.format("x"), INVALID.format(REFUSAL), "Too long"])
def test_an_invalid_job_is_poison_whatever_its_text_imitates(
    script: Script, cluster: Kubernetes, message: str
) -> None:
    script.answers = [(422, {"message": message})]
    with pytest.raises(PermanentError) as failure:
        cluster.create(JOB)
    assert message not in str(failure.value)


def test_an_expired_token_is_read_again_once(script: Script, cluster: Kubernetes) -> None:
    script.answers = [(401, {}), (200, STORED), (401, {}), (401, {})]
    assert cluster.job("sre-1") is not None
    assert [credential for _, _, credential in script.requests] == ["Bearer first", "Bearer second"]
    with pytest.raises(Unavailable, match="401"):
        cluster.job("sre-1")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_read_is_sent_once_even_where_the_server_says_when_to_retry(
    script: Script, cluster: Kubernetes, status: int
) -> None:
    script.answers = [(status, {})] * 5
    with pytest.raises(Unavailable):
        cluster.job("sre-1")
    assert methods(script) == ["GET"]


def test_a_server_that_is_gone_is_unavailable() -> None:
    script = Script()
    script.url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable) as failure:
        Kubernetes(Api(script.connect), "sre-agents").jobs()
    assert failure.value.code == "kubernetes_unreachable"


def test_a_server_that_says_nothing_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        configuration = Configuration(host=f"http://127.0.0.1:{silent.getsockname()[1]}")
        configuration.retries = False
        cluster = Kubernetes(Api(lambda: ApiClient(configuration)), "sre-agents")
        with pytest.raises(Unavailable):
            cluster.job("sre-1")


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"])
def test_a_server_that_sends_byte_by_byte_is_unavailable(head: bytes) -> None:
    def drip(request: Request) -> None:
        request.wfile.write(head)
        request.drip(b"x")

    with scripted(drip) as server:
        configuration = Configuration(host=server.url)
        configuration.retries = False
        cluster = Kubernetes(Api(lambda: ApiClient(configuration)), "sre-agents")
        with pytest.raises(Unavailable):
            cluster.job("sre-1")


@pytest.mark.parametrize(
    "body", [{}, {"columnDefinitions": []}, {"columnDefinitions": [{"name": "Status"}], "rows": [{}]}]
)
def test_a_listing_of_another_shape_is_unavailable(script: Script, cluster: Kubernetes, body: Any) -> None:
    script.answers = [(200, body)]
    with pytest.raises(Unavailable):
        cluster.jobs()


def test_what_a_listing_has_beside_the_jobs_is_not_read(script: Script, cluster: Kubernetes) -> None:
    managed = {"managedFields": [{"fieldsV1": {"f:spec": {"f:template": {}}}}], "uid": "u"}
    row = ROW | {"object": {"kind": "PartialObjectMetadata", "metadata": STORED["metadata"] | managed}}
    script.answers = [(200, TABLE), (200, TABLE | {"kind": "Table", "rows": [row]})]
    assert cluster.jobs() == cluster.jobs() != []


def test_a_listing_without_rows_is_empty(script: Script, cluster: Kubernetes) -> None:
    script.answers = [(200, {"columnDefinitions": [{"name": "Status"}], "rows": None})]
    assert cluster.jobs() == []


@pytest.mark.parametrize(
    "body", [{}, {"metadata": {}}, {"metadata": {"name": "x", "creationTimestamp": "y"}}]
)
def test_a_job_of_another_shape_is_unavailable(script: Script, cluster: Kubernetes, body: Any) -> None:
    script.answers = [(200, body)]
    with pytest.raises(Unavailable):
        cluster.job("sre-1")


def test_a_missing_tier_is_named(script: Script, cluster: Kubernetes) -> None:
    script.answers = [(404, {}), (200, {"spec": {}})]
    with pytest.raises(Unavailable, match="knative/tiers"):
        cluster.template("sre-agent-none")
    with pytest.raises(Unavailable, match="no jobTemplate"):
        cluster.template("sre-agent-none")


@pytest.mark.parametrize("template", [None, {}, {"spec": None}, {"spec": {"template": {"spec": "x"}}}, "x"])
def test_a_tier_without_a_pod_is_unavailable(script: Script, cluster: Kubernetes, template: Any) -> None:
    script.answers = [(200, {"spec": {"jobTemplate": template}})]
    with pytest.raises(Unavailable, match="no jobTemplate"):
        cluster.template("sre-agent-propose")


@pytest.mark.parametrize(
    "changes", [{"status": "x"}, {"metadata": {**STORED["metadata"], "annotations": ["x"]}}]
)
def test_a_job_with_odd_parts_is_unavailable(script: Script, cluster: Kubernetes, changes: Any) -> None:
    script.answers = [(200, STORED | changes)]
    with pytest.raises(Unavailable):
        cluster.job("sre-1")


def hang_up(listener: socket.socket) -> None:
    listener.accept()[0].close()


def test_a_server_that_is_not_speaking_tls_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        threading.Thread(target=hang_up, args=(plain,), daemon=True).start()
        configuration = Configuration(host=f"https://127.0.0.1:{plain.getsockname()[1]}")
        configuration.retries = False
        with pytest.raises(Unavailable) as failure:
            Kubernetes(Api(lambda: ApiClient(configuration)), "sre-agents").create(JOB)
    assert failure.value.code == "kubernetes_unreachable"
