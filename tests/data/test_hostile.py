"""What comes from outside and ends in a query or a decompressor stays a value: names, patterns, constants, archives."""

from __future__ import annotations

import contextlib
import gzip
import io
import zipfile
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ostinato.data.types import CheckSpec, Contract
from ostinato.kernel.errors import Invalid, TooLarge

ATTACKS = [
    "'; COPY (SELECT 1) TO '{folder}/out.csv'; --",
    "\" FROM delivery d; SELECT * FROM read_text('{folder}/secret'); --",
    "x') OR (SELECT count(*) FROM read_text('{folder}/secret')) > 0 OR ('",
    "a\"; ATTACH '{folder}/db'; --",
    "$1",
    "?",
    "{x}",
    "a\\'b",
    "/* */ --",
]


def parquet(columns: dict[str, list[Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


@pytest.mark.parametrize("attack", ATTACKS)
def test_names_patterns_and_constants_are_never_sql(store: Any, attack: str) -> None:
    folder = store.inbox
    (folder / "secret").write_text("secret")
    hostile = attack.replace("{folder}", str(folder))
    checks = [
        CheckSpec(check="not_null", column=hostile),
        CheckSpec(check="in_set", column=hostile, parameters={"values": [hostile]}),
        CheckSpec(check="in_range", column="n", parameters={"minimum": 1}),
    ]
    store.datasets.create("d", Contract(checks=checks, key=[hostile]))
    made = store.datasets.upload("d", "1", parquet({hostile: [hostile, "other"], "n": [1, 2]}))
    assert {r.check: r.violations for r in made.report.results if r.violations} == {"in_set": 1}
    store.datasets.create("e", Contract())
    store.datasets.upload("e", "1", parquet({hostile: [hostile, "other"], "n": [1, 2]}))
    assert [row["n"] for row in store.datasets.rows("e", where={hostile: hostile})] == [1]
    store.datasets.create("m", Contract(checks=[CheckSpec(check="matches", column="a", parameters={"pattern": hostile})]))
    with contextlib.suppress(Invalid):  # not every attack is a regular expression
        store.datasets.upload("m", "1", parquet({"a": [hostile]}))
    assert sorted(path.name for path in folder.iterdir()) == ["secret"]


def zipped(content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.csv", content)
    return sink.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, zipped])
def test_an_archive_that_unpacks_to_hundreds_of_times_its_size_is_refused(store: Any, pack: Any) -> None:
    store.datasets.create("d", Contract())
    source = store.put("bomb.gz", pack(b"0\n" * (40 << 20)))
    with pytest.raises(TooLarge, match=r"bomb.gz unpacks to more than 64 MiB") as refused:
        store.datasets.deliver("d", source, "1")
    assert "several files" in refused.value.hint
