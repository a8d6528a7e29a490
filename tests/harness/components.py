"""The real programs that the tests talk to: found, started on loopback, waited for, and always stopped.

Each is a context manager that takes a folder for its data and its log. Nothing here is a stand-in.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.harness.process import ROOT, free_port

BUILD = ROOT / "tests" / "real" / "tools" / "build"
START_SECONDS = 60.0
"""How long any of them may take to become ready; the slowest takes about 5 on a quiet machine."""

KUBECTL_SECONDS = 150.0
"""More than any --timeout that it is given, which says better what was waited for."""

ADMIN_TOKEN = "admin"  # of an API server on loopback that lives as long as the test
CONTROLLERS = (
    "cronjob-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "resourcequota-controller",  # a new quota refuses nothing until this has counted
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "ttl-after-finished-controller",
    "validatingadmissionpolicy-status-controller",  # type-checks our policies
)


class Missing(Exception):
    """A binary is not on this machine; the message says how to get it."""


class Broken(Exception):
    """A component did not start, or a command failed; the message ends with what it had to say."""


def find(binary: str) -> Path:
    """The binary's path: from KUBEBUILDER_ASSETS, else from PATH, else from what tools/build has built."""
    built = subprocess.run([BUILD, "--where"], capture_output=True, text=True, check=True, timeout=120).stdout
    places = (os.environ.get("KUBEBUILDER_ASSETS", ""), os.environ.get("PATH", ""), built.strip())
    path = shutil.which(binary, path=os.pathsep.join(filter(None, places)))
    if path is None:
        raise Missing(
            f"{binary} is not in KUBEBUILDER_ASSETS, on PATH or built: run tests/real/tools/build once"
        )
    return Path(path)


def stock_rules() -> Path:
    """The folder with the alerting rules of kube-prometheus-stack, as Helm templates."""
    built = subprocess.run([BUILD, "--where"], capture_output=True, text=True, check=True, timeout=120).stdout
    for folder in built.strip().split(os.pathsep):
        if (rules := Path(folder) / "rules").is_dir():
            return rules
    raise Missing("the stock alerts are not fetched: run tests/real/tools/build charts once")


def wait_until(
    ready: Callable[[], bool], what: str, seconds: float = START_SECONDS, every: float = 0.05
) -> None:
    """Ask until the answer is yes; a `Broken` that names `what` when the time is up."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise Broken(f"{what}: not within {seconds:g} s")
        time.sleep(every)


def answers(url: str, **options: Any) -> bool:
    """Whether a GET of the url succeeds."""
    try:
        return httpx.get(url, timeout=2, trust_env=False, **options).is_success
    except httpx.TransportError:
        return False


class Process:
    """One program with its log. `kill` is what a power cut does; nothing it holds outlives the test."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.command = command
        self.log = log
        self.env = env
        self._ready = ready
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            # In a group of its own: Ctrl-C reaches pytest alone, which stops them in the right order.
            self._running = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.env,
                process_group=0,
            )
        try:
            wait_until(self._is_ready, f"{self.log.stem} to start")
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()

    def signal(self, number: int) -> None:
        """What else can be done to it: SIGSTOP leaves its connections open and answers nothing."""
        assert self._running is not None
        self._running.send_signal(number)

    def _is_ready(self) -> bool:
        assert self._running is not None
        if self._running.poll() is not None:
            last = self.log.read_text(errors="replace")[-2000:]
            raise Broken(f"{self.log.stem} ended with {self._running.returncode}: {last}")
        return self._ready()


@contextmanager
def running(
    command: Sequence[str], folder: Path, ready: Callable[[], bool], env: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """The program, from its start to the end of the block; its log is in the folder, under its name."""
    folder.mkdir(parents=True, exist_ok=True)
    process = Process(command, folder / f"{Path(command[0]).name}.log", ready, env)
    process.start()
    try:
        yield process
    finally:
        process.kill()


@contextmanager
def etcd(folder: Path) -> Iterator[str]:
    """An etcd that never waits for the disk; yields its client URL."""
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    command = [
        str(find("etcd")),
        f"--data-dir={folder / 'etcd'}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--log-level=warn",
    ]
    with running(command, folder, lambda: answers(f"{client}/health")):
        yield client


def kubectl(kubeconfig: Path, *args: str | Path, stdin: str | None = None) -> str:
    """What kubectl prints for the holder of the kubeconfig; a `Broken` with its complaint when it fails."""
    command = [find("kubectl"), f"--kubeconfig={kubeconfig}", *args]
    said, limit = f"kubectl {' '.join(map(str, args))}", KUBECTL_SECONDS
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        raise Broken(f"{said}: no answer within {limit:.0f} s") from None
    if done.returncode:
        raise Broken(f"{said}: {done.stderr.strip()}")
    return done.stdout


class ApiServer:
    """A Kubernetes API server with RBAC and the default admission plugins, and how to speak to it."""

    admin_token = ADMIN_TOKEN

    def __init__(self, folder: Path, etcd_url: str, flags: Sequence[str] = ()) -> None:
        port = free_port()
        certificates = folder / "certificates"
        self.url = f"https://127.0.0.1:{port}"
        self.ca = certificates / "apiserver.crt"  # made by the API server, its own authority included
        self.kubeconfig = folder / "kubeconfig"
        self._folder = folder
        tokens = folder / "tokens.csv"
        tokens.write_text(f'{ADMIN_TOKEN},admin,admin,"system:masters"\n')
        self.kubeconfig.write_text(json.dumps(self._kubeconfig()))
        command = [
            str(find("kube-apiserver")),
            f"--etcd-servers={etcd_url}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={certificates}",
            # The API server's own key signs the ServiceAccounts' tokens too: one key less to make.
            f"--service-account-signing-key-file={certificates / 'apiserver.key'}",
            f"--service-account-key-file={certificates / 'apiserver.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/24",
            f"--token-auth-file={tokens}",
            "--authorization-mode=RBAC",
            "--endpoint-reconciler-type=none",
            *flags,
        ]
        self._process = Process(command, folder / "kube-apiserver.log", self._is_ready)

    def client(self, token: str = ADMIN_TOKEN, timeout: float = 10) -> httpx.Client:
        """An HTTP client for the holder of the token."""
        return httpx.Client(
            base_url=self.url,
            headers={"authorization": f"Bearer {token}"},
            verify=ssl.create_default_context(cafile=self.ca),
            timeout=timeout,
            trust_env=False,
        )

    def kubectl(self, *args: str | Path, stdin: str | None = None) -> str:
        """What kubectl prints, as the administrator; a `Broken` with its complaint when it fails."""
        return kubectl(self.kubeconfig, f"--cache-dir={self._folder / 'kubectl-cache'}", *args, stdin=stdin)

    def token(self, namespace: str, service_account: str) -> str:
        """A fresh token of the ServiceAccount, good for an hour."""
        return self.kubectl("create", "token", "-n", namespace, service_account).strip()

    def kubeconfig_of(self, namespace: str, service_account: str, folder: Path) -> Path:
        """A kubeconfig in the folder with which a process is the ServiceAccount, for an hour."""
        told = json.loads(self.kubeconfig.read_text(encoding="utf-8"))
        told["users"][0]["user"] = {"token": self.token(namespace, service_account)}
        path = folder / f"kubeconfig-{service_account}"
        path.write_text(json.dumps(told), encoding="utf-8")
        return path

    def start(self) -> None:
        """Starts it and waits until it is ready."""
        self._process.start()

    def kill(self) -> None:
        """Ends the API server alone and at once; etcd keeps what was written."""
        self._process.kill()

    def restart(self) -> None:
        """Ends it if it runs and brings it back: same port, same certificate, same keys."""
        self.kill()
        self.start()

    def _is_ready(self) -> bool:
        if not self.ca.exists():
            return False
        try:
            with self.client(timeout=2) as client:
                return client.get("/readyz").is_success
        except (httpx.TransportError, ssl.SSLError):  # the certificate may be half written
            return False

    def _kubeconfig(self) -> dict[str, Any]:
        cluster = {"server": self.url, "certificate-authority": str(self.ca)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": ADMIN_TOKEN}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }


@contextmanager
def api_server(folder: Path, flags: Sequence[str] = ()) -> Iterator[ApiServer]:
    """An API server on an etcd of its own. No controllers: Jobs get no pods until `controller_manager`."""
    with etcd(folder) as etcd_url:
        api = ApiServer(folder, etcd_url, flags)
        api.start()
        try:
            yield api
        finally:
            api.kill()


@contextmanager
def controller_manager(api: ApiServer, folder: Path) -> Iterator[Process]:
    """The controllers that Jobs, quotas and our policies need. There is no node, so pods stay Pending."""
    port = free_port()
    command = [
        str(find("kube-controller-manager")),
        f"--kubeconfig={api.kubeconfig}",
        f"--authentication-kubeconfig={api.kubeconfig}",
        f"--authorization-kubeconfig={api.kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'controller-certificates'}",
        f"--root-ca-file={api.ca}",
        f"--controllers={','.join(CONTROLLERS)}",
        "--leader-elect=false",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]
    # Its own self-signed certificate is new at every start, and /healthz carries nothing worth a check.
    with running(
        command, folder, lambda: answers(f"https://127.0.0.1:{port}/healthz", verify=False)
    ) as process:
        yield process


OPA_SECRET = {"token": "the-token-that-opa-accepts", "next": "the-token-that-comes-next"}
"""The Secret that knative/base/opa.yaml names."""


@dataclass(frozen=True)
class OpaServer:
    """Where it answers, where it tells how it is, and the process itself."""

    url: str
    diagnostics: str
    process: Process


@contextmanager
def opa(
    folder: Path,
    bundle: Path,
    port: int | None = None,
    secret: Mapping[str, str] = OPA_SECRET,
    wait: bool = True,
) -> Iterator[OpaServer]:
    """An OPA server with the bundle (a folder or an archive), as knative/base/opa.yaml runs it."""
    address, diagnostics = f"127.0.0.1:{port or free_port()}", f"127.0.0.1:{free_port()}"
    places = {
        "--addr=:8181": f"--addr={address}",
        "--diagnostic-addr=:8282": f"--diagnostic-addr={diagnostics}",
        "/policy/bundle": str(bundle.absolute()),
        "/policy/system": str(ROOT / "knative" / "opa"),
    }
    container = _opa_container()
    arguments = list(container["args"])
    for place, here in places.items():
        assert any(place in argument for argument in arguments), f"opa.yaml has no {place}"
        arguments = [argument.replace(place, here) for argument in arguments]
    env = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    from_secret = [entry for entry in container["env"] if "valueFrom" in entry]
    keys = {entry["name"]: entry["valueFrom"]["secretKeyRef"]["key"] for entry in from_secret}
    env |= {name: secret[key] for name, key in keys.items() if key in secret}

    def ready() -> bool:
        return not wait or answers(f"http://{diagnostics}/health?bundles")

    with running([str(find("opa")), *arguments], folder, ready, env) as process:
        yield OpaServer(f"http://{address}", f"http://{diagnostics}", process)


def _opa_container() -> dict[str, Any]:
    text = (ROOT / "knative" / "base" / "opa.yaml").read_text(encoding="utf-8")
    deployment = next(found for found in yaml.safe_load_all(text) if found["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(container)


@contextmanager
def alertmanager(
    folder: Path,
    config: str,
    port: int | None = None,
    cluster_port: int | None = None,
    flags: Sequence[str] = (),
) -> Iterator[str]:
    """An Alertmanager with the configuration; alone, or one of a pair that gossips. Yields its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "alertmanager.yml").write_text(config)
    address = f"127.0.0.1:{port or free_port()}"
    command = [
        str(find("alertmanager")),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        f"--cluster.listen-address={f'127.0.0.1:{cluster_port}' if cluster_port else ''}",
        *flags,
    ]
    with running(command, folder, lambda: answers(f"http://{address}/-/ready")):
        yield f"http://{address}"


@contextmanager
def prometheus(folder: Path, series: str, port: int | None = None) -> Iterator[str]:
    """A Prometheus that holds the series (OpenMetrics, with times) and scrapes nothing. Yields its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "series").write_text(series)
    (folder / "prometheus.yml").write_text("{}")
    data = folder / "prometheus"
    made = [
        str(find("promtool")),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--quiet",
        "--max-block-duration=486h",  # the input is read once for each block
        str(folder / "series"),
        str(data),
    ]
    done = subprocess.run(made, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise Broken(f"promtool: {done.stderr.strip()}")
    address = f"127.0.0.1:{port or free_port()}"
    command = [
        str(find("prometheus")),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=30d",
        f"--web.listen-address={address}",
    ]
    with running(command, folder, lambda: answers(f"http://{address}/-/ready")):
        yield f"http://{address}"


GO_BRACES = re.compile(r"\{\{`(\{\{|\}\})`\}\}")
"""How a Helm template writes the braces of Prometheus' own templates."""


def need(*binaries: str) -> None:
    """Skips the test and says why where one is not on this machine; with REQUIRE_REAL=1 it fails."""
    for binary in binaries:
        try:
            find(binary)
        except Missing as missing:
            if os.environ.get("REQUIRE_REAL") == "1":
                pytest.fail(str(missing), pytrace=False)
            pytest.skip(str(missing))
