"""MapWindow: the concurrent calls of a `map`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait

from ostinato.pipelines.calls import Call
from ostinato.pipelines.invoke import Outcome, failed_call


class MapWindow:
    """The calls of a map that run ahead of the one whose outcome is awaited, at most `width` at a time."""

    def __init__(
        self,
        calls: Iterable[Call],
        width: int,
        known: dict[bytes, str],
        submit: Callable[[Call], Future[Outcome]],
        check: Callable[[], None],
    ) -> None:
        self._waiting = deque(calls)
        self._width = width
        self._known = known
        self._submit = submit
        self._check = check
        self._futures: dict[str, Future[Outcome]] = {}
        self._running: set[Future[Outcome]] = set()
        self._keys: set[bytes] = set()

    def __contains__(self, call: Call) -> bool:
        return call.id in self._futures

    def outcome(self, call: Call) -> Outcome:
        """The outcome of the call; meanwhile others are started up to `width`."""
        began = time.perf_counter()
        self._fill()
        if call not in self:
            self._waiting.appendleft(call)
            self._keys.discard(call.key)
        while (future := self._futures.get(call.id)) is None or not future.done():
            if self._running:
                wait(self._running, timeout=0.1, return_when=FIRST_COMPLETED)
                self._check()
            self._fill()
        try:
            return self._futures.pop(call.id).result()
        except Exception as error:  # the place of the call failed, not the call
            return failed_call(error, time.perf_counter() - began)

    def _fill(self) -> None:
        self._running = {future for future in self._running if not future.done()}
        while self._waiting and len(self._running) < self._width:
            call = self._waiting.popleft()
            if call.key in self._known or call.key in self._keys:
                continue
            self._keys.add(call.key)
            future = self._futures[call.id] = self._submit(call)
            if not future.done():
                self._running.add(future)
