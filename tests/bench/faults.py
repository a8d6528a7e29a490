"""What one fault costs: the seconds from its end to the Job, and how a real Alertmanager was answered."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.bench.figures import Figure, progress
from tests.bench.stage import COMPONENTS, Behind, components, function
from tests.harness.components import Missing, alertmanager, find, wait_until
from tests.harness.fault_proxy import Call, FaultProxy, Target, fault_proxies
from tests.harness.faults import SINGLE, Hold, begin, end, on
from tests.harness.firing import ROUTE, alert, fire
from tests.harness.manifests import JOBS
from tests.harness.recorder import Attempt, Recorder, recording
from tests.harness.server import Server
from tests.harness.worldmodel import WorldModel, world_model

SECTION = "seconds from a fault's end to the Job, and Alertmanager's replies"
"""The fault lasts until Alertmanager has the first reply. If that reply accepts the alert, the seconds are
from the alert to the Job."""
USUAL, KILLED = "no fault", "function, killed at its create"
SECONDS, EVERY = 120, 0.01


@dataclass(frozen=True)
class Scene:
    """A real Alertmanager, the function with its dependencies behind proxies, and all that passes between."""

    ways: Mapping[str, FaultProxy]
    admin: httpx.Client
    recorder: Recorder
    sender: str
    """Alertmanager's URL."""
    servers: tuple[Server, Server]
    """The function that answers, and another that can take its place."""


def measured() -> Iterator[Figure]:
    try:
        for binary in (*COMPONENTS, "alertmanager"):
            find(binary)
    except Missing as missing:
        print(f"faults are not measured: {missing}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as name, components(Path(name)) as behind:
        progress("starting the world model, the function and Alertmanager")
        with _scene(behind) as scene:
            yield from _figures(scene)


@contextmanager
def _scene(behind: Behind) -> Iterator[Scene]:
    with ExitStack() as stack:
        world = stack.enter_context(world_model(behind.folder / "world"))
        targets = [Target(behind.api.url, behind.api.ca), Target(behind.opa_url), Target(world.url)]
        proxies = stack.enter_context(fault_proxies(targets))
        ways = dict(zip(("API server", "OPA", "world model"), proxies, strict=True))
        settings = _settings(behind, world, ways)
        first, second = (
            stack.enter_context(function(behind.folder / name, settings)) for name in ("first", "second")
        )
        recorder = stack.enter_context(recording("127.0.0.1", f"{first.url}/alertmanager"))
        config = ROUTE.format(
            url=recorder.url.removesuffix("/alertmanager"),
            token=behind.folder / "first" / "token",
            repeat="1h",
            wait="10ms",
            interval="5m",
        )
        sender = stack.enter_context(alertmanager(behind.folder / "alertmanager", config))
        admin = stack.enter_context(behind.api.client())
        yield Scene(ways, admin, recorder, sender, (first, second))


def _settings(behind: Behind, world: WorldModel, ways: Mapping[str, FaultProxy]) -> dict[str, str]:
    return {
        **behind.settings(ways["API server"].url, ways["OPA"].url),
        "SRE_DISPATCH_CONTEXT": "world-model",
        "SRE_DISPATCH_WORLD_MODEL_URL": f"{ways['world model'].url}/jsonrpc",
        "SRE_DISPATCH_WORLD_MODEL_TOKEN_FILE": str(world.folder / "reader"),
    }


def _figures(scene: Scene) -> Iterator[Figure]:
    _without_fault(scene, "warm-up")  # the admission policies are in force, and all is imported
    usual, seconds = _without_fault(scene, USUAL)
    yield Figure(SECTION, usual, seconds)
    for dependency in scene.ways:
        for fault in SINGLE:
            name, seconds = _with_fault(scene, dependency, fault)
            yield Figure(SECTION, name, seconds, usual)
    name, seconds = _with_a_kill(scene)
    yield Figure(SECTION, name, seconds, usual)


def _without_fault(scene: Scene, title: str) -> tuple[str, float]:
    return _done(scene, title, _fired(scene, title))


def _with_fault(scene: Scene, dependency: str, fault: str) -> tuple[str, float]:
    title, way = f"{dependency}, {fault}", scene.ways[dependency]
    begin(way, SINGLE[fault])
    since = _fired(scene, title)
    wait_until(lambda: bool(_attempts(scene, title)), "the first reply", SECONDS, EVERY)
    end(way)
    if not _attempts(scene, title)[0].accepted:
        since = time.monotonic()
    return _done(scene, title, since)


def _with_a_kill(scene: Scene) -> tuple[str, float]:
    """The function ends before its Job is created, and another process of it answers from then on."""
    way, hold = scene.ways["API server"], Hold()
    first, second = scene.servers
    begin(way, on(_is_create, hold))
    _fired(scene, KILLED)
    assert hold.reached.wait(SECONDS)
    scene.recorder.passes_to = f"{second.url}/alertmanager"
    end(way)
    first.process.send_signal(signal.SIGKILL)
    return _done(scene, KILLED, time.monotonic())


def _is_create(call: Call) -> bool:
    return call.method == "POST" and call.path.startswith(JOBS)


def _fired(scene: Scene, title: str) -> float:
    """Fires a new alert, and returns the time."""
    progress(title)
    since = time.monotonic()
    fire(scene.sender, alert("data", namespace=_namespace(title)))
    return since


def _done(scene: Scene, title: str, since: float) -> tuple[str, float]:
    """Waits until the delivery is accepted. Returns the title with the status of each reply, and the seconds.
    Each accepted delivery must have one Job."""
    wait_until(lambda: any(each.accepted for each in _attempts(scene, title)), "the delivery", SECONDS, EVERY)
    seconds = time.monotonic() - since
    jobs = scene.admin.get(JOBS).raise_for_status().json()["items"]
    accepted = {each.group for each in list(scene.recorder.attempts) if each.accepted}
    assert len(jobs) == len(accepted), (title, len(jobs), len(accepted))
    return f"{title}: {' '.join(str(each.status) for each in _attempts(scene, title))}", seconds


def _attempts(scene: Scene, title: str) -> list[Attempt]:
    group = f'namespace="{_namespace(title)}"'
    return [each for each in list(scene.recorder.attempts) if group in each.group]


def _namespace(title: str) -> str:
    """Each alert has a namespace of its own, and so a group of its own in Alertmanager."""
    return title.lower().replace(",", "").replace(" ", "-")
