from __future__ import annotations

from typing import Any

import pytest

from function.commands.check.cluster import Admission, Permission
from function.shared.errors import Unavailable
from tests.harness.audit import Server, inspection


def test_a_right_is_asked_for_with_its_group_and_its_subresource() -> None:
    server = Server(201, {"status": {"allowed": True}})
    assert inspection(server).may(Permission("create", "pods.metrics.k8s.io/exec", "f3iai"))
    (sent,) = server.sent
    assert sent[:2] == ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
    assert sent[2]["spec"]["resourceAttributes"] == {
        "verb": "create",
        "group": "metrics.k8s.io",
        "resource": "pods",
        "subresource": "exec",
        "namespace": "f3iai",
    }


def test_a_job_is_judged_by_a_dry_run() -> None:
    server = Server(201)
    assert inspection(server).judge({}) == Admission("")
    assert server.sent == [("POST", "/apis/batch/v1/namespaces/sre-agents/jobs", {}, {"dryRun": "All"})]


OURS = (
    "jobs.batch \"sre-1\" is forbidden: ValidatingAdmissionPolicy 'sre-dispatch-{}' with binding 'b' denied"
)


@pytest.mark.parametrize(
    ("status", "message", "by"),
    [
        (422, OURS.format("shape") + " request: sre-dispatch: a finalizer", "policy"),
        (
            422,
            OURS.format("template") + " request: failed to configure binding: no params found",
            "unwatched",
        ),
        (422, "invalid: " + OURS.format("shape") + " request: sre-dispatch: a finalizer", "other"),
        (403, "jobs.batch is forbidden: exceeded quota: pause, requested: 1", "quota"),
        (403, "jobs.batch is forbidden: User cannot create", "other"),
        (400, "admission webhook of others denied the request", "other"),
    ],
)
def test_who_refused_a_job_is_known_by_how_it_is_said(status: int, message: str, by: str) -> None:
    assert inspection(Server(status, {"message": message})).judge({}).by == by


def test_what_the_api_server_says_is_short_and_printable() -> None:
    verdict = inspection(Server(400, {"message": "no\x1b[2J\n" + "x" * 1000})).judge({})
    assert verdict.words.isprintable() and len(verdict.words) < 400


@pytest.mark.parametrize("body", [{}, {"status": None}, {"status": {"userInfo": "x"}}, {"status": []}])
def test_a_review_of_another_shape_is_unavailable(body: dict[str, Any]) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        inspection(Server(201, body)).who()


@pytest.mark.parametrize("body", [{}, {"status": None}, {"status": {}}])
def test_an_access_review_that_says_nothing_is_unavailable(body: dict[str, Any]) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        inspection(Server(201, body)).may(Permission("get", "secrets"))
