"""Walks along what was made from what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ostinato.kernel.errors import Invalid
from ostinato.kernel.ref import Ref

if TYPE_CHECKING:
    from tests.ledger.conftest import Store


def _names(refs: list[Ref]) -> list[str]:
    return [str(ref) for ref in refs]


@pytest.fixture
def story(store: Store) -> Store:
    store.act("dataset.delivered", "dataset:flights", ["source:jan.csv"], ["dataset:flights@1"])
    store.act("dataset.delivered", "dataset:flights", ["source:feb.csv", "dataset:flights@1"], ["dataset:flights@2"])
    store.act("run.started", "run:R1", ["dataset:flights@2"])
    store.clock.set(datetime(2013, 2, 1, tzinfo=UTC))
    store.act("model.registered", "model:late@1", ["run:R1", "dataset:flights@2"], ["model:late@1"])
    store.act("model.commented", "model:late@1")
    store.act("endpoint.deployed", "endpoint:late", ["model:late@1"])
    return store


def test_up_from_the_endpoint_to_the_files(story: Store) -> None:
    graph = story.ledger.lineage(Ref("endpoint", "late"))
    assert _names(graph.nodes)[0] == "endpoint:late"
    assert set(_names(graph.nodes)) == {
        "endpoint:late", "model:late@1", "run:R1", "dataset:flights@2", "dataset:flights@1", "source:feb.csv", "source:jan.csv",
    }  # fmt: skip
    assert not graph.truncated
    edges = {(str(e.source), str(e.target)): e for e in graph.edges}
    assert len(edges) == len(graph.edges) == 7
    made = edges["run:R1", "model:late@1"]
    assert (made.verb, made.seq, made.actor, str(made.subject)) == ("model.registered", 3, "person:ana", "model:late@1")
    assert edges["dataset:flights@2", "run:R1"].verb == "run.started", "with inputs alone, the subject was made from them"
    assert ("dataset:flights", "dataset:flights@1") not in edges, "a subject beside outputs is context"


def test_down_from_a_file_to_the_endpoint(story: Store) -> None:
    graph = story.ledger.lineage(Ref("source", "feb.csv"), "down")
    assert _names(graph.nodes) == ["source:feb.csv", "dataset:flights@2", "run:R1", "model:late@1", "endpoint:late"]


def test_depth_and_time_bound_the_walk(story: Store) -> None:
    near = story.ledger.lineage(Ref("endpoint", "late"), depth=1)
    assert _names(near.nodes) == ["endpoint:late", "model:late@1"]
    assert near.truncated
    early = story.ledger.lineage(Ref("dataset", "flights", "2"), "down", at=datetime(2013, 1, 15, tzinfo=UTC))
    assert _names(early.nodes) == ["dataset:flights@2", "run:R1"]


def test_a_circle_ends(store: Store) -> None:
    store.act("model.trained", "run:a", ["model:x@1"], ["model:y@1"])
    store.act("model.trained", "run:b", ["model:y@1"], ["model:x@1"])
    graph = store.ledger.lineage(Ref("model", "x", "1"))
    assert _names(graph.nodes) == ["model:x@1", "model:y@1"]
    assert len(graph.edges) == 2


def test_what_nobody_made_stands_alone(store: Store) -> None:
    graph = store.ledger.lineage(Ref("model", "none"))
    assert (_names(graph.nodes), graph.edges) == (["model:none"], [])


def test_a_wide_level_is_one_walk(store: Store) -> None:
    parts = [f"dataset:d{n}@1" for n in range(1200)]
    store.act("dataset.split", "run:s", ["source:big"], parts)
    store.act("model.trained", "run:t", parts, ["model:m@1"])
    graph = store.ledger.lineage(Ref("model", "m", "1"))
    assert len(graph.nodes) == 1202
    assert len(graph.edges) == 2400


def test_direction_is_up_or_down(store: Store) -> None:
    with pytest.raises(Invalid):
        store.ledger.lineage(Ref("model", "m"), "sideways")  # type: ignore[arg-type]
