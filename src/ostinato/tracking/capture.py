"""What a process can record about itself: code, arguments, environment."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ostinato.tracking.types import Code, Environment

_SECRET = re.compile(r"(?i)(token|secret|passw|passphrase|pwd|(api|private|access).?key|credential|(?<![a-z])auth(?![a-z])|authorization)")
_SECRET_FILE = re.compile(
    r"(?i)(^|/)(\.env[^/]*|\.netrc|\.npmrc|\.pypirc|id_(rsa|dsa|ecdsa|ed25519)[^/]*|[^/]*(secret|credential|password|token)[^/]*"
    r"|[^/]*\.(pem|key|p12|pfx|jks|kdbx|tfvars)|kubeconfig[^/]*)$"
)
_SECRET_TEXT = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bhf_[A-Za-z0-9]{30}|\bsk-[A-Za-z0-9_-]{20}"
    rb"|\bxox[abprs]-[A-Za-z0-9-]{10}|\bost[psw]_[A-Za-z0-9_-]{16}|://[^/\s:@]+:[^/\s:@]{3,}@"
)
_CODE_FILE = re.compile(r"(?i)\.(py|pyi|ipynb|r|jl|sh|sql|c|cc|cpp|h|cu|rs|go|js|ts)$")
_DIFF_MAX = 1 << 20
_NEW_FILE_MAX = 1 << 16
_NEW_FILES_MAX = 200
_GIT_S = 10


def code() -> Code:
    """All that is known of the program: the repository, the program and its arguments, without what looks like a secret.

    The branch and whether files differ from the commit take a repository's time; `quick_code` leaves them out.
    """
    quick, folder = quick_code(), _folder()
    return Code(
        commit=quick.commit,
        dirty=bool(_git(folder, "status", "--porcelain")),
        entry=quick.entry,
        arguments=quick.arguments,
        host=quick.host,
        branch=_git(folder, "symbolic-ref", "--short", "-q", "HEAD"),
        remote=without_credentials(_git(folder, "remote", "get-url", "origin")),
    )


def quick_code() -> Code:
    """The commit, the program, its arguments and the host: what is known within a few milliseconds."""
    entry = entry_point()
    root, _, commit = _git(_folder(), "rev-parse", "--show-toplevel", "HEAD").partition("\n")
    root = root or _git(_folder(), "rev-parse", "--show-toplevel")
    name = str(entry) if entry else "interactive"
    if entry and root and entry.is_relative_to(root):
        name = str(entry.relative_to(root))
    return Code(commit=commit or None, entry=name, arguments=without_secrets(sys.argv[1:]), host=socket.gethostname())


def difference() -> bytes:
    """The patch from the commit to the working tree with its new text files, of at most 1 MiB; empty without git, or if it is longer.

    Files that are called like a secret, or hold what looks like one, are left out, and named in the first lines.
    """
    folder = _folder()
    root = _git(folder, "rev-parse", "--show-toplevel")
    if not root:
        return b""
    changed = _answer(Path(root), "diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--binary")
    found = re.split(rb"(?m)^(?=diff --git )", changed)
    found += [_added(Path(root), name) for name in _untracked(Path(root))]
    kept: list[bytes] = []
    left: list[bytes] = []
    for part in found:
        name = part.partition(b"\n")[0].rpartition(b" b/")[2].rstrip(b'"').decode(errors="replace")
        secret = _SECRET_FILE.search(name) and not _CODE_FILE.search(name)
        if part and (secret or _SECRET_TEXT.search(part)):
            left.append(f"# left out, it looks like a secret: {name}\n".encode())
        elif part:
            kept.append(part)
    patch = b"".join(left + kept) if kept else b""
    return patch if len(patch) <= _DIFF_MAX else b""


@cache
def environment() -> Environment:
    """The interpreter and the installed packages, by their names of today (lower case, with hyphens)."""
    return Environment(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=f"{platform.system()} {platform.machine()}",
        packages=dict(sorted(_packages().items())),
    )


def entry_point() -> Path | None:
    """The file that Python was started with; None in a shell or a notebook."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file).resolve() if file and Path(file).exists() else None


def without_secrets(arguments: list[str]) -> list[str]:
    """Arguments with the values of secrets replaced: of what is called like one, and what looks like one.

    >>> without_secrets(["--depth", "3", "--token", "abc", "--password=x", "postgres://ana:pw@host/db"])
    ['--depth', '3', '--token', '***', '--password=***', 'postgres://***@host/db']
    """
    shown: list[str] = []
    hide = False
    for argument in arguments:
        name, equals, value = argument.partition("=")
        secret = bool(_SECRET.search(name)) and (name.startswith("-") or bool(equals))
        open_text = f"{name}=***" if secret and equals else re.sub(r"://[^/\s@]+@", "://***@", argument)
        if _SECRET_TEXT.search(open_text.encode(errors="surrogatepass")):
            open_text = f"{name}=***" if equals and not _SECRET_TEXT.search(name.encode(errors="surrogatepass")) else "***"
        shown.append("***" if hide and not argument.startswith("-") else open_text)
        hide = secret and not equals and not value
    return shown


def without_credentials(url: str) -> str:
    """The address of a repository, without the user and password in it.

    >>> without_credentials("https://ana:token@example.org/a.git"), without_credentials("git@example.org:a.git")
    ('https://example.org/a.git', 'git@example.org:a.git')
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "ssh", "git") or "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def _packages() -> dict[str, str]:
    """Installed packages, read from the names of their folders, which is a hundred times faster than from what is in them."""
    found: dict[str, str] = {}
    for folder in dict.fromkeys(map(os.path.abspath, sys.path)):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in sorted(names):
            stem, _, kind = name.rpartition(".")
            package, hyphen, version = stem.partition("-")
            if kind == "dist-info" and hyphen:
                found.setdefault(re.sub(r"[-_.]+", "-", package).lower(), version)
            elif kind == "egg-info":
                told = importlib.metadata.Distribution.at(os.path.join(folder, name))
                if told.metadata and told.metadata["Name"]:
                    found.setdefault(re.sub(r"[-_.]+", "-", told.metadata["Name"]).lower(), told.version)
    return found


def _untracked(root: Path) -> list[str]:
    """New files of the working tree that git does not ignore, the smallest ones first."""
    names = [
        name for name in _answer(root, "ls-files", "--others", "--exclude-standard", "-z").decode(errors="replace").split("\0") if name
    ]
    sized = sorted((found.stat().st_size, name) for name in names[:5000] if not (found := root / name).is_symlink() and found.is_file())
    return [name for size, name in sized[:_NEW_FILES_MAX] if size <= _NEW_FILE_MAX]


def _added(root: Path, name: str) -> bytes:
    """The patch that makes a new text file; nothing for one that is no text, or is called oddly."""
    try:
        content = (root / name).read_bytes()
    except OSError:
        return b""
    if b"\0" in content or not content or not name.isprintable() or any(odd in name for odd in '"\\'):
        return b""
    lines = content.split(b"\n")
    ended = lines[-1] == b""
    lines = lines[:-1] if ended else lines
    mode = "100755" if os.access(root / name, os.X_OK) else "100644"
    head = f"diff --git a/{name} b/{name}\nnew file mode {mode}\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{len(lines)} @@\n"
    return head.encode() + b"".join(b"+" + line + b"\n" for line in lines) + (b"" if ended else b"\\ No newline at end of file\n")


def _folder() -> Path:
    entry = entry_point()
    return entry.parent if entry else Path.cwd()


def _git(folder: Path, *command: str) -> str:
    return _answer(folder, *command).decode(errors="replace").strip()


def _answer(folder: Path, *command: str) -> bytes:
    """The output of git, or nothing: a missing git, repository or commit is not an error here."""
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-c", "core.quotepath=false", "-C", str(folder), *command],
            capture_output=True, timeout=_GIT_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""
