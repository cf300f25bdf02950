"""Deliveries, versions, quarantine, and what a repeat does."""

from __future__ import annotations

import gzip
import hashlib
import io
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ostinato.data.types import CheckSpec, Contract, SourceSpec
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound
from ostinato.kernel.ref import Ref

JANUARY = "id,at,n\n1,2013-01-05T00:00:00Z,5\n2,2013-01-06T00:00:00Z,NA\n"
FEBRUARY = "id,at,n\n3,2013-02-05T00:00:00Z,7\n"
CONTRACT = Contract(checks=[CheckSpec(check="in_range", column="n", parameters={"maximum": 10})], key=["id"], time="at")


@pytest.fixture
def flights(store: Any) -> Any:
    store.datasets.create("flights", CONTRACT, description="departures", licence="CC0", purpose="tests")
    return store


def test_r11_versions_say_when_from_where_and_how_much(flights: Any) -> None:
    flights.clock.set(datetime(2013, 2, 1, tzinfo=UTC))
    first = flights.deliver("flights", "2013-01", JANUARY)
    flights.clock.set(datetime(2013, 3, 1, tzinfo=UTC))
    second = flights.deliver("flights", "2013-02", FEBRUARY)
    assert (first.state, first.version, second.version) == ("accepted", 1, 2)

    one, two = flights.datasets.versions("flights")
    assert (one.rows, two.rows) == (2, 3)
    assert two.parts[0] == one.parts[0]
    assert [p.delivery for p in two.parts] == ["2013-01", "2013-02"]
    assert one.source_digest == hashlib.sha256(JANUARY.encode()).hexdigest()
    assert (one.source, one.created_at, one.delivered_by) == ("flights-2013-01.csv", datetime(2013, 2, 1, tzinfo=UTC), "person:ana")
    assert one.digest != two.digest
    assert flights.datasets.version("flights") == two
    assert flights.datasets.version("flights@1") == flights.datasets.version("dataset:flights@1") == one
    assert [(c.name, c.type) for c in one.schema] == [("id", "int64"), ("at", "timestamp"), ("n", "int64")]
    with pytest.raises(NotFound, match="no version '3'"):
        flights.datasets.version("flights@3")


def test_r11_an_old_version_gives_the_same_bytes_for_ever(flights: Any) -> None:
    flights.deliver("flights", "a", JANUARY)
    before = flights.datasets.content("flights@1")
    flights.deliver("flights", "b", FEBRUARY)
    assert flights.datasets.content("flights@1") == before
    assert pq.read_table(io.BytesIO(flights.datasets.content("flights"))).num_rows == 3


def test_a_repeat_is_answered_as_it_was_and_other_content_is_refused(flights: Any, opened: Callable[[], Any]) -> None:
    first = flights.deliver("flights", "2013-01", JANUARY)
    again = opened()
    assert again.deliver("flights", "2013-01", JANUARY) == first
    with pytest.raises(Conflict, match="other content"):
        again.deliver("flights", "2013-01", FEBRUARY)
    assert len(again.datasets.versions("flights")) == 1
    assert len(again.datasets.deliveries("flights")) == 1


def test_r04_a_bad_delivery_goes_to_quarantine_and_a_corrected_one_heals(flights: Any) -> None:
    bad = flights.deliver("flights", "2013-01", JANUARY.replace(",5", ",130"))
    assert (bad.state, bad.version, bad.attempt) == ("quarantined", None, 1)
    [failure] = bad.report.failures
    assert (failure.check, failure.columns, failure.violations) == ("in_range", ["n"], 1)
    assert failure.sample == [{"id": 1, "at": "2013-01-05T00:00:00+00:00", "n": 130, "_row": 1}]
    assert flights.tables.read(bad.digest).num_rows == 2
    assert flights.datasets.get("flights").latest is None
    assert flights.datasets.quarantined("flights") == [bad]
    assert flights.deliver("flights", "2013-01", JANUARY.replace(",5", ",130")) == bad

    good = flights.deliver("flights", "2013-01", JANUARY)
    assert (good.state, good.version, good.attempt) == ("accepted", 1, 2)
    assert flights.datasets.quarantined("flights") == [bad]
    assert [d.state for d in flights.datasets.deliveries("flights")] == ["quarantined", "accepted"]


def test_events_carry_the_lineage(flights: Any) -> None:
    flights.deliver("flights", "a", JANUARY)
    flights.deliver("flights", "b", FEBRUARY.replace("7", "77"))
    flights.deliver("flights", "b", FEBRUARY)
    events = sorted(flights.ledger.events().items, key=lambda e: e.seq)
    assert [e.verb for e in events] == ["dataset.created", "dataset.delivered", "dataset.quarantined", "dataset.delivered"]
    last = events[-1]
    digest = hashlib.sha256(FEBRUARY.encode()).hexdigest()[:16]
    assert last.inputs == (Ref("source", "flights-b.csv", digest), Ref("dataset", "flights", "1"))
    assert last.outputs == (Ref("dataset", "flights", "2"),)
    assert dict(events[2].data)["failed"] == {"in_range(n)": 1}


def test_r05_a_row_of_an_earlier_version_is_a_duplicate(flights: Any) -> None:
    flights.deliver("flights", "a", JANUARY)
    twice = flights.deliver("flights", "b", FEBRUARY.replace("3,", "2,"))
    assert [(f.check, f.columns) for f in twice.report.failures] == [("unique", ["id"])]


def test_a_delivery_takes_the_types_of_its_dataset_or_is_quarantined(flights: Any) -> None:
    flights.deliver("flights", "a", JANUARY)
    empty = flights.deliver("flights", "b", "n,at,id\nNA,2013-02-05T00:00:00Z,3\n")
    assert empty.state == "accepted"
    assert flights.tables.read(empty.digest).schema.field("n").type == pa.int64()
    for key, text, message in (
        ("c", "id,at\n4,2013-02-05T00:00:00Z\n", "no column n"),
        ("d", "id,at,n,m\n4,2013-02-05T00:00:00Z,1,1\n", "unknown column m"),
        ("e", "id,at,n\n4,2013-02-05T00:00:00Z,much\n", "column n does not fit int64"),
    ):
        refused = flights.deliver("flights", key, text)
        assert refused.state == "quarantined"
        assert message in refused.report.failures[0].message


def test_replace_holds_the_newest_delivery_alone(store: Any) -> None:
    store.datasets.create("airports", Contract(key=["faa"]), mode="replace")
    store.deliver("airports", "1", "faa,alt\nEWR,18\n")
    store.deliver("airports", "2", "faa,alt\nEWR,18\nJFK,13\n")
    assert [(v.version, v.rows, len(v.parts)) for v in store.datasets.versions("airports")] == [(1, 1, 1), (2, 2, 1)]


def test_foreign_keys_follow_the_latest_version(store: Any) -> None:
    store.datasets.create("airports", Contract(key=["faa"]))
    store.datasets.create("f", Contract(checks=[CheckSpec(check="foreign_key", column="dest", parameters={"to": "airports.faa"})]))
    with pytest.raises(NotFound, match="airports has no version"):
        store.deliver("f", "1", "dest\nEWR\n")
    store.deliver("airports", "1", "faa\nEWR\n")
    assert store.deliver("f", "1", "dest\nEWR\nJFK\n").state == "quarantined"
    store.deliver("airports", "2", "faa\nJFK\n")
    healed = store.deliver("f", "1", "dest\nEWR\nJFK\n")
    assert (healed.state, healed.attempt) == ("accepted", 2)


def test_deliveries_that_race_each_get_a_version(store: Any) -> None:
    store.datasets.create("d", Contract(key=["id"]))
    sources = [store.put(f"{i}.csv", f"id\n{i}\n") for i in range(6)]
    failures: list[BaseException] = []

    def work(i: int) -> None:
        try:
            with calling(Caller(actor="person:ana")):
                store.datasets.deliver("d", sources[i], f"k{i}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert [v.rows for v in store.datasets.versions("d")] == [1, 2, 3, 4, 5, 6]
    assert sorted(store.datasets.table("d")["id"].to_pylist()) == list(range(6))


def test_sources_stay_in_the_inbox_and_name_what_is_missing(store: Any) -> None:
    store.datasets.create("d", Contract())
    (store.inbox.parent / "secret.csv").write_text("a\n1\n")
    (store.inbox / "link.csv").symlink_to(store.inbox.parent / "secret.csv")
    for path in ("../secret.csv", "link.csv", str(store.inbox.parent / "secret.csv")):
        with pytest.raises(Denied, match="outside the inbox"):
            store.datasets.deliver("d", SourceSpec(kind="csv", parameters={"path": path}), "k")
    with pytest.raises(NotFound, match=r"no file 'gone\.csv'"):
        store.datasets.deliver("d", SourceSpec(kind="csv", parameters={"path": "gone.csv"}), "k")
    with pytest.raises(NotFound, match="member of"):
        store.datasets.deliver("d", SourceSpec(kind="cvs", parameters={}), "k")


def test_csv_reads_packed_files_types_and_nulls(store: Any) -> None:
    store.datasets.create("d", Contract())
    text = b'a,b,c,d\n1,01,2013-01-01 10:00:00,x\nNA,"02",NA,\n'
    types = {"b": "string", "c": "timestamp", "a": "double"}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.csv", text)
    for key, name, content in (("1", "f.csv", text), ("2", "f.csv.gz", gzip.compress(text)), ("3", "f.zip", packed.getvalue())):
        store.put(name, content)
        made = store.datasets.deliver("d", SourceSpec(kind="csv", parameters={"path": name, "types": types}), key)
        assert store.tables.read(made.digest).to_pylist() == [
            {"a": 1.0, "b": "01", "c": datetime(2013, 1, 1, 10, tzinfo=UTC), "d": "x"},
            {"a": None, "b": "02", "c": None, "d": None},
        ]
    for parameters in ({"types": {"a": "number"}}, {"types": {"z": "int64"}}, {"types": {"d": "int64"}}):
        with pytest.raises(Invalid):
            store.datasets.deliver("d", SourceSpec(kind="csv", parameters={"path": "f.csv", **parameters}), "4")
    store.put("broken.gz", gzip.compress(text)[:-9])
    with pytest.raises(Invalid, match="damaged"):
        store.datasets.deliver("d", SourceSpec(kind="csv", parameters={"path": "broken.gz"}), "5")


def test_types_are_inferred_from_all_rows(store: Any) -> None:
    store.datasets.create("d", Contract())
    made = store.deliver("d", "1", "n\n" + "1\n" * 700_000 + "1.5\n")
    assert store.tables.read(made.digest).schema.field("n").type == pa.float64()


def test_parquet_from_the_inbox_and_by_upload(store: Any) -> None:
    store.datasets.create("d", Contract())
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": pa.array([1, 2], pa.int32()), "c": pa.array(["x", "y"]).dictionary_encode()}), sink)
    store.put("f.parquet", sink.getvalue())
    first = store.datasets.deliver("d", SourceSpec(kind="parquet", parameters={"path": "f.parquet"}), "1")
    second = store.datasets.upload("d", "2", sink.getvalue())
    assert first.digest == second.digest
    assert store.datasets.upload("d", "2", sink.getvalue()) == second
    assert store.datasets.table("d").to_pydict() == {"a": [1, 2, 1, 2], "c": ["x", "y", "x", "y"]}
    with pytest.raises(Invalid, match="no readable Parquet"):
        store.datasets.upload("d", "3", b"hello")


def test_tables_are_cut_by_time_half_open(flights: Any) -> None:
    flights.deliver("flights", "a", JANUARY)
    flights.deliver("flights", "b", FEBRUARY)
    cut = flights.datasets.table("flights", ["id"], since=datetime(2013, 1, 6, tzinfo=UTC), until=datetime(2013, 2, 5, tzinfo=UTC))
    assert cut.to_pydict() == {"id": [2]}
    assert flights.datasets.table("flights@1")["id"].to_pylist() == [1, 2]
    flights.datasets.create("timeless", Contract())
    flights.deliver("timeless", "a", "a\n1\n")
    with pytest.raises(Invalid, match="names no time"):
        flights.datasets.table("timeless", since=datetime(2013, 1, 1, tzinfo=UTC))


def test_rows_and_their_filter(flights: Any) -> None:
    flights.deliver("flights", "a", JANUARY)
    assert flights.datasets.rows("flights", where={"n": None}) == [{"id": 2, "at": "2013-01-06T00:00:00+00:00", "n": None}]
    assert [r["id"] for r in flights.datasets.rows("flights", where={"at": "2013-01-05T00:00:00Z"})] == [1]
    assert len(flights.datasets.rows("flights", limit=1)) == 1
    with pytest.raises(NotFound, match="no column"):
        flights.datasets.rows("flights", where={"m": 1})


def test_r08_profiles_are_exact(store: Any) -> None:
    store.datasets.create("d", Contract())
    store.deliver("d", "1", "n,s\n" + "".join(f"{i},{'ab'[i % 3 == 0]}\n" for i in range(100)) + "NA,NA\n")
    numbers, texts = store.datasets.profile("d").columns
    assert (numbers.rows, numbers.nulls, numbers.distinct, numbers.minimum, numbers.maximum, numbers.mean) == (101, 1, 100, 0, 99, 49.5)
    assert numbers.quantiles[2] == 49.5
    assert sum(b.rows for b in numbers.histogram) == 100
    assert [(c.value, c.rows) for c in texts.top] == [("a", 66), ("b", 34)]
    assert store.datasets.profile("d@1") == store.datasets.profile("d")


def test_profiles_take_every_type_and_nothing_at_all(store: Any) -> None:
    store.datasets.create("d", Contract())
    store.deliver("d", "1", "flag,day,at,x,none\ntrue,2013-01-02,2013-01-02T00:00:00Z,1.5,\nfalse,2013-01-01,2013-01-01T00:00:00Z,,\n")
    flag, day, at, x, none = store.datasets.profile("d").columns
    assert [c.type for c in (flag, day, at, x, none)] == ["bool", "date", "timestamp", "double", "string"]
    assert (flag.minimum, flag.maximum, flag.distinct) == (False, True, 2)
    assert (day.minimum, day.maximum) == ("2013-01-01", "2013-01-02")
    assert at.maximum == "2013-01-02T00:00:00+00:00"
    assert (x.nulls, x.distinct, x.mean) == (1, 1, 1.5)
    assert (none.nulls, none.distinct, none.minimum, none.top) == (2, 0, None, [])


def test_create_is_repeatable_and_refuses_another_declaration(store: Any) -> None:
    made = store.datasets.create("d", CONTRACT)
    assert store.datasets.create("d", CONTRACT) == made
    with pytest.raises(Conflict):
        store.datasets.create("d", Contract())
    given = {"check": "in_set", "column": "n", "parameters": {"values": ("a", "b")}}
    assert store.datasets.create("t", Contract(checks=[CheckSpec(**given)])) == store.datasets.create(
        "t", Contract(checks=[CheckSpec(**given)])
    )
    with pytest.raises(Invalid, match="malformed"):
        store.datasets.create("u", Contract(checks=[CheckSpec(**{**given, "column": 5})]))
    with pytest.raises(Invalid, match="not a name"):
        store.datasets.create("a/b", CONTRACT)
    with pytest.raises(NotFound) as caught:
        store.datasets.get("e")
    assert "d" in [d.name for d in store.datasets.all()]
    assert caught.value.message == "no dataset 'e'"


def test_projects_do_not_see_each_other(flights: Any) -> None:
    flights.deliver("flights", "a", JANUARY)
    with calling(Caller(actor="person:bob", project="other")):
        assert flights.datasets.all() == []
        with pytest.raises(NotFound):
            flights.datasets.version("flights@1")
        flights.datasets.create("flights", Contract())
        assert flights.datasets.get("flights").latest is None
