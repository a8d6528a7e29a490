"""`python -m function.worldmodel`: starts the world model. The image contains no other wing."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from function.shared.errors import DispatchError, Misconfigured
from function.worldmodel.settings import DEFAULT_FILE, WorldModelSettings

EXIT_FAILED = 2


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--backup", type=click.Path(path_type=Path), help="Write a copy of the memory there, and exit.")
def main(backup: Path | None) -> None:
    """Run the world model. The settings are environment variables. function/worldmodel/README.md lists
    them."""
    try:
        run(os.environ, backup)
    except DispatchError as error:
        click.echo(f"sre-dispatch: failed: {error}", err=True)
        sys.exit(EXIT_FAILED)


def run(environment: Mapping[str, str], backup: Path | None = None) -> None:
    """Serves until SIGTERM. With `backup` it only copies the memory to that file. The copy is possible while
    another process serves the memory. Raises Misconfigured, Unavailable."""
    if backup:
        _back_up(Path(environment.get("SRE_DISPATCH_WORLD_MODEL_FILE", DEFAULT_FILE)), backup)
        return
    settings = WorldModelSettings.read(environment)
    try:
        from function.worldmodel.serve import serve
    except ImportError:
        what = "the world model is not installed: pip install 'sre-dispatch[worldmodel]'"
        raise Misconfigured(what) from None
    serve(settings)


def _back_up(file: Path, target: Path) -> None:
    from function.shared.memory import Store

    if not file.is_file():
        raise Misconfigured(f"{file} does not exist: check SRE_DISPATCH_WORLD_MODEL_FILE")
    Store(file).backup(target)


if __name__ == "__main__":
    main()
