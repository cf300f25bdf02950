"""Tables: exact round trips, one digest for equal tables, and SQL that sees only what it was given."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ostinato.kernel.errors import Corrupt, Invalid, NotFound, TooLarge
from ostinato.storage.blobs.blobs import Blobs, blob_of
from ostinato.storage.blobs.local import Local
from ostinato.storage.tables import tables as module
from ostinato.storage.tables.sql import literal
from ostinato.storage.tables.sql import name as quoted
from ostinato.storage.tables.tables import Tables
from ostinato.testing.blobs import Memory


@pytest.fixture(params=["local", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return Local(tmp_path / "blobs") if request.param == "local" else Memory()


@pytest.fixture
def tables(blobs: Blobs, tmp_path: Path) -> Tables:
    return Tables(blobs, tmp_path / "cache")


def sample() -> pa.Table:
    return pa.table(
        {
            "id": pa.array([1, 2, 3, None], pa.int64()),
            "carrier": pa.array(["AA", "UA", None, "AA"]).dictionary_encode(),
            "delay": [1.5, float("nan"), float("inf"), None],
            "at": pa.array([datetime(2013, 1, d, 5, tzinfo=UTC) for d in (1, 2, 3, 4)], pa.timestamp("us", "UTC")),
        }
    )


def test_a_table_comes_back_as_it_was(tables: Tables) -> None:
    stored = tables.write(sample())
    assert stored.rows == 4
    back = tables.read(stored.digest)
    assert back.schema.names == sample().schema.names
    assert str(back.to_pydict()) == str(sample().to_pydict())
    assert back.schema.field("at").type == pa.timestamp("us", "UTC")
    assert tables.read(stored.digest, ["delay", "id"]).column_names == ["delay", "id"]


def test_equal_tables_have_one_digest_however_they_are_cut(tables: Tables) -> None:
    whole = pa.table({"n": range(300_000), "text": [f"row {i % 7}" for i in range(300_000)]})
    cut = pa.concat_tables([whole.slice(0, 10), whole.slice(10, 200_000), whole.slice(200_010)])
    noted = cut.replace_schema_metadata({"made": "by somebody"})
    assert tables.write(whole) == tables.write(cut) == tables.write(noted)


def test_versions_stand_under_one_another_and_a_new_column_is_null_in_old_ones(tables: Tables) -> None:
    old, new = tables.write(pa.table({"a": [1]})), tables.write(pa.table({"a": [2], "b": ["x"]}))
    expected = [{"a": 1, "b": None}, {"a": 2, "b": "x"}]
    assert tables.read_all([old.digest, new.digest]).to_pylist() == expected
    assert tables.query("SELECT * FROM t ORDER BY a", t=[old.digest, new.digest]).to_pylist() == expected


def test_sql_joins_blobs_and_arrow_with_parameters_in_utc(tables: Tables) -> None:
    stored = tables.write(sample())
    names = pa.table({"carrier": ["AA", "UA"], "name": ["American", "United"]})
    sql = 'SELECT name, extract(hour FROM "at") AS hour FROM flights JOIN names USING (carrier) WHERE id >= $least ORDER BY id'
    answer = tables.query(sql, {"least": 1}, flights=stored.digest, names=names)
    assert answer.to_pylist() == [{"name": "American", "hour": 5}, {"name": "United", "hour": 5}]
    assert tables.query("SELECT ? + ? AS sum", [2, 3]).to_pylist() == [{"sum": 5}]
    assert tables.query('SELECT "at" FROM f LIMIT 0', f=stored.digest).schema.field("at").type == pa.timestamp("us", "UTC")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('{folder}/secret')",
        "SELECT * FROM read_blob('{folder}/secret')",
        "SELECT * FROM read_json('{folder}/secret')",
        "SELECT * FROM read_parquet('{folder}/**')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM '{folder}/other.parquet'",
        "SELECT * FROM '/proc/self/environ'",
        "SELECT * FROM 'https://127.0.0.1:1/x.csv'",
        "SELECT * FROM 's3://bucket/x.parquet'",
        "SELECT * FROM sqlite_scan('{folder}/rows.db', 't')",
        "SELECT * FROM sniff_csv('{folder}/secret')",
        "SELECT * FROM parquet_metadata('{folder}/other.parquet')",
        "SELECT getenv('HOME')",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY t FROM '{folder}/secret'",
        "EXPORT DATABASE '{folder}/out.csv'",
        "IMPORT DATABASE '{folder}'",
        "ATTACH '{folder}/db'",
        "ATTACH ':memory:' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '{folder}/secret'",
        "FORCE INSTALL spatial FROM community",
        "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "SET max_execution_time = 0",
        "SET allowed_paths = ['/etc/passwd']",
        "RESET lock_configuration",
        "PRAGMA enable_logging",
        "PRAGMA temp_directory='{folder}'",
        "CALL pragma_version()",
        "SELECT 1; SELECT * FROM read_csv('/etc/passwd')",
        "WITH x AS (SELECT * FROM read_csv('/etc/passwd')) SELECT * FROM x",
        "SELECT * FROM query('SELECT * FROM read_csv(''/etc/passwd'')')",
        "SELECT * FROM query_table('/etc/passwd')",
        "PREPARE p AS SELECT 1",
        "CREATE TABLE u AS SELECT 1",
        "DROP VIEW t",
        "EXPLAIN ANALYZE SELECT 1",
        "SELECT * FROM hidden",
        "SELECT * FROM bound",
        "SELEC 1",
        "",
        "SELECT nothing FROM t",
    ],
)
def test_sql_sees_only_what_it_was_given(tables: Tables, tmp_path: Path, sql: str) -> None:
    hidden = pa.table({"a": [1]})
    (tmp_path / "secret").write_text("secret")
    pq.write_table(hidden, tmp_path / "other.parquet")
    with pytest.raises(Invalid) as refused:
        tables.query(sql.replace("{folder}", str(tmp_path)), t=hidden)
    assert "Traceback" not in refused.value.message
    assert not (tmp_path / "out.csv").exists()


def test_too_much_memory_is_an_honest_error_and_leaves_nothing(tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MEMORY_MB", 20)
    with pytest.raises(TooLarge):
        tables.query("SELECT i, array_agg(i) OVER () FROM range(2000000) t(i)")
    assert [f for f in (tmp_path / "cache").rglob("*") if f.is_file()] == []


@pytest.mark.parametrize(
    "sql",
    [
        "WITH RECURSIVE t AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM t) SELECT count(*) FROM t",
        "SELECT sum(a.i * b.i) FROM range(10000000) a(i), range(10000000) b(i)",
    ],
)
def test_a_query_without_end_is_interrupted(tmp_path: Path, sql: str) -> None:
    tables = Tables(Memory(), tmp_path / "cache", time_max_s=0.3)
    started = time.monotonic()
    with pytest.raises(TooLarge, match=r"more than 0.3 s"):
        tables.query(sql)
    assert time.monotonic() - started < 20
    assert tables.query("SELECT 1 AS a").to_pylist() == [{"a": 1}]


@pytest.mark.parametrize("name", ['a"b', "a b", "x'; DROP VIEW t; --", "ключ", "select", "a;b", '"'])
def test_tables_and_columns_may_have_any_name(tables: Tables, name: str) -> None:
    stored = tables.write(pa.table({name: [7]})).digest
    asked = f"SELECT {quoted(name)} FROM {quoted(name)} WHERE {quoted(name)} = ?"
    assert tables.query(asked, [7], **{name: stored}).to_pylist() == [{name: 7}]
    assert tables.query(asked, [7], **{name: pa.table({name: [7]})}).to_pylist() == [{name: 7}]


def test_a_nul_ends_no_text(tables: Tables) -> None:
    with pytest.raises(Invalid):
        quoted("a\0b")
    with pytest.raises(Invalid):
        literal("a\0b")


def test_missing_things_are_named(tables: Tables, blobs: Blobs) -> None:
    stored = tables.write(pa.table({"a": [1]}))
    with pytest.raises(Invalid, match="no column b"):
        tables.read(stored.digest, ["a", "b"])
    with pytest.raises(NotFound):
        tables.read(blob_of(b"absent").digest)
    with pytest.raises(NotFound):
        tables.query("SELECT * FROM t", t=blob_of(b"absent").digest)
    with pytest.raises(Invalid):
        tables.read(blobs.put(b"not parquet").digest)
    with pytest.raises(Invalid):
        tables.query("SELECT 1 FROM t", t=[])
    with pytest.raises(Invalid):
        tables.read_all([])


def test_damaged_tables_are_never_read(tmp_path: Path) -> None:
    blobs = Local(tmp_path / "blobs")
    tables = Tables(blobs, tmp_path / "cache")
    path = blobs.path(tables.write(sample()).digest)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(Corrupt):
        tables.query("SELECT * FROM t", t=path.name)
    with pytest.raises(Corrupt):
        tables.read(path.name)
