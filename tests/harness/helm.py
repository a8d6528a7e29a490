"""What Helm makes of the chart's values and ours: maps merge, lists are replaced, the last file wins."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from tests.harness.process import ROOT

MONITORING = ROOT / "knative" / "monitoring"
CHART = ROOT / "tests" / "monitoring" / "chart-values.yaml"
VALUES = MONITORING / "monitoring-values.yaml"
PATCH = MONITORING / "alertmanager-config-patch.yaml"
MORE = MONITORING / "alertmanager-more-routes.yaml"


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """As MergeMaps of Helm 3 (pkg/chart/v2/loader/load.go) does."""
    return {
        **under,
        **{
            key: merge(under[key], value)
            if isinstance(value, Mapping) and isinstance(under.get(key), Mapping)
            else value
            for key, value in over.items()
        },
    }


def merged(*files: Path) -> dict[str, Any]:
    """The values of the files in their order, over the chart's."""
    return reduce(merge, map(load, files), load(CHART))


def configuration(*files: Path) -> Any:
    """What Alertmanager is given."""
    return merged(*files)["alertmanager"]["config"]
