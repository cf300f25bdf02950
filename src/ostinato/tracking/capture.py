"""What can be known of the present process without asking: its code, its arguments, its environment."""

from __future__ import annotations

import platform
import re
import socket
import subprocess
import sys
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from ostinato.tracking.types import Code, Environment

_SECRET = re.compile(r"(?i)(token|secret|passw|api.?key|credential)")
_DIFF_MAX = 1 << 20
_GIT_S = 10


def code() -> Code:
    """The commit, the program and its arguments; values of arguments that are called like a secret are left out."""
    entry = entry_point()
    folder = entry.parent if entry else Path.cwd()
    root = _git(folder, "rev-parse", "--show-toplevel")
    name = str(entry) if entry else "interactive"
    if entry and root and entry.is_relative_to(root):
        name = str(entry.relative_to(root))
    return Code(
        commit=_git(folder, "rev-parse", "--verify", "-q", "HEAD") or None,
        dirty=bool(_git(folder, "status", "--porcelain")),
        entry=name,
        arguments=without_secrets(sys.argv[1:]),
        host=socket.gethostname(),
    )


def difference() -> bytes:
    """The patch from the commit to the files of the working tree, of at most 1 MiB; empty without git, or if it is longer."""
    entry = entry_point()
    patch = _answer(entry.parent if entry else Path.cwd(), "diff", "HEAD", "--no-color", "--no-ext-diff")
    return patch if len(patch) <= _DIFF_MAX else b""


@cache
def environment() -> Environment:
    """The interpreter and the installed packages."""
    packages = {str(name).lower(): str(found.version) for found in distributions() if (name := found.metadata["Name"])}
    return Environment(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=f"{platform.system()} {platform.machine()}",
        packages=dict(sorted(packages.items())),
    )


def entry_point() -> Path | None:
    """The file that Python was started with; None in a shell or a notebook."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file).resolve() if file and Path(file).exists() else None


def without_secrets(arguments: list[str]) -> list[str]:
    """Arguments with the values of secrets replaced.

    >>> without_secrets(["--depth", "3", "--token", "abc", "--password=x"])
    ['--depth', '3', '--token', '***', '--password=***']
    """
    shown: list[str] = []
    hide = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        secret = bool(_SECRET.search(name)) and name.startswith("-")
        shown.append("***" if hide and not argument.startswith("-") else f"{name}=***" if secret and equals else argument)
        hide = secret and not equals
    return shown


def _git(folder: Path, *command: str) -> str:
    return _answer(folder, *command).decode(errors="replace").strip()


def _answer(folder: Path, *command: str) -> bytes:
    """What git answers, or nothing: no git, no repository and no commit are ordinary here."""
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *command], capture_output=True, timeout=_GIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""
