"""A store with something of everything in it."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ostinato as ost
from ostinato.app import Ostinato
from ostinato.data.types import CheckSpec, Contract
from ostinato.kernel.clock import ReplayClock
from ostinato.registry.flavors.linear import Linear, Logistic, Term


def _fill(app: Ostinato) -> None:
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
def database_url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store of these tests is a folder, to be copied, damaged and restored beside itself, unless a test asks for `postgres`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        monkeypatch.delenv("OSTINATO_DATABASE_URL", raising=False)
        return ""
    url: str = request.getfixturevalue("postgres_url")
    monkeypatch.setenv("OSTINATO_DATABASE_URL", url)
    return url


@pytest.fixture
def filled(app: Ostinato) -> Ostinato:
    """The store of the fixture `app`, filled."""
    _fill(app)
    return app


@pytest.fixture
def fill() -> Callable[[Ostinato], None]:
    """Fills a store."""
    return _fill


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was filled and closed; copy it."""
    folder = tmp_path_factory.mktemp("template") / "store"
    with Ostinato.open(folder, clock=ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))) as app:
        _fill(app)
    return folder


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Path:
    """A filled store that nobody has open."""
    shutil.copytree(template, tmp_path / "store")
    (tmp_path / "store").chmod(0o700)
    return tmp_path / "store"


@pytest.fixture
def damage() -> Callable[[Path], None]:
    """Flips one bit in the middle of a file."""

    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o600)
        path.write_bytes(content)

    return flip
