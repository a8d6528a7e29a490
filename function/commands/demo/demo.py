"""Plays the incident and prints a screen for each alert, as soon as the function has answered."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from function.commands.demo import play, sample, screen
from function.dispatch import policy_files

DURABLE = 300
"""The lowest status that is no success. Below it every alert has a final outcome."""


def screens(environment: Mapping[str, str], port: int | None, *, full: bool) -> bool:
    """Prints a screen for each alert. Returns whether an alert was deferred."""
    stage = play.prepare(environment, port)
    notes = policy_files.notes(policy_files.read(stage.settings.policies))
    click.echo(screen.INTRODUCTION)
    deferred, outcomes = False, set()
    with contextlib.closing(play.play(stage, progress)) as deliveries:
        for number, played in enumerate(deliveries, 1):
            progress("")
            click.echo(screen.screen(played, number, len(sample.DELIVERIES), notes))
            if full:
                click.echo(screen.whole(played))
            deferred |= played.status >= DURABLE
            outcomes.add(played.outcome)
    click.echo(screen.what_next(_program(), duplicates=outcomes == {"duplicate"}), nl=False)
    return deferred


def as_json(environment: Mapping[str, str], port: int | None) -> bool:
    """Prints a JSON array with one object for each alert. Returns whether an alert was deferred."""
    stage = play.prepare(environment, port)
    with contextlib.closing(play.play(stage, progress)) as deliveries:
        played = list(deliveries)
    progress("")
    click.echo(json.dumps([play.as_json(each) for each in played], indent=2))
    return any(each.status >= DURABLE for each in played)


def progress(text: str) -> None:
    """Prints the current step on one line, which the next text replaces. This happens only if standard error
    is a terminal."""
    if sys.stderr.isatty():
        click.echo(f"\r{text:<40}" if text else f"\r{'':<40}\r", nl=False, err=True)


def _program() -> str:
    """Returns the command with which the reader called this program."""
    path = Path(sys.argv[0])
    return sys.argv[0] if path.name == "sre-dispatch" and not path.is_absolute() else "sre-dispatch"
