"""The manifests under knative/, and the paths of what they make."""

from __future__ import annotations

from tests.harness.process import ROOT, TIER_FILES

KNATIVE = ROOT / "knative"
TIERS = [path.stem for path in TIER_FILES]
MANIFESTS = [
    KNATIVE / "base" / f"{name}.yaml" for name in ("agents", "dispatcher", "admission", "reading", "ceilings")
]
MANIFESTS += [KNATIVE / "tiers" / f"{tier}.yaml" for tier in TIERS]
MANIFESTS += [KNATIVE / "worldmodel" / f"{name}.yaml" for name in ("rbac", "network", "worldmodel")]
AGENTS = "/apis/batch/v1/namespaces/sre-agents"
JOBS = f"{AGENTS}/jobs"
PODS = "/api/v1/namespaces/sre-agents/pods"
