"""Group: what all threads want to write is committed together, as many changes as wait in one transaction, by one thread at a time."""

from __future__ import annotations

import contextlib
import contextvars
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from ostinato.kernel.errors import Conflict, Unavailable
from ostinato.storage.rows.rows import Tx

T = TypeVar("T")

_GROUP_MAX = 128
_GROUP_S = 0.05
_QUEUE_MAX = 4096
_WAIT_S = 30.0


class Session(Protocol):
    """One connection to write by, which mends itself at the next `begin`. At most one session of a database is between begin and end."""

    def free(self) -> bool:
        """Take the turn, if nobody has it or waits for it: `begin` will not wait long. Whether it was taken."""
        ...

    def begin(self) -> Tx:
        """Wait for the turn, unless it was taken, and open a transaction."""
        ...

    def execute(self, sql: str) -> None:
        """Run a plain statement."""
        ...

    def intact(self) -> bool:
        """Whether the transaction is open and takes statements."""
        ...

    def commit(self) -> None:
        """End the transaction; it is durable when this returns. Raises what the callers are told."""
        ...

    def rollback(self) -> None:
        """End the transaction, if there is one, without effect, and let go of the turn; never raises."""
        ...

    def told(self, error: Exception) -> Exception:
        """What the caller is told of an error of the driver."""
        ...

    def close(self) -> None:
        """Let go of the connection; never raises."""
        ...


class Group:
    """The queue of changes, and who commits them: a caller who finds nobody at it, else a thread that goes on while changes wait.

    So a lone caller wakes nobody and waits for nobody. The main thread leaves its changes to the other one: a signal may interrupt it
    anywhere, and what it commits may be others' too. So does a caller who would have to wait for another process.

    Changes are first run one after another, and committed together: one flush to disk serves them all. If any of them fails,
    the transaction is rolled back and all are run again, each in a savepoint of its own, so that a failure undoes itself alone.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._queue: queue.SimpleQueue[Change] = queue.SimpleQueue()
        self._group: Sequence[Change] = ()
        self._done: Sequence[Change] = ()
        self._careful = False
        self._lead = threading.Lock()
        self._leader: int | None = None
        """The thread that has the lead: the session, and all above but the queue, are its alone."""
        self._closed = self._stopped = False
        self._process = os.getpid()
        self._due: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="ostinato-rows", daemon=True)
        self._thread.start()

    def write(self, run: Callable[[Tx], T]) -> T:
        """Run `run` in a transaction and return its result once that is durable; raises what it raises, or Unavailable."""
        if self._closed:
            raise Unavailable("the store is closing")
        if self._process != os.getpid():
            raise Conflict("the store was opened before this process was forked", hint="open it anew in the child")
        present = threading.get_ident()
        if present == self._leader:
            raise Conflict("a write inside a write would wait for itself", hint="use the Tx that the change was given")
        if self._queue.qsize() >= _QUEUE_MAX:
            raise Unavailable("too many writes are waiting", hint="try again in a moment")
        change = Change(run, alone=present == threading.main_thread().ident)
        self._queue.put(change)
        if change.alone:
            self._due.put(True)
        elif self._lead.acquire(blocking=False):
            self._lead_once(patient=False)
        if self._stopped:
            self._refuse()
        return change.wait()  # type: ignore[no-any-return]

    def close(self) -> None:
        """Commit what was accepted, then stop."""
        if not self._closed:
            self._closed = True
            self._due.put(False)
            self._thread.join(timeout=_WAIT_S)

    def _serve(self) -> None:
        while self._due.get():
            self._lead.acquire()
            self._lead_once(patient=True)
        self._lead.acquire()  # for good
        self._leader = self._thread.ident
        while self._waiting():
            self._done = ()
            self._commit(patient=True)
            _let_go(self._done)
        self._session.close()
        self._stopped = True
        self._refuse()

    def _lead_once(self, *, patient: bool) -> None:
        """Commit what waits. The last whose change was committed gives up the lead: whoever is woken before it and writes again
        joins the next group."""
        self._leader, self._done = threading.get_ident(), ()
        try:
            if self._waiting():
                self._commit(patient)
        finally:
            self._leader = None
            _let_go(self._done, self._give_up)

    def _give_up(self) -> None:
        """Give up the lead: what still waits, or came meanwhile, is the thread's."""
        more = self._group
        self._lead.release()
        if more or not self._queue.empty():
            self._due.put(True)

    def _waiting(self) -> bool:
        return bool(self._group) or not self._queue.empty()

    def _commit(self, patient: bool) -> None:
        """Commit what waits in one transaction; without patience only if the turn is free."""
        try:
            if patient or self._session.free():
                tx = self._session.begin()
                self._group = self._group or self._taken()
                self._group, self._careful = self._run(tx, self._group, self._careful)
        except BaseException as error:  # whatever fails, every caller gets an answer
            self._session.rollback()
            failed, self._group, self._careful = self._group or self._taken(), (), False
            for change in failed:
                change.answer(self._told(error))

    def _taken(self) -> list[Change]:
        """The changes that are queued now, but for those that were given up."""
        group: list[Change] = []
        with contextlib.suppress(queue.Empty):
            while len(group) < _GROUP_MAX:
                change = self._queue.get_nowait()
                if change.taken():
                    group.append(change)
        return group

    def _run(self, tx: Tx, group: Sequence[Change], careful: bool) -> tuple[Sequence[Change], bool]:
        """Run and commit a group; returns those that are still to be run, and whether each of them in a savepoint."""
        session, started, done = self._session, time.perf_counter(), 0
        for change in group:
            if careful:
                session.execute("SAVEPOINT change")
            change.run(tx)
            if not careful and (not session.intact() or (change.error and len(group) > 1)):
                session.rollback()
                return group, True
            if careful and not self._kept(change):
                session.rollback()
                change.answer(self._told(change.error or Conflict("the change ended the transaction")))
                return [*group[:done], *group[done + 1 :]], False
            done += 1
            if time.perf_counter() - started > _GROUP_S:
                break
        if not any(change.error is None for change in group[:done]):
            session.rollback()
        else:
            session.commit()
        for change in group[:done]:
            change.error = change.error and self._told(change.error)
        self._done = group[:done]
        return group[done:], False

    def _kept(self, change: Change) -> bool:
        """Close the savepoint of a change, and undo the change if it failed; whether the transaction could go on."""
        session = self._session
        if change.error is None and session.intact():
            session.execute("RELEASE SAVEPOINT change")
            return True
        try:
            session.execute("ROLLBACK TO SAVEPOINT change")
            session.execute("RELEASE SAVEPOINT change")
        except Exception:
            return False
        change.error = change.error or Conflict("a statement failed, and the change went on regardless")
        return True

    def _told(self, error: BaseException) -> BaseException:
        return self._session.told(error) if isinstance(error, Exception) else error

    def _refuse(self) -> None:
        """Answer what came too late; whoever queues after `_stopped` calls this too, so that nobody waits for ever."""
        while late := self._taken():
            for change in late:
                change.answer(Unavailable("the store is closing"))


class Change:
    """Something to do in a transaction, on behalf of whoever waits for its outcome.

    Behind one that is `alone` nobody waits: its caller is the main thread, which a signal may call away.
    """

    __slots__ = ("_answered", "_context", "_free", "_result", "_run", "alone", "behind", "error")

    def __init__(self, run: Callable[[Tx], Any], *, alone: bool = False) -> None:
        self._run = run
        self._context = contextvars.copy_context()
        self._free = [True]
        self._answered = threading.Lock()
        self._answered.acquire()
        self._result: Any = None
        self.error: BaseException | None = None
        self.alone = alone
        self.behind: Callable[[], None] | None = None

    def taken(self) -> bool:
        """Take it, to be run or to be given up: true for exactly one who asks."""
        try:
            return self._free.pop()
        except IndexError:
            return False

    def run(self, tx: Tx) -> None:
        """Run it, once more."""
        self.error = None
        try:
            self._result = self._context.run(self._run, tx)
        except BaseException as error:
            self.error = error

    def answer(self, error: BaseException | None) -> None:
        """Let the caller go, with the result or with an error."""
        self.error = error
        self.let_go()

    def let_go(self) -> None:
        """Let the caller go, with what is known."""
        self._answered.release()

    def wait(self) -> Any:
        """The result, or the error; Unavailable if nobody took it in time."""
        try:
            if not self._answered.acquire(timeout=_WAIT_S):
                if self.taken():
                    raise Unavailable(
                        f"the store did not come to this write within {_WAIT_S:.0f} s; nothing was written",
                        hint="another process may hold the store; try again",
                    )
                self._answered.acquire()
        finally:
            if self.behind is not None:
                self.behind()
        if self.error is not None:
            raise self.error
        return self._result


def _let_go(changes: Sequence[Change], last: Callable[[], None] | None = None) -> None:
    """Let callers go, each by the one before it: woken all at once, they would stand in each other's way to the interpreter.
    The last of them does `last`."""
    for change in reversed(changes):
        if change.alone:
            change.let_go()
        else:
            change.behind, last = last, change.let_go
    if last is not None:
        last()
