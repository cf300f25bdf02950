"""The maintenance commands: backup, restore, doctor, collect and their like."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from ostinato.cli.commands import Target

_FOLDER = click.Path(file_okay=False, path_type=Path)
_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_data = click.option("--data", type=_FOLDER, help="Folder of the store; default OSTINATO_DATA.")
_json = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")

_keep = click.option("--keep", type=int, metavar="N", help="Keep the newest N backups.")
_keep_days = click.option("--keep-days", type=float, metavar="DAYS", help="Keep the backups of the last DAYS days.")


def attach(root: click.Group) -> None:
    """Add the commands to the root."""
    for command in (backup, backup_key, prune, restore, doctor, collect, retain, rotate_keys):
        root.add_command(command)


@click.command()
@click.argument("target")
@_data
@_json
@click.option(
    "--to", multiple=True, metavar="AGE1…", help="Encrypt to this public key of age, so that only its owner can restore; repeatable."
)
@click.option("--with-bucket", is_flag=True, help="Copy also the blobs that lie in a bucket.")
@_keep
@_keep_days
@click.pass_context
def backup(
    ctx: click.Context, target: str, data: Path | None, as_json: bool, to: tuple[str, ...], with_bucket: bool,
    keep: int | None, keep_days: float | None,
) -> bool:  # fmt: skip
    """Back up the store to TARGET, a folder or s3://bucket/prefix, while it is written to. What is there already is not copied again.

    With --keep or --keep-days, older backups are removed once this one is made.
    """
    made = importlib.import_module("ostinato.maintenance.backup").backup(_folder(ctx, data), target, to=to, with_bucket=with_bucket)
    if not _print_json(made, as_json=as_json):
        click.echo(
            f"{made.manifest}\n{made.events} events, {made.files} files, {made.blobs} blobs: {_size(made.size)}, {_size(made.copied)} new"
        )
        if made.elsewhere:
            click.echo(f"{made.elsewhere} blobs were left in the bucket; --with-bucket copies them")
        _complain(made.problems)
    if made.ok and (keep is not None or keep_days is not None):  # a backup with holes is no reason to let a whole one go
        _prune(target, keep, keep_days, apply=True, as_json=False, quiet=as_json)
    return bool(made.ok)


@click.command("backup-key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup_key(file: Path) -> None:
    """Make a pair of keys for encrypted backups: the identity goes into the new FILE, the public key (for --to) is printed.

    Make it on another machine than the server, and keep FILE there: whoever has it can read the backups, and without it nobody can.
    """
    click.echo(importlib.import_module("ostinato.maintenance.age").make(file))


@click.command()
@click.argument("place")
@_json
@_keep
@_keep_days
@click.option("--apply", is_flag=True, help="Remove them; without it, only say what would go.")
def prune(place: str, as_json: bool, keep: int | None, keep_days: float | None, apply: bool) -> None:
    """Find the backups in PLACE that no rule keeps, and with --apply remove them, and what only they held. Needs no key."""
    _prune(place, keep, keep_days, apply=apply, as_json=as_json)


@click.command()
@click.argument("source")
@_data
@_json
@click.option("--identity", type=_file, help="The identity of age to which the backup is encrypted.")
@click.option("--head", type=_file, help="A head of the ledger that was kept elsewhere: is the backup older?")
@click.option(
    "--database-url", help="The empty PostgreSQL database for the rows; '' for a file. With a password in it, better OSTINATO_DATABASE_URL."
)
@click.pass_context
def restore(
    ctx: click.Context, source: str, data: Path | None, as_json: bool, identity: Path | None, head: Path | None, database_url: str | None
) -> bool:
    """Restore the newest backup in the place SOURCE, or the one of the manifest SOURCE, into a new or empty folder."""
    made = importlib.import_module("ostinato.maintenance.restore").restore(
        source, _folder(ctx, data), identity=identity, head=head.read_text() if head else None, database_url=database_url
    )
    if not _print_json(made, as_json=as_json):
        click.echo(f"as of {made.made_at}: {made.events} events, {made.files} files, {made.blobs} blobs, {_size(made.size)}; all verified")
        _complain(made.problems)
        if made.missing_events:
            _complain([f"a rollback: the head counts {made.missing_events} events that happened after this backup and are not in it"])
    return bool(made.ok)


@click.command()
@_data
@_json
@click.option("--quick", is_flag=True, help="Do not read all blobs and logs of predictions again.")
@click.option("--listen", metavar="HOST:PORT", help="Say also whether a server could be started there.")
@click.option("--free-reserve", is_flag=True, help="Give the disk the 16 MiB back that were held for when it is full, and look then.")
@click.pass_context
def doctor(ctx: click.Context, data: Path | None, as_json: bool, quick: bool, listen: str | None, free_reserve: bool) -> bool:
    """Say what is wrong with an installation and how to mend it; exit code 1 if there is a problem."""
    folder = _folder(ctx, data)
    if free_reserve:
        freed = importlib.import_module("ostinato.maintenance.reserve").free(folder)
        click.echo(f"{_size(freed)} freed; a server that starts with room enough holds a new reserve", err=True)
    host, _, port = (listen or "").rpartition(":")
    if listen and not port.isdecimal():
        raise click.BadParameter("write it as 127.0.0.1:8080", param_hint="--listen")
    where = (host.strip("[]") or "127.0.0.1", int(port)) if listen else None
    found = importlib.import_module("ostinato.maintenance.doctor").examine(folder, quick=quick, listen=where)
    if not _print_json(found, as_json=as_json):
        for complaint in found.complaints:
            click.secho(f"{complaint.level}: {complaint.check}: {complaint.what}", fg="red" if complaint.level == "problem" else "yellow")
            click.echo(f"  {complaint.mend}")
        stand, lack = ([guard for guard, stands in found.guards.items() if stands is asked] for asked in (True, False))
        missing = f"; missing: {', '.join(lack)}" if lack else ""
        click.echo(f"guards around models that may run code: {', '.join(stand) or 'none'}{missing}")
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
    module = importlib.import_module("ostinato.maintenance.collect")
    found = module.collect(_folder(ctx, data), apply=apply, older_than_hours=older_than_hours)
    if not _print_json(found, as_json=as_json):
        for blob in found.unused:
            click.echo(f"{blob.digest}  {_size(blob.size)}  unused for {blob.unused_hours:.0f} h")
        for blob in found.aside:
            click.echo(f"{blob.digest}  {_size(blob.size)}  was put aside {blob.unused_hours:.0f} h ago")
        for pack in found.sparse:
            click.echo(f"{pack.digest}  {_size(pack.size)}  a pack of which {_size(pack.needed)} are needed")
        said = "gone" if found.applied else "would go; --apply does it"
        click.echo(f"{len(found.unused)} of {found.blobs} blobs, {_size(found.size)} of {_size(found.blobs_size)}: {said}")


@click.command()
@_data
@_json
@click.option("--predictions-days", type=float, metavar="DAYS", help="Keep logs of predictions for so long.")
@click.option("--logs-days", type=float, metavar="DAYS", help="Keep what finished executions printed for so long.")
@click.option("--rules", is_flag=True, help="Apply what the projects have declared about runs, too (`ostinato runs retain`).")
@click.option("--apply", is_flag=True, help="Remove it; without it, only say what would go.")
@click.pass_context
def retain(
    ctx: click.Context, data: Path | None, as_json: bool, predictions_days: float | None, logs_days: float | None, rules: bool, apply: bool
) -> None:
    """Find what is older than the rules allow, and with --apply remove it; safe beside a running server."""
    found = importlib.import_module("ostinato.maintenance.retention").retain(
        _folder(ctx, data), predictions_days=predictions_days, logs_days=logs_days, rules=rules, apply=apply
    )
    if not _print_json(found, as_json=as_json):
        said = "removed" if found.applied else "would be removed; --apply does it"
        for old in found.predictions:
            click.echo(f"{old.endpoint}: {old.segments} segments of predictions, {_size(old.size)}: {said}")
        for name in found.held:
            click.echo(f"{name}: old predictions are held, and stay")
        click.echo(f"{found.log_lines} lines of finished executions: {said}")
        for rule in found.rules:
            took = rule.found.took
            does = f"{rule.found.act}s" if not found.applied else f"{rule.found.act}d"
            freed = f"; frees {_size(took.freed)}" if took.freed else ""  # what is deleted only is freed by a purge
            click.echo(
                f"{rule.project}/{rule.found.rule} {does} {took.runs} runs, {took.experiments} experiments, {took.points} points, "
                f"{took.files} files{freed}; {took.kept} stay"
            )
            for refusal in took.refused:
                click.echo(f"  {refusal.ref} stays: {refusal.reason}")


@click.command("rotate-keys")
@_data
@click.pass_context
def rotate_keys(ctx: click.Context, data: Path | None) -> None:
    """Encrypt what is stored from now on under a new master key; what is older stays readable. Safe beside a running server."""
    click.echo(importlib.import_module("ostinato.storage.blobs.keys").rotate(_folder(ctx, data)))


def _prune(place: str, keep: int | None, keep_days: float | None, *, apply: bool, as_json: bool, quiet: bool = False) -> None:
    found = importlib.import_module("ostinato.maintenance.prune").prune(place, keep=keep, keep_days=keep_days, apply=apply)
    if quiet or _print_json(found, as_json=as_json):
        return
    said = "removed" if found.applied else "would be removed; --apply does it"
    for name in found.removed:
        click.echo(f"{name}  {said}")
    kept, objects = _counted(len(found.kept), "backup"), _counted(found.objects, "object")
    click.echo(f"{kept} kept; {objects} that no other needs, {_size(found.size)}: {said}")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + "s" * (number != 1)


def _folder(ctx: click.Context, data: Path | None) -> Path:
    target: Target = ctx.find_root().obj
    return data.absolute() if data else target.data


def _print_json(reply: Any, *, as_json: bool) -> bool:
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
