"""The commands that keep an installation: backup, restore, doctor, collect, rotate-keys."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from ostinato.cli.commands import Target

_FOLDER = click.Path(file_okay=False, path_type=Path)
_data = click.option("--data", type=_FOLDER, help="Folder of the store; default OSTINATO_DATA.")
_json = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


def attach(root: click.Group) -> None:
    """Add the commands to the root."""
    for command in (backup, restore, doctor, collect, rotate_keys):
        root.add_command(command)


@click.command()
@click.argument("target", type=_FOLDER)
@_data
@_json
@click.pass_context
def backup(ctx: click.Context, target: Path, data: Path | None, as_json: bool) -> bool:
    """Back up the store into the folder TARGET, while it is written to. What TARGET holds already is not copied again."""
    made = importlib.import_module("ostinato.keeping.backup").backup(_folder(ctx, data), target)
    if not _told(made, as_json=as_json):
        click.echo(
            f"{made.manifest}\n{made.events} events, {made.files} files, {made.blobs} blobs: {_size(made.size)}, {_size(made.copied)} new"
        )
        _complain(made.problems)
    return bool(made.ok)


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@_data
@_json
@click.pass_context
def restore(ctx: click.Context, source: Path, data: Path | None, as_json: bool) -> None:
    """Restore the newest backup in the folder SOURCE, or the one of the manifest SOURCE, into a new or empty folder."""
    made = importlib.import_module("ostinato.keeping.restore").restore(source, _folder(ctx, data))
    if not _told(made, as_json=as_json):
        click.echo(f"as of {made.made_at}: {made.events} events, {made.files} files, {made.blobs} blobs, {_size(made.size)}; all verified")
        _complain(made.problems)


@click.command()
@_data
@_json
@click.option("--quick", is_flag=True, help="Do not read all blobs and logs of predictions again.")
@click.pass_context
def doctor(ctx: click.Context, data: Path | None, as_json: bool, quick: bool) -> bool:
    """Say what is wrong with an installation and how to mend it; exit code 1 if there is a problem."""
    found = importlib.import_module("ostinato.keeping.doctor").examine(_folder(ctx, data), quick=quick)
    if not _told(found, as_json=as_json):
        for complaint in found.complaints:
            click.secho(f"{complaint.level}: {complaint.check}: {complaint.what}", fg="red" if complaint.level == "problem" else "yellow")
            click.echo(f"  {complaint.mend}")
        click.echo(f"looked at {', '.join(found.checks)}: {'no problem' if found.ok else 'not well'}")
    return bool(found.ok)


@click.command()
@_data
@_json
@click.option("--apply", is_flag=True, help="Delete them; without it, only say what would go.")
@click.option(
    "--older-than-hours", type=float, default=24.0, show_default=True, help="Spare what was stored or asked for since; at least 2."
)
@click.pass_context
def collect(ctx: click.Context, data: Path | None, as_json: bool, apply: bool, older_than_hours: float) -> None:
    """Find the blobs that nothing refers to, and with --apply delete them; safe beside a running server."""
    module = importlib.import_module("ostinato.keeping.collect")
    found = module.collect(_folder(ctx, data), apply=apply, older_than_hours=older_than_hours)
    if not _told(found, as_json=as_json):
        for blob in found.unused:
            click.echo(f"{blob.digest}  {_size(blob.size)}  unused for {blob.unused_hours:.0f} h")
        said = "deleted" if found.applied else "would be deleted; --apply does it"
        click.echo(f"{len(found.unused)} of {found.blobs} blobs, {_size(found.size)} of {_size(found.blobs_size)}: {said}")


@click.command("rotate-keys")
@_data
@click.pass_context
def rotate_keys(ctx: click.Context, data: Path | None) -> None:
    """Encrypt what is stored from now on under a new master key; what is older stays readable. Safe beside a running server."""
    click.echo(importlib.import_module("ostinato.storage.blobs.keys").rotate(_folder(ctx, data)))


def _folder(ctx: click.Context, data: Path | None) -> Path:
    target: Target = ctx.find_root().obj
    return data.absolute() if data else target.data


def _told(reply: Any, *, as_json: bool) -> bool:
    if as_json:
        click.echo(importlib.import_module("ostinato.server.wire").encode(reply))
    return as_json


def _complain(problems: list[str]) -> None:
    for problem in problems:
        click.secho(f"problem: {problem}", fg="red", err=True)


def _size(count: int) -> str:
    size, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
