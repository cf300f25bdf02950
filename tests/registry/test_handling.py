"""Handling: with what care a version is loaded, whose list its types are on, and whether it answers as it did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sqlalchemy import update
from tests.registry.conftest import SIGNATURE, Works

from ostinato.kernel.errors import NotFound
from ostinato.registry.flavor import FLAVORS
from ostinato.registry.proof_store import proof as proofs
from ostinato.registry.types import Field, Scalar, Signature

EXAMPLE: dict[str, list[Scalar]] = {"delay": [0.0, 30.0], "carrier": ["AA", "UA"]}
X = np.stack([np.linspace(-1, 1, 80), np.tile([0.0, 1.0], 40)], axis=1)
PLAIN = Signature(inputs=[Field(name="a"), Field(name="b")])


def registered(works: Works, estimator: object) -> None:
    works.models.create("late")
    content = FLAVORS.make("sklearn").dump(estimator)
    works.models.register("late", works.models.upload(content), "sklearn", PLAIN, example={"a": [0.5, -0.5], "b": [0.0, 1.0]})


@pytest.mark.sqlite  # who reads an artifact asks no database
@pytest.mark.parametrize(("kind", "care"), [(HistGradientBoostingClassifier, "none"), (RandomForestClassifier, "parser")])
def test_the_types_of_an_artifact_are_named_with_the_list_that_they_are_on(works: Works, kind: type, care: str) -> None:
    registered(works, kind().fit(X, (X[:, 0] > 0).astype(int)))
    found = works.models.handling("late@1")
    assert (found.care, found.problem, found.trust) == (care, "", None)
    listed = {held.name: held.listed for held in found.types}
    assert f"{kind.__module__}.{kind.__name__}" in listed
    assert "ostinato" in listed.values()
    assert found.proof == works.models.proof("late@1")
    assert works.models.prove("late@1").equal


def test_an_example_is_scored_again_and_held_against_the_record(works: Works) -> None:
    works.models.create("late")
    works.models.register("late", works.artifact(), "linear", SIGNATURE, example=EXAMPLE)
    same = works.models.prove("late@1")
    assert (same.equal, same.close, same.away) == (True, True, 0.0)
    assert same.now == works.models.proof("late@1").scores
    kept = [score + 1e-3 for score in same.now]
    works.models._rows.write(lambda tx: tx.execute(update(proofs).values(scores=kept)))
    off = works.models.prove("late@1")
    assert (off.equal, off.close, off.away) == (False, False, pytest.approx(1e-3))
    works.version(weight=2.0)
    with pytest.raises(NotFound, match="has no input example"):
        works.models.prove("late@2")


def test_what_may_run_code_says_why_it_is_not_loaded(works: Works) -> None:
    works.models.create("late")
    made = works.version()
    works.models.create("other")
    works.models.adopt_version(
        replace(made, model="other", flavor="pickle"),
        "a" * 64,
        made.artifact,
    )
    found = works.models.handling("other@1")
    assert (found.care, found.types) == ("code", [])
    assert "this store loads none" in found.problem
    assert "models.trust" in found.hint
    works.models.trust("other", ["pickle"], "ours")
    told = works.models.handling("other@1").trust
    assert told is not None
    assert (told.flavors, told.by, told.reason) == (["pickle"], "person:ana", "ours")
