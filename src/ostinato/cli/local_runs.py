"""The commands on runs of this machine: sync, reproduce."""

from __future__ import annotations

import contextlib
import importlib
import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ostinato.cli.commands import Target
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import NotFound
from ostinato.kernel.settings import Settings


def attach(root: click.Group) -> None:
    """Add the commands to the root."""
    for command in (sync, reproduce):
        root.add_command(command)


@click.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--url", help="Ship to this server, instead of where the runs were meant for.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Ship into this store, opened in process.")
@click.pass_context
def sync(ctx: click.Context, folder: Path | None, url: str | None, data: Path | None) -> bool:
    """Ship the runs that this machine has journaled and the store has not: offline ones, and what killed trainings left.

    FOLDER holds the journals; by default OSTINATO_JOURNAL, or else the user's own and that of the store in OSTINATO_DATA. What was
    shipped is removed; run again after an interruption, it goes on where it stopped.
    """
    target: Target = ctx.find_root().obj
    ways = _Ways(target, url, data.absolute() if data else None)
    whole, found = True, 0
    with contextlib.ExitStack() as stack:
        stack.callback(ways.close)
        shipping = importlib.import_module("ostinato.tracking.client.sync")
        for home in _homes(target, folder, data):
            for synced in shipping.sync(home, ways.open, _watch if sys.stderr.isatty() else _nothing):
                found += 1
                whole = whole and not synced.left
                _print_result(synced)
    if not found:
        click.echo("nothing to ship", err=True)
    return whole


@click.command()
@click.argument("run")
@click.argument("arguments", nargs=-1)
@click.option("--dir", "folder", type=click.Path(file_okay=False, path_type=Path), help="New folder for it; default reproduce-RUN.")
@click.option("--repo", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", help="A clone that has the commit.")
@click.option("--here", is_flag=True, help="Take the present interpreter and packages, and say in what they differ.")
@click.option("--run", "execute", is_flag=True, help="Run it as well, and compare: this executes the code of the run.")
@click.option("--tolerance", type=click.FloatRange(0), default=0.0, show_default=True, help="How far measured values may differ, relative.")
@click.pass_context
def reproduce(
    ctx: click.Context, run: str, arguments: tuple[str, ...], folder: Path | None, repo: Path, here: bool, execute: bool, tolerance: float
) -> bool:
    """Do RUN again: its commit and patch in a fresh checkout, its packages, its arguments; then say what is the same.

    Without --run, only the folder is made, and the command shown. ARGUMENTS, after --, stand in for those that were recorded.
    """
    target: Target = ctx.find_root().obj
    target.must_exist()
    module = importlib.import_module("ostinato.tracking.reproduce")
    with target.open() as store:
        place = (folder or Path(f"reproduce-{run.replace('/', '-')}")).absolute()
        made = module.prepare(store.runs, run, place, repository=repo, here=here, arguments=arguments)
        for text in (*made.lacks, *made.packages):
            click.echo(f"not as it was: {text}", err=True)
        click.echo(f"cd {shlex.quote(str(made.code))}\n{shlex.join(made.command)}", err=execute)
        if not execute:
            return True
        compared = module.run_again(store.runs, made, tolerance=tolerance)
    for what, then, now in compared.differences:
        click.echo(f"{what}: {then}, now {now}")
    click.echo(f"run {compared.again}: {'equal' if compared.ok else 'differs'} ({compared.same} things are the same)")
    return bool(compared.ok)


class _Ways:
    """The stores that journals name, each opened once."""

    def __init__(self, target: Target, url: str | None, data: Path | None) -> None:
        self._target = target
        self._url = url
        self._data = data
        self._stack = contextlib.ExitStack()
        self._opened: dict[tuple[str, str, str], Any] = {}

    @contextlib.contextmanager
    def open(self, about: Any) -> Iterator[Any]:
        """The door to the runs of a project."""
        url = self._url or ("" if self._data else about.url or ("" if about.data else self._target.url))
        data = "" if url else str(self._data or about.data or self._target.data)
        if (url, data, about.project) not in self._opened:
            store = self._store(url, data, about.project)
            if data != about.data:  # a folder that the run itself was meant for may be made; a misspelt one must not
                store.must_exist()
            self._opened[url, data, about.project] = self._stack.enter_context(store.open())
        with calling(Caller(actor="person:admin", project=about.project)):  # whom a server sees is in the token
            yield self._opened[url, data, about.project].runs

    def _store(self, url: str, data: str, project: str) -> Target:
        """A store as a target. A token goes only to the server that it was named with: an address in a journal may be anybody's."""
        known = not url or url.rstrip("/") in {(self._url or "").rstrip("/"), self._target.url.rstrip("/")}
        token = self._target.token if known else importlib.import_module("ostinato.client.login").saved_token(url)
        return replace(self._target, data=Path(data), url=url, token=token, project=project)

    def close(self) -> None:
        self._stack.close()


def _homes(target: Target, folder: Path | None, data: Path | None) -> list[Path]:
    if folder is not None:
        if not folder.exists():
            raise NotFound(f"there is no folder {folder}")
        return [folder]
    if journal := Settings.read().journal:
        return [Path(journal)]
    default = importlib.import_module("ostinato.tracking.client.folders").default_place()
    return [default, (data or target.data) / "journal"]


def _print_result(synced: Any) -> None:
    shipped = synced.shipped
    counts = [f"{n:,} {what}" for n, what in ((shipped.points, "points"), (shipped.files, "files"), (shipped.deeds, "changes")) if n]
    click.echo(f"run {synced.about.run}: {', '.join(counts) or 'nothing new'}{', ' + shipped.state if shipped.state else ''}")
    for text in shipped.refused:
        click.echo(f"  refused: {text}", err=True)
    if synced.left:
        click.echo(f"  left in {synced.folder}: {synced.left}", err=True)


def _watch(synced: Any) -> None:
    click.echo(f"\r\x1b[Krun {synced.about.run}: {synced.shipped.points:,} points\r", err=True, nl=False)


def _nothing(_: Any) -> None:
    return
