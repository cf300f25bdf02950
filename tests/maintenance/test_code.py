"""Models that may run code, which came by an archive: refused where nobody allowed them, scored in the sandbox where all three have."""

from __future__ import annotations

import pickle
import platform
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Conflict, GateFailed, Invalid
from ostinato.maintenance.export import export
from ostinato.maintenance.importer import take_in
from ostinato.registry.flavors.linear import Linear, Logistic
from ostinato.registry.sandbox.process import SandboxProcess
from ostinato.registry.types import Field, Signature

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="the sandbox is Linux's")
SIGNATURE = Signature(inputs=[Field(name="delay"), Field(name="hour")])
ROWS = {"delay": np.array([0.5, -2.0, 7.25]), "hour": np.array([1.0, 2.0, 3.0])}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Ostinato]:
    """A store whose operator allows nothing that may run code."""
    with Ostinato.open(tmp_path / "here", clock=ReplayClock(datetime(2013, 6, 1, tzinfo=UTC))) as opened:
        opened.access.create_person("rita", ["reviewer"])
        yield opened


def allow(store: Ostinato, flavor: str) -> None:
    """What OSTINATO_CODE_FLAVORS says to a store that is opened with it."""
    store.models._settings = replace(store.settings, code_flavors=flavor)


def fitted() -> LogisticRegression:
    x = np.stack([np.linspace(-3, 3, 50), np.tile([0.0, 1.0, 2.0, 3.0, 4.0], 10)], axis=1)
    return LogisticRegression().fit(x, (x[:, 0] > 0.2).astype(int))


def by_archive(app: Ostinato, here: Ostinato, archive: Path) -> None:
    export(app, archive, models=["late"])
    made = take_in(here, archive)
    assert (made.versions, made.refused) == (1, [])


def test_a_pickle_from_an_archive_is_loaded_once_all_agree_and_then_apart(app: Ostinato, here: Ostinato, tmp_path: Path) -> None:
    allow(app, "pickle")
    app.models.create("late")
    app.models.trust("late", ["pickle"], "ours")
    model = fitted()
    app.models.register("late", app.models.upload(pickle.dumps(model)), "pickle", SIGNATURE)
    by_archive(app, here, tmp_path / "a")
    with pytest.raises(GateFailed, match="this store loads none"):
        here.models.scorer("late@1")
    with pytest.raises(Conflict, match="not approved"):
        here.endpoints.deploy("late", "late@1")
    allow(here, "pickle")
    with pytest.raises(GateFailed, match="late is not trusted with it") as refused:
        here.models.scorer("late@1")
    assert "models.trust" in (refused.value.hint or "")
    with here.acting_as("person:rita"):
        here.models.trust("late", ["pickle"], "we made it ourselves, in the other store")
        here.models.check("late@1")
        assert here.models.approve("late@1", "it is ours").state == "approved"
    scorer = here.models.scorer("late@1")
    assert isinstance(scorer, SandboxProcess), "not in this process"
    assert scorer.predict(ROWS).tolist() == model.predict_proba(np.stack(list(ROWS.values()), axis=1))[:, 1].tolist()
    scorer.close()


def test_a_hostile_pickle_from_an_archive_does_nothing_until_it_is_allowed_and_then_nothing_outside(
    app: Ostinato, here: Ostinato, tmp_path: Path
) -> None:
    owned = tmp_path / "owned"

    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return eval, (f"open({str(owned)!r}, 'w').write('x')",)

    app.models.create("plain")
    linear = app.models.upload(Linear().dump(Logistic(intercept=0.0, terms=[])))
    record = app.models.register("plain", linear, "linear", Signature(inputs=[]))
    artifact = app.models.upload(pickle.dumps(Hostile()))
    app.models.create("late")
    app.models.adopt_version(replace(record, model="late", artifact=artifact, flavor="pickle", signature=SIGNATURE), "a" * 64, artifact)
    by_archive(app, here, tmp_path / "a")
    allow(here, "pickle")
    with here.acting_as("person:rita"):
        here.models.trust("late", ["pickle"], "it looked harmless")
    with pytest.raises(Invalid, match="PermissionError"):
        here.models.scorer("late@1")
    assert not owned.exists()
