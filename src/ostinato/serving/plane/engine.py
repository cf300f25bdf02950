"""The engine: picks the version that answers, scores the other one too, and logs before the reply."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import orjson
from blake3 import blake3

from ostinato.kernel.ids import new_id
from ostinato.kernel.instant import micros_of
from ostinato.registry.proof import typed_example
from ostinato.serving.plane.log import Line, Log
from ostinato.serving.plane.plan import Plan, Served, share
from ostinato.serving.plane.protocol import Columns, Request, RequestError, blank
from ostinato.serving.plane.scoring import ModelError, ModelGone, Version

_CANDIDATE_DEADLINE_S = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The scores that a request got, and from which version."""

    request_id: str
    version: int
    scores: list[float]


@dataclass(frozen=True, slots=True)
class Serving:
    """A plan with its versions loaded. It is swapped as a whole."""

    plan: Plan
    stable: Version
    candidate: Version | None


class Engine:
    """The engine of an endpoint: loads plans, answers requests, counts."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.serving: Serving | None = None
        self.counts: Counter[tuple[int, str]] = Counter()
        self.seconds: defaultdict[int, float] = defaultdict(float)
        self._flying: dict[str, tuple[asyncio.Future[Answer], str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def follow(self, plan: Plan) -> str:
        """Load what the plan adds, swap, let go of what it drops; returns what is wrong with the candidate, if anything.

        Raises:
            ModelError: the stable version does not load or does not answer; what was served before goes on.
        """
        before = self.serving
        kept = {(v.served.version, v.served.role, v.served.artifact): v for v in ((before.stable, before.candidate) if before else ()) if v}
        loaded: dict[str, Version] = {}
        problem = ""
        for served in plan.versions:
            version = kept.pop((served.version, served.role, served.artifact), None)
            if version is None:
                version = Version(served)
                try:
                    await version.start(_first_row(served))
                except Exception as error:
                    if served.role == "stable":
                        raise ModelError(f"{served.ref} does not serve: {error}") from error
                    problem = f"{served.ref} does not serve: {error}"
            loaded[served.role] = version
        self.serving = Serving(plan, loaded["stable"], loaded.get("candidate"))
        for version in kept.values():
            self._later(version.close())
        return problem

    async def infer(self, request: Request, version: int | None = None) -> Answer:
        """The answer, once it is in the log; a request that was answered before, by its id, gets the same answer again.

        Raises:
            RequestError: with a status; 409 when the id was used for another question, 500 when the model failed, 503 when the
                answer cannot be logged.
        """
        request_id = request.id or new_id()
        if request.id is None:
            return await self._answer(request_id, request, version)
        before, asked = self.log.answer(request_id), _digest(request.columns)
        if before is not None:
            _same(request_id, asked, before[2])
            return Answer(request_id, before[0], before[1])
        if request_id in self._flying:
            flying, other = self._flying[request_id]
            _same(request_id, asked, other)
            return await asyncio.shield(flying)
        flying = asyncio.ensure_future(self._answer(request_id, request, version, asked))
        self._flying[request_id] = (flying, asked)
        flying.add_done_callback(lambda _: self._flying.pop(request_id, None))
        return await asyncio.shield(flying)

    async def close(self) -> None:
        """Finish what is on its way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.serving is not None:
            for version in (self.serving.stable, self.serving.candidate):
                if version is not None:
                    await version.close()
        self.log.close()

    async def _answer(self, request_id: str, request: Request, version: int | None, digest: str | None = None) -> Answer:
        serving = self._ready()
        stable, candidate = serving.stable, serving.candidate
        if version not in (None, stable.served.version, candidate.served.version if candidate else None):
            raise RequestError(404, f"version {version} is not being served")
        asked = stable
        if candidate is not None:
            lucky = share(serving.plan.salt, request.key or request_id) < candidate.served.weight
            asked = candidate if (lucky if version is None else version == candidate.served.version) else stable
        started = time.perf_counter()
        fault = ""
        try:
            scores = await self._score(asked, request.columns, request.rows)
        except ModelError as error:
            if asked is stable:
                self._write(self._line("answer", request_id, request, serving, stable, started, None, str(error)))
                raise _failed(error) from error
            fault, asked = str(error), stable
            scores = await self._fall_back(request_id, request, serving, started)
        self._write(self._line("answer", request_id, request, serving, asked, started, scores, "") | {"asked": digest})
        if candidate is not None:
            if fault:
                self._write(self._line("other", request_id, request, serving, candidate, started, None, fault))
            else:
                self._later(self._other(request_id, request, serving, candidate if asked is stable else stable))
        return Answer(request_id, asked.served.version, scores)

    async def _fall_back(self, request_id: str, request: Request, serving: Serving, started: float) -> list[float]:
        try:
            return await self._score(serving.stable, request.columns, request.rows)
        except ModelError as error:
            self._write(self._line("answer", request_id, request, serving, serving.stable, started, None, str(error)))
            raise _failed(error) from error

    async def _score(self, version: Version, columns: Columns, rows: int) -> list[float]:
        scoring = version.score(columns, rows)
        if version.served.role == "stable":
            return list((await scoring).tolist())
        try:
            return list((await asyncio.wait_for(scoring, _CANDIDATE_DEADLINE_S)).tolist())
        except TimeoutError:
            raise ModelError(f"no answer within {_CANDIDATE_DEADLINE_S} s") from None

    async def _other(self, request_id: str, request: Request, serving: Serving, other: Version) -> None:
        """Score the same request with the other version, after the reply."""
        started = time.perf_counter()
        scores, note = None, ""
        try:
            scores = await self._score(other, request.columns, request.rows)
        except (ModelError, RequestError) as error:
            note = str(error)
        self._write(self._line("other", request_id, request, serving, other, started, scores, note))

    def _line(
        self,
        kind: str,
        request_id: str,
        request: Request,
        serving: Serving,
        by: Version,
        started: float,
        scores: list[float] | None,
        note: str,
    ) -> Line:
        seconds = time.perf_counter() - started
        status = "failed" if scores is None else "answered"
        if kind == "answer":
            self.counts[by.served.version, status] += 1
            self.seconds[by.served.version] += seconds
        return {
            "kind": kind,
            "id": request_id,
            "at": micros_of(request.at),
            "key": request.key,
            "version": by.served.version,
            "role": by.served.role,
            "rollout": serving.plan.rollout,
            "status": status,
            "ms": round(seconds * 1000, 3),
            "scores": [None] * request.rows if scores is None else scores,
            "note": note[:300],
            "features": _listed(request.columns) if kind == "answer" else None,
        }

    def _write(self, line: Line) -> None:
        try:
            self.log.append(line)
        except OSError as error:
            raise RequestError(503, "the prediction cannot be logged, so it is not given") from error

    def _ready(self) -> Serving:
        if self.serving is None:
            raise RequestError(503, "the endpoint is loading")
        return self.serving

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _failed(error: ModelError) -> RequestError:
    if isinstance(error, ModelGone):
        return RequestError(503, "the process of the model has died and is being started again")
    return RequestError(500, "the model failed on this request")


def _first_row(served: Served) -> Columns:
    """One row to warm a version up: of its input example, or blank."""
    if served.proof is None:
        return blank(served.signature)
    return {name: column[:1] for name, column in typed_example(served.proof.example, served.signature).items()}


def _digest(columns: Columns) -> str:
    """The digest of a request's columns, independent of their order and encoding."""
    hashed = blake3()
    for name in sorted(columns):
        column = columns[name]
        hashed.update(name.encode())
        hashed.update(orjson.dumps(column.tolist()) if column.dtype == object else column.tobytes())
    return hashed.hexdigest(16)


def _same(request_id: str, asked: str, before: str | None) -> None:
    if before not in (None, asked):
        raise RequestError(409, f"the id {request_id!r} was used for a request with other inputs")


def _listed(columns: Columns) -> dict[str, Any]:
    return {
        name: column.tolist() if column.dtype == object or not column.flags.c_contiguous else column for name, column in columns.items()
    }
