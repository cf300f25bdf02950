"""The thread that ships the journal during the training, and adopts journals of dead processes."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ostinato.kernel.errors import OstinatoError, Unavailable
from ostinato.tracking.client import folders
from ostinato.tracking.client.folders import About
from ostinato.tracking.client.journal import Journal, LeftJournal
from ostinato.tracking.client.runs_protocol import RunsProtocol
from ostinato.tracking.client.shipping import LATER, LEASE_S, Cursor, Shipper, Stuck
from ostinato.tracking.types import Run

_ROUND_S = 0.2
_CONSOLE_S = 2.0
_LOOK_S = 1.0
_LOST_S = 60.0
_BEAT_S = 30.0
_RANKS_S = 10.0
_OTHERS_S = 1.0
_STEPS = 8
_PAUSE_S = (0.2, 10.0)
_STOP_S = 2.0
_log = logging.getLogger("ostinato.tracking")


@dataclass(slots=True)
class _Other:
    """Another process's journal that is shipped here; after an error it rests, and holds up nothing else."""

    shipper: Shipper
    cursor: Cursor
    run: str
    pause_s: float = 0.0
    again_s: float = 0.0
    left: bool = True


class Sender:
    """Ships the journal of this process, those of its children and dead siblings, and those that dead processes left for this store.

    `failure` is why the last round of its own journal did not succeed. Without `runs`, nothing is shipped.
    """

    def __init__(self, runs: RunsProtocol | None, journal: Journal) -> None:
        self.failure: Exception | None = None
        self._runs = runs
        self._journal = journal
        self._own: tuple[Shipper, Cursor] | None = None
        self._others: dict[Path, _Other] = {}
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

    @property
    def ended(self) -> Run | None:
        """The run as the store ended it."""
        return self._own[0].ended if self._own is not None else None

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
        held = [(*self._own, self._journal.folder)] if self._own is not None else []
        for taken in [*held, *((other.shipper, other.cursor, folder) for folder, other in self._others.items())]:
            try:
                settle(*taken)
            except Exception as error:
                self._warn_of(error, own=taken[2] == self._journal.folder)

    def _ship(self) -> None:
        """One round: our own journal, then some of what others logged to this run and of what dead processes left."""
        if self._runs is None:
            return
        try:
            self._beat()
            if (own := self._shipper()) is not None:
                self._all(own)
                if self._due("console", _CONSOLE_S) and self.ended is None:
                    own.ship_console()
                for text in own.shipped.refused:
                    self._warn(f"refused: {text}", "the rest is sent")
        except Exception as error:  # whatever it is, this thread must not die of it in silence
            self.failure = error
            self._pause_s = min(_PAUSE_S[1], 2 * self._pause_s + _PAUSE_S[0])
            self._warn_of(error)
        else:
            self.failure, self._pause_s = self._own[0].stuck if self._own else None, 0.0
        try:
            self._find_siblings()
            self._find_lost()
            self._ship_others(time.monotonic() + _OTHERS_S)
        except Exception as error:
            self._warn_of(error, own=False)

    def _all(self, shipper: Shipper) -> None:
        """Ship what there is now; what comes meanwhile is left to the next round, or the few points of each write would be one."""
        with self._journal.lock:
            target = (self._journal.number, self._journal.at)
        while self._shipper() is not None and not self._reached(target) and shipper.step() and not self._stopping:
            with self._round:
                self._round.notify_all()
            self._beat()

    def _shipper(self) -> Shipper | None:
        """The shipper of this process's journal, once there is something in it."""
        if self._own is None and self._journal.number >= 0 and self._runs is not None:
            fd = folders.lock_cursor(self._journal.folder) if self._journal.folder is not None else -1
            if fd is None:
                return None  # `ostinato sync` has it for the moment
            cursor = Cursor.of(fd) if fd >= 0 else Cursor()
            self._own = Shipper(self._journal, self._runs, self._journal.id, cursor, own=True), cursor
            self._own[0].before_end = self._before_end
        elif self._own is not None and self._own[1].fd < 0 and self._journal.folder is not None:
            fd = folders.lock_cursor(self._journal.folder)  # what came before the folder is in memory
            if fd is None:
                return None
            self._own[1].adopt(fd)
        return self._own[0] if self._own else None

    def _find_siblings(self) -> None:
        """Adopt journals of this run by processes that do not ship themselves: children of a fork, and dead ones."""
        if self._journal.home is not None and self._due("siblings", _LOOK_S):
            for folder, told in folders.own_journals(folders.folder_of(self._journal.home, self._journal.about.run)):
                self._take(folder, told)

    def _find_lost(self) -> None:
        """Adopt journals of dead processes of this machine for this store."""
        about = self._journal.about
        if self._journal.home is None or not (about.url or about.data) or not self._due("lost", _LOST_S):
            return
        for folder, told in folders.own_journals(self._journal.home):
            ours = (told.url, told.data, told.project, told.host) == (about.url, about.data, about.project, about.host)
            if ours and told.run != about.run:
                self._take(folder, told)

    def _take(self, folder: Path, told: About) -> None:
        """Ship the journal of a child of this run, or of a dead process; others ship theirs themselves."""
        if self._runs is None or folder == self._journal.folder or folder in self._others:
            return
        try:
            ours = told.child and told.run == self._journal.about.run
            if (ours or not folders.is_alive(folder)) and (taken := take_over(folder, self._runs)) is not None:
                self._others[folder] = _Other(*taken, told.run)
        except Exception as error:
            self._warn_of(error, own=False)

    def _ship_others(self, until_s: float) -> None:
        """Some of each journal of others that does not rest; those that get no turn are the first the next time."""
        for folder in [*self._others]:
            if self._stopping or time.monotonic() > until_s:
                return
            other = self._others[folder] = self._others.pop(folder)
            if time.monotonic() >= other.again_s:
                self._some(folder, other)

    def _some(self, folder: Path, other: _Other) -> None:
        try:
            dead = other.shipper.opened and not folders.is_alive(folder)
            other.left = True
            for _ in range(_STEPS):
                other.left = other.shipper.step()
                if not other.left:
                    break
            if dead and not other.left:
                other.shipper.end_again()
        except Exception as error:  # a journal of others must not hold up our own
            self._warn_of(error, own=False)
            with contextlib.suppress(Exception):
                other.shipper.end_again()
            other.pause_s = min(_PAUSE_S[1], 2 * other.pause_s + _PAUSE_S[0])
            other.again_s = time.monotonic() + other.pause_s
        else:
            other.pause_s = 0.0

    def _before_end(self) -> None:
        """Before the run ends: what others logged to it here; and for a while the others may get done."""
        self._due_s["siblings"] = 0.0
        self._find_siblings()
        self._ranks_until_s = self._ranks_until_s or time.monotonic() + _RANKS_S
        run = self._journal.about.run
        siblings = [(folder, other) for folder, other in self._others.items() if other.run == run]
        for folder, other in siblings:
            self._some(folder, other)
            while other.left and not other.pause_s and not self._stopping:
                self._beat()
                self._some(folder, other)
        if self._journal.home is None or time.monotonic() > self._ranks_until_s:
            return
        if any(other.left and not other.shipper.stuck for _, other in siblings):
            raise Unavailable("another rank still logs to the run")
        for folder, told in folders.own_journals(folders.folder_of(self._journal.home, run)):
            if told.rank > 0 and folders.is_alive(folder):
                raise Unavailable("another rank still logs to the run")

    def _beat(self) -> None:
        if self._runs is None or self.ended is not None or not self._due("beat", _BEAT_S):
            return
        with contextlib.suppress(OstinatoError, OSError):  # a lease of three beats forgives a missed one
            self._runs.beat(self._journal.about.run, LEASE_S)

    def _due(self, what: str, every_s: float) -> bool:
        now_s = time.monotonic()
        if now_s < self._due_s.get(what, 0.0):
            return False
        self._due_s[what] = now_s + every_s
        return True

    def _warn_of(self, error: Exception, *, own: bool = True) -> None:
        """Warn once that the store is unreachable or refuses; a logger without a journal on disk raises instead."""
        if self._journal.home is not None and not (isinstance(error, Unavailable) and "another rank" in str(error)):
            later = isinstance(error, LATER)
            hint = getattr(error, "hint", "") or ("it is sent when that has passed" if later else "see `ostinato sync`")
            kind = type(error).__name__
            if own:
                self._warn(f"{error}; what is logged is kept in {self._journal.folder or 'memory'}", hint, kind)
            elif kind not in self._warned:
                self._warn(f"{error}; what another process logged is kept in {self._journal.home}", hint, f"{kind} of others")

    def _warn(self, what: str, hint: str, kind: str = "") -> None:
        if (kind or what) not in self._warned:
            self._warned.add(kind or what)
            _log.warning("run %s: %s (hint: %s)", self._journal.about.run, what, hint)


def take_over(folder: Path, runs: RunsProtocol) -> tuple[Shipper, Cursor] | None:
    """Take over another process's journal; None if it is being shipped already, or is gone."""
    fd = folders.lock_cursor(folder)
    if fd is None:
        return None
    try:
        cursor = Cursor.of(fd)
        return Shipper(LeftJournal(folder), runs, folder.name, cursor, own=False), cursor
    except BaseException:
        folders.unlock_file(fd)
        raise


def settle(shipper: Shipper, cursor: Cursor, folder: Path | None) -> bool:
    """Release a journal; remove it if its writer is done and all of it was shipped. Returns whether it is gone."""
    try:
        shipper.end_again()
        done = folder is not None and (shipper.closed or not folders.is_alive(folder))
        if folder is None or not done or shipper.stuck or shipper.rest() or (folder / folders.REFUSED).exists():
            return False
        folders.remove(folder)
        return True
    finally:
        cursor.close()
