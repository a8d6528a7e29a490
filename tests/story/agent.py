"""`make agent`: the agent of the incident's second alert, on this machine and without a cluster: the real
runner and the real Claude Code, with the sample world as its MCP server.

With ANTHROPIC_API_KEY a real model investigates, at its price; without, a scripted one plays its part.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from function.commands.demo.play import CLUSTER, JOBS, WORLD
from function.shared.memory import Store
from function.shared.runs import Run
from function.shared.strict_json import to_json
from tests.harness.components import Missing, find
from tests.harness.container import environment, investigating
from tests.harness.model import call, model, outcome, real, text
from tests.harness.worldmodel import world_model

TIER = "investigate"
CLAIM = {"resource_type": "k8s_pvc", "namespace": "f3iai", "resource_id": "typedb-data"}
SCRIPT = (
    [text("First what is known of the volume."), call("mcp__world__get_resource_context", **CLAIM)],
    [text("What was done before?"), call("mcp__world__list_outcomes", resource_id="typedb-data")],
    [
        outcome(
            summary="typedb-data fills by 0.05 GiB an hour; its claim can be grown, up to 100Gi.",
            root_cause="1157 write-ahead log files pile up: no checkpoint was written for weeks.",
            evidence=["used 18.08 of 20 GiB by the last sample", "ceph-rbd allows expansion, ceiling 100Gi"],
            follow_up="Grow the claim to 40Gi, then see why no checkpoint is written. Do not restart typedb.",
        )
    ],
)


def heading(text: str) -> None:
    print(f"\n==== {text}\n")


def main() -> None:
    try:
        find("claude")
    except Missing:
        sys.exit("Claude Code is not here: tests/real/tools/build claude fetches it from npm")
    annotations = given()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder, memory = Path(name), WORLD.absolute()
        named = {"SRE_DISPATCH_WORLD_MODEL_FILE": str(memory), "SRE_DISPATCH_CLUSTER": CLUSTER}
        world = stack.enter_context(world_model(folder / "world", **named))
        variables = container(folder, investigating(world, seconds=600), annotations)
        variables |= stack.enter_context(asked())
        status = watched(variables)
        told = json.loads((folder / "termination").read_text(encoding="ascii"))
    heading(f"the termination message; the runner ended with {status}")
    print(json.dumps(told, indent=2))
    if told.get("outcome"):
        remembered(told, json.loads(annotations["event"]))
        print(f"\nkept in {WORLD.name}: rm -r .dispatched; make run shows it to the next agent")


def given() -> dict[str, str]:
    """What the Job of that alert brings along: prompt, event and decision."""
    for path in sorted(JOBS.glob("sre-*.yaml")):
        manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
        if manifest["metadata"]["labels"]["sre-dispatch/tier"] == TIER:
            found = manifest["spec"]["template"]["metadata"]["annotations"]
            return {name.removeprefix("sre-dispatch/"): value for name, value in found.items()}
    sys.exit("there is no Job for an agent yet: make run makes one")


def container(folder: Path, tier: Mapping[str, Any], annotations: Mapping[str, str]) -> dict[str, str]:
    """The files of the agent's container in the folder, and the environment that names them."""
    for name in ("dispatch", "work", "home", "tmp"):
        (folder / name).mkdir()
    for name, value in annotations.items():
        (folder / "dispatch" / name).write_text(value, encoding="utf-8")
    (folder / "tier.json").write_text(json.dumps(tier), encoding="utf-8")
    return environment(folder)


@contextlib.contextmanager
def asked() -> Iterator[dict[str, str]]:
    """The model that is asked, as the runner's environment names it."""
    if told := real():
        heading("a real model investigates")
        yield told
        return
    heading("a scripted model, as ANTHROPIC_API_KEY is not set; Claude Code, runner and server are real")
    with model(*SCRIPT) as scripted:
        yield {"ANTHROPIC_API_KEY": "a-key-that-nobody-checks", "ANTHROPIC_BASE_URL": scripted.url}


def watched(variables: Mapping[str, str]) -> int:
    """Runs the runner to its end, and shows what its agent does while it does it."""
    command = (sys.executable, "-m", "function.runner", "agent")
    process = subprocess.Popen(command, env=dict(variables), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        for shown in steps(json.loads(line)):
            print(shown, flush=True)
    return process.wait()


def steps(event: Mapping[str, Any]) -> Iterator[str]:
    """What a person wants to see of an event."""
    content = (
        (event.get("message") or {}).get("content") if event.get("type") in ("assistant", "user") else ()
    )
    for block in content if isinstance(content, list) else ():
        if block["type"] == "text" and event["type"] == "assistant":
            yield f"says      {to_json(block['text'])[1:-1]}"
        elif block["type"] == "tool_use":
            yield f"calls     {block['name']} {to_json(block['input'])[:160]}"
        elif block["type"] == "tool_result":
            yield f"is told   {to_json(block['content'])[:160]}"


def remembered(told: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Keeps the run where the next agent is told of it."""
    found = told["outcome"]
    Store(WORLD).record(
        Run(
            session=told["session"],
            at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            **{name: event[name] for name in ("resource_type", "resource_id", "namespace", "cluster")},
            alertname=event["alertname"],
            status=found["status"],
            action="; ".join(found.get("actions", ())) or "changed nothing",
            verification="none",
            confidence=found["confidence"],
            root_cause=found["root_cause"],
        )
    )


if __name__ == "__main__":
    main()
