"""Every command that a page shows is one that the command line takes."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import click
import pytest

from ostinato.cli.main import root

SOURCE = Path(__file__).parents[2] / "web" / "src"
importlib.import_module("ostinato.cli.processes").attach(root)
SHOWN = re.compile(r'"(ostinato [^"\n]+)"|`(ostinato [^`]+)`')


def shown() -> list[tuple[str, str]]:
    found = []
    for path in sorted(SOURCE.rglob("*.tsx")):
        if "gallery" in path.parts or path.name.endswith(".test.tsx"):
            continue
        for match in SHOWN.finditer(path.read_text()):
            command = re.sub(r"\$\{[^}]*\}", "person" if "create-${" in match[0] else "x", match[1] or match[2])
            found.append((path.name, command.replace("\\'", "'")))
    return found


@pytest.mark.parametrize(("page", "command"), shown())
def test_a_command_that_a_page_shows_is_understood(page: str, command: str) -> None:
    context, rest = click.Context(root), shlex.split(command)[1:]
    known: click.Command = root
    while isinstance(known, click.Group):
        name, found, rest = known.resolve_command(context, rest)
        assert found is not None, f"{page}: {command}"
        context, known = click.Context(found, parent=context, info_name=name), found
    known.make_context(known.name, list(rest), parent=context.parent, resilient_parsing=False)


def test_commands_are_found() -> None:
    assert len(shown()) > 15
