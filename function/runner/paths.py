"""Where things are in a container of the Job."""

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
"""Settings as they were called up to 0.1.0, and as they are called now."""


@dataclass(frozen=True)
class Paths:
    """Where things are in the container."""

    inputs: Path
    tier: Path
    program: Path
    work: Path
    """Where the agent works: the clone's files, if there is a clone."""
    git: Path
    """The clone's own folder, which the agent's container has not."""
    handoff: Path
    termination_log: Path

    @staticmethod
    def read(environment: Mapping[str, str]) -> Paths:
        """Raises Misconfigured, naming the variable, for a name that it no longer has."""
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
