"""The console output of a training, as a file that grows in the journal and is shipped in parts."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from pathlib import Path

from ostinato.tracking.client.folders import open_file
from ostinato.tracking.client.runs_protocol import RunsProtocol
from ostinato.tracking.client.tee import BoundedCopy

FILE = "console.log"
_AT = "console.at"
_PART = 1 << 16
_MOST_BYTES = 16 << 20
_DRAIN_S = 2.0
_TEE = Path(__file__).with_name("tee.py")
_lingering: list[subprocess.Popen[bytes]] = []
_taken: list[Console | Notebook] = []
_KERNEL = "ipykernel.iostream"


class Console:
    """Standard output and error, led through a process that passes them on and keeps a copy.

    It works on the descriptors, so it has what subprocesses and libraries print as well. It keeps away where Python's own output goes
    elsewhere (pytest), and takes one run at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._led: list[tuple[int, int, int]] = []
        self._tees: list[subprocess.Popen[bytes]] = []
        one = _same(1, 2)
        try:
            self._lead((1, 2) if one else (1,), folder)
            if not one:
                self._lead((2,), folder)
        except OSError:
            self.end()
            raise
        _taken.append(self)

    @classmethod
    def begin(cls, folder: Path) -> Console | Notebook | None:
        """Begin to keep a copy in a folder; None where that is not possible or not wanted."""
        if not _taken and Notebook.here():
            with contextlib.suppress(OSError):
                return Notebook(folder)
        if _taken or getattr(sys, "frozen", False) or not sys.executable or not _writes_to(sys.stdout, 1) or not _writes_to(sys.stderr, 2):
            return None
        with contextlib.suppress(OSError, termios.error):
            return cls(folder)
        return None

    def end(self) -> None:
        """Restore the descriptors, and wait until all output has been passed on."""
        if self in _taken:
            _taken.remove(self)
        _flush()
        for number, saved, inner in self._led:
            if _same(number, inner):  # else somebody has led it elsewhere in the meantime
                os.dup2(saved, number)
        for descriptor in {held for _, *both in self._led for held in both}:
            os.close(descriptor)
        self._led = []
        for tee in self._tees:
            try:
                tee.wait(_DRAIN_S)
            except subprocess.TimeoutExpired:  # a child of the training still prints into it
                _lingering.append(tee)

    def forked(self) -> None:
        """In the child of a fork: it goes on printing there, and leaves the rest to the parent."""
        _taken.clear()

    def _lead(self, numbers: tuple[int, ...], folder: Path) -> None:
        saved = os.dup(numbers[0])
        outer, inner = _terminal(saved) if os.isatty(saved) else os.pipe()
        command = [sys.executable, "-I", "-S", str(_TEE), str(folder / FILE), str(_MOST_BYTES)]
        try:
            self._tees.append(subprocess.Popen(command, stdin=outer, stdout=saved, stderr=subprocess.DEVNULL, start_new_session=True))
        except OSError:
            os.close(saved)
            os.close(inner)
            raise
        finally:
            os.close(outer)
        _flush()
        for number in numbers:
            self._led.append((number, saved, inner))
            os.dup2(inner, number)


class Notebook:
    """A copy of what Python prints in a notebook, whose kernel sends it to the page without using the descriptors."""

    def __init__(self, folder: Path) -> None:
        self._kept = BoundedCopy(str(folder / FILE), _MOST_BYTES)
        self._lock = threading.RLock()
        self._streams = [sys.stdout, sys.stderr]
        for stream in self._streams:
            stream.write = self._copying(stream.write)  # type: ignore[method-assign]
        _taken.append(self)

    @staticmethod
    def here() -> bool:
        """Whether both streams are those of a notebook's kernel."""
        return all(type(stream).__module__ == _KERNEL for stream in (sys.stdout, sys.stderr))

    def end(self) -> None:
        """Print as before."""
        with self._lock:
            if self not in _taken:
                return
            _taken.remove(self)
            self._kept.close()
        for stream in self._streams:
            if getattr(vars(stream).get("write"), "of", None) is self:  # else somebody has wrapped it since: the copy just ends
                del stream.write

    def forked(self) -> None:
        """In the child of a fork: it prints as before."""
        _taken.clear()
        self._lock = threading.RLock()

    def _copying(self, write: Callable[[str], int]) -> Callable[[str], int]:
        def both(text: str) -> int:
            written = write(text)
            with self._lock:
                if self in _taken:
                    self._kept.add(text.encode("utf-8", "replace"))
            return written

        both.of = self  # type: ignore[attr-defined]
        return both


class Copy:
    """The copy in the folder of a journal, as it is shipped: parts of 64 KiB, of which the last grows."""

    def __init__(self, folder: Path | None, journal: str) -> None:
        self._folder = folder
        self._journal = journal
        self._at = -1

    def ship(self, runs: RunsProtocol, run: str) -> int:
        """Send the parts that have changed; returns how many."""
        if self._folder is None:
            return 0
        try:
            printed = open_file(self._folder / FILE)
        except FileNotFoundError:
            return 0
        sent = 0
        with open(printed, "rb") as file:
            size = os.fstat(printed).st_size
            if self._at < 0:
                self._at = _number(self._folder / _AT)
            while self._at < size:
                part = self._at // _PART
                file.seek(part * _PART)
                content = file.read(_PART)
                runs.put_artifact(run, f"console/{self._journal}/{part:04}.log", content)
                self._at, sent = part * _PART + len(content), sent + 1
        if sent:
            with contextlib.suppress(OSError), open(open_file(self._folder / _AT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w") as at:
                at.write(str(self._at))
        return sent


def _number(path: Path) -> int:
    try:
        with open(open_file(path)) as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def _terminal(like: int) -> tuple[int, int]:
    """A pseudo-terminal of the size of a terminal, that passes on what is written as it is."""
    outer, inner = os.openpty()
    mode = termios.tcgetattr(inner)
    mode[1] &= ~termios.OPOST
    termios.tcsetattr(inner, termios.TCSANOW, mode)
    termios.tcsetwinsize(inner, termios.tcgetwinsize(like))
    return outer, inner


def _same(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:
        return False


def _writes_to(stream: object, number: int) -> bool:
    """Whether a stream of Python writes to that descriptor."""
    try:
        return stream.fileno() == number  # type: ignore[attr-defined, no-any-return]
    except (AttributeError, OSError, ValueError):
        return False


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError, RuntimeError):  # a signal may interrupt a flush
            stream.flush()
