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
    """Turn Alertmanager alerts into governed Claude Code Jobs."""


@main.command(short_help="Run the function.")
@click.option(
    "--host",
    envvar="HOST",
    default="127.0.0.1",
    show_default=True,
    show_envvar=True,
    help="The address to listen on.",
)
@click.option(
    "--port",
    envvar="PORT",
    default=8080,
    show_default=True,
    show_envvar=True,
    type=click.IntRange(1, 65535),
    help="The TCP port to listen on.",
)
def serve(host: str, port: int) -> None:
    """Run the function. Its settings are environment variables. function/README.md lists them."""
    from function.dispatch import serve as launcher

    # main.py reads both variables. SRE_DISPATCH_AUTH=none is accepted only for a loopback address.
    os.environ["HOST"], os.environ["PORT"] = host, str(port)
    try:
        launcher.serve(host, port)
    except Misconfigured as error:
        _fail(error)


@main.command(short_help="Play an incident on this machine, without a cluster.")
@click.option("--full", is_flag=True, help="Print the whole prompts and manifests as well.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array for a program.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="The port of the function. Default: any free port."
)
def demo(full: bool, as_json: bool, port: int | None) -> None:
    """Play an incident on this machine. The demo starts the function and sends it two alerts. It shows what
    the function decides, why, and which Job it creates. It writes each Job to .dispatched and starts no
    agent.

    The demo needs the extra `embedded`. The exit status is 1 if an alert was deferred, and 2 if the demo
    cannot run.
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


@main.command(short_help="Show what would happen to a delivery, and why.")
@click.argument("file", type=click.File("rb"))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--at", metavar="TIME", help="The time for the policy, in RFC 3339. Default: now.")
@click.option("--opa", metavar="URL", help="Ask this OPA server instead of the embedded policy.")
@click.option("--context", metavar="FILE", help="Read context from this world model's file.")
def explain(file: BinaryIO, as_json: bool, at: str | None, opa: str | None, context: str | None) -> None:
    """Show what would happen to the delivery in FILE (or - for standard input), and why.

    The command creates nothing and does not count running Jobs. It uses context only with --context.

    The exit status is 1 if the policy did not answer, and 2 if the function would refuse the body.
    """
    from function.commands import explain as explaining

    try:
        report = explaining.explain(file.read(), at=at, opa_url=opa, context=context)
    except DispatchError as error:
        _fail(error)
    click.echo(explaining.as_json(report) if as_json else explaining.as_text(report), nl=False)
    if any(event["outcome"] == Outcome.DEFERRED for event in report["events"]):
        sys.exit(EXIT_DEFERRED)


@main.command(short_help="Print an enrolment for the alerts of a delivery.")
@click.argument("file", type=click.File("rb"))
def enrolment(file: BinaryIO) -> None:
    """Print an enrolment for each alert of the delivery in FILE (or - for standard input).

    Read each text before you add it to the policy: an agent that acts alone reads these texts. List all
    values that a label may have. policies/README.md explains the fields.
    """
    from function.commands import enrolment as enrolling

    try:
        click.echo(enrolling.enrolments(file.read(), os.environ), nl=False)
    except DispatchError as error:
        _fail(error)


@main.command(short_help="Send a delivery as Alertmanager would.")
@click.argument("file", type=click.File("rb"))
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The URL of the function.")
@click.option("--token-file", type=click.File("rb"), help="Send the bearer token in this file.")
@click.option("--cloudevent", is_flag=True, help="Send a binary CloudEvent, as `func invoke` does.")
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


@main.command(short_help="Check this installation.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def check(as_json: bool) -> None:
    """Check this installation: its settings, and its policy with inputs whose decisions are known. If the
    function creates Jobs in a cluster, the command also checks permissions, tiers, models, enrolments and
    admission. It changes nothing.

    The command reads the same environment variables as `serve`. The exit status is 1 if a check fails. A
    warning is no failure.
    """
    from function.commands.check import check as checking

    rows = checking.check(os.environ)
    text = json.dumps([asdict(row) for row in rows], indent=2) + "\n" if as_json else as_text(rows)
    click.echo(text, nl=False)
    if not all(row.passed for row in rows):
        sys.exit(EXIT_FAILED)


@main.command(short_help="Run the world model, if you have no FFO.")
@click.option(
    "--backup", type=click.Path(path_type=Path), help="Write a copy of the memory to this file, and exit."
)
def worldmodel(backup: Path | None) -> None:
    """Run the world model, if you have no FFO. It is an MCP server that reports on Kubernetes resources and
    remembers what agents did. function/worldmodel/README.md lists its environment variables.

    With --backup the command only writes a complete copy of the memory. The world model may run meanwhile.
    """
    try:
        from function.worldmodel.__main__ import run

        run(os.environ, backup)
    except DispatchError as error:
        _fail(error)


@main.command(short_help="Record a run in the world model's memory.")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--to",
    default=".worldmodel.db",
    show_default=True,
    metavar="FILE|URL",
    help="The world model's file or URL.",
)
@click.option(
    "--token-file", type=click.Path(path_type=Path), help="The file with a writer token, for a URL."
)
def record(file: BinaryIO, to: str, token_file: Path | None) -> None:
    """Record the run in FILE (or - for standard input) in the world model's memory.

    FILE is a JSON object: what an agent or a person did about an alert, and the result. The next agent for
    the same resource reads it in its prompt.
    """
    from function.commands import record as recording

    try:
        new = recording.record(file.read(), to, token_file)
    except DispatchError as error:
        _fail(error)
    click.echo("recorded" if new else "already recorded: each session is recorded once")


@main.command(short_help="Write the policy as a bundle for OPA.")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--overlay", type=click.Path(path_type=Path), help="A folder with your own policy data.")
def bundle(target: Path, overlay: Path | None) -> None:
    """Write the policy as a bundle for OPA to the new folder TARGET, and print its revision.

    A data file in the overlay replaces our file at the same path. The exit status is 2 if data does not
    match its schema.
    """
    from function.dispatch import policy_files as bundling
    from function.dispatch.settings import ROOT

    policies = Path(os.environ.get("SRE_DISPATCH_POLICIES", ROOT / "policies"))
    try:
        click.echo(bundling.write(policies, target, overlay))
    except DispatchError as error:
        _fail(error)
    except FileExistsError:
        _fail(Misconfigured(f"{target} already exists: name a new folder"))


def _fail(error: DispatchError) -> NoReturn:
    kind = "refused" if isinstance(error, Rejected) else "failed"
    click.echo(f"sre-dispatch: {kind}: {error}", err=True)
    sys.exit(EXIT_REFUSED)


if __name__ == "__main__":
    main()
