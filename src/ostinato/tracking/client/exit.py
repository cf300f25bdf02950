"""Detection of how a process ended without ending its run: at exit, by an uncaught exception, by SIGTERM."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import traceback
from types import FrameType, TracebackType
from typing import Any, Protocol

from ostinato.tracking.types import State

_AGAIN_S = 0.01
_open: list[Endable] = []
_seen: list[BaseException] = []
_hooks: dict[str, Any] = {}


class Endable(Protocol):
    """A run that is open in this process."""

    def end(self, state: State, error: str, trace: str = "") -> None:
        """End it; nothing that goes wrong may be raised."""
        ...

    def end_in_signal(self, error: str) -> bool:
        """End it from a handler of signals, as killed; False if it is busy in the interrupted code."""
        ...


def end_with_process(run: Endable) -> None:
    """End this run with the process, unless it is ended before."""
    if not _open:
        _hook()
    _open.append(run)


def cancel(run: Endable) -> None:
    """The run has ended by itself."""
    if run in _open:
        _open.remove(run)
        if not _open:
            _unhook()


def _hook() -> None:
    _seen.clear()
    _hooks.update(excepthook=sys.excepthook, exit=sys.exit)
    sys.excepthook, sys.exit = _raised, _exiting
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)
    atexit.register(_at_exit)


def _unhook() -> None:
    for name, ours in (("excepthook", _raised), ("exit", _exiting)):
        if getattr(sys, name) is ours:
            setattr(sys, name, _hooks[name])
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is _terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    atexit.unregister(_at_exit)


def _raised(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _seen.append(error.with_traceback(trace))
    _hooks["excepthook"](kind, error, trace)


def _exiting(status: Any = None, /) -> Any:
    if threading.current_thread() is threading.main_thread():
        _seen.append(SystemExit(status))
    return _hooks["exit"](status)


def _at_exit() -> None:
    state, error, trace = how_it_ended(_seen[-1] if _seen else None)
    for run in [*_open]:
        run.end(state, error, trace)


def how_it_ended(error: BaseException | None) -> tuple[State, str, str]:
    """The state of a run whose code raised `error`, one line of why, and the traceback.

    >>> how_it_ended(SystemExit(0)), how_it_ended(SystemExit(3))[:2]
    (('finished', '', ''), ('killed', 'exit code 3'))
    """
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return "finished", "", ""
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, SystemExit):
        return "killed", f"exit code {error.code}" if isinstance(error.code, int) else f"exit: {error.code}", trace
    return "failed" if isinstance(error, Exception) else "killed", "".join(traceback.format_exception_only(error)).strip(), trace


def _terminated(number: int, _: FrameType | None) -> None:
    """Record the signal in the journals, then die of it as without a handler."""
    if not all(run.end_in_signal(signal.Signals(number).name) for run in [*_open]):
        threading.Timer(_AGAIN_S, os.kill, (os.getpid(), number)).start()
        return
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _forked() -> None:
    """The runs of a process are not ended by its children."""
    if _open:
        _open.clear()
        _unhook()


os.register_at_fork(after_in_child=_forked)
