"""Values as trees, the codecs, and the places where calls run."""

from __future__ import annotations

import functools
import os
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.kernel.errors import Invalid, StepFailed, Unavailable
from ostinato.kernel.ref import Ref
from ostinato.pipelines.engine import EXECUTORS
from ostinato.pipelines.serialization import CODECS, Packer, codec_of, conform, digest_of_tree, dumps, refs_in, revive
from ostinato.storage.blobs.local import Local
from ostinato.storage.tables.tables import Tables

SAMPLES: dict[str, list[Any]] = {
    "bytes": [b"", b"\x00\xff" * 1000],
    "json": [None, [1, 2.5, "ü"], {"a": {"b": []}}],
    "ndarray": [np.arange(6.0).reshape(2, 3), np.array(3), np.array([], dtype="int8"), np.array([[1, 2], [3, 4]]).T, np.array(["a", "bc"])],
    "table": [pa.table({"x": [1, None, 3], "s": ["a", "b", None]}), pa.table({"x": pa.array([], pa.int32())})],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "$json", "$object", "$table", "b"]) | st.text(), inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def packer(tmp_path_factory: pytest.TempPathFactory) -> Packer:
    folder = tmp_path_factory.mktemp("packer")
    blobs = Local(folder / "blobs")
    return Packer(blobs, Tables(blobs, folder / "cache"))


@pytest.mark.parametrize("name", CODECS.names())
def test_every_codec_gives_back_what_it_got(name: str, tmp_path: Path) -> None:
    blobs = Local(tmp_path / "blobs")
    tables = Tables(blobs, tmp_path / "cache")
    codec = CODECS.make(name)
    for sample in SAMPLES[name]:
        assert codec.accepts(sample)
        digest = codec.keep(sample, blobs, tables)
        assert codec.keep(sample, blobs, tables) == digest
        back = codec.fetch(digest, blobs, tables)
        assert np.array_equal(back, sample) if name == "ndarray" else back == sample
    assert not codec.accepts(object())


@given(JSON)
def test_plain_values_come_back(packer: Packer, value: Any) -> None:
    tree = packer.pack(value)
    assert packer.unpack(tree) == value
    assert dumps(packer.pack(packer.unpack(tree))) == dumps(tree)


def test_rich_values_become_plain_and_are_revived(packer: Packer) -> None:
    @dataclass(frozen=True)
    class Point:
        at: datetime
        day: date
        ref: Ref
        xs: tuple[int, ...]
        table: Any

    point = Point(datetime(2013, 1, 1, 5, tzinfo=UTC), date(2013, 1, 1), Ref("model", "late", "3"), (1, 2), pa.table({"x": [1]}))
    tree = packer.pack(point)
    assert tree["ref"] == "model:late@3"
    assert codec_of(tree["table"]) == "table"
    assert revive(packer.unpack(tree), Point) == point
    assert packer.unpack(packer.pack([np.float64(0.5), np.int64(3), np.bool_(True)])) == [0.5, 3, True]
    with pytest.raises(Invalid, match="at"):
        revive({"at": "yesterday"}, Point)


def test_large_values_travel_as_blobs(packer: Packer) -> None:
    large = ["x" * 100] * 1000
    tree = packer.pack(large)
    assert list(tree) == ["$json"]
    assert packer.unpack(tree) == large
    assert digest_of_tree(tree) == digest_of_tree(large), "one address, wherever it is kept"


@pytest.mark.parametrize("value", [{1, 2}, {1: "a"}, object(), [{"deep": {3}}], np.array([object()])])
def test_what_cannot_be_kept_is_refused(packer: Packer, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        packer.pack(value, "x")
    assert refused.value.hint


def test_parameters_conform() -> None:
    assert conform(3, float, "x") == 3.0
    assert conform("dataset:flights@4", Ref, "x") == Ref("dataset", "flights", "4")
    assert conform({"any": 1}, None, "x") == {"any": 1}
    for value, hint in (("3", int), (None, str), ("flights", Ref)):
        with pytest.raises(Invalid):
            conform(value, hint, "x")


def test_references_are_found() -> None:
    value = {"a": ["dataset:flights@4", "no reference", "http://x@y z"], "b": ("model:late@champion", Ref("run", "R1"))}
    assert [str(ref) for ref in refs_in(value)] == ["dataset:flights@4", "model:late@champion", "run:R1"]


@pytest.mark.parametrize("name", EXECUTORS.names())
def test_every_executor_answers_and_fails(name: str) -> None:
    executor = EXECUTORS.make(name)
    try:
        assert executor.submit(os.getcwd).result(60) == os.getcwd()
        with pytest.raises(Exception, match="invalid literal"):
            executor.submit(functools.partial(int, "no")).result(60)
    finally:
        executor.close()


def test_processes_time_out_die_and_go_on() -> None:
    executor = EXECUTORS.make("processes", {"processes": 1})
    try:
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            executor.submit(functools.partial(time.sleep, 60), 0.2).result(60)
        assert time.monotonic() - begun < 30
        with pytest.raises(Unavailable, match="exit code 3"):
            executor.submit(functools.partial(os._exit, 3)).result(60)
        assert executor.submit(os.getcwd).result(60) == os.getcwd()
    finally:
        executor.close()


def test_a_step_whose_process_dies_fails(app: SimpleNamespace, project: Any) -> None:
    flows: ModuleType = project.edit("    time.sleep(seconds)\n", "    os._exit(9)\n")
    with pytest.raises(StepFailed, match="exit code 9"):
        app.pipelines.run(flows.timed, seconds=0.0)
