"""A store with something of everything in it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ostinato as ost
from ostinato.app import Ostinato
from ostinato.data.types import CheckSpec, Contract
from ostinato.registry.flavors.linear import Linear, Logistic, Term


def fill(app: Ostinato) -> None:
    """A dataset with two versions and a quarantined delivery, a run with an artifact, an approved model, people and a token."""
    app.datasets.create("flights", Contract(checks=[CheckSpec(check="in_range", column="n", parameters={"maximum": 10})], key=["id"]))
    for key, number in (("a", 1), ("b", 2), ("bad", 99)):
        content = io.BytesIO()
        pq.write_table(pa.table({"id": [number], "n": [number]}), content)
        app.datasets.upload("flights", key, content.getvalue())
    with app.run("first", params={"rate": 0.1}) as run:
        run.log(loss=0.5, step=1)
        run.artifact("notes.md", b"It went well.")
    app.access.create_person("ben", roles=["reviewer"])
    app.access.issue_token("person:ben")
    app.models.create("late")
    artifact = app.models.upload(Linear().dump(Logistic(intercept=0.5, terms=[Term(weight=1.0)])))
    version = app.models.register("late", artifact, "linear", ost.Signature(inputs=[ost.Field(name="distance")]))
    app.models.check(version.ref)
    with app.acting_as("person:ben"):
        app.models.approve(str(version.ref), reason="looks right")
    app.models.promote(str(version.ref), alias="champion")
    app.ledger.seal()


@pytest.fixture
def filled(app: Ostinato) -> Ostinato:
    """The store of the fixture `app`, filled."""
    fill(app)
    return app


@pytest.fixture
def damage() -> Callable[[Path], None]:
    """Flips one bit in the middle of a file."""

    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o600)
        path.write_bytes(content)

    return flip
