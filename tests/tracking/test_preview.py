"""The beginning of a table among the files of a run."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import Invalid, NotFound


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
