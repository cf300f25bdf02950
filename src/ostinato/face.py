"""The three doors of the Python face: open a store in process, connect to a server, ask for the present execution."""

from __future__ import annotations

import os
from typing import cast

from ostinato.app import Ostinato
from ostinato.client import login, remote
from ostinato.kernel.errors import Invalid
from ostinato.kernel.settings import Settings
from ostinato.pipelines.context import Context
from ostinato.pipelines.context import current as _current


def open(path: str | os.PathLike[str] | None = None, *, project: str | None = None) -> Ostinato:
    """Open the store in the folder `path` (default `OSTINATO_DATA`, else `./ostinato-data`), in this process, as its owner."""
    return Ostinato.open(path, project=project)


def connect(url: str | None = None, token: str | None = None, *, project: str | None = None, ca_file: str | None = None) -> Ostinato:
    """The same verbs on a server; `OSTINATO_URL`, `_TOKEN`, `_PROJECT` and `_CA_FILE` fill what is not given, then `ostinato login`.

    Raises:
        Invalid: neither `url` nor `OSTINATO_URL` is set.
        Unauthenticated: the server does not know the token.
        Unavailable: it does not answer within 5 s.
    """
    settings = Settings.read()
    address = url or settings.url
    if not address:
        raise Invalid("no server named", hint="ost.connect('http://127.0.0.1:8080', token), or set OSTINATO_URL", field="url")
    shown = token or settings.token or login.saved(address)
    opened = remote.connect(address, shown, project or settings.project, ca_file=ca_file or settings.ca_file)
    return cast(Ostinato, opened)


def current() -> Context:
    """The execution and run inside which this code is called.

    Raises:
        Conflict: called outside a pipeline.
    """
    return _current()
