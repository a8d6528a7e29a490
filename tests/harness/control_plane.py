"""What tests/real and tests/faults share: an API server with our manifests, its controllers, and OPA."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from function.dispatch.policy_files import write
from tests.harness.components import (
    OPA_SECRET,
    ApiServer,
    Process,
    api_server,
    controller_manager,
    need,
    opa,
    wait_until,
)
from tests.harness.manifests import AGENTS, JOBS, MANIFESTS, PODS, TIERS
from tests.harness.process import ROOT


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory, manifests: list[Path]) -> Iterator[ApiServer]:
    """An API server with everything a dispatcher meets: namespaces, rights, tiers, and policies that bite."""
    need("etcd", "kube-apiserver", "kubectl")
    with api_server(tmp_path_factory.mktemp("api")) as api:
        api.kubectl("create", "namespace", "f3iai")
        for manifest in manifests:
            api.kubectl("apply", "--warnings-as-errors", "-f", manifest)
        # Policies and bindings take effect some moments after they were applied.
        wait_until(lambda: all(_judged(api, tier) for tier in TIERS), "the admission policies to be in force")
        yield api


@pytest.fixture(scope="session")
def controllers(api: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The controllers: Jobs get pods (which stay Pending, there is no node), quotas count, TTLs run."""
    need("kube-controller-manager")
    with controller_manager(api, tmp_path_factory.mktemp("controllers")) as process:
        yield process


@pytest.fixture
def admin(api: ApiServer) -> Iterator[httpx.Client]:
    with api.client() as client:
        _clear(client)
        yield client
        _clear(client)


def _clear(client: httpx.Client) -> None:
    """Deletes the Jobs of the test before, or of this one."""
    client.delete(JOBS, params={"propagationPolicy": "Background"})
    client.delete(PODS)
    wait_until(lambda: not client.get(JOBS).json()["items"], "the Jobs to go", every=0.2)
    wait_until(lambda: not client.get(PODS).json()["items"], "their pods to go", every=0.2)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bundle") / "policies"
    write(ROOT / "policies", target)
    return target


@pytest.fixture(scope="session")
def opa_url(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need("opa")
    with opa(tmp_path_factory.mktemp("opa"), bundle) as server:
        yield server.url


@pytest.fixture(scope="session")
def opa_token(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a token that every OPA here accepts, for SRE_DISPATCH_OPA_TOKEN_FILE."""
    path = tmp_path_factory.mktemp("opa-token") / "token"
    path.write_text(OPA_SECRET["token"] + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def dispatcher(api: ApiServer) -> Iterator[httpx.Client]:
    """The API server as the dispatcher's own ServiceAccount sees it."""
    with api.client(api.token("f3iai", "sre-dispatch")) as client:
        yield client


@pytest.fixture(scope="session")
def manifests() -> list[Path]:
    """The files under knative/ that need nothing but Kubernetes, in the order in which they apply."""
    return MANIFESTS


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest) -> str:
    """Every tier that has a file."""
    return str(request.param)


def _judged(api: ApiServer, tier: str) -> bool:
    """Whether a Job without a tier and one with a lifetime of its own are both refused by our policies."""
    with api.client() as admin:
        template = admin.get(f"{AGENTS}/cronjobs/sre-agent-{tier}").json()["spec"]["jobTemplate"]
        without_tier = {"metadata": {"name": "bad", "labels": {"a": "b"}}, "spec": template["spec"]}
        immortal = {
            "metadata": {"name": "bad", "labels": template["metadata"]["labels"]},
            "spec": template["spec"] | {"ttlSecondsAfterFinished": None},
        }
        replies = [
            admin.post(f"{AGENTS}/jobs", json=job, params={"dryRun": "All"})
            for job in (without_tier, immortal)
        ]
    return all("denied request: sre-dispatch: " in reply.text for reply in replies)
