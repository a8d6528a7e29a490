"""`python -m tests.eval`: measures reach over all cases. `check` tries cases while they are written."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from tests.eval import cases, check
from tests.eval.forms import Unusable

SUITE = click.option(
    "--suite", type=click.Path(path_type=Path), default=cases.OURS, help="The folder of cases."
)


@click.group()
def main() -> None:
    """Measures whether the evidence of an incident reaches the agent."""


@main.command(name="check")
@click.argument("names", nargs=-1)
@SUITE
def checking(names: tuple[str, ...], suite: Path) -> None:
    """Tries the cases of these names, or all: whether each evidence arrives, and not without the fault."""
    try:
        found = [cases.load(suite, name) for name in names or cases.names(suite)]
        with tempfile.TemporaryDirectory() as folder:
            well = check.check(found, Path(folder), click.echo)
    except Unusable as error:
        raise click.ClickException(str(error)) from None
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
