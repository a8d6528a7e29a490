"""The files of a pod's report container, and what an agent leaves for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.harness.default_model import MODEL

PLAIN: dict[str, Any] = {
    "mode": "investigate",
    "model": MODEL,
    "servers": {"world": {"url": "http://127.0.0.1:8001/mcp", "tools": ["get_resource_context"]}},
}
EVENT = {"identity": "ab" * 32, "alertname": "PVCUsageHigh", "namespace": "f3iai", "cluster": "fmc"}
DECISION = {"mode": "investigate", "grant": {"tier": "investigate"}}


def pod(folder: Path, event: Any = EVENT, **reporting: Any) -> dict[str, str]:
    """The environment of a pod whose files are in the folder."""
    files = {
        "prompt": "# Look",
        "event": json.dumps(event),
        "decision": json.dumps(DECISION if event else {}),
    }
    files |= {"tier.json": json.dumps(PLAIN), "report.json": json.dumps(reporting)}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    paths = {"INPUTS": folder, "TIER": folder, "HANDOFF": folder, "TERMINATION_LOG": folder / "end"}
    return {f"SRE_DISPATCH_AGENT_{name}": str(path) for name, path in paths.items()}
