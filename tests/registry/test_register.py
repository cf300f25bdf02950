"""Models and versions: what is kept, what is refused, and that a repeat changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.registry.conftest import SIGNATURE, Works, as_

from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.registry.types import GateSpec


def test_r48_a_version_knows_all_that_made_it(works: Works) -> None:
    works.models.create("late", "delays")
    data = works.delivered()
    made = works.version(datasets=[data], features=["weather"], note="first")
    assert (made.version, made.state, made.author) == (1, "registered", "person:ana")
    assert works.models.get("late@1") == works.models.get("model:late@1") == made
    told = works.ledger.events(subject=made.ref).items[-1]
    assert told.verb == "model.registered"
    assert {r.kind for r in told.inputs} == {"run", "dataset", "feature", "evaluation"}
    assert data in told.inputs
    assert told.outputs == (made.ref,)


def test_a_repeat_is_the_same_version_and_another_content_a_conflict(works: Works) -> None:
    works.models.create("late")
    digest = works.artifact()
    first = works.models.register("late", digest, "linear", SIGNATURE, key="2013-01")
    assert works.models.register("late", digest, "linear", SIGNATURE, key="2013-01") == first
    with pytest.raises(Conflict, match="late@1"):
        works.models.register("late", works.artifact(2.0), "linear", SIGNATURE, key="2013-01")
    assert works.models.register("late", works.artifact(2.0), "linear", SIGNATURE).version == 2
    assert works.models.register("late", works.artifact(2.0), "linear", SIGNATURE).version == 2
    assert [v.version for v in works.models.versions("late")] == [1, 2]


def test_creating_again_is_one_model_even_after_its_gates_changed(works: Works) -> None:
    gates = [GateSpec(gate="calibration", parameters={"max_ece": 0.1})]
    made = works.models.create("late", gates=gates)
    works.models.require("late", [], 2, "two people from now on")
    assert works.models.create("late", gates=gates) == replace(made, gates=[], approvals=2)
    with pytest.raises(Conflict, match="created otherwise"):
        works.models.create("late", "something else", gates=gates)
    assert works.models.create("grave", risk="high").approvals == 2


def test_unknown_things_are_refused_by_name(works: Works) -> None:
    works.models.create("late")
    digest = works.artifact()
    cases = [
        (NotFound, {"model": "lat"}),
        (NotFound, {"artifact": "0" * 64}),
        (NotFound, {"flavor": "pickled"}),
        (NotFound, {"run": Ref("run", "01GONE")}),
        (NotFound, {"evaluation": "gone"}),
        (NotFound, {"datasets": [Ref("dataset", "gone", "1")]}),
        (Invalid, {"datasets": [Ref("dataset", "gone")]}),
        (Invalid, {"signature": replace(SIGNATURE, inputs=SIGNATURE.inputs[:1])}),
    ]
    for kind, change in cases:
        with pytest.raises(kind):
            works.models.register(**{"model": "late", "artifact": digest, "flavor": "linear", "signature": SIGNATURE} | change)
    assert works.models.versions("late") == []
    with pytest.raises(NotFound) as refused:
        works.models.get("lat@1")
    assert "late" in refused.value.hint
    with pytest.raises(Invalid, match="names no version"):
        works.models.get("late")


def test_an_evaluation_of_another_run_is_not_accepted(works: Works) -> None:
    works.models.create("late")
    mine, other = works.runs.start("flights").ref, works.runs.start("flights").ref
    borrowed = works.evaluation(other)
    with pytest.raises(Invalid, match="not of run:"):
        works.models.register("late", works.artifact(), "linear", SIGNATURE, run=mine, evaluation=borrowed.id)


def test_gates_are_checked_when_they_are_declared(works: Works) -> None:
    for spec in [
        GateSpec(gate="metric_flor"),
        GateSpec(gate="metric_floor"),
        GateSpec(gate="calibration", parameters={"max_ece": "small"}),
    ]:
        with pytest.raises((NotFound, Invalid)):
            works.models.create("late", gates=[spec])
    with pytest.raises(Invalid, match="at least one approval"):
        works.models.create("late", approvals=0)


def test_the_scorer_is_the_model(works: Works) -> None:
    works.models.create("late")
    works.version(weight=2.0)
    columns = {
        "carrier": np.array(["UA", "AA", "??"], dtype=object),
        "delay": np.array([1.0, None, 0.0], dtype=object),
        "other": np.zeros(3),
    }
    scores = works.models.scorer("late@1").predict(columns)
    assert scores == pytest.approx(1 / (1 + np.exp([-1.5, -0.5, 0.0])))
    assert scores.dtype == np.float64


def test_projects_are_apart(works: Works) -> None:
    works.models.create("late")
    works.version()
    with as_("ana", "other"):
        assert works.models.all() == []
        with pytest.raises(NotFound):
            works.models.get("late@1")
        works.models.create("late", "another")
        assert works.models.versions("late") == []


def test_r51_the_card_is_filled_from_records_and_says_who_owes_the_rest(works: Works) -> None:
    works.models.create("late", "Says which flights will be late.", owner="person:olga", gates=[GateSpec(gate="calibration")])
    made = works.version(datasets=[works.delivered()])
    works.models.check("late@1")
    works.models.card_note("late", "Limitations", "Only three airports.")
    works.models.card_note("late", "Limitations", "Only three airports, only 2013.")
    assert works.models.card_note("late", "Limitations", "Only three airports, only 2013.") == works.models.notes("late")[-1]
    assert len(works.models.notes("late")) == 2
    card = works.models.card("late@1")
    assert made.evaluation
    for part in (
        made.artifact,
        str(made.run),
        made.evaluation,
        "dataset:flights@1",
        "Parameter weight | 1.0",
        "By origin",
        "only 2013",
        "| carrier | string |",
    ):
        assert part in card
    owed = [line for line in card.split("\n") if line == "not provided – person:olga"]
    assert len(owed) == 4
