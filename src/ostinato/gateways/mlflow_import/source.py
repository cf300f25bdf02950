"""Source: a running MLflow server, asked by its REST API."""

from __future__ import annotations

import base64
import http.client
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from ostinato.kernel.errors import Denied, Invalid, NotFound, Unauthenticated, Unavailable

A2 = "/api/2.0/mlflow"
_TRIES = 6
_PAUSE_S, _PAUSE_MAX_S = 0.2, 10.0
_TIMEOUT_S = 120.0
_PIECE = 1 << 20
_BUSY = frozenset({429, 502, 503, 504})
_ERRORS: dict[int, type[Invalid | Unauthenticated | Denied | NotFound]] = {
    400: Invalid, 401: Unauthenticated, 403: Denied, 404: NotFound, 405: NotFound,
}  # fmt: skip


class Failed(Invalid):
    """The server is there, and broke over this very request."""


class Source:
    """The server at `url`. Threads may share one.

    What does not answer, or says that it is busy, is asked again, with a growing pause, for about 12 s.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None = None, ca_file: str = "") -> None:
        place = urlsplit(url)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise Invalid(f"not the address of an MLflow server: {url[:200]!r}", hint="such as http://mlflow.example:5000", field="url")
        self.url = f"{place.scheme}://{place.hostname}{f':{place.port}' if place.port else ''}{place.path.rstrip('/')}"
        self._place = place
        self._headers = dict(headers or {})
        if place.username is not None:
            secret = base64.b64encode(f"{place.username}:{place.password or ''}".encode()).decode()
            self._headers.setdefault("Authorization", f"Basic {secret}")
        self._tls = ssl.create_default_context(cafile=ca_file or None) if place.scheme == "https" else None
        self._idle: list[http.client.HTTPConnection] = []

    def get(self, path: str, /, **fields: Any) -> dict[str, Any]:
        """The reply to a question."""
        return self._asked("GET", f"{path}?{urlencode(fields)}" if fields else path, None)

    def post(self, path: str, /, **fields: Any) -> dict[str, Any]:
        """The reply to a question that stands in a body."""
        return self._asked("POST", path, msgspec.json.encode(fields))

    def pages(self, method: str, path: str, name: str, /, **fields: Any) -> Iterator[list[dict[str, Any]]]:
        """The pages of a list, each read when it is wanted."""
        ask = self.get if method == "GET" else self.post
        while True:
            reply = ask(path, **fields)
            yield reply.get(name, [])
            if not (token := reply.get("next_page_token")):
                return
            fields["page_token"] = token

    def stream(self, path: str, /, **fields: Any) -> Iterator[bytes]:
        """The content of a file, piece by piece.

        Raises:
            Unavailable: it does not arrive whole.
        """
        with self._answer("GET", f"{path}?{urlencode(fields)}" if fields else path, None) as response:
            while piece := response.read(_PIECE):
                yield piece
            if response.length:
                raise http.client.IncompleteRead(b"", response.length)

    def close(self) -> None:
        """Let go of the connections."""
        while self._idle:
            self._idle.pop().close()

    def _asked(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        with self._answer(method, path, body) as response:
            content = response.read()
        try:
            found = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = None
        if not isinstance(found, dict):
            raise Unavailable(f"{self.url} answers no JSON object to {method} {path[:200]}", hint="is it the address of MLflow?")
        return found

    @contextmanager
    def _answer(self, method: str, path: str, body: bytes | None) -> Iterator[http.client.HTTPResponse]:
        """An answer of 2xx; its connection serves again once it is read."""
        connection, response = self._answered(method, path, body)
        try:
            yield response
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{path[:200]} of {self.url} did not arrive whole: {error}", hint="run it again: it goes on") from error
        finally:
            if response.isclosed():
                self._idle.append(connection)
            else:
                connection.close()

    def _answered(self, method: str, path: str, body: bytes | None) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        why = ""
        for turn in range(_TRIES):
            if turn:
                time.sleep(min(_PAUSE_S * 2**turn, _PAUSE_MAX_S))
            connection = self._connection()
            try:
                connection.request(method, self._place.path.rstrip("/") + path, body, self._told(body))
                response = connection.getresponse()
                if response.status < 300:
                    return connection, response
                said = _message(response.read())
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                why = str(error) or type(error).__name__
                continue
            self._idle.append(connection)
            if response.status not in _BUSY:
                raise self._refused(response.status, f"{method} {path[:200]}", said)
            why = f"{response.status} {said}"
        raise Unavailable(f"{self.url} does not answer: {why[:500]}", hint="is it running? Run this again once it is: it goes on")

    def _told(self, body: bytes | None) -> dict[str, str]:
        return self._headers | ({"Content-Type": "application/json"} if body is not None else {})

    def _refused(self, status: int, what: str, said: str) -> Exception:
        kind = _ERRORS.get(status, Failed)
        hint = "set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" if status in (401, 403) else ""
        return kind(f"{self.url} answers {status} to {what}: {said[:500]}", hint=hint)

    def _connection(self) -> http.client.HTTPConnection:
        with suppress(IndexError):
            return self._idle.pop()
        host, port = str(self._place.hostname), self._place.port
        if self._tls is not None:
            return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)


def headers_of(environment: Mapping[str, str]) -> dict[str, str]:
    """What MLflow's own clients would send, by the variables that they read.

    >>> headers_of({"MLFLOW_TRACKING_TOKEN": "t", "MLFLOW_WORKSPACE": "red"})
    {'Authorization': 'Bearer t', 'X-MLFLOW-WORKSPACE': 'red'}
    """
    found = {}
    if user := environment.get("MLFLOW_TRACKING_USERNAME"):
        secret = f"{user}:{environment.get('MLFLOW_TRACKING_PASSWORD', '')}"
        found["Authorization"] = f"Basic {base64.b64encode(secret.encode()).decode()}"
    elif token := environment.get("MLFLOW_TRACKING_TOKEN"):
        found["Authorization"] = f"Bearer {token}"
    if workspace := environment.get("MLFLOW_WORKSPACE"):
        found["X-MLFLOW-WORKSPACE"] = workspace
    return found


def escaped(path: str) -> str:
    """A path as it stands in an address."""
    return quote(path)


def _message(content: bytes) -> str:
    try:
        return str(msgspec.json.decode(content)["message"])
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return "nothing that MLflow would say"
