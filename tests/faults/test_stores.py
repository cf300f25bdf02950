"""Random lives of the stores, held against a dictionary: rows in SQLite and PostgreSQL in step, blobs that are collected meanwhile."""

from __future__ import annotations

import os
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ostinato.kernel.errors import Conflict, NotFound
from ostinato.storage.blobs.blobs import blob_of
from ostinato.storage.blobs.local import Local
from ostinato.storage.rows.postgres import Postgres
from ostinato.storage.rows.rows import Json, Rows, Tx
from ostinato.storage.rows.sqlite import Sqlite

pytestmark = pytest.mark.timeout(600)
tables = MetaData()
thing = Table(
    "faults_thing",
    tables,
    Column("key", Text, primary_key=True),
    Column("number", BigInteger, unique=True),
    Column("value", Json),
    Column("raw", LargeBinary),
)
KEYS = st.sampled_from(["a", "b", "B", "ä", "", "%_'\"\\"])
NUMBERS = st.integers(-3, 3) | st.sampled_from([2**63 - 1, -(2**63)]) | st.none()
VALUES = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=3), st.lists, max_leaves=3)


def profile(scale: float, examples: int) -> settings:
    return settings(
        max_examples=max(1, round(examples * scale)), stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )


class InStep(RuleBasedStateMachine):
    """The same change to every database and to the model; they must agree on what it gave and on what is there."""

    stores: dict[str, Callable[[], Rows]]

    def __init__(self) -> None:
        super().__init__()
        self.rows = {name: make() for name, make in self.stores.items()}
        for rows in self.rows.values():
            rows.write(lambda tx: tx.execute(delete(thing)))
        self.model: dict[str, tuple[Any, Any, Any]] = {}

    def same(self, change: Callable[[Tx], Any]) -> Any:
        answers = {}
        for name, rows in self.rows.items():
            try:
                answers[name] = rows.write(change)
            except (IntegrityError, Conflict) as error:
                answers[name] = type(error)
        assert len({repr(answer) for answer in answers.values()}) == 1, answers
        return next(iter(answers.values()))

    def taken(self, key: str, number: int | None) -> bool:
        return number is not None and any(row[0] == number for other, row in self.model.items() if other != key)

    @rule(key=KEYS, number=NUMBERS, value=VALUES, raw=st.binary(max_size=4))
    def add(self, key: str, number: int | None, value: Any, raw: bytes) -> None:
        row = {"key": key, "number": number, "value": value, "raw": raw}
        added = self.same(lambda tx: tx.execute(insert(thing), row) and None)
        assert (added is IntegrityError) == (key in self.model or self.taken(key, number))
        if added is None:
            self.model[key] = (number, value, raw)

    @rule(key=KEYS, number=NUMBERS, value=VALUES)
    def add_missing(self, key: str, number: int | None, value: Any) -> None:
        added = self.same(lambda tx: tx.insert_missing(thing, {"key": key, "number": number, "value": value, "raw": b""}))
        assert added == (key not in self.model and not self.taken(key, number))
        if added:
            self.model[key] = (number, value, b"")

    @rule(key=KEYS, number=NUMBERS, value=VALUES)
    def change(self, key: str, number: int | None, value: Any) -> None:
        changed = self.same(lambda tx: tx.execute(update(thing).where(thing.c.key == key).values(number=number, value=value)).rowcount)
        if key not in self.model:
            assert changed == 0
        elif self.taken(key, number):
            assert changed is IntegrityError
        else:
            self.model[key] = (number, value, self.model[key][2])

    @rule(key=KEYS)
    def drop(self, key: str) -> None:
        assert self.same(lambda tx: tx.execute(delete(thing).where(thing.c.key == key)).rowcount) == (self.model.pop(key, None) is not None)

    @rule(key=KEYS)
    def fail_halfway(self, key: str) -> None:
        def change(tx: Tx) -> None:
            tx.execute(delete(thing).where(thing.c.key == key))
            tx.insert_missing(thing, {"key": "half", "number": None, "value": 0, "raw": b""})
            raise Conflict("no")

        assert self.same(change) is Conflict

    @rule(keys=st.lists(KEYS, min_size=2, max_size=4), bad=st.booleans())
    def together(self, keys: list[str], bad: bool) -> None:
        """Threads that write at once: a failure among them undoes itself alone."""
        for rows in self.rows.values():

            def write(position: int, key: str, rows: Rows = rows) -> None:
                def change(tx: Tx) -> None:
                    tx.execute(delete(thing).where(thing.c.key == key))
                    if bad and position == 0:
                        tx.execute(insert(thing), [{"key": "twice", "number": None, "value": 0, "raw": b""}] * 2)

                try:
                    rows.write(change)
                except IntegrityError:
                    assert bad
                    assert position == 0

            threads = [threading.Thread(target=write, args=each) for each in enumerate(keys)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for key in keys[bad:]:
            self.model.pop(key, None)

    @rule(name=st.sampled_from(["sqlite", "postgres"]))
    def reopen(self, name: str) -> None:
        if name in self.rows:
            self.rows[name].close()
            self.rows[name] = self.stores[name]()

    @invariant()
    def equal(self) -> None:
        for name, rows in self.rows.items():
            found = {row.key: (row.number, row.value, row.raw) for row in rows.read(lambda tx: tx.all(select(thing)))}
            assert found == self.model, name

    def teardown(self) -> None:
        for rows in self.rows.values():
            rows.close()


def test_sqlite_postgres_and_a_dictionary_stay_in_step(tmp_path: Path, postgres_url: str, scale: float) -> None:
    InStep.stores = {"sqlite": lambda: Sqlite(tmp_path / "rows.db"), "postgres": lambda: Postgres(postgres_url)}
    for make in InStep.stores.values():
        rows = make()
        rows.write(lambda tx: tables.create_all(tx._connection))
        rows.close()
    run_state_machine_as_test(InStep, settings=profile(scale, 25))


class Upload(threading.Thread):
    """An upload that takes its time: it goes on when it is given a piece."""

    def __init__(self, blobs: Local) -> None:
        super().__init__(daemon=True)
        self._blobs = blobs
        self._pieces: queue.Queue[bytes | None] = queue.Queue()
        self.content = b""
        self.result: Any = None
        self.start()

    def feed(self, piece: bytes) -> None:
        self.content += piece
        self._pieces.put(piece)

    def finish(self) -> None:
        self._pieces.put(None)
        self.join(30)

    def run(self) -> None:
        def source() -> Iterator[bytes]:
            while (piece := self._pieces.get()) is not None:
                yield piece

        try:
            self.result = self._blobs.put(source())
        except BaseException as error:
            self.result = error


CONTENTS = st.sampled_from([b"", b"one", b"two", b"three" * 1000])
OLD_S = 7_200


class Collected(RuleBasedStateMachine):
    """Blobs that are put, in one piece or slowly, deleted, and collected when nobody wanted them for two hours."""

    uploads = Bundle("uploads")

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.blobs = Local(self.home)
        self.model: set[bytes] = set()

    @rule(content=CONTENTS)
    def put(self, content: bytes) -> None:
        assert self.blobs.put(content) == blob_of(content)
        self.model.add(content)

    @rule(target=uploads)
    def begin(self) -> Upload:
        return Upload(self.blobs)

    @rule(upload=uploads, piece=CONTENTS)
    def feed(self, upload: Upload, piece: bytes) -> None:
        upload.feed(piece)

    @rule(upload=consumes(uploads))
    def finish(self, upload: Upload) -> None:
        upload.finish()
        assert upload.result == blob_of(upload.content)
        self.model.add(upload.content)

    @rule(content=CONTENTS)
    def remove(self, content: bytes) -> None:
        self.blobs.delete(blob_of(content).digest)
        self.model.discard(content)

    @rule(content=CONTENTS, again=st.sampled_from(["no", "put", "exists", "open"]))
    def collect(self, content: bytes, again: str) -> None:
        """Everything has grown old; what is wanted once more before it is forgotten stays."""
        digest = blob_of(content).digest
        for stored in self.blobs.all():
            os.utime(self.home / stored.digest[:2] / stored.digest, (time.time() - OLD_S,) * 2)
        if again != "no" and content in self.model:
            getattr(self.blobs, again)(content if again == "put" else digest)
        forgotten = self.blobs.forget(digest, time.time() - OLD_S / 2)
        assert forgotten == (content in self.model and again == "no")
        if forgotten:
            self.model.discard(content)

    @rule()
    def crash(self) -> None:
        self.blobs = Local(self.home)

    @invariant()
    def equal(self) -> None:
        assert {stored.digest for stored in self.blobs.all()} == {blob_of(content).digest for content in self.model}
        for content in self.model:
            assert self.blobs.open(blob_of(content).digest) == content
        for content in (b"one", b"two"):
            if content not in self.model:
                with pytest.raises(NotFound):
                    self.blobs.open(blob_of(content).digest)

    def teardown(self) -> None:
        shutil.rmtree(self.home)


def test_collection_beside_uploads(scale: float) -> None:
    run_state_machine_as_test(Collected, settings=profile(scale, 60))
