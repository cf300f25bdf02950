"""Commands from Ops: path parameters are arguments, the others options; they call the verb and print the reply."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click

from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.frozen import frozen
from ostinato.kernel.notice import collect_notices
from ostinato.kernel.operation import Op
from ostinato.kernel.progress import Watcher, watch_progress
from ostinato.kernel.signature import Parameter, Signature, signature_of

_PATIENCE_S = 3.0
"""So long a command waits for a server that does not answer: somebody sits before it."""
_GLANCE_S = 0.2
"""So often a long command says how far it is."""


@frozen
class Target:
    """Which store a command is meant for: the server at `url`, or, if that is empty, the folder `data`."""

    data: Path
    url: str
    token: str
    project: str
    ca_file: str = ""

    def must_exist(self) -> None:
        """Refuse to look into a store that is not there: a misspelt folder would read as an empty one.

        Raises:
            NotFound: no server is named, and the folder holds no store.
        """
        if not self.url and not any((self.data / name).exists() for name in ("admin-token", "ledger-key")):
            raise NotFound(
                f"no store in {self.data}", hint="--data DIR or --url ADDRESS say where it is; `ostinato serve --data DIR` makes one"
            )

    @contextmanager
    def open(self) -> Iterator[Any]:
        """The store, with its faces as attributes."""
        if self.url:
            with importlib.import_module("ostinato.client.remote").connect(
                self.url, self.token, self.project, patience_s=_PATIENCE_S, ca_file=self.ca_file
            ) as remote:
                yield remote
            return
        clock = importlib.import_module("ostinato.server.clock").clock_of(self.data)
        with importlib.import_module("ostinato.app").Ostinato.open(self.data, clock=clock, project=self.project) as app:
            if not app.access.is_project(self.project):
                raise NotFound(f"no project {self.project!r}", hint="ostinato access projects lists yours")
            yield app


def command_of(face: str, op: Op) -> click.Command:
    """The command for one verb."""
    signature = signature_of(op)
    extra: list[click.Parameter] = [click.Option(["--json", "as_json"], is_flag=True, help="Print the reply as JSON.")]
    if signature.returns is bytes:
        extra = [click.Option(["--out"], type=click.Path(dir_okay=False, path_type=Path), help="Write the bytes to this file.")]

    if all(p.name != "data" for p in signature.parameters):
        extra.append(
            click.Option(["--data", "store_folder"], type=click.Path(file_okay=False, path_type=Path), help="As before the command.")
        )

    def run(**given: Any) -> bool:
        target: Target = click.get_current_context().find_root().obj
        if (folder := given.pop("store_folder", None)) is not None:
            target = replace(target, data=folder.absolute(), url="")
        as_json, out = given.pop("as_json", False), given.pop("out", None)
        arguments = _arguments(signature, given)
        if op.method == "GET":
            target.must_exist()
        with target.open() as store, watch_progress(_counting()) if sys.stderr.isatty() else nullcontext(), collect_notices() as told:
            reply = getattr(getattr(store, face), op.name)(**arguments)
        for text in told:
            click.echo(f"note: {text}", err=True)
        return _show(reply, as_json=as_json, out=out)

    text = inspect.getdoc(op.verb) or ""
    parameters: list[click.Parameter] = [_parameter(p) for p in sorted(signature.parameters, key=lambda p: p.place != "path")]
    return click.Command(
        op.name.replace("_", "-"), callback=run, params=[*parameters, *extra], help=_help(text), short_help=_first_sentence(text)
    )


def _counting() -> Watcher:
    """Shows on the terminal how far a long verb is; of a short one, nothing."""
    shown_s, shown = time.monotonic(), False

    def show(done: int, total: int) -> None:
        nonlocal shown_s, shown
        if done >= total and shown:
            click.echo("\r\x1b[K", err=True, nl=False)
        elif done < total and time.monotonic() - shown_s >= _GLANCE_S:
            shown_s, shown = time.monotonic(), True
            click.echo(f"\r{done:,} of {total:,}", err=True, nl=False)

    return show


def _parameter(p: Parameter) -> click.Parameter:
    if p.place == "path":
        return click.Argument([p.name])
    name = [f"--{p.name.replace('_', '-')}", p.name]
    more: dict[str, Any] = {"required": p.required}
    kinds = [a for a in (get_args(p.annotation) or (p.annotation,)) if a is not type(None)]
    if get_origin(p.annotation) is Literal:
        return click.Option(name, type=click.Choice([str(a) for a in get_args(p.annotation)]), **more)
    if p.place == "raw":
        return click.Option(name, type=click.File("rb"), metavar="FILE", help="Its bytes are sent; '-' is standard input.", **more)
    if p.repeated:
        return click.Option(name, multiple=True, metavar="TEXT", help="May be given several times.", **more)
    if kinds == [bool]:
        return click.Option([f"{name[0]}/--no-{name[0][2:]}", p.name], default=None, **more)
    if not p.scalar:
        return click.Option(name, metavar="JSON", help="JSON, or @FILE that holds it.", **more)
    return click.Option(name, metavar="|".join(getattr(k, "__name__", "text") for k in kinds).upper(), **more)


def _arguments(signature: Signature, given: dict[str, Any]) -> dict[str, Any]:
    pairs: list[tuple[str, str]] = []
    for p in signature.parameters:
        value = given.get(p.name)
        if value is None or value == () or p.place == "raw":
            continue
        for item in value if p.repeated else [value]:
            text = str(item).lower() if isinstance(item, bool) else str(item)
            pairs.append((p.name, _file(text) if not p.scalar and not p.repeated else text))
    wire = importlib.import_module("ostinato.server.wire")
    raw = {p.name: given[p.name].read() for p in signature.at("raw")}
    found: dict[str, Any] = wire.from_texts([p for p in signature.parameters if p.place != "raw"], pairs)
    return found | raw


def _file(text: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text()
    except OSError as error:
        raise Invalid(f"cannot read {text[1:]}: {error.strerror}") from None


def _show(reply: Any, *, as_json: bool, out: Path | None) -> bool:
    """Print a reply; False if it is a check that said no."""
    if isinstance(reply, bytes):
        if out is not None:
            out.write_bytes(reply)
        else:
            sys.stdout.buffer.write(reply)
        return True
    if as_json:
        click.echo(importlib.import_module("ostinato.server.wire").encode(reply))
    else:
        importlib.import_module("ostinato.cli.render").show(reply)
    return getattr(reply, "ok", True) is not False


def _first_sentence(text: str) -> str:
    """What the list of commands says of one.

    >>> _first_sentence("Make a toy of this name,\\nor a better one; it lasts. It may be odd.")
    'Make a toy of this name, or a better one.'
    """
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"[.;] ", paragraph)[0].rstrip(".") + "."


def _help(text: str) -> str:
    """A docstring as click wants it: sections keep their lines."""
    return text.replace("\n\nRaises:", "\n\n\b\nRaises:")
