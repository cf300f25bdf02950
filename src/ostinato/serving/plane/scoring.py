"""Scoring: a version in this process or in one of its own, behind natural batching."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np

from ostinato.kernel.errors import OstinatoError
from ostinato.kernel.family import Family
from ostinato.registry.types import Signature
from ostinato.serving.plane.plan import Served
from ostinato.serving.plane.protocol import Columns, RequestError

_BATCH_ROWS = 1024
_QUEUE_ROWS = 200_000
_DEADLINE_S = 5.0
_START_S = 60.0
Scores = np.ndarray[Any, np.dtype[np.float64]]


class ModelError(OstinatoError):
    """The model raised, died, was too slow, or answered what is not one finite number per row."""


class Predictor(Protocol):
    """A loaded model."""

    def predict(self, columns: Columns) -> Scores:
        """One score per row."""
        ...


def load(served: Served) -> Predictor:
    """The model of a version, through its flavor."""
    flavors: Family[Any] = Family("ostinato.registry.flavors")
    found: Predictor = flavors.make(served.flavor).load(Path(served.artifact).read_bytes(), served.signature)
    return found


def checked(scores: Any, rows: int) -> Scores:
    """The scores as floats.

    Raises:
        ModelError: not one finite number per row.
    """
    array = np.asarray(scores, np.float64)
    if array.shape != (rows,):
        raise ModelError(f"the model answered shape {array.shape} to {rows} rows")
    if not np.isfinite(array).all():
        raise ModelError("the model answered a score that is not a finite number")
    return array


class InProcess:
    """A version in a thread of this process."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"ostinato-v{served.version}")

    async def start(self) -> None:
        self._predictor = await asyncio.get_running_loop().run_in_executor(self._pool, load, self._served)

    async def score(self, columns: Columns, rows: int) -> Scores:
        try:
            scores = await asyncio.get_running_loop().run_in_executor(self._pool, self._predictor.predict, columns)
        except Exception as error:
            raise ModelError(f"{type(error).__name__}: {error}") from error
        return checked(scores, rows)

    async def close(self) -> None:
        self._pool.shutdown(wait=False)


class OwnProcess:
    """A version in a process of its own; when that dies, each call is a fault until it is back."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._process: asyncio.subprocess.Process | None = None
        self._pause_until = 0.0

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ostinato.serving.plane.scorer", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )  # fmt: skip
        await self._ask(msgspec.msgpack.encode(self._served), _START_S)

    async def score(self, columns: Columns, rows: int) -> Scores:
        if self._process is None or self._process.returncode is not None:
            await self._restart()
        return checked(np.frombuffer(await self._ask(pack(columns), _DEADLINE_S), "<f8"), rows)

    async def close(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _restart(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._pause_until:
            raise ModelError("the process of this version has died")
        self._pause_until = now + 2.0
        await self.start()

    async def _ask(self, frame: bytes, deadline_s: float) -> bytes:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise ModelError("the process of this version is not running")
        try:
            async with asyncio.timeout(deadline_s):
                process.stdin.write(len(frame).to_bytes(4, "little") + frame)
                await process.stdin.drain()
                size = int.from_bytes(await process.stdout.readexactly(4), "little")
                answer = msgspec.msgpack.decode(await process.stdout.readexactly(size))
        except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            await self.close()
            raise ModelError("the process of this version has died, or took too long") from error
        if "error" in answer:
            raise ModelError(answer["error"])
        return bytes(answer["scores"])


class Batches:
    """Natural batching: while one batch is scored, arrivals wait; the next batch takes all of them. No delay, no knob.

    A batch that fails is scored again one request at a time, so that a bad one harms nobody else.
    """

    def __init__(self, score: Callable[[Columns, int], Awaitable[Scores]]) -> None:
        self._score = score
        self._waiting: deque[_Waiting] = deque()
        self._rows = 0
        self._drain: asyncio.Task[None] | None = None

    async def score(self, columns: Columns, rows: int) -> Scores:
        """The scores of these rows.

        Raises:
            RequestError: 429, too many rows are waiting.
            ModelError: the model failed on them.
        """
        if self._rows + rows > _QUEUE_ROWS:
            raise RequestError(429, f"{self._rows} rows are waiting")
        waiting = _Waiting(columns, rows, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._rows += rows
        if self._drain is None:
            self._drain = asyncio.create_task(self._run())
        return await waiting.scores

    async def idle(self) -> None:
        """Return once nothing waits."""
        while self._drain is not None:
            await asyncio.shield(self._drain)

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft()]
                rows = batch[0].rows
                while self._waiting and rows + self._waiting[0].rows <= _BATCH_ROWS:
                    batch.append(self._waiting.popleft())
                    rows += batch[-1].rows
                self._rows -= rows
                await self._answer(batch, rows)
        finally:
            self._drain = None

    async def _answer(self, batch: list[_Waiting], rows: int) -> None:
        columns = (
            batch[0].columns if len(batch) == 1 else {name: np.concatenate([w.columns[name] for w in batch]) for name in batch[0].columns}
        )
        try:
            scores = await self._score(columns, rows)
        except Exception as error:
            if len(batch) == 1:
                if not batch[0].scores.done():  # whoever waited may have given up
                    batch[0].scores.set_exception(error if isinstance(error, ModelError) else ModelError(str(error)))
                return
            for waiting in batch:
                await self._answer([waiting], waiting.rows)
            return
        start = 0
        for waiting in batch:
            if not waiting.scores.done():
                waiting.scores.set_result(scores[start : start + waiting.rows])
            start += waiting.rows


@dataclass(slots=True)
class _Waiting:
    columns: Columns
    rows: int
    scores: asyncio.Future[Scores]


class Version:
    """A version that is being served: stable in this process, a candidate in its own."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self._place: InProcess | OwnProcess = InProcess(served) if served.role == "stable" else OwnProcess(served)
        self._batches = Batches(self._place.score)
        self._names = served.signature.names

    async def start(self, row: Columns) -> None:
        """Load the model, and score one row so that the first request finds it warm."""
        await self._place.start()
        await self.score(row, 1)

    async def score(self, columns: Columns, rows: int) -> Scores:
        """The scores of these rows, from the columns that this version takes."""
        return await self._batches.score({name: columns[name] for name in self._names}, rows)

    async def close(self) -> None:
        """Let what waits finish, then let go of the model."""
        await self._batches.idle()
        await self._place.close()


def pack(columns: Columns) -> bytes:
    """Columns as one frame."""
    return msgspec.msgpack.encode({n: c.tolist() if c.dtype == object else (c.dtype.str, c.tobytes()) for n, c in columns.items()})


def unpack(frame: bytes, signature: Signature) -> Columns:
    """The columns in a frame."""
    given = msgspec.msgpack.decode(frame)
    columns: Columns = {}
    for field in signature.inputs:
        value = given[field.name]
        if field.dtype == "string":
            columns[field.name] = np.empty(len(value), object)
            columns[field.name][:] = value
        else:
            columns[field.name] = np.frombuffer(value[1], np.dtype(value[0]))
    return columns


def lower_priority() -> None:
    """Give way to the stable version: a candidate must not slow it."""
    with contextlib.suppress(OSError):
        os.nice(5)
