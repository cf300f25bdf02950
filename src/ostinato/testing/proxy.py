"""A TCP proxy whose connections can be delayed, cut, or lead nowhere; it runs in a thread of this process."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PIECE = 64 << 10
_LOOK_S = 0.02


class Proxy:
    """Passes bytes between those who connect to `port` and the server behind it, until it is told otherwise.

    What it is told holds for open connections and for new ones: `delay_s` waits before each piece, `black_hole` takes all and hands
    nothing on until `heal`, as a network does that sends again what was lost, `bytes_per_s` lets so many through, and `cut` ends all
    connections at once and refuses new ones until `heal`.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.delay_s = 0.0
        self.black_hole = False
        self.bytes_per_s: float | None = None
        self.refused = False
        self.connections = 0

    def heal(self) -> None:
        """All is well again."""
        self.delay_s, self.black_hole, self.bytes_per_s, self.refused = 0.0, False, None, False

    def cut(self) -> None:
        """End all connections and refuse new ones."""
        self.refused = True
        self._loop.call_soon_threadsafe(self._cut)

    def run(self, started: threading.Event) -> None:
        """The thread."""
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", self.port))
        self.port = self._server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(_LOOK_S))  # the transports close
        self._loop.close()

    def end(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError), self._held(writer):
            if not self.refused:
                behind, ahead = await asyncio.open_connection(*self._target)
                with self._held(ahead):
                    await asyncio.gather(self._pass(reader, ahead), self._pass(behind, writer))
        self._tasks.discard(task)

    @contextmanager
    def _held(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._open.add(writer)
        try:
            yield
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_PIECE):
            came = self._loop.time()
            while self._loop.time() - came < self._hold_s(len(piece)):
                await asyncio.sleep(_LOOK_S)
            writer.write(piece)
            await writer.drain()
        writer.write_eof()

    def _hold_s(self, size: int) -> float:
        """How long so many bytes are held as things stand."""
        if self.black_hole:
            return float("inf")
        return self.delay_s + (0.0 if self.bytes_per_s is None else size / self.bytes_per_s)


@contextmanager
def proxied(host: str, port: int) -> Iterator[Proxy]:
    """A proxy to that server as long as the block runs."""
    proxy, started = Proxy(host, port), threading.Event()
    thread = threading.Thread(target=proxy.run, args=(started,), name="proxy")
    thread.start()
    try:
        if not started.wait(10):
            raise RuntimeError("the proxy did not start")
        yield proxy
    finally:
        proxy.end()
        thread.join()
