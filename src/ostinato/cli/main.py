"""`ostinato`: the command line. `--help` imports nothing of the slices: a group's operations are read when it is entered."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ostinato.cli.commands import Target, command_of
from ostinato.cli.exit_codes import CHECK_FAILED, USAGE, code_of
from ostinato.cli.printable import printable
from ostinato.client.faces import FACES
from ostinato.kernel.errors import OstinatoError, Unavailable
from ostinato.kernel.garbage import spare
from ostinato.kernel.settings import Settings
from ostinato.kernel.streams import stand_in


class Guessing(click.Group):
    """A group that guesses what a misspelt command was to be."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if near := difflib.get_close_matches(args[0], self.list_commands(ctx), n=1):
                raise click.UsageError(f"{error.message} Did you mean {near[0]}?", ctx) from None
            raise


class Root(Guessing):
    """The commands of `ostinato.cli.processes`, and a group per slice."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *(name for name, _, _ in FACES)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for name, module, summary in FACES:
            if name == cmd_name:
                return Face(name=name, module=module, help=summary)
        return super().get_command(ctx, cmd_name)


class Face(Guessing):
    """The verbs of one slice."""

    def __init__(self, *, name: str, module: str, help: str) -> None:
        super().__init__(name=name, help=help)
        self._module = module

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 — click's shape
        return [op.name.replace("_", "-") for op in self._ops()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 — click's shape
        for op in self._ops():
            if op.name.replace("_", "-") == cmd_name:
                return command_of(str(self.name), op)
        return None

    def _ops(self) -> list[Any]:
        return importlib.import_module(self._module).OPS  # type: ignore[no-any-return]


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--url", help="Address of a server; default OSTINATO_URL.")
@click.option(
    "--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File with the token; default OSTINATO_TOKEN."
)
@click.option("--project", help="Project; default OSTINATO_PROJECT, else 'default'.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Open this store in process; default OSTINATO_DATA.")
@click.version_option(package_name="ostinato", message="%(prog)s %(version)s")
@click.pass_context
def root(ctx: click.Context, url: str | None, token_file: Path | None, project: str | None, data: Path | None) -> None:
    """The whole machine-learning lifecycle in one install, one store and one loop.

    Commands go to the server at --url, or else to the store in the folder --data, opened in this process as its owner.
    """
    if url and data:
        raise click.UsageError("--url and --data name two different stores")
    settings = Settings.read(data)
    address = "" if data else url or settings.url
    token = token_file.read_text().strip() if token_file else settings.token or (_saved(address) if address else "")
    ctx.obj = Target(data=settings.data, url=address, token=token, project=project or settings.project, ca_file=settings.ca_file)


def _saved(url: str) -> str:
    return importlib.import_module("ostinato.client.login").saved_token(url)  # type: ignore[no-any-return]


def _told(error: OstinatoError) -> int:
    click.echo(printable(f"{type(error).__name__}: {error.message}"), err=True)
    if error.hint:
        click.echo(printable(f"hint: {error.hint}"), err=True)
    return code_of(error)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with a code of `ostinato.cli.exit_codes`."""
    stand_in()
    spare()
    importlib.import_module("ostinato.cli.processes").attach(root)
    try:
        passed = root.main(arguments, prog_name="ostinato", standalone_mode=False)
    except click.exceptions.Exit as ending:
        sys.exit(ending.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE)
    except click.Abort:
        sys.exit(130)
    except OstinatoError as error:
        sys.exit(_told(error))
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        if error.filename is None:
            raise
        hint = "look at the path, at who owns it and may write there, and at its disk"
        sys.exit(_told(Unavailable(f"{os.fsdecode(error.filename)}: {error.strerror}", hint=hint)))
    sys.exit(CHECK_FAILED if passed is False else 0)


if __name__ == "__main__":
    main()
