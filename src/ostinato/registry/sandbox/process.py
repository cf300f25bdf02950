"""SandboxProcess: a model in a process of its own, with the interface of a scorer in this process."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ostinato.kernel.errors import Invalid, MissingExtra, OstinatoError, TooLarge, Unavailable
from ostinato.registry.sandbox.frames import Reply, Task, framed, pack
from ostinato.registry.sandbox.guards import Limits
from ostinato.registry.types import Signature

_START_S = 60.0
_PAUSE_S = 2.0
_REPLY_MAX = 16384
_AGAIN = "it is started again when it is asked next"
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LC_ALL": "C.UTF-8",
}
_DEATHS = {
    signal.SIGXCPU: "it had used up its CPU time",
    signal.SIGSEGV: "it crashed",
    signal.SIGKILL: "it was killed",
    signal.SIGABRT: "it aborted",
}


class SandboxGone(Unavailable):
    """The process of a model has died, or did not answer in time; it is started again when it is asked next."""


class SandboxProcess:
    """The model of an artifact (a file or a folder) in a process of its own, under the guards of `limits`.

    The process gets no environment, no open file, and no more than its frames. When it dies the call that it was busy with fails;
    the next one starts it again, at most every two seconds. It ends with this object.
    """

    def __init__(self, flavor: str, artifact: Path, signature: Signature, limits: Limits, deadline_s: float = 5.0) -> None:
        self.signature = signature
        self._task = msgspec.msgpack.encode(Task(flavor, str(artifact), signature))
        self._command = [sys.executable, "-P", "-m", "ostinato.registry.sandbox", limits.text(), str(artifact)]
        self._deadline_s = deadline_s
        self._asking = threading.Lock()
        self._not_before = 0.0
        self._start()

    def predict(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Scores of shape (n,).

        Raises:
            Invalid: the model refuses the columns, or raised.
            Gone: its process died over them, took more than the deadline, or is not back yet.
        """
        rows = len(next(iter(columns.values()), ()))
        with self._asking:
            if self._process.poll() is not None:
                if time.monotonic() < self._not_before:
                    raise SandboxGone("the process of the model has died", hint=_AGAIN)
                self._end()
                self._start()
            reply = self._ask(pack(columns, self.signature), self._deadline_s, _REPLY_MAX + 8 * rows)
        return np.frombuffer(reply.scores, "<f8")

    def close(self) -> None:
        """End the process."""
        self._end()

    def _start(self) -> None:
        self._not_before = time.monotonic() + _PAUSE_S
        path = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", env=_ENVIRONMENT | path,
            start_new_session=True, bufsize=0,
        )  # fmt: skip
        self._end = weakref.finalize(self, _kill, self._process)
        threading.Thread(target=self._process.wait, daemon=True).start()  # so that one that dies while nobody asks is not left a zombie
        try:
            self._ask(self._task, _START_S, _REPLY_MAX)
        except OstinatoError:
            self._end()
            raise

    def _ask(self, content: bytes, deadline_s: float, most: int) -> Reply:
        try:
            reply = msgspec.msgpack.decode(self._exchange(content, time.monotonic() + deadline_s, most), type=Reply)
        except (TimeoutError, OSError, msgspec.DecodeError) as error:
            self._end()
            raise SandboxGone(f"the process of the model has died: {self._death(error)}", hint=_AGAIN) from None
        if reply.error:
            raise _raised(reply)
        return reply

    def _exchange(self, content: bytes, until: float, most: int) -> bytes:
        given, got = self._process.stdin, self._process.stdout
        assert given is not None
        assert got is not None
        _write(given.fileno(), framed(content), until)
        size = int.from_bytes(_read(got.fileno(), 4, until), "little")
        if size > most:
            raise OSError(f"it answered with {size} bytes")
        return _read(got.fileno(), size, until)

    def _death(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"it took more than {self._deadline_s:g} s"
        code = self._process.returncode
        return next((said for number, said in _DEATHS.items() if code == -number), str(error))


def _write(file: int, content: bytes, until: float) -> None:
    os.set_blocking(file, False)
    rest = memoryview(content)
    while rest:
        _wait(file, select.POLLOUT, until)
        rest = rest[os.write(file, rest) :]


def _read(file: int, size: int, until: float) -> bytes:
    parts = []
    while size:
        _wait(file, select.POLLIN, until)
        parts.append(os.read(file, min(size, 1 << 20)))
        if not parts[-1]:
            raise OSError("it closed its door")
        size -= len(parts[-1])
    return b"".join(parts)


def _wait(file: int, what: int, until: float) -> None:
    poll = select.poll()
    poll.register(file, what)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise TimeoutError


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _raised(reply: Reply) -> OstinatoError:
    kind = next((known for known in (Invalid, TooLarge, MissingExtra, Unavailable) if known.__name__ == reply.kind), None)
    return kind(reply.error, hint=reply.hint) if kind else Invalid(f"the model raised {reply.error}", field="artifact")
