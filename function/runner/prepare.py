"""The first container of a tier that proposes: the repository's files, for the agent to change."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from function.errors import Misconfigured, reason
from function.model import to_json
from function.runner import given, handover, proposal, signals, tier
from function.runner.git import Git
from function.runner.given import Places


def main(environment: Mapping[str, str]) -> int:
    """Always 0: an agent that cannot begin says why, and its report reaches people; a pod that failed here
    would reach nobody."""
    signals.heed(lambda: sys.exit(0))
    places = Places.read(environment)
    try:
        print(to_json({"prepared": fetch(places, environment)}), flush=True)
    except Exception as error:  # noqa: BLE001  whatever it is, people have to be told
        _obstruct(places, reason(error))
    return 0


def fetch(places: Places, environment: Mapping[str, str]) -> int:
    """How many files the agent was given; a try-out has no resource, and so no repository. Raises
    Misconfigured and Unavailable."""
    allowed, reporting = tier.read(places.tier), tier.read_reporting(places.tier)
    event = given.read(places.dispatch, allowed).event
    if not event:
        return 0
    repository = proposal.repository_of(event, reporting.repositories)
    if repository is None:
        raise Misconfigured("no repository is known for this resource: name it in the tier's report.json")
    git = Git(places.git, reporting.git_file, environment)
    commit = git.fetch(repository.url, repository.branch)
    return proposal.materialize(git, commit, places.work)


def _obstruct(places: Places, why: str) -> None:
    handover.obstruct(places.handover, f"the repository could not be fetched: {why}")
    print(to_json({"obstacle": why}), flush=True)
