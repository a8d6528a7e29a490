"""The operations page (knative/README.md) as commands that can be run as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.cluster import Cluster
from tests.harness.components import Broken
from tests.harness.manifests import KNATIVE
from tests.harness.process import ROOT

COMMANDS_SECONDS = 900
BUILT_BEFORE = "make image"
"""The command that .ci/cluster has run before there is a cluster."""


def sections(page: Path = KNATIVE / "README.md") -> dict[str, list[str]]:
    """A page's commands by heading, in order; a line that is indented by four is one, in a list by seven."""
    text = page.read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.M)[1:]
    found = {
        title: re.findall(r"^ {4}(?: {3})?(\S.*)$", body, re.M)
        for title, body in zip(parts[::2], parts[1::2], strict=True)
    }
    return {title: commands for title, commands in found.items() if commands}


@dataclass(frozen=True)
class Page:
    """The page, and a copy of what its commands stand in."""

    cluster: Cluster
    folder: Path

    def run(self, section: str) -> str:
        """What the section's commands print, one after the other; the first that fails is a `Broken`."""
        return self.run_these(sections()[section])

    def run_these(self, commands: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
        """The same of some of them."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
            cwd=self.folder,
            env=self.cluster.environment() | dict(environment or {}),
            capture_output=True,
            text=True,
            timeout=COMMANDS_SECONDS,
            check=False,
        )
        if done.returncode:
            raise Broken(f"{commands}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout + done.stderr


def copied(cluster: Cluster, folder: Path, objects: Sequence[Mapping[str, Any]]) -> Page:
    """The page's commands in a copy, since they make an overlay: it gets these objects, of this cluster."""
    shutil.copytree(KNATIVE, folder / "knative")
    shutil.copy(ROOT / "Makefile", folder)
    page = Page(cluster, folder)
    page.run_these([command for command in sections()["Install"] if command.startswith("cp ")])
    ours = folder / "knative" / "overlays" / "ours"
    (ours / "all.yaml").write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    (ours / "kustomization.yaml").write_text("resources: [all.yaml]\n", encoding="utf-8")
    return page
