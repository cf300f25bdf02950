"""The command that imports from a running MLflow server: import-mlflow."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ostinato.cli.commands import Target
from ostinato.kernel.errors import Invalid

_GLANCE_S = 0.2
_COUNTED = ("experiments", "runs", "points", "logged_models", "models", "versions", "aliases", "files", "bytes")


def attach(root: click.Group) -> None:
    """Add the command to the root."""
    root.add_command(import_mlflow)


@click.command("import-mlflow")
@click.argument("address", metavar="URL")
@click.option("--experiment", "experiments", multiple=True, metavar="NAME", help="Take this experiment; repeatable.")
@click.option("--model", "models", multiple=True, metavar="NAME", help="Take this registered model; repeatable.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of the store; default OSTINATO_DATA.")
@click.pass_context
def import_mlflow(ctx: click.Context, address: str, experiments: tuple[str, ...], models: tuple[str, ...], data: Path | None) -> bool:
    """Take over what the MLflow server at URL holds: all of it, or the experiments and models that are named.

    Runs keep their ids, versions their numbers. Broken off, run it again: it goes on. Run once more later, it takes what has come since.
    Credentials are read where MLflow's clients read them: MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and _PASSWORD. Exit code 1 if
    something could not be taken; what and why is printed.
    """
    target: Target = ctx.find_root().obj
    target = target if data is None else replace(target, data=data.absolute(), url="")
    if target.url:
        raise Invalid("an import goes into a store on this machine", hint="--data DIR says where it is; its server may be running")
    target.must_exist()
    module = importlib.import_module("ostinato.gateways.mlflow_import.service")
    source = importlib.import_module("ostinato.gateways.mlflow_import.source")
    there = source.Source(address, source.headers_of(os.environ), target.ca_file)
    with contextlib.closing(there), target.open() as app:
        try:
            taken = module.take(app, there, experiments, models, _watch() if sys.stderr.isatty() else None)
        finally:
            click.echo("\r\x1b[K" if sys.stderr.isatty() else "", err=True, nl=False)
    click.echo(_line(taken) + (f"; {taken.known:,} were here already" if taken.known else ""))
    for why in taken.left:
        click.echo(f"left: {why}", err=True)
    return not taken.left


def _watch() -> Callable[[Any], None]:
    """Shows on the terminal how far it is."""
    shown_s = [time.monotonic()]

    def show(taken: Any) -> None:
        if time.monotonic() - shown_s[0] >= _GLANCE_S:
            shown_s[0] = time.monotonic()
            click.echo(f"\r\x1b[K{_line(taken)}", err=True, nl=False)

    return show


def _line(taken: Any) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name in _COUNTED if (count := getattr(taken, name))) or "nothing new"
