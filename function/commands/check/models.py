"""Checks whether the models of the tiers are retired, or will retire soon."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from function.commands.check import retirement
from function.commands.check.cluster import ClusterAudit
from function.commands.check.rows import Row
from function.dispatch.model import Grant
from function.shared.errors import DispatchError, Misconfigured


def model_rows(cluster: ClusterAudit, root: Path, grants: Iterable[Grant], today: date) -> Iterator[Row]:
    """Yields one row for each tier. The table of retirement dates is below `root`."""
    try:
        retires = retirement.read(root)
    except Misconfigured as error:
        yield Row("models", passed=False, detail=str(error))
        return
    for grant in grants:
        name = f"model: {grant.tier}"
        try:
            named = retirement.named(cluster.config_map(grant.template), grant.template)
        except DispatchError as error:
            yield Row(name, passed=False, detail=str(error))
            continue
        standing, detail = retirement.judge(named, retires, today)
        yield Row(name, passed=standing != "retired", detail=detail, warning=standing == "retiring")
