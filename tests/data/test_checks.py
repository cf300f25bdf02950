"""Each check: what it lets pass, and which rows it names when it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from ostinato.data.types import CheckSpec, Contract
from ostinato.data.validation import CHECKS, validate_delivery
from ostinato.kernel.errors import Invalid, NotFound

NOW = datetime(2013, 2, 1, tzinfo=UTC)

CASES: list[tuple[str, dict[str, Any], list[Any], list[int]]] = [
    ("not_null", {}, [1, None, 3, None], [2, 4]),
    ("in_range", {"minimum": 0, "maximum": 120}, [0, 120, 130, -1, None], [3, 4]),
    ("in_range", {"maximum": 5}, ["4", "5", "6", "x", None], [3, 4]),
    ("in_range", {"minimum": 0}, [0.0, float("nan"), -0.5], [3]),
    ("in_set", {"values": ["EWR", "O'Hare"]}, ["EWR", "O'Hare", "LGA", None], [3]),
    ("in_set", {"values": [1, 2]}, [1, 2, 3, None], [3]),
    ("matches", {"pattern": "N[0-9]+"}, ["N1", "N12x", "XN1", None], [2, 3]),
    ("unique", {}, ["a", "b", "a", None, None, "c"], [1, 3]),
    ("monotonic", {}, [1, 1, 3, 2, 4], [4]),
    ("no_outliers", {"spreads": 3}, [1, 2, 3, 4, 5, 6, 100, None], [7]),
]


@pytest.mark.parametrize(("check", "parameters", "values", "rows"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_r04_a_check_names_the_offending_rows(
    store: Any, check: str, parameters: dict[str, Any], values: list[Any], rows: list[int]
) -> None:
    contract = Contract(checks=[CheckSpec(check=check, column='odd "x', parameters=parameters)])
    report = validate_delivery(pa.table({'odd "x': values}), contract, store.tables, accepted=[], others={}, now=NOW)
    [result] = report.results
    assert [row["_row"] for row in result.sample] == rows
    assert (result.violations, result.passed, report.passed) == (len(rows), False, False)
    assert result.fraction == pytest.approx(len(rows) / len(values))


@pytest.mark.parametrize(
    ("check", "parameters", "values", "passes"),
    [
        ("row_count", {"minimum": 2, "maximum": 3}, [1], False),
        ("row_count", {"minimum": 2, "maximum": 3}, [1, 2], True),
        ("row_count", {"minimum": 1}, [], False),
        ("fresh", {"max_age_hours": 24}, [datetime(2013, 1, 31, tzinfo=UTC)], True),
        ("fresh", {"max_age_hours": 23}, [datetime(2013, 1, 31, tzinfo=UTC)], False),
        ("fresh", {"max_age_hours": 24}, [None], False),
        ("fresh", {"max_age_hours": 24}, [], False),
    ],
)
def test_a_check_of_the_whole(store: Any, check: str, parameters: dict[str, Any], values: list[Any], passes: bool) -> None:
    column = pa.array(values, pa.timestamp("us", "UTC") if check == "fresh" else pa.int64())
    contract = Contract(checks=[CheckSpec(check=check, column="t" if check == "fresh" else None, parameters=parameters)])
    report = validate_delivery(pa.table({"t": column}), contract, store.tables, accepted=[], others={}, now=NOW)
    assert report.passed is passes
    assert report.results[0].fraction == float(not passes)


def test_the_case_tables_cover_the_family() -> None:
    covered = {case[0] for case in CASES} | {"row_count", "fresh", "foreign_key"}
    assert covered == set(CHECKS.names())
    assert all(member.summary for member in CHECKS.describe())


def test_foreign_key_looks_into_another_dataset_and_the_exceptions(store: Any) -> None:
    blob = store.tables.write(pa.table({"faa": ["EWR", "JFK"]}))
    contract = Contract(checks=[CheckSpec(check="foreign_key", column="dest", parameters={"to": "airports.faa", "also": ["SJU"]})])
    table = pa.table({"dest": ["EWR", "SJU", None, "XXX"]})
    [result] = validate_delivery(table, contract, store.tables, accepted=[], others={"airports": [blob.digest]}, now=NOW).results
    assert [row["dest"] for row in result.sample] == ["XXX"]


def test_r05_composite_keys_are_unique_across_versions(store: Any) -> None:
    before = store.tables.write(pa.table({"a": [1, 1], "b": ["x", "y"]}))
    contract = Contract(key=["a", "b"])
    table = pa.table({"a": [1, 1, 2, None], "b": ["x", "z", "x", "x"]})
    nulls, unique = validate_delivery(table, contract, store.tables, accepted=[before.digest], others={}, now=NOW).results
    assert (nulls.check, [row["_row"] for row in nulls.sample]) == ("not_null", [4])
    assert (unique.check, [row["_row"] for row in unique.sample]) == ("unique", [1])


def test_tolerance_is_a_share_of_rows(store: Any) -> None:
    table = pa.table({"n": [1, 2, 3, None]})
    for tolerance, passes in ((0.25, True), (0.24, False)):
        contract = Contract(checks=[CheckSpec(check="not_null", column="n", tolerance=tolerance)])
        assert validate_delivery(table, contract, store.tables, accepted=[], others={}, now=NOW).passed is passes


def test_a_column_that_is_absent_fails_its_check(store: Any) -> None:
    contract = Contract(checks=[CheckSpec(check="not_null", column="gone"), CheckSpec(check="not_null", column="n")])
    gone, there = validate_delivery(pa.table({"n": [1]}), contract, store.tables, accepted=[], others={}, now=NOW).results
    assert (gone.passed, gone.message, there.passed) == (False, "no column gone", True)


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        (CheckSpec(check="in_rang", column="a"), NotFound),
        (CheckSpec(check="in_range", column="a", parameters={"minimun": 1}), Invalid),
        (CheckSpec(check="in_range", column="a"), Invalid),
        (CheckSpec(check="in_set", column="a", parameters={"values": []}), Invalid),
        (CheckSpec(check="foreign_key", column="a", parameters={"to": "airports"}), Invalid),
        (CheckSpec(check="not_null"), Invalid),
        (CheckSpec(check="not_null", column="a", tolerance=1.5), Invalid),
    ],
)
def test_a_contract_that_cannot_be_judged_is_refused_at_once(store: Any, spec: CheckSpec, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        store.datasets.create("d", Contract(checks=[spec]))
    assert getattr(caught.value, "hint", "") or isinstance(caught.value, Invalid)
