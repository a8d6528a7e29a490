"""`make run`: the function, started on this machine, is sent the two deliveries of the incident."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import httpx
import yaml

from function.shared.memory import Store
from tests import world
from tests.process import ROOT, free_port, is_ready, stopping

JOBS = ROOT / ".dispatched"
WORLD = ROOT / ".worldmodel.db"
READY_SECONDS = 20
INCIDENT = ("incident-75", "incident-90")


def main() -> None:
    world.fill(Store(WORLD), datetime.now(UTC))
    port = free_port()
    settings = {
        "SRE_DISPATCH_AUTH": "none",
        "SRE_DISPATCH_POLICY": "embedded",
        "SRE_DISPATCH_JOBS": "folder",
        "SRE_DISPATCH_JOBS_FOLDER": str(JOBS),
        "SRE_DISPATCH_CONTEXT": "file",
        "SRE_DISPATCH_CONTEXT_FILE": str(WORLD),
    }
    command = [sys.executable, "-m", "function", "serve", "--port", str(port)]
    process = subprocess.Popen(
        command, env=os.environ | settings, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    with stopping(process):
        url = f"http://127.0.0.1:{port}"
        if not is_ready(process, url, READY_SECONDS):
            sys.exit("the function did not start: see above")
        for name in INCIDENT:
            reply = httpx.post(
                f"{url}/alertmanager",
                content=(ROOT / "tests" / "deliveries" / f"{name}.json").read_bytes(),
                headers={"Content-Type": "application/json"},
                timeout=30,
            )
            assert process.stdout is not None
            show(name, reply, json.loads(process.stdout.readline()))
    print(WHAT_NEXT)


def show(name: str, reply: httpx.Response, line: dict[str, Any]) -> None:
    told, decision = line["audit"], line["decision"]
    heading(f"tests/deliveries/{name}.json: {told['alertname']} on {told['namespace']}/{told['resource_id']}")
    print(f"reply     {reply.status_code} {reply.text}")
    print(" ".join(filter(None, ("outcome  ", told["outcome"], told.get("code")))))
    path = JOBS / f"{told['job']}.yaml"
    print(f"job       {path.relative_to(ROOT)}")
    if decision is None:
        print("decision  none asked for, as its Job exists; rm -r .dispatched starts over")
        return
    print(f"decision  {decision['initial']} asked, {decision['effective']} decided: {decision['mode']}")
    for reason in decision["reasons"]:
        print(f"          {reason['level']} by {reason['code']} (rule {reason['rule']})")
    gaps = f" ({', '.join(line['context']['gaps'])})" if line["context"]["gaps"] else ""
    print(f"context   {line['context']['status']}{gaps}, of a sample world in {WORLD.name}")
    manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    annotations = manifest["spec"]["template"]["metadata"]["annotations"]
    heading(f"the prompt, from {line['prompt']['template']}")
    print(annotations["sre-dispatch/prompt"])
    heading(f"the Job; the whole of it is {path.relative_to(ROOT)}")
    print(yaml.safe_dump({"metadata": manifest["metadata"]}, sort_keys=False, width=110))
    pod = manifest["spec"]["template"]["spec"]
    print(f"runs as   {pod['serviceAccountName']}, for {pod['activeDeadlineSeconds']} s at the most")
    for container in (*pod["initContainers"], *pod["containers"]):
        print(f"container {container['name']:11} {container['image']} {' '.join(container.get('args', ()))}")


def heading(text: str) -> None:
    print(f"\n==== {text}\n")


WHAT_NEXT = """
==== what next

  make run                                    again: both alerts are duplicates now
  .venv/bin/sre-dispatch record tests/runs/grew-to-40gi.json
  rm -r .dispatched; make run                 the next agent is told what was done before, and what came of it
  .venv/bin/sre-dispatch explain tests/deliveries/asks-low.json --context .worldmodel.db
                                              with its context known, an enrolled alert is LOW
  .venv/bin/sre-dispatch explain tests/deliveries/destructive.json
                                              what the policy stops, and why
  .venv/bin/sre-dispatch serve --help         run the function yourself; README.md lists its settings
  prompts/alerts, policies/rules              where to add an alert's page, where a rule
"""

if __name__ == "__main__":
    main()
