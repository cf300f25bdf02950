"""The commands that start a process or list what is installed: serve, worker, demo, families."""

from __future__ import annotations

import importlib
import signal
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from ostinato.cli import archives, import_mlflow, local_runs, maintenance, sign_in, tensorboard
from ostinato.cli.commands import Target
from ostinato.kernel.errors import Invalid, MissingExtra, NotFound
from ostinato.kernel.garbage import settled
from ostinato.kernel.instant import instant_from


def attach(root: click.Group) -> None:
    """Add the commands to the root."""
    for command in (serve, worker, demo, families):
        root.add_command(command)
    maintenance.attach(root)
    archives.attach(root)
    sign_in.attach(root)
    local_runs.attach(root)
    tensorboard.attach(root)
    import_mlflow.attach(root)


def _instant(_: click.Context, option: click.Parameter, value: str | None) -> datetime | None:
    try:
        return None if value is None else instant_from(value)
    except Invalid as error:
        raise click.BadParameter(f"{error.message}; {error.hint}", param=option) from None


_data = click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of the store; default OSTINATO_DATA.")


def _folder(ctx: click.Context, data: Path | None) -> Path:
    target: Target = ctx.find_root().obj
    return data.absolute() if data else target.data


@click.command()
@_data
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option(
    "--clock", type=click.Choice(["system", "replay"]), default="system", show_default=True, help="replay: it stands until it is set."
)
@click.option("--at", callback=_instant, metavar="INSTANT", help="Where a replay starts.")
@click.option("--beyond-loopback", is_flag=True, help="Speak plain HTTP on other addresses, behind a proxy that ends TLS.")
@click.option("--fd", type=int, help="Take this inherited, listening socket instead of --host and --port.")
@click.option("--hand-over", is_flag=True, help="Have the running server replaced by a new process, without losing a request.")
@click.option("--handed", hidden=True, help="What a predecessor passes on.")
@click.pass_context
def serve(
    ctx: click.Context,
    data: Path | None,
    host: str,
    port: int,
    clock: str,
    at: datetime | None,
    beyond_loopback: bool,
    fd: int | None,
    hand_over: bool,
    handed: str | None,
) -> None:
    """The server of a store.

    HTTP, the workers and the endpoints, until TERM or Ctrl-C."""
    if at is not None and clock != "replay":
        raise click.UsageError("--at is for --clock replay")
    folder, succession = _folder(ctx, data), importlib.import_module("ostinato.server.handover")
    if hand_over:
        click.echo(f"process {succession.hand_over(folder)} took over")
        return
    more = {"beyond_loopback": beyond_loopback, "fd": fd, "handed": handed and succession.Inherited.parse(handed)}
    importlib.import_module("ostinato.server.serve").serve(folder, host, port, replay=clock == "replay", at=at, **more)


@click.command()
@_data
@click.option("--queues", default="", metavar="NAMES", help="Serve these queues, separated by commas; default OSTINATO_QUEUES.")
@click.option("--parent", type=int, hidden=True, help="End when this process does.")
@click.pass_context
def worker(ctx: click.Context, data: Path | None, queues: str, parent: int | None) -> None:
    """Execute pipelines until TERM or Ctrl-C.

    A server starts its own; more of them share the work."""
    if parent is not None:
        importlib.import_module("ostinato.server.workers").die_with(parent)
    working = importlib.import_module("ostinato.pipelines.worker")
    stop = working.Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    folder = _folder(ctx, data)
    replace(ctx.find_root().obj, data=folder, url="").must_exist()
    clock = importlib.import_module("ostinato.server.clock").clock_of(folder)
    exporting = importlib.import_module("ostinato.server.traces").exporting()
    with exporting, importlib.import_module("ostinato.app").Ostinato.open(folder, clock=clock) as app:
        settled()
        served = [name.strip() for name in queues.split(",") if name.strip()]
        idle_s = app.settings.worker_idle_s if parent is not None else 0
        working.work(app, app.pipelines, stop, queues=served, idle_s=idle_s)


@click.command()
@_data
@click.option("--summary", type=click.Path(dir_okay=False, path_type=Path), help="Write what happened to this file.")
@click.option("--months", default="1-12", show_default=True, help="Which months of 2013 are replayed.")
@click.pass_context
def demo(ctx: click.Context, data: Path | None, summary: Path | None, months: str) -> None:
    """The whole loop on a year of flights.

    Deliveries, training, approval, rollout, drift and retraining, against a server of its own; run again, it goes on."""
    try:
        replay = importlib.import_module("ostinato_flights.replay")
    except ModuleNotFoundError as error:
        raise MissingExtra.of(error.name or "ostinato_flights", "demo") from None
    replay.main(_folder(ctx, data), summary, months)


@click.command()
@click.argument("family", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON, with the schemas of the parameters.")
def families(family: str | None, as_json: bool) -> None:
    """The interchangeable parts, by family."""
    found = importlib.import_module("ostinato.server.system").families()
    if family is not None:
        names = [name for f in found for name in (f.name, f.name.rpartition(".")[2])]
        found = [f for f in found if family in (f.name, f.name.rpartition(".")[2])]
        if not found:
            raise Invalid(f"no family {family!r}", hint=NotFound.named("family", family, names).hint)
    if as_json:
        click.echo(importlib.import_module("ostinato.server.wire").encode(found))
        return
    for listing in found:
        click.secho(f"{listing.name}  {listing.summary}", bold=True)
        for member in listing.members:
            click.echo(f"  {member.name:<24} {member.summary}")
