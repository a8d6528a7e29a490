"""The manifests under knative/, and the paths of what they make."""

from __future__ import annotations

import yaml

from tests.harness.process import ROOT, TIER_FILES

KNATIVE = ROOT / "knative"
KIND = KNATIVE / "overlays" / "kind"
CLUSTER: str = yaml.safe_load((KIND / "cluster.yaml").read_text(encoding="utf-8"))["data"]["name"]
"""The name of a test cluster. Tickets and merge requests are only written for a cluster that has one."""
TIERS = [path.stem for path in TIER_FILES]
MANIFESTS = [
    KNATIVE / "base" / f"{name}.yaml" for name in ("agents", "dispatcher", "admission", "reading", "ceilings")
]
MANIFESTS += [KNATIVE / "tiers" / f"{tier}.yaml" for tier in TIERS]
MANIFESTS += [KNATIVE / "worldmodel" / f"{name}.yaml" for name in ("rbac", "network", "worldmodel")]
AGENTS = "/apis/batch/v1/namespaces/sre-agents"
JOBS = f"{AGENTS}/jobs"
PODS = "/api/v1/namespaces/sre-agents/pods"
