"""What the story is played on: a laptop's processes (laptop.py) or a cluster (tests/cluster/incident.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import httpx

from tests.harness.incident import Database
from tests.harness.model import Reply
from tests.harness.pod import Ran
from tests.harness.site import Site
from tests.story.monitoring import Monitoring

Script = Callable[[Path], Sequence[Reply]]
"""What the model says, by the folder in which the agent works."""
START = {"typedb-data": 880, "postgres-data": 320}
"""Files of each volume as the story begins, which is 69 and 50 %."""


class Parts(Protocol):
    unit: str
    """Of the volumes' sizes: Gi as in the incident, or Mi where all is smaller."""
    admin: httpx.Client
    site: Site
    monitoring: Monitoring

    def kubectl(self, *arguments: str | Path, stdin: str | None = None) -> str: ...

    def fill(self, claim: str, files: int) -> None:
        """The claim's volume, to so many files, a few at a time."""

    def audit(self) -> list[Any]:
        """The lines that the function has written down."""

    def run(self, pod: Any, script: Script, running: Callable[[], None]) -> Ran:
        """The Job's pod, to its end; `running` is called once its containers run."""

    def runs(self, claim: str) -> list[Any]:
        """What the world model remembers of runs about the claim."""

    def enrol(self) -> None:
        """Has OPA decide by the policy with the overlay that the monitoring page shows."""


def databases(unit: str) -> tuple[Database, Database]:
    """The incident's, and another one."""
    return (
        Database("typedb", "typedb/typedb:3.4.0", 1729, "pvc-5b1d", f"20{unit}", f"100{unit}"),
        Database("postgres", "postgres:17.2", 5432, "pvc-9c40", f"10{unit}", f"20{unit}"),
    )
