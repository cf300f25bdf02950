"""Every verb that takes a digest from outside answers one of another project exactly as one that nobody has."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest

import ostinato as ost
from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import NotFound, OstinatoError
from ostinato.maintenance.backup import backup
from ostinato.maintenance.collect import collect
from ostinato.maintenance.restore import restore
from ostinato.monitoring.service import Monitors
from ostinato.registry.flavors.linear import Linear, Logistic, Term
from ostinato.storage.blobs.blobs import blob_of
from ostinato.storage.blobs.owned import packs

OTHER = Caller(actor="person:admin", project="other")
ABSENT = blob_of(b"nobody has this").digest
SIGNATURE = ost.Signature(inputs=[ost.Field(name="distance")])
MODEL = Linear().dump(Logistic(intercept=0.5, terms=[Term(weight=1.0)]))


def _monitors(app: Ostinato) -> Monitors:
    parts: dict[str, Any] = {name: getattr(app, name) for name in ("rows", "tables", "ledger", "clock", "pipelines")}
    return Monitors(**parts, endpoints=cast(Any, SimpleNamespace(get=lambda _: None)))


Ask = Callable[[Ostinato, str], object]
VERBS: dict[str, Ask] = {
    "models.register": lambda app, digest: app.models.register("late", digest, "linear", SIGNATURE, key="stolen"),
    "explanations.explain_global": lambda app, digest: app.explanations.explain_global("late@1", digest),
    "explanations.explain_local": lambda app, digest: app.explanations.explain_local("late@1", {"distance": 1.0}, digest),
    "monitors.create": lambda app, digest: _monitors(app).create("watch", "late", digest, ["distance"], block="label"),
    "monitors.rebase": lambda app, digest: _monitors(app).rebase("own", digest, "drifted"),
}


def outcome(ask: Ask, app: Ostinato, digest: str) -> tuple[type, str]:
    try:
        return tuple, repr(ask(app, digest))
    except OstinatoError as error:
        return type(error), f"{error.message} | {error.hint} | {error.detail()}".replace(digest, "…")


@pytest.mark.parametrize("verb", VERBS)
def test_a_foreign_digest_is_answered_as_an_absent_one(app: Ostinato, verb: str) -> None:
    frame = pa.table({"distance": [float(i) for i in range(40)], "label": [i % 2 for i in range(40)], "score": [0.5] * 40})
    digest = app.models.upload(MODEL) if verb == "models.register" else app.tables.write(frame).digest
    app.access.create_project("other")
    with calling(OTHER):
        app.models.create("late")
        app.models.register(
            "late", app.models.upload(Linear().dump(Logistic(intercept=1.5, terms=[Term(weight=1.0)]))), "linear", SIGNATURE
        )
        own = app.tables.write(frame.slice(1)).digest
        _monitors(app).create("own", "late", own, ["distance"], block="label")
        answers = {outcome(VERBS[verb], app, known) for known in (digest, ABSENT)}
        assert len(answers) == 1, "the answer tells whether somebody has those bytes"
        assert {kind for kind, _ in answers} == {NotFound}
        mine = app.models.upload(MODEL) if verb == "models.register" else app.tables.write(frame).digest
        assert mine == digest
        assert outcome(VERBS[verb], app, digest)[0] is tuple, "who shows the bytes may use them"


def test_a_pack_stays_while_one_of_its_blobs_is_named_and_comes_back_from_a_backup(app: Ostinato, tmp_path: Path) -> None:
    data = app.settings.data
    named = app.blobs.put_many([b"named", b"beside it"])
    unnamed = app.blobs.put_many([b"of no", b"use"])
    app.runs.start("first", tags={"blob": named[0].digest})
    packed = app.rows.read(packs)
    for pack in packed.values():
        os.utime(data / "blobs" / pack[:2] / pack, (0, 0))
    assert [blob.digest for blob in collect(data, apply=True).unused] == [packed[unnamed[0].digest]]
    assert app.blobs.open(named[0].digest) == b"named"
    assert not app.blobs.exists(unnamed[0].digest)
    app.ledger.seal()
    backup(data, tmp_path / "backups")
    restore(tmp_path / "backups", tmp_path / "again")
    with Ostinato.open(tmp_path / "again") as back:
        assert [back.blobs.open(blob.digest) for blob in named] == [b"named", b"beside it"]
