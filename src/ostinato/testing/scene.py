"""A store with many clients, and the comparison of what was acknowledged with what is there."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

from ostinato.app import Ostinato
from ostinato.testing import crowd
from ostinato.testing.processes import until

CLIENTS = 4
PATIENCE_S = 60.0
ENV = {"OSTINATO_LEASE_S": "2", "OSTINATO_PIPELINES": "ostinato.testing.crowd"}
"""What the processes of a scene have in their environment."""


def kill(process: BaseProcess) -> None:
    """kill -9, and wait until it is gone."""
    process.kill()
    process.join(PATIENCE_S)


class Scene:
    """A store, who serves it, the clients that ask, and their diaries; as a context manager it leaves no process behind."""

    def __init__(self, tmp_path: Path, env: Mapping[str, str]) -> None:
        self._forked: list[BaseProcess] = []
        self.data, self.diaries, self.stop, self.env = tmp_path / "store", tmp_path / "diaries", tmp_path / "stop", env
        (self.diaries / "traces").mkdir(parents=True)
        Ostinato.open(self.data).close()
        self.token = (self.data / "admin-token").read_text().strip()

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._forked:
            kill(process)

    def server(self, port: int, **env: str) -> BaseProcess:
        """A server, and the background duties."""
        return self._fork(crowd.server, self.data, port, env=env)

    def worker(self, **env: str) -> BaseProcess:
        """A worker."""
        return self._fork(crowd.worker, self.data, env=env)

    def _fork(self, act: Callable[..., None], *arguments: object, env: Mapping[str, str]) -> BaseProcess:
        self._forked.append(crowd.fork(act, *arguments, env={**self.env, **env}))
        return self._forked[-1]

    @contextlib.contextmanager
    def clients(self, *urls: str) -> Iterator[None]:
        """Four of them, shared among the servers, which ask as long as the block runs, and end well."""
        asking: list[BaseProcess] = [
            crowd.fork(crowd.client, f"c{n}", urls[n % len(urls)], self.token, self.diaries, self.stop, env=self.env)
            for n in range(CLIENTS)
        ]
        try:
            yield
            self.stop.touch()
            for process in asking:
                process.join(PATIENCE_S)
                assert process.exitcode == 0, "a client was told something else than what it asked for"
        finally:
            for process in asking:
                process.kill()
                process.join()

    def progress(self) -> int:
        """How much was acknowledged, in bytes of the diaries."""
        return sum(diary.stat().st_size for diary in self.diaries.glob("*.diary"))

    def go_on(self) -> None:
        """Wait until something more was acknowledged."""
        before = self.progress()
        until(lambda: self.progress() > before + 200, what="anything that is acknowledged")

    def all_go_on(self) -> None:
        """Wait until something more was acknowledged to every client."""
        before = {diary: diary.stat().st_size for diary in self.diaries.glob("*.diary")}
        until(lambda: all(diary.stat().st_size > size + 60 for diary, size in before.items()), what="something for everybody")

    def drained(self) -> None:
        """Wait until all executions have ended."""
        with Ostinato.open(self.data) as app:
            until(lambda: all(one.ended for one in crowd.all_executions(app)), what="the end of the executions")

    def count(self) -> str:
        """Hold what is stored against what was asked and acknowledged; returns what there was.

        Raises:
            AssertionError: something acknowledged is lost, something came twice, or rows, events and files tell different stories.
        """
        asked, acknowledged = crowd.asked(self.diaries)
        with Ostinato.open(self.data) as app:
            found, executions = crowd.stored(app), crowd.all_executions(app)
            checked = app.ledger.verify()
            assert checked.ok, checked.problems
            assert not acknowledged - found, f"lost: {acknowledged - found}"
            assert not found - Counter(set(found)), f"twice: {found - Counter(set(found))}"
            assert not set(found) - set(asked), f"nobody asked for it: {set(found) - set(asked)}"

            def told(verb: str) -> Counter[str]:
                return Counter(event.subject.name for event in crowd.all_events(app, verb))

            ids = Counter(one.id for one in executions)
            for verb, names in (("started", _named("run", found)), ("finished", _named("finish", found))):
                events = told(f"run.{verb}")
                assert Counter({name: times for name, times in events.items() if name in names}) == names, "rows and events differ"
            assert told("execution.requested") == ids, "executions and events differ"
            assert told("execution.finished") == ids, "an execution did not end once, and well"
            attempts = Counter((event.subject.name, event.data["attempt"]) for event in crowd.all_events(app, "execution.started"))
            assert set(attempts.values()) <= {1}, f"claimed twice: {attempts}"
        traces = {path.name for path in (self.diaries / "traces").iterdir()}
        assert traces == set(_named("execution", found)), "an execution that finished did not run"
        unknown = len(found) - len(acknowledged)
        return f"{len(acknowledged)} acknowledged, {unknown} stored unacknowledged, {len(ids)} executions in {len(attempts)} attempts"


def _named(act: str, found: Counter[str]) -> Counter[str]:
    return Counter(key.partition(" ")[2] for key in found if key.startswith(f"{act} "))
