"""Role `prepare`: fetches the files of the repository for an agent that proposes changes."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from function.runner import handoff, inputs, signals, tier
from function.runner.checkout import materialize
from function.runner.git import Git
from function.runner.git_process import GitProcess
from function.runner.paths import Paths
from function.shared.errors import Misconfigured, reason
from function.shared.strict_json import to_json


def main(environment: Mapping[str, str]) -> int:
    """Returns 0 even after a failure. After a failure the agent does not start, and the report names the
    reason. If the pod failed here, there would be no report."""
    signals.on_terminate(lambda: sys.exit(0))
    paths = Paths.read(environment)
    try:
        print(to_json({"prepared": fetch(paths, environment)}), flush=True)
    except Exception as error:  # noqa: BLE001  the report has to name any error
        _obstruct(paths, reason(error))
    return 0


def fetch(paths: Paths, environment: Mapping[str, str]) -> int:
    """Fetches the files and returns their number. A try-out has no resource, so it has no repository. Raises
    Misconfigured and Unavailable."""
    allowed, reporting = tier.read(paths.tier), tier.read_reporting(paths.tier)
    event = inputs.read(paths.inputs, allowed).event
    if not event:
        return 0
    repository = tier.repository_of(event, reporting.repositories)
    if repository is None:
        raise Misconfigured("no repository is known for this resource: add it to the tier's report.json")
    git = Git(GitProcess(paths.git, reporting.git_file, environment))
    commit = git.fetch(repository.url, repository.branch)
    return materialize(git, commit, paths.work)


def _obstruct(paths: Paths, why: str) -> None:
    handoff.obstruct(paths.handoff, f"the repository could not be fetched: {why}")
    print(to_json({"obstacle": why}), flush=True)
