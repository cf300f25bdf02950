"""Sender: the thread that ships a journal while the training goes on, and takes care of those whose process is gone."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from pathlib import Path

from ostinato.kernel.errors import OstinatoError, Unavailable
from ostinato.tracking.client import place
from ostinato.tracking.client.door import RunsDoor
from ostinato.tracking.client.journal import Journal, Left
from ostinato.tracking.client.place import About
from ostinato.tracking.client.shipping import LATER, LEASE_S, Cursor, Shipper, Stuck
from ostinato.tracking.types import Run

_ROUND_S = 0.2
_CONSOLE_S = 2.0
_LOOK_S = 1.0
_LOST_S = 60.0
_BEAT_S = 30.0
_RANKS_S = 10.0
_PAUSE_S = (0.2, 10.0)
_STOP_S = 2.0
_log = logging.getLogger("ostinato.tracking")


class Sender:
    """Ships the journal of this process, those of its children and dead siblings, and those that dead processes left for this store.

    `failure` is why the last round did not succeed; `ended` the run as the store ended it. Without `runs`, nothing is shipped.
    """

    def __init__(self, runs: RunsDoor | None, journal: Journal) -> None:
        self.failure: Exception | None = None
        self.ended: Run | None = None
        self._runs = runs
        self._journal = journal
        self._own: tuple[Shipper, Cursor] | None = None
        self._others: dict[Path, tuple[Shipper, Cursor]] = {}
        self._round = threading.Condition()
        self._wake = threading.Event()
        self._stopping = False
        self._warned: set[str] = set()
        self._due_s: dict[str, float] = {"beat": time.monotonic() + _BEAT_S}
        self._ranks_until_s = 0.0
        self._pause_s = 0.0
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._work,), name="ostinato-sender", daemon=True)
        self._thread.start()

    def drain(self, patience_s: float) -> bool:
        """Wait until everything that the journal holds now is in the store; False if that took too long, or is refused."""
        with self._journal.lock:
            target = (self._journal.number, self._journal.at)
        deadline = time.monotonic() + patience_s
        with self._round:
            while not self._reached(target):
                self._pause_s = 0.0
                self._wake.set()
                left_s = deadline - time.monotonic()
                if left_s <= 0 or isinstance(self.failure, Stuck) or not self._thread.is_alive():
                    return False
                self._round.wait(min(left_s, _ROUND_S))
        return True

    def idle(self) -> bool:
        """Whether all is shipped; takes no lock."""
        return self._reached((self._journal.number, self._journal.at))

    def stop(self) -> None:
        """End the thread; what was shipped whole is removed."""
        self._stopping = True
        self._wake.set()
        self._thread.join(_STOP_S)

    def _reached(self, target: tuple[int, int]) -> bool:
        return target[0] < 0 or (self._own is not None and self._own[0].place() >= target)

    def _work(self) -> None:
        while not self._stopping:
            self._ship()
            if self._journal.full:
                self._warn(f"{self._journal.full}; what is logged waits in memory", "make room on the disk")
            with self._round:
                self._round.notify_all()
            self._wake.wait(max(_ROUND_S, self._pause_s))
            self._wake.clear()
        if self._own is not None:
            settle(*self._own, self._journal.folder)
        for folder, (shipper, cursor) in self._others.items():
            settle(shipper, cursor, folder)

    def _ship(self) -> None:
        """One round: what others logged to this run, then our own, then what dead processes left."""
        if self._runs is None:
            return
        try:
            self._ship_siblings()
            if (own := self._shipper()) is not None:
                self._all(own)
                self.ended = own.ended or self.ended
                if self._due("console", _CONSOLE_S) and self.ended is None:
                    own.ship_console()
                for text in own.shipped.refused:
                    self._warn(f"refused: {text}", "the rest is sent")
            if self._due("beat", _BEAT_S) and self.ended is None:
                self._beat()
            self._ship_lost()
        except Exception as error:  # whatever it is, this thread must not die of it in silence
            self.failure = error
            self._pause_s = min(_PAUSE_S[1], 2 * self._pause_s + _PAUSE_S[0])
            self._warn_of(error)
        else:
            self.failure, self._pause_s = self._own[0].stuck if self._own else None, 0.0

    def _all(self, shipper: Shipper) -> None:
        while shipper.step() and not self._stopping:
            with self._round:
                self._round.notify_all()

    def _shipper(self) -> Shipper | None:
        """The shipper of this process's journal, once there is something in it."""
        if self._own is None and self._journal.number >= 0 and self._runs is not None:
            fd = place.hold_cursor(self._journal.folder) if self._journal.folder is not None else -1
            if fd is None:
                return None  # `ostinato sync` has it for the moment
            cursor = Cursor.of(fd) if fd >= 0 else Cursor()
            self._own = Shipper(self._journal, self._runs, self._journal.id, cursor, own=True), cursor
            self._own[0].before_end = self._before_end
        return self._own[0] if self._own else None

    def _ship_siblings(self) -> None:
        """Ship what is logged to this run by processes that do not ship it themselves: children of a fork, and the dead."""
        if self._journal.home is None:
            return
        if self._due("siblings", _LOOK_S):
            for folder, told in place.known(place.folder_of(self._journal.home, self._journal.about.run)):
                self._take(folder, told)
        for shipper, _ in [*self._others.values()]:
            try:
                self._all(shipper)
            except Stuck as refused:
                self._warn_of(refused)

    def _take(self, folder: Path, told: About) -> None:
        """Ship the journal of a child, or of a dead process; others ship theirs themselves."""
        if self._runs is None or folder == self._journal.folder or folder in self._others:
            return
        if (told.child or not place.is_alive(folder)) and (taken := take(folder, self._runs)) is not None:
            self._others[folder] = taken

    def _ship_lost(self) -> None:
        """Ship what dead processes of this machine left for this store."""
        about = self._journal.about
        if self._journal.home is None or not (about.url or about.data) or not self._due("lost", _LOST_S):
            return
        for folder, told in place.known(self._journal.home):
            ours = (told.url, told.data, told.project, told.host) == (about.url, about.data, about.project, about.host)
            if ours and told.run != about.run:
                self._take(folder, told)

    def _before_end(self) -> None:
        """Before the run ends: what others logged to it here; and for a while the other ranks may get done."""
        self._due_s["siblings"] = 0.0
        self._ship_siblings()
        self._ranks_until_s = self._ranks_until_s or time.monotonic() + _RANKS_S
        if self._journal.home is None or time.monotonic() > self._ranks_until_s:
            return
        for folder, told in place.known(place.folder_of(self._journal.home, self._journal.about.run)):
            if told.rank > 0 and place.is_alive(folder):
                raise Unavailable("another rank still logs to the run")

    def _beat(self) -> None:
        try:
            if self._runs is not None:
                self._runs.beat(self._journal.about.run, LEASE_S)
        except OstinatoError:
            return  # a lease of three beats forgives a missed one

    def _due(self, what: str, every_s: float) -> bool:
        now_s = time.monotonic()
        if now_s < self._due_s.get(what, 0.0):
            return False
        self._due_s[what] = now_s + every_s
        return True

    def _warn_of(self, error: Exception) -> None:
        """Say once that the store is out of reach, or refuses; a logger without a journal on the disk raises it itself."""
        if self._journal.home is not None and not (isinstance(error, Unavailable) and "another rank" in str(error)):
            later = isinstance(error, LATER)
            hint = getattr(error, "hint", "") or ("it is sent when that has passed" if later else "see `ostinato sync`")
            self._warn(f"{error}; what is logged is kept in {self._journal.folder or 'memory'}", hint, kind=type(error).__name__)

    def _warn(self, what: str, hint: str, kind: str = "") -> None:
        if (kind or what) not in self._warned:
            self._warned.add(kind or what)
            _log.warning("run %s: %s (hint: %s)", self._journal.about.run, what, hint)


def take(folder: Path, runs: RunsDoor) -> tuple[Shipper, Cursor] | None:
    """Another process's journal to ship; None if somebody else ships it, or it is gone."""
    fd = place.hold_cursor(folder)
    if fd is None:
        return None
    cursor = Cursor.of(fd)
    return Shipper(Left(folder), runs, folder.name, cursor, own=False), cursor


def settle(shipper: Shipper, cursor: Cursor, folder: Path | None) -> bool:
    """Let go of a journal; remove it if its writer is done and all of it was shipped and taken. True if it is gone."""
    try:
        done = folder is not None and (shipper.closed or not place.is_alive(folder))
        if folder is None or not done or shipper.stuck or shipper.rest() or (folder / place.REFUSED).exists():
            return False
        place.remove(folder)
        return True
    finally:
        cursor.close()
