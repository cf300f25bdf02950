"""What works on the store: the server, its port, the workers, the planes of endpoints."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from ostinato.maintenance.checks.check import CheckedStore, Fault, problem, warning
from ostinato.maintenance.files import ENDPOINTS
from ostinato.pipelines import overview as pipelines
from ostinato.serving.plane.plan import read_plan, read_state
from ostinato.serving.supervise import alive

_ANSWER_S = 5.0


def server(checked: CheckedStore) -> Iterator[Fault]:
    """The server that holds the store answers; none was killed."""
    told = _server_state(checked)
    if not checked.served:
        if told:
            mend = "nothing is lost: start it again with ostinato serve"
            yield warning(f"a server (process {told.get('pid')}) ended without saying so", mend)
        return
    if told and (why := _silent(str(told.get("url", "")))):
        mend = f"see what it does; kill -TERM {told.get('pid')} ends it in order, and nothing acknowledged is lost if it must be -KILL"
        yield problem(f"the server (process {told.get('pid')}) at {told.get('url')} does not answer: {why}", mend)


def port(checked: CheckedStore, host: str, number: int) -> Iterator[Fault]:
    """A server could listen there, or the one of this store does."""
    told = _server_state(checked)
    if checked.served and told and urlsplit(str(told.get("url", ""))).port == number:
        return
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            yield problem(f"a server cannot listen at {host}:{number}: {error.strerror}", "choose another --port; 0 takes a free one")
            return
    if checked.served:
        where = f"at {told['url']} " if told else ""
        yield problem(f"another server {where}holds this store already", "use that one, or end it first: a folder has one server at a time")


def executions(checked: CheckedStore) -> Iterator[Fault]:
    """Work that was claimed is being done, and work that waits has somebody to wait for."""
    lost, waiting = checked.rows.read(lambda tx: (pipelines.lost(tx), pipelines.waiting(tx)))
    for found in lost:
        mend = "a worker takes it up by itself" if checked.served else "start ostinato serve, or ostinato worker: it goes on where it was"
        what = f"the execution {found.id} of {found.pipeline}"
        yield warning(f"{what} lost its worker ({found.owner or 'unknown'}), whose heartbeat stopped", mend)
    if waiting and not checked.served:
        yield warning(f"{waiting} executions wait, and no server runs", "start ostinato serve, or ostinato worker")


def endpoints(checked: CheckedStore) -> Iterator[Fault]:
    """The planes of endpoints live and can do what they are asked."""
    for folder in sorted(path for path in (checked.data / ENDPOINTS).glob("*/*") if path.is_dir()):
        name = "/".join(folder.parts[-2:])
        with suppress(FileNotFoundError):
            try:
                read_plan(folder)
            except ValueError:
                mend = f"remove {folder / 'plan.json'}: it is made again from the rows"
                yield problem(f"the plan of the endpoint {name} is damaged", mend)
        state = read_state(folder)
        if state is None:
            continue
        if not alive(folder):
            if checked.served:
                yield problem(f"the endpoint {name} has no process", f"the server starts it; if not, {folder / 'plane.log'} says why")
        elif state.problem:
            yield problem(f"the endpoint {name} says: {state.problem}", f"deploy a version that loads; {folder / 'plane.log'} says more")


def _server_state(checked: CheckedStore) -> dict[str, Any]:
    """The state that the last server recorded."""
    try:
        told = json.loads((checked.data / "server.json").read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _silent(url: str) -> str:
    """Why a server does not answer; empty if it does."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=_ANSWER_S)
        try:
            connection.request("GET", "/health/live")
            connection.getresponse().read()
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        return "" if "CERTIFICATE" in str(error) else f"{type(error).__name__}"
    return ""
