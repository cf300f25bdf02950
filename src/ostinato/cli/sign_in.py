"""The commands that sign in: sign-in for the owner of a store, login for everybody else."""

from __future__ import annotations

import importlib
import json
import platform
from pathlib import Path
from typing import Any

import click

from ostinato.cli.commands import Target
from ostinato.kernel.errors import Invalid

_NAME_MAX = 64


def attach(root: click.Group) -> None:
    """Add the commands to the root."""
    root.add_command(sign_in)
    root.add_command(login)


@click.command("sign-in")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of the store; default OSTINATO_DATA.")
@click.option("--person", default="admin", show_default=True, help="Who is to sign in.")
@click.option("--url", help="How browsers call the server, if not by the address at which it listens.")
@click.pass_context
def sign_in(ctx: click.Context, data: Path | None, person: str, url: str | None) -> None:
    """Print an address that signs a person in, once, within ten minutes: alone, on the last line."""
    target: Target = ctx.find_root().obj
    folder = data.absolute() if data else target.data
    Target(data=folder, url="", token="", project=target.project).must_exist()
    with importlib.import_module("ostinato.app").Ostinato.open(folder) as app:
        issued = app.access.issue_code(f"person:{person.removeprefix('person:')}")
    address = (url or _running_at(folder)).rstrip("/")
    if not address:
        click.echo("no server runs; start it, and open this path at its address", err=True)
    click.echo(f"in a terminal: ostinato login --url {address or 'ADDRESS'} --code {issued.code}", err=True)
    click.echo(f"{address}{issued.path}")


def _running_at(folder: Path) -> str:
    try:
        return str(json.loads((folder / "server.json").read_text())["url"])
    except (OSError, ValueError, KeyError):
        return ""


@click.command()
@click.option("--url", help="Address of the server; default OSTINATO_URL.")
@click.option(
    "--name", default=lambda: f"cli at {platform.node()}"[:_NAME_MAX], help="What the token is called; default after this machine."
)
@click.option("--code", help="A one-time code, instead of a browser; asks for a password that is yours from then on.")
@click.pass_context
def login(ctx: click.Context, url: str | None, name: str, code: str | None) -> None:
    """Sign in to a server from its page in a browser; later commands to that address use the token."""
    target: Target = ctx.find_root().obj
    address = url or target.url
    if not address:
        raise Invalid("no server named", hint="ostinato login --url ADDRESS, or set OSTINATO_URL", field="url")
    module = importlib.import_module("ostinato.client.login")
    if code:
        token = module.redeem_code(address, code, _chosen_password(), name, ca_file=target.ca_file)
    else:
        token = module.device_login(address, name, _print_instructions, ca_file=target.ca_file)
    click.echo(f"signed in; the token is kept in {module.save_token(address, token)}")


def _chosen_password() -> str:
    """A password that somebody types twice, unseen.

    Raises:
        Invalid: nobody does: the input is at its end.
    """
    try:
        return str(click.prompt("Your new password", hide_input=True, confirmation_prompt=True))
    except click.Abort as stopped:
        if isinstance(stopped.__context__, KeyboardInterrupt):
            raise
        hint = "run it in a terminal, or hand the password over twice, a line each: printf '%s\\n%s\\n' … | ostinato login --code …"
        raise Invalid("nobody typed a password: the input is at its end", hint=hint, field="password") from None


def _print_instructions(grant: Any) -> None:
    click.echo(f"Open {grant.verification_uri} in a browser and confirm the code {grant.user_code}")
