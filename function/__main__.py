"""The command `sre-dispatch`."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, NoReturn

import click

from function.commands.check.rows import as_text
from function.dispatch.model import Outcome
from function.shared.errors import DispatchError, Misconfigured, Rejected

EXIT_DEFERRED = 1
EXIT_FAILED = 1
EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sre-dispatch")
def main() -> None:
    """Turns Alertmanager alerts into governed Claude Code Jobs."""


@main.command(short_help="Run the function.")
@click.option(
    "--host", envvar="HOST", default="127.0.0.1", show_default=True, show_envvar=True, help="Address."
)
@click.option(
    "--port",
    envvar="PORT",
    default=8080,
    show_default=True,
    show_envvar=True,
    type=click.IntRange(1, 65535),
    help="TCP port.",
)
def serve(host: str, port: int) -> None:
    """Run the function. Its settings are environment variables; the README lists them."""
    from function.dispatch import serve as launcher

    os.environ["HOST"], os.environ["PORT"] = host, str(port)  # main.py judges AUTH by the address
    try:
        launcher.serve(host, port)
    except Misconfigured as error:
        _fail(error)


@main.command(short_help="Play an incident on this machine, without a cluster.")
@click.option("--full", is_flag=True, help="Print the whole prompts and manifests as well.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array for a program.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of the function; any free one if not given."
)
def demo(full: bool, as_json: bool, port: int | None) -> None:
    """Play an incident on this machine: start the function, send it two alerts, and show what it decides,
    why, and which Job it creates. It writes each Job to .dispatched and starts no agent.

    Needs the extra `embedded`. Exit status 1 if an alert was deferred, 2 if the demo cannot run.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        click.get_current_context().color = False
    try:
        from function.commands.demo import demo as playing

        deferred = (
            playing.as_json(os.environ, port) if as_json else playing.screens(os.environ, port, full=full)
        )
    except KeyboardInterrupt:
        click.echo("stopped: the function has ended", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except DispatchError as error:
        _fail(error)
    if deferred:
        sys.exit(EXIT_DEFERRED)


@main.command(short_help="Tell what would happen to a delivery, and why.")
@click.argument("file", type=click.File("rb"))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for a program.")
@click.option("--at", metavar="TIME", help="The policy's clock, RFC 3339; now if not given.")
@click.option("--opa", metavar="URL", help="Ask the OPA server there in place of the embedded policy.")
@click.option("--context", metavar="FILE", help="Take context from the world model's file there.")
def explain(file: BinaryIO, as_json: bool, at: str | None, opa: str | None, context: str | None) -> None:
    """Tell what would happen to the delivery in FILE (or - for standard input), and why.

    Nothing is created. No context is fetched unless told otherwise, and no running Job is counted. Exit
    status 1 where the policy could not be asked, 2 where the web edge would refuse the body.
    """
    from function.commands import explain as explaining

    try:
        report = explaining.explain(file.read(), at=at, opa_url=opa, context=context)
    except DispatchError as error:
        _fail(error)
    click.echo(explaining.as_json(report) if as_json else explaining.as_text(report), nl=False)
    if any(event["outcome"] == Outcome.DEFERRED for event in report["events"]):
        sys.exit(EXIT_DEFERRED)


@main.command(short_help="Send a delivery as Alertmanager would.")
@click.argument("file", type=click.File("rb"))
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Where the function listens.")
@click.option("--token-file", type=click.File("rb"), help="Send the token in this file as bearer.")
@click.option("--cloudevent", is_flag=True, help="Send it as a binary CloudEvent, as `func invoke` does.")
def replay(file: BinaryIO, url: str, token_file: BinaryIO | None, cloudevent: bool) -> None:
    """Send the delivery in FILE (or - for standard input) as Alertmanager would, and print the reply."""
    from function.commands import replay as replaying

    token = token_file.read().strip() if token_file else b""
    try:
        status, body = replaying.send(file.read(), url, token, cloudevent=cloudevent)
    except DispatchError as error:
        _fail(error)
    click.echo(f"{status} {body}")
    if status >= 300:
        sys.exit(1)


@main.command(short_help="Tell whether this installation is usable.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array for a program.")
def check(as_json: bool) -> None:
    """Tell whether this installation is usable: its settings, its policy by what it is known to answer, and,
    where Jobs go to a cluster, rights, tiers, their models, enrolments and admission there. Changes nothing.

    Reads the same environment variables as `serve`. Exit status 1 where something is not as it must be, not
    where a warning says that it soon will not be.
    """
    from function.commands.check import check as checking

    rows = checking.check(os.environ)
    told = json.dumps([asdict(row) for row in rows], indent=2) + "\n" if as_json else as_text(rows)
    click.echo(told, nl=False)
    if not all(row.passed for row in rows):
        sys.exit(EXIT_FAILED)


@main.command(short_help="Run the world model, for those who have no FFO.")
@click.option("--backup", type=click.Path(path_type=Path), help="Write a copy of the memory there, and end.")
def worldmodel(backup: Path | None) -> None:
    """Run the world model, for those who have no FFO: an MCP server that tells what is known of a resource
    and remembers what runs did. README.md lists the environment variables that it reads.

    With --backup it writes a whole copy of its file instead, also while another process serves it.
    """
    from function.worldmodel.settings import WorldModelSettings

    try:
        if backup:
            from function.shared.memory import Store

            Store(_present(Path(os.environ.get("SRE_DISPATCH_WORLD_MODEL_FILE", ".worldmodel.db")))).backup(
                backup
            )
            return
        from function.worldmodel.serve import serve as serve_world

        serve_world(WorldModelSettings.read(os.environ))
    except ImportError:
        _fail(Misconfigured("the world model is not installed: pip install 'sre-dispatch[worldmodel]'"))
    except DispatchError as error:
        _fail(error)


@main.command(short_help="Have the world model remember what was done.")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--to", default=".worldmodel.db", show_default=True, metavar="FILE|URL", help="Its file or URL."
)
@click.option(
    "--token-file", type=click.Path(path_type=Path), help="File with the token of a writer, for a URL."
)
def record(file: BinaryIO, to: str, token_file: Path | None) -> None:
    """Have the world model remember the run in FILE (or - for standard input), a JSON object: what an agent,
    or you, did about an alert and what came of it. The next agent is told of it.
    """
    from function.commands import record as recording

    try:
        new = recording.record(file.read(), to, token_file)
    except DispatchError as error:
        _fail(error)
    click.echo("recorded" if new else "recorded already: a session is recorded once")


def _present(path: Path) -> Path:
    if not path.is_file():
        raise Misconfigured(f"there is no {path}: see SRE_DISPATCH_WORLD_MODEL_FILE")
    return path


@main.command(short_help="Write the policy as a bundle for OPA.")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--overlay", type=click.Path(path_type=Path), help="An organisation's data, laid over ours.")
def bundle(target: Path, overlay: Path | None) -> None:
    """Write the policy, with an organisation's data laid over it, as a bundle to the new folder TARGET.

    Prints its revision. Exit status 2 where the data is not as its schema wants it.
    """
    from function.dispatch import policy_files as bundling
    from function.dispatch.settings import ROOT

    policies = Path(os.environ.get("SRE_DISPATCH_POLICIES", ROOT / "policies"))
    try:
        click.echo(bundling.write(policies, target, overlay))
    except DispatchError as error:
        _fail(error)
    except FileExistsError:
        _fail(Misconfigured(f"{target} is there already: name a new folder"))


def _fail(error: DispatchError) -> NoReturn:
    kind = "refused" if isinstance(error, Rejected) else "failed"
    click.echo(f"sre-dispatch: {kind}: {error}", err=True)
    sys.exit(EXIT_REFUSED)


if __name__ == "__main__":
    main()
