"""The public Python functions: open a store in process, connect to a server, start a run, get the current execution."""

from __future__ import annotations

import functools
import importlib
import logging
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack, cast

from ostinato.client import login, remote
from ostinato.kernel.errors import Invalid, NotFound, Unavailable
from ostinato.kernel.settings import Settings
from ostinato.pipelines.context import Context
from ostinato.pipelines.context import current as _current
from ostinato.tracking.client.runs_protocol import RunsProtocol
from ostinato.tracking.fits.plan import Plan
from ostinato.tracking.fits.watch import Autologging, checked_frameworks, unwatch, watch
from ostinato.tracking.logger import Logger, Options

if TYPE_CHECKING:
    from ostinato.app import Ostinato


def open(path: str | os.PathLike[str] | None = None, *, project: str | None = None) -> Ostinato:
    """Open the store in the folder `path` (default `OSTINATO_DATA`, else `./ostinato-data`), in this process, as its owner.

    Raises:
        NotFound: the store has no such project.
    """
    named = project or Settings.read(path).project
    opened = _house().open(path, project=named)
    if not opened.access.is_project(named):
        opened.close()
        raise NotFound(f"no project {named!r}", hint="app.access.projects() lists them, and app.access.create_project(…) makes one")
    return opened


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
    shown = token or settings.token or login.saved_token(address)
    opened = remote.connect(address, shown, project or settings.project, ca_file=ca_file or settings.ca_file)
    return cast("Ostinato", opened)


def run(
    experiment: str,
    name: str = "",
    *,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    **how: Unpack[Options],
) -> Logger:
    """A run to log to, on the server that `OSTINATO_URL` names, else in the store in `OSTINATO_DATA`, opened in process.

    With `offline=True` or `OSTINATO_OFFLINE=1` nothing is opened, and `ostinato sync` ships the run later; so it does if the server is
    out of reach.
    """
    settings = Settings.read()
    target = {"url": settings.url, "data": "" if settings.url else str(settings.data), "project": settings.project}
    asked = how.get("offline")
    offline = bool(settings.offline) if asked is None else asked
    opened = None if offline else _reached(settings)
    runs = None if opened is None else cast(RunsProtocol, opened.logging if isinstance(opened, remote.Remote) else opened.runs)
    more: Options = {**how, "offline": offline or runs is None}
    logger = Logger.start(runs, experiment, name, params=params, tags=tags, target=target, **more)
    if opened is not None:
        logger.afterwards(opened.close)
    return logger


def autolog(
    *frameworks: str | bool,
    to: Ostinato | None = None,
    experiment: str = "",
    models: bool = True,
    examples: bool = False,
    children: int = 10,
) -> Autologging:
    """Record trainings without a line of code in them, until `ost.autolog(False)`, or the end of a `with` block.

    `frameworks` are members of the family `tracking.autolog`, by default all of them; none is imported for it. A training goes into the
    run that is open in its thread, the next one there into a run of its own within that, and without one into a run of its own, in
    `to`, or where `ost.run` would put it: `experiment` says of what, by default the name of the program. `models` keeps the models,
    `examples` five rows of the data (else no row is kept), `children` is how many trials of a search become runs.

    Raises:
        NotFound: there is no such framework.
        MissingExtra: one that was named is not installed.
    """
    if frameworks == (False,):
        unwatch()
        return Autologging(None, lambda: None)
    named = tuple(name for name in frameworks if isinstance(name, str))
    settings, opened = Settings.read(), _Once()
    begin = to.run if to is not None else functools.partial(_begun, settings, opened)
    plan = Plan(begin, checked_frameworks(named), experiment=experiment, models=models, examples=examples, children=children)
    return watch(plan, opened.close, named=bool(named))


class _Once:
    """A store that is opened when the first run is begun, for all of them."""

    def __init__(self) -> None:
        self.store: Ostinato | remote.Remote | None = None
        self.lock = threading.Lock()

    def close(self) -> None:
        if self.store is not None:
            self.store.close()
            self.store = None


def _begun(settings: Settings, opened: _Once, experiment: str, name: str, **how: Any) -> Logger:
    offline = bool(settings.offline) if how.get("offline") is None else how["offline"]
    with opened.lock:
        if opened.store is None and not offline:
            opened.store = _reached(settings)
    if opened.store is None or offline:
        return run(experiment, name, **{**how, "offline": True})
    return opened.store.run(experiment, name, **how)


def _house() -> type[Ostinato]:
    """All slices; a client of a server loads those that it asks."""
    return importlib.import_module("ostinato.app").Ostinato  # type: ignore[no-any-return]


def _reached(settings: Settings) -> Ostinato | remote.Remote | None:
    """The store that the settings name; None if it is a server that does not answer."""
    if not settings.url:
        return _house().open(settings.data)
    try:
        return remote.connect(settings.url, settings.token or login.saved_token(settings.url), settings.project, ca_file=settings.ca_file)
    except Unavailable as error:
        logging.getLogger("ostinato.tracking").warning("%s; the run is kept here (hint: `ostinato sync` sends it)", error)
        return None


def current() -> Context:
    """The execution and run inside which this code is called.

    Raises:
        Conflict: called outside a pipeline.
    """
    return _current()
