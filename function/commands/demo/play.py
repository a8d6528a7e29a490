"""Sends the incident's deliveries to a function on this machine, and collects the results."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from function.commands.demo import process, sample
from function.dispatch.settings import OLD_NAMES, Settings
from function.shared.errors import Misconfigured, Unavailable, first_error
from function.shared.memory import Store
from function.shared.resource import Resource

JOBS = Path(".dispatched")
WORLD = Path(".worldmodel.db")
CLUSTER = "demo"
"""The cluster's name."""
KEPT = ("SRE_DISPATCH_ROOT", "SRE_DISPATCH_POLICIES")
"""The settings that the demo takes from the environment. It ignores or overrides all other settings, so that
it makes no connection to another machine."""
OURS = ("SRE_DISPATCH_", "K_")


@dataclass(frozen=True)
class Tier:
    """The fields of a tier.json that the screen shows. The function's image has no runner, so this does not
    use function/runner/tier.py."""

    mode: str
    model: str
    max_turns: int
    max_cost_usd: float
    seconds: int
    """The time limit of the agent's run."""


NEEDED = ("prompts", "policies/main.rego", "knative/tiers")


@dataclass(frozen=True)
class Stage:
    environment: Mapping[str, str]
    """The environment variables of the function."""
    settings: Settings
    """The settings that the function reads from its environment."""


@dataclass(frozen=True)
class Played:
    """The result of one delivery."""

    delivery: str
    status: int
    """The status of the function's reply."""
    line: Mapping[str, Any]
    """The audit line of the delivery's alert."""
    facts: Mapping[str, Any]
    """The world model's facts by kind. It is empty if the function requested no facts."""
    tier: Tier | None
    """The granted tier, or None."""
    manifest: Path | None
    prompt: Path | None

    @property
    def outcome(self) -> str:
        return str(self.line["audit"]["outcome"])


def prepare(environment: Mapping[str, str], port: int | None) -> Stage:
    """Checks and returns all that the demo needs. The message of Misconfigured says what is wrong and what to
    do."""
    stage = _stage(environment, process.free_port(port))
    _check_files(stage.settings)
    return stage


def play(stage: Stage, progress: Callable[[str], None]) -> Generator[Played, None, None]:
    """Plays the incident. It sends each delivery when the caller requests the next value. The caller must
    close the generator. Raises DispatchError."""
    settings, store = stage.settings, Store(WORLD)
    progress("starting the function ...")
    with process.running(stage.environment, settings.port) as function:
        for number, name in enumerate(sample.DELIVERIES, 1):
            progress(f"sending alert {number} of {len(sample.DELIVERIES)} ...")
            sample.fill(store, datetime.now(UTC), name, settings.cluster)
            status, lines = function.post(sample.delivery(name))
            if len(lines) != 1:
                what = f"the function answered {status} and handled no alert: run `sre-dispatch check`"
                raise Unavailable("no_audit", what)
            yield _played(name, status, lines[0], store, settings)


def as_json(played: Played) -> dict[str, Any]:
    tier = played.tier
    return {
        "delivery": played.delivery,
        "status": played.status,
        **played.line,
        "facts": played.facts,
        "tier": tier and {"mode": tier.mode, "model": tier.model, "seconds": tier.seconds},
        "manifest": played.manifest and str(played.manifest),
        "prompt_file": played.prompt and str(played.prompt),
    }


def _stage(environment: Mapping[str, str], port: int) -> Stage:
    ours = {
        "HOST": process.HOST,
        "PORT": str(port),
        "SRE_DISPATCH_AUTH": "none",
        "SRE_DISPATCH_CLUSTER": CLUSTER,
        "SRE_DISPATCH_POLICY": "embedded",
        "SRE_DISPATCH_JOBS": "folder",
        "SRE_DISPATCH_JOBS_FOLDER": str(JOBS.absolute()),
        "SRE_DISPATCH_CONTEXT": "file",
        "SRE_DISPATCH_CONTEXT_FILE": str(WORLD.absolute()),
    }
    kept = {name: str(Path(environment[name]).absolute()) for name in KEPT if environment.get(name)}
    others = {name: value for name, value in environment.items() if not name.startswith(OURS)}
    for old in OLD_NAMES:
        others.pop(old, None)
    return Stage(others | ours | kept, Settings.read(ours | kept))


def _check_files(settings: Settings) -> None:
    """Raises Misconfigured if a file is missing or a folder is not writable."""
    for name in NEEDED:
        path = settings.policies / "main.rego" if name.startswith("policies") else settings.root / name
        if not path.exists():
            raise Misconfigured(
                f"there is no {path}: set SRE_DISPATCH_ROOT to a checkout of sre-dispatch, which has "
                "prompts, policies and tiers"
            )
    try:
        JOBS.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=JOBS):
            pass
    except OSError as error:
        raise Misconfigured(
            f"cannot write to {JOBS} ({error.strerror}): move it away, or change to a folder of yours"
        ) from None


def _played(name: str, status: int, line: Any, store: Store, settings: Settings) -> Played:
    audit, decision = line["audit"], line["decision"]
    facts = {}
    if line["context"]["status"] in ("complete", "partial"):
        claim = Resource(*(audit.get(name, "") for name in Resource._fields))
        told = (*store.recall(claim), store.memory(claim, audit["alertname"]))
        facts = {each.kind: each.data for each in told}
    manifest = JOBS / f"{audit['job']}.yaml" if audit.get("job") else None
    if manifest and not manifest.exists():
        manifest = None
    granted = None
    if decision and decision["grant"]:
        granted = tier(settings.root / "knative" / "tiers", decision["grant"]["template"])
    return Played(name, status, line, facts, granted, manifest, _prompt(manifest))


def _prompt(manifest: Path | None) -> Path | None:
    """Writes the Job's prompt to a file beside the manifest. Returns the file's path."""
    if manifest is None:
        return None
    job = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    path = manifest.with_suffix(".prompt.md")
    text = job["spec"]["template"]["metadata"]["annotations"]["sre-dispatch/prompt"]
    path.write_text(text, encoding="utf-8")
    return path


def tier(folder: Path, name: str) -> Tier | None:
    """Returns the limits in the tier's ConfigMap, or None if there is no such ConfigMap. Raises
    Misconfigured."""
    for path in sorted(folder.glob("*.yaml")):
        for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if manifest and manifest["kind"] == "ConfigMap" and manifest["metadata"]["name"] == name:
                try:
                    return TypeAdapter(Tier).validate_json(manifest["data"]["tier.json"])
                except ValidationError as error:
                    where, what = first_error(error)
                    raise Misconfigured(f"{path}: tier.json: {where or 'it'}: {what}") from None
    return None
