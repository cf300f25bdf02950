"""The beginning of a table among the files of a run."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import Invalid, NotFound, TooLarge
from ostinato.tracking.verbs import preview


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def test_the_first_rows_of_a_table(app: Ostinato) -> None:
    run = app.runs.start("e").id
    table = pa.table(
        {"n": list(range(300)), "x": [float("nan"), 0.5, None] * 100, "deep": [{"a": [1, 2]}] * 300, "long": ["é" * 900] * 300}
    )
    app.runs.put_artifact(run, "a/table.parquet", parquet(table))
    found = app.runs.preview(run, "a/table.parquet", rows=3)
    assert (found.columns, found.types[:2], found.total) == (["n", "x", "deep", "long"], ["int64", "double"], 300)
    assert [row[:3] for row in found.rows] == [[0, "nan", "{'a': [1, 2]}"], [1, 0.5, "{'a': [1, 2]}"], [2, None, "{'a': [1, 2]}"]]
    assert len(str(found.rows[0][3])) == 501
    app.runs.put_artifact(run, "empty.parquet", parquet(table.slice(0, 0)))
    assert (app.runs.preview(run, "empty.parquet").rows, app.runs.preview(run, "empty.parquet").total) == ([], 0)


def test_what_is_no_table_is_refused(app: Ostinato) -> None:
    run = app.runs.start("e").id
    whole = parquet(pa.table({"n": [1, 2, 3]}))
    for name, content in (("text.parquet", b"no table"), ("none.parquet", b""), ("cut.parquet", whole[:-20]), ("torn.parquet", whole[20:])):
        app.runs.put_artifact(run, name, content)
        with pytest.raises(Invalid, match="cannot be read as Parquet"):
            app.runs.preview(run, name)
    with pytest.raises(NotFound):
        app.runs.preview(run, "absent.parquet")
    with pytest.raises(Invalid):
        app.runs.preview(run, "text.parquet", rows=0)


def test_a_large_file_is_refused_before_it_is_read(app: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    run = app.runs.start("e").id
    app.runs.put_artifact(run, "t.parquet", parquet(pa.table({"n": list(range(1000))})))
    monkeypatch.setattr(preview, "_BYTES_MAX", 1000)
    monkeypatch.setattr(app.runs, "_opened", lambda *_: pytest.fail("it was read"))
    with pytest.raises(TooLarge, match="download it"):
        app.runs.preview(run, "t.parquet")


def test_what_unpacks_to_much_more_is_refused_by_what_the_file_says(app: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    run = app.runs.start("e").id
    monkeypatch.setattr(preview, "_BYTES_MAX", 2**20)
    long = pa.table({"a": ["x"], "b.c": ["x" * 2**21]})
    many = pa.table({"n": pa.ListArray.from_arrays([0, 2**18], pa.nulls(2**18, pa.int8()).fill_null(0))})
    for table in (long, many):
        content = parquet(table)
        assert len(content) < 2**20
        app.runs.put_artifact(run, "bomb.parquet", content)
        with pytest.raises(TooLarge, match="unpacked"):
            app.runs.preview(run, "bomb.parquet")


def test_a_long_text_that_all_rows_share_is_held_once(app: Ostinato) -> None:
    run = app.runs.start("e").id
    text = "é" * 2**15
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), [text]).cast(pa.string())
    deep = pa.ListArray.from_arrays(list(range(1001)), shared)
    app.runs.put_artifact(run, "t.parquet", parquet(pa.table({"flat": shared, "deep": deep})))
    del shared, deep
    before = pa.total_allocated_bytes()
    held = []
    cell = preview._cell

    def measured(value: pa.Scalar) -> object:
        held.append(pa.total_allocated_bytes() - before)
        return cell(value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preview, "_cell", measured)
        found = app.runs.preview(run, "t.parquet", rows=1000)
    assert max(held) < 32 * 2**20
    assert found.types == ["string", "list<element: string>"]
    assert found.rows[999] == ["é" * 500 + "…", "['" + "é" * 498 + "…"]


def test_values_of_all_kinds_are_shown(app: Ostinato) -> None:
    run = app.runs.start("e").id
    table = pa.table(
        {
            "binary": [b"\xff\0"],
            "kind": pa.array(["a"]).dictionary_encode(),
            "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
            "none": pa.array([None], pa.struct([("a", pa.string())])),
            "cost": pa.array([12], pa.decimal128(5, 2)),
        }
    )
    table = table.append_column("binary", pa.array(["another of the name"]))
    app.runs.put_artifact(run, "t.parquet", parquet(table))
    shown = ["b'\\xff\\x00'", "a", "[{'key': 'k', 'value': 1}]", None, "12.00", "another of the name"]
    assert app.runs.preview(run, "t.parquet").rows == [shown]
