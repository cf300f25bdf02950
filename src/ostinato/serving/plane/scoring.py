"""Scoring with natural batching, in this process or in one of the version's own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.kernel.errors import OstinatoError
from ostinato.registry.flavor import Scorer, care_of, loaded
from ostinato.registry.proof import mismatch
from ostinato.registry.sandbox.guards import LOOSE
from ostinato.registry.sandbox.process import SandboxGone, SandboxProcess
from ostinato.serving.plane.plan import Served
from ostinato.serving.plane.protocol import Columns, RequestError

_BATCH_ROWS = 1024
_QUEUE_ROWS = 200_000
Scores = np.ndarray[Any, np.dtype[np.float64]]


class ModelError(OstinatoError):
    """The model raised, died, was too slow, or answered what is not one finite number per row."""


class ModelGone(ModelError):
    """The process of the model died, or is not back yet."""


def load(served: Served) -> Scorer:
    """The model of a version: what may run code in a sandbox, a candidate in a process of its own, else in this one.

    Raises:
        ModelError: it may run code and has no sandbox, or it does not answer as when it was registered.
    """
    code = care_of(served.flavor) == "code"
    if code and served.limits is None:
        raise ModelError(f"{served.flavor} may run code, and the plan has no sandbox for it")
    place = Path(served.artifact)
    scorer: Scorer
    if code or served.role == "candidate":
        limits = replace(served.limits or LOOSE, with_parent=True)
        scorer = SandboxProcess(served.flavor, place, served.signature, limits)
    else:
        scorer = loaded(served.flavor, place, served.signature)
    if served.proof is not None and (wrong := mismatch(served.proof, scorer)):
        raise ModelError(wrong)
    return scorer


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


class Place:
    """A version behind a thread of its own: loaded there, or asked there in its process."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"ostinato-v{served.version}")

    async def start(self) -> None:
        self._scorer = await asyncio.get_running_loop().run_in_executor(self._pool, load, self._served)

    async def score(self, columns: Columns, rows: int) -> Scores:
        try:
            scores = await asyncio.get_running_loop().run_in_executor(self._pool, self._scorer.predict, columns)
        except SandboxGone as error:
            raise ModelGone(str(error)) from error
        except Exception as error:
            raise ModelError(f"{type(error).__name__}: {error}") from error
        return checked(scores, rows)

    async def close(self) -> None:
        self._pool.shutdown(wait=False)
        scorer = getattr(self, "_scorer", None)
        if isinstance(scorer, SandboxProcess):
            scorer.close()


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
    """A version that is being served."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self._place = Place(served)
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
        """Finish the waiting requests, then release the model."""
        await self._batches.idle()
        await self._place.close()
