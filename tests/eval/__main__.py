"""`python -m tests.eval`: measures reach over all cases. `check` tries cases while they are written."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from tests.eval import cases, check, keyed, ratchet, reach, scores, table
from tests.eval.cases import Case
from tests.eval.forms import Unusable
from tests.eval.world import place
from tests.harness.model import real

SUITE = click.option(
    "--suite", type=click.Path(path_type=Path), default=cases.OURS, help="The folder of cases."
)
NAMES = click.argument("names", nargs=-1)
LANES = 2
"""How many cases are up at once: one for each core of a small machine."""


@click.group()
def main() -> None:
    """Measures whether the evidence of an incident reaches the agent."""


@main.command(name="check")
@NAMES
@SUITE
def checking(names: tuple[str, ...], suite: Path) -> None:
    """Tries the cases of these names, or all: whether each evidence arrives, and not without the fault."""
    with tempfile.TemporaryDirectory() as folder:
        well = check.check(_loaded(suite, names), Path(folder), click.echo)
    sys.exit(0 if well else 1)


@main.command(name="reach")
@NAMES
@SUITE
@click.option("--lanes", default=LANES, help="How many cases are up at once.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the results to this file too.")
@click.option("--accept", is_flag=True, help="Make these results the ones that may only rise.")
def measuring(names: tuple[str, ...], suite: Path, lanes: int, file: Path | None, accept: bool) -> None:
    """Measures over the cases of these names, or all, by which ways the evidence reaches the model."""
    with tempfile.TemporaryDirectory() as folder:
        found = reach.measured(_loaded(suite, names), Path(folder), lanes, click.echo)
    click.echo(f"\n{table.table(found)}\n{table.missing(found)}")
    if file:
        file.write_text(json.dumps(table.as_json(found), indent=2) + "\n", encoding="utf-8")
    if accept:
        ratchet.accept(table.shares(found))
    elif suite == cases.OURS and not names:
        fallen = ratchet.fallen(table.shares(found))
        click.echo("\n".join(fallen))
        sys.exit(1 if fallen else 0)


@main.command(name="skill")
@NAMES
@SUITE
@click.option("--dollars", type=float, envvar="EVAL_USD", required=True, help="What all may cost.")
@click.option("--repeats", default=1, envvar="N", help="How often each is run.")
@click.option(
    "--json", "file", type=click.Path(path_type=Path), default=Path(".eval.jsonl"), help="It keeps the runs."
)
def scoring(names: tuple[str, ...], suite: Path, dollars: float, repeats: int, file: Path) -> None:
    """Runs the cases by a real model, for at most so much money, and scores the outcomes."""
    if not (asked := real()):
        raise click.ClickException("ANTHROPIC_API_KEY is not set: without a key only reach can be measured")
    found = _loaded(suite, names)
    with tempfile.TemporaryDirectory() as folder, place(Path(folder)) as here:
        runs = keyed.played(here, found, keyed.Purse(asked, dollars, repeats), file, click.echo)
    known = {case.name: case.truth for case in found}
    click.echo("\n" + scores.table([run for run in runs if run.case in known], known))


def _loaded(suite: Path, names: Sequence[str]) -> list[Case]:
    try:
        return [cases.load(suite, name) for name in names or cases.names(suite)]
    except Unusable as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
