"""Defines the paths in the Job's containers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from function.shared.environment import refuse_old_names

OLD_NAMES = {
    "AGENT_DISPATCH": "SRE_DISPATCH_AGENT_INPUTS",
    "AGENT_GIT": "SRE_DISPATCH_AGENT_GIT",
    "AGENT_HANDOVER": "SRE_DISPATCH_AGENT_HANDOFF",
    "AGENT_PROGRAM": "SRE_DISPATCH_AGENT_PROGRAM",
    "AGENT_TERMINATION": "SRE_DISPATCH_AGENT_TERMINATION_LOG",
    "AGENT_TIER": "SRE_DISPATCH_AGENT_TIER",
    "AGENT_WORK": "SRE_DISPATCH_AGENT_WORK",
}
"""The names of settings in earlier versions, and the present names."""


@dataclass(frozen=True)
class Paths:
    """The paths of a run. README.md in this folder lists their variables."""

    inputs: Path
    tier: Path
    program: Path
    work: Path
    """The agent's working folder. If the tier has a repository, the folder contains its files."""
    git: Path
    """The bare repository. The agent's container does not mount the repository."""
    handoff: Path
    termination_log: Path

    @staticmethod
    def read(environment: Mapping[str, str]) -> Paths:
        """Reads the paths. Raises Misconfigured if a variable has its old name."""
        refuse_old_names(environment, OLD_NAMES)
        get = environment.get
        return Paths(
            inputs=Path(get("SRE_DISPATCH_AGENT_INPUTS", "/etc/sre-dispatch")),
            tier=Path(get("SRE_DISPATCH_AGENT_TIER", "/etc/sre-agent")),
            program=Path(get("SRE_DISPATCH_AGENT_PROGRAM", "/usr/local/bin/claude")),
            work=Path(get("SRE_DISPATCH_AGENT_WORK", "/work")),
            git=Path(get("SRE_DISPATCH_AGENT_GIT", "/git")),
            handoff=Path(get("SRE_DISPATCH_AGENT_HANDOFF", "/run/sre-agent")),
            termination_log=Path(get("SRE_DISPATCH_AGENT_TERMINATION_LOG", "/dev/termination-log")),
        )
