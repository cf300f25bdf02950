"""The commands that move experiments and models between stores: export, import."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ostinato.cli.commands import Target

_FOLDER = click.Path(file_okay=False, path_type=Path)
_data = click.option("--data", type=_FOLDER, help="As before the command.")
_json = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


def attach(root: click.Group) -> None:
    """Add the commands to the root."""
    for command in (export, take_in):
        root.add_command(command)


@click.command()
@click.option("--experiment", "experiments", multiple=True, metavar="NAME", help="An experiment, with its runs; repeatable.")
@click.option("--model", "models", multiple=True, metavar="NAME", help="A model, with its versions; repeatable.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The new file, such as night.ostinato.")
@_data
@_json
@click.pass_context
def export(ctx: click.Context, experiments: tuple[str, ...], models: tuple[str, ...], out: Path, data: Path | None, as_json: bool) -> None:
    """Put experiments and models into one file, which `ostinato import` takes into another store.

    From the server at --url, or from the store in --data. Runs that go on, and what was deleted, stay out.
    """
    target = _target(ctx, data)
    target.must_exist()
    with target.open() as store:
        made = importlib.import_module("ostinato.maintenance.export").export(
            store, out, experiments=experiments, models=models, say=_progress_printer(as_json)
        )
    if as_json:
        _json_of(made)
        return
    click.echo(f"{out}: archive {made.archive}")
    click.echo(
        f"{made.experiments} experiments, {made.runs} runs, {made.points} points, {made.candidates} candidates, {made.models} models, "
        f"{made.versions} versions, {made.evaluations} evaluations, {made.blobs} blobs"
    )
    _tell_left(made.left)


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_data
@_json
@click.pass_context
def take_in(ctx: click.Context, file: Path, data: Path | None, as_json: bool) -> bool:
    """Take the experiments and models of the archive FILE into the server at --url or the store in --data.

    Interrupted, run it again: what is here already is known, and nothing is doubled. Approvals do not come along: approve here. Exit code 1
    if a model or a version was refused; which and why is printed at the end, and a repeat tries it again.
    """
    with _target(ctx, data).open() as store:
        made = importlib.import_module("ostinato.maintenance.importer").take_in(store, file, say=_progress_printer(as_json))
    if as_json:
        _json_of(made)
        return not made.refused
    click.echo(
        f"{made.experiments} experiments, {made.runs} runs ({made.known} were here), {made.points} points, {made.candidates} candidates, "
        f"{made.models} models, {made.versions} versions, {made.evaluations} evaluations"
    )
    _tell_left(made.left)
    for what in made.refused:
        click.secho(f"refused: {what}", fg="red", err=True)
    return not made.refused


def _target(ctx: click.Context, data: Path | None) -> Target:
    target: Target = ctx.find_root().obj
    return target if data is None else replace(target, data=data.absolute(), url="")


def _progress_printer(as_json: bool) -> Callable[[str], None]:
    return (lambda _: None) if as_json else (lambda text: click.echo(text, err=True))


def _json_of(reply: Any) -> None:
    click.echo(importlib.import_module("ostinato.server.wire").encode(reply))


def _tell_left(left: list[str]) -> None:
    for what in left:
        click.secho(f"left: {what}", fg="yellow", err=True)
