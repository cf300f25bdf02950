"""Plans: how SQLite gets at a page of runs. None reads all of a table, and an order by a metric sorts nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ostinato.kernel.caller import caller
from ostinato.storage.rows.lease import at
from ostinato.storage.rows.rows import Tx
from ostinato.storage.rows.sqlite import Sqlite
from ostinato.tracking.planner import scope
from ostinato.tracking.service import Runs
from ostinato.tracking.store import LEASES, run_table
from ostinato.tracking.types import MetricFrame

BY_METRIC = "SEARCH series_latest USING COVERING INDEX series_latest_key (project=? AND key=? AND last>?)"
OF_EXPERIMENT = "SEARCH tracking_run USING INDEX tracking_run_experiment (project=? AND experiment=?"
SORTED = "USE TEMP B-TREE FOR ORDER BY"
before: list[str] = []
"""What SQLite did to find out from where to start, for the page that was planned last."""


def plan(rows: Sqlite, runs: Runs, experiment: str | None = None, *where: str, order_by: str = "-started_at") -> list[str]:
    """What SQLite does for the first page."""
    asked = runs._scope(experiment, None, None, list(where), order_by, "active")

    def query(tx: Tx) -> list[str]:
        given: dict[str, Any] = {"project": caller().project, **at(LEASES.now(tx))}
        statements: list[str] = []
        tx._driver.set_trace_callback(statements.append)
        part = asked.parts(tx, given, (run_table.c.id, run_table.c.params))[0]
        tx.all(part.after(None, 51), given)
        tx._driver.set_trace_callback(None)
        before[:] = [row[3] for statement in statements[:-1] for row in tx._driver.execute(f"EXPLAIN QUERY PLAN {statement}")]
        return [row[3] for row in tx._driver.execute(f"EXPLAIN QUERY PLAN {statements[-1]}")]

    return rows.read(query)


@pytest.fixture
def database_url() -> str:
    """Of SQLite's plans, whatever the other tests run on."""
    return ""


@pytest.fixture
def some(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """A few runs, of which more than one are too many to be few."""
    for number in range(5):
        run = runs.start("e", params={"width": number, "kind": "same"}, tags={"team": f"t{number}"}, id=f"r{number}").id
        runs.log(run, "c", 0, MetricFrame.of([("auc", 0, 0, number / 10), ("loss", 0, 0, 1.0)]))
    runs.start("small")
    runs._series.settle("default")
    monkeypatch.setattr(scope, "FEW", 1)
    return runs


def test_an_order_by_a_metric_walks_its_index(rows: Sqlite, some: Runs) -> None:
    for asked in ((), ("metrics.loss >= 0.5", "not params.depth = 3"), ("metrics.auc < 0.3",)):
        for experiment in ("e", None):
            found = plan(rows, some, experiment, *asked, order_by="-metrics.auc")
            assert found[0].startswith(BY_METRIC.split(" AND last")[0]), found
            assert found[1].startswith("SEARCH tracking_run USING INDEX sqlite_autoindex_tracking_run_1 (project=? AND id=?)")
            assert not any("SCAN" in step or "TEMP" in step for step in found), found
    entered = plan(rows, some, None, "metrics.auc < 0.3", order_by="-metrics.auc")
    assert "last<?" in entered[0], "the index is entered where the condition says"


def test_a_list_of_few_runs_starts_from_these(rows: Sqlite, some: Runs) -> None:
    found = plan(rows, some, "small", order_by="-metrics.auc")
    assert found[0].startswith(OF_EXPERIMENT)
    assert "USING PRIMARY KEY (project=? AND run=? AND key=?)" in found[1]
    for order_by in ("-started_at", "-metrics.loss"):
        found = plan(rows, some, "e", "metrics.auc > 0.35", order_by=order_by)
        assert found[0].startswith("SEARCH tracking_run USING INDEX sqlite_autoindex_tracking_run_1 (project=? AND id=?)"), found
        assert BY_METRIC in before, "the one run that meets it is found in the index"


def test_an_order_by_a_parameter_a_tag_or_an_extreme_walks_its_index(rows: Sqlite, some: Runs) -> None:
    entries = "SEARCH tracking_entry USING PRIMARY KEY (project=? AND field=?"
    for order_by, index in (
        ("params.width", f"{entries})"),
        ("-tags.team", f"{entries} AND number=?)"),
        ("-min(metrics.auc)", BY_METRIC.replace("key (", "min (").replace("last>", "min>")),
        ("max(metrics.auc)", BY_METRIC.replace("key (", "max (").replace("last>", "max>")),
    ):
        found = plan(rows, some, "e", "not tags.team = t3", order_by=order_by)
        assert found[0] == index, found
        assert found[1].startswith("SEARCH tracking_run USING INDEX sqlite_autoindex_tracking_run_1 (project=? AND id=?)")
        assert not any("SCAN" in step or "TEMP" in step for step in found), found
    entered = plan(rows, some, None, "params.width > 2", order_by="params.width")
    assert "number>?" in entered[0], "the index is entered where the condition says"


@pytest.mark.parametrize(
    "asked",
    [
        "params.width = 3",
        "params.width > 3.5",
        "params.kind = same and params.width in (1, 9)",
        "tags.team ~ T2",
        "tags.team like %4 or params.width = -1",
        "min(metrics.auc) > 0.35",
        "params.lost is not null",
    ],
)
def test_what_few_have_is_where_a_list_begins(rows: Sqlite, some: Runs, asked: str) -> None:
    for order_by in ("-started_at", "-metrics.loss", "params.kind"):
        found = plan(rows, some, "e", asked, order_by=order_by)
        assert found[0].startswith("SEARCH tracking_run USING INDEX sqlite_autoindex_tracking_run_1 (project=? AND id=?)"), found
        assert not any(step.startswith("SCAN tracking_run") for step in found), found


def test_an_order_by_time_walks_its_index(rows: Sqlite, some: Runs) -> None:
    assert plan(rows, some, "e") == [OF_EXPERIMENT + ")"]
    assert plan(rows, some) == ["SEARCH tracking_run USING INDEX tracking_run_started (project=?)"]
    for asked in ("metrics.auc > 0", "not params.depth = 3 or tags.x is null", "params.kind = same", "datasets.name = flights"):
        assert not any("SCAN" in step or "TEMP" in step for step in plan(rows, some, "e", asked))
