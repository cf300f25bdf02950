"""The pages of docs/ as their reader meets them: the Python runs as it stands, the commands exist, the links lead somewhere."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ostinato.cli.main import main, root
from ostinato.testing.processes import free_port

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
AFTER_THE_README = "the example of the [README](../README.md#the-first-deployed-model)"
"""A page that says this continues that example: it is run before."""
START_S = 30.0


def blocks(page: Path, *languages: str) -> list[str]:
    return [code for language, code in re.findall(r"```(\w+)\n(.*?)```", page.read_text(), re.DOTALL) if language in languages]


def commands(page: Path) -> Iterator[str]:
    for block in blocks(page, "sh", "console"):
        yield from (line.removeprefix("$ ") for line in block.splitlines() if re.match(r"(\$ )?ostinato ", line))


def promises(codes: list[str]) -> Iterator[str]:
    """The comments that hold a value and nothing else: what the code says it prints."""
    for comment in re.findall(r"# (.+)$", "\n".join(codes), re.MULTILINE):
        with contextlib.suppress(ValueError, SyntaxError):
            ast.literal_eval(comment)
            yield comment


@contextlib.contextmanager
def as_served_on(page: Path, folder: Path, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """What to write for what in the page while its `ostinato serve`, if there is one, runs on a free port."""
    serve = next((shlex.split(line) for line in commands(page) if " serve " in line and "--port" in line), None)
    if page == README or serve is None:
        yield {}
        return
    port = str(free_port())
    said = serve[serve.index("--port") + 1]
    words = [sys.executable, "-m", "ostinato.cli.main", *(port if word == said else word for word in serve[1:])]
    server = subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        limit = time.monotonic() + START_S
        while not list(folder.glob("*/server.json")) and time.monotonic() < limit:
            time.sleep(0.05)
        yield {said: port}
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=START_S)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.stem)
def test_the_python_of_the_page_runs_as_written(page: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OSTINATO_")}
    codes = blocks(page, "python")
    if AFTER_THE_README in page.read_text():
        pytest.importorskip("sklearn", reason="the example of the README needs the extra ml")
        codes = [*blocks(README, "python"), *codes, "app.close()\n"]
    with as_served_on(page, tmp_path, environment) as instead:
        for said, is_so in instead.items():
            codes = [code.replace(said, is_so) for code in codes]
        for code in codes:
            if name := re.match(r"# (\w+\.py)\n", code):
                (tmp_path / name[1]).write_text(code)
        script = tmp_path / "as_written.py"
        script.write_text("\n".join(code for code in codes if not re.match(r"# \w+\.py\n", code)))
        ran = subprocess.run(
            [sys.executable, "-W", "error", script.name], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240
        )
    assert ran.returncode == 0, ran.stderr
    for promised in promises(codes):
        assert promised in ran.stdout


def found(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that these words name, and what follows its name."""
    if not root.commands:  # `main` adds those that are no verbs
        with pytest.raises(SystemExit):
            main(["--help"])
    command: click.Command = root
    while isinstance(command, click.Group) and words:
        inner = command.get_command(click.Context(command), words[0])
        assert inner, f"no command {words[0]!r}"
        command, words = inner, words[1:]
    return command, words


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda p: p.stem)
def test_the_commands_of_the_page_are_accepted(page: Path) -> None:
    for line in commands(page):
        words = shlex.split(re.split(r" (?:&&|\||>) ", line)[0], comments=True)
        command, rest = found(words[1:])
        try:
            command.make_context(command.name, rest)
        except click.BadParameter as error:  # the folders of an example are the reader's
            if "does not exist" not in error.message:
                raise
    for line in re.findall(r"`ostinato ([a-z][^`<]*)`", page.read_text()):
        command, rest = found(line.split())
        options = [o for p in command.params for o in [*p.opts, *p.secondary_opts]]
        assert [word for word in rest if word.startswith("--") and word not in [*options, "--help"]] == [], line


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda p: p.stem)
def test_the_links_of_the_page_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    assert [page.name for page in PAGES if page.name != "README.md" and f"({page.name})" not in index] == []
