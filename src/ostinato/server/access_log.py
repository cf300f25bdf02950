"""The access log: a line of JSON for each request, written a few at a time: one by one they cost a fifth of a short request."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

_log = logging.getLogger("ostinato.access")
WAIT_S = 0.05
_MOST = 200
_SECRET = re.compile(r"(ost[a-z]_[0-9A-Za-z]{10})[0-9A-Za-z]{38}")
"""A token: what remains names it, see `ostinato.access.tokens`."""


class Line(NamedTuple):
    """What is told of a request; its path comes without the query, which may hold what nobody should read."""

    at_s: float
    request: str
    method: str
    path: str
    status: int
    client: str | None
    ms: float
    actor: str | None
    project: str | None

    def text(self) -> str:
        """JSON in ASCII: whatever a client sends, it is one line."""
        told: dict[str, Any] = {"at": datetime.fromtimestamp(self.at_s, UTC).isoformat(timespec="milliseconds"), **self._asdict()}
        del told["at_s"]
        told["path"] = _SECRET.sub(r"\1…", self.path)  # it does not belong into an address, but somebody will put it there
        text = msgspec.json.encode(told).decode()
        return text if text.isascii() else json.dumps(told, separators=(",", ":"))


class AccessLog:
    """The lines not yet written. Only the thread of the event loop adds to them."""

    def __init__(self) -> None:
        self._due: list[Line] = []

    def add(self, line: Line) -> None:
        """Have the line written within 50 ms."""
        if not _log.isEnabledFor(logging.INFO):
            return
        self._due.append(line)
        if len(self._due) == 1:
            asyncio.get_running_loop().call_later(WAIT_S, self.write)
        elif len(self._due) >= _MOST:
            self.write()

    def write(self) -> None:
        """Write what is due."""
        due, self._due = self._due, []
        for line in due:  # who logs is known, so nobody looks for it
            _log.handle(logging.LogRecord(_log.name, logging.INFO, __file__, 0, line.text(), None, None))
        for handler in _log.handlers if due else ():
            handler.flush()


class BatchedHandler(logging.StreamHandler[Any]):
    """Writes to its stream, and leaves it to `flush` when that reaches the file; where the file takes nothing, no request fails for it."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            self.stream.write(f"{record.getMessage()}\n")

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()
