"""The commands for TensorBoard: import, watch, export."""

from __future__ import annotations

import contextlib
import importlib
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from ostinato.cli.commands import Target
from ostinato.kernel.settings import Settings


def attach(root: click.Group) -> None:
    """Add the commands to the root."""
    root.add_command(tensorboard)


@click.group()
def tensorboard() -> None:
    """Runs from the event files of TensorBoard, and event files from runs."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path)),
        click.option("--experiment", default="", help="The experiment of the runs; default the name of FOLDER."),
        click.option("--as", "called", default="", help="Know the runs by this name, and not by the folder on this machine."),
    ):
        command = option(command)
    return command


@tensorboard.command("import")
@_options
@click.pass_context
def bring(ctx: click.Context, folder: Path, experiment: str, called: str) -> bool:
    """Take the event files in FOLDER: each folder with some in it is a run. Done again, it takes what was added since.

    The exit code is 1 if a part of a file was damaged.
    """
    whole = True
    with _taking(ctx, folder, experiment, called) as taking:
        for board in taking.take(final=True, following=False):
            board.end()
            whole = not (board.taken.damaged or board.taken.waiting) and whole
            _print_result(board.taken)
    return whole


@tensorboard.command()
@_options
@click.option(
    "--idle", type=click.FloatRange(min=1), default=600.0, show_default=True, help="A run ends that is silent for so many seconds."
)
@click.pass_context
def watch(ctx: click.Context, folder: Path, experiment: str, called: str, idle: float) -> None:
    """Take what a training writes into FOLDER as it writes it, until an interrupt; killed, it goes on where it was.

    Folders and files may come and go on while it watches.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with _taking(ctx, folder, experiment, called) as taking:
        click.echo(f"watching {folder}", err=True)
        taking.follow(stop, lambda board: _print_result(board.taken), idle)
        taking.end()


@tensorboard.command()
@click.argument("runs", nargs=-1, required=True)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for --logdir: each run in one of its own."
)
@click.pass_context
def export(ctx: click.Context, runs: tuple[str, ...], out: Path) -> None:
    """Write RUNS as event files that TensorBoard opens."""
    target: Target = ctx.find_root().obj
    target.must_exist()
    writing = importlib.import_module("ostinato.tracking.tensorboard.exporter")
    with target.open() as store:
        for run in runs:
            written = writing.write(store.runs, run, out / run.replace("/", "-"))
            click.echo(f"{written.path}: {written.scalars:,} scalars, {written.histograms:,} histograms, {written.media:,} media")
            if written.left_out:
                click.echo(f"  left out: {', '.join(f'{n} of {what}' for what, n in sorted(written.left_out.items()))}", err=True)


@contextlib.contextmanager
def _taking(ctx: click.Context, folder: Path, experiment: str, called: str) -> Iterator[Any]:
    target: Target = ctx.find_root().obj
    place = importlib.import_module("ostinato.tracking.client.folders")
    journal = Settings.read().journal
    home = Path(journal) if journal else place.default_place()
    module = importlib.import_module("ostinato.tracking.tensorboard.importer")
    named = f"{target.url or target.data.absolute()}|{target.project}"
    with target.open() as store:
        taking = module.Boards(folder, store.runs, home=home, target=named, experiment=experiment, called=called)
        try:
            yield taking
        finally:
            taking.close()


def _print_result(taken: Any) -> None:
    click.echo(
        f"run {taken.run} of {taken.folder}: {taken.points:,} points, {taken.files:,} files, {taken.histograms:,} histograms"
        + (f"; not taken: {', '.join(f'{n} of {what}' for what, n in sorted(taken.left_out.items()))}" if taken.left_out else "")
    )
    for line in taken.damaged:
        click.echo(f"  damaged: {line}", err=True)
    if taken.waiting:
        click.echo(f"  not whole: the last {taken.waiting} bytes", err=True)
