"""Retention: what is older than the rules goes, by whole segments and ended executions; nothing else is touched."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ostinato.app import Ostinato
from ostinato.cli.main import main
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.maintenance import retention as module
from ostinato.maintenance.retention import retain
from ostinato.serving.plane.log import read, write_segment
from ostinato.storage.rows.rows import metadata

NOW = datetime(2013, 6, 1, tzinfo=UTC)


@pytest.fixture
def data(app: Ostinato) -> Path:
    """A store whose replay clock stands at the first of June, with predictions of 40, 20 and 0 days ago."""
    folder = app.settings.data
    (folder / "clock").write_text(NOW.isoformat())
    log = folder / "endpoints" / "default" / "late" / "log"
    names = {"segment-000001": (40, 31), "segment-000002": (31, 20), "segment-000003": (60, 50), "segment-batch-a-00000": (50, 40)}
    for name, days in names.items():
        at = [NOW - timedelta(days=day) for day in days]
        write_segment(log / f"{name}.parquet", pa.table({"request_id": [f"{name}-{day}" for day in days], "at": at}))
    (log / "wal-000004.jsonl").write_bytes(b"")
    return folder


def left(data: Path) -> set[str]:
    return {path.name for path in (data / "endpoints" / "default" / "late" / "log").glob("*.parquet")}


def test_segments_go_once_all_in_them_is_old(app: Ostinato, data: Path) -> None:
    before = left(data)
    planned = retain(data, predictions_days=30)
    assert left(data) == before, "a dry run removes nothing"
    done = retain(data, predictions_days=30, apply=True)
    assert done.predictions == planned.predictions
    assert [(old.endpoint, old.segments) for old in done.predictions] == [("default/late", 2)]
    assert left(data) == {"segment-000002.parquet", "segment-000003.parquet"}, "the highest number stays, so that no number comes again"
    assert read(data / "endpoints" / "default" / "late" / "log", ["request_id"]).num_rows == 4
    (event,) = app.ledger.events(verb="endpoint.predictions_removed").items
    assert (str(event.subject), event.data["segments"]) == ("endpoint:late", 2)
    assert retain(data, predictions_days=30, apply=True).predictions == []
    assert app.ledger.verify().ok


def corrupt(segment: Path) -> None:
    """Flip a bit in the column of times that nothing but its checksum tells."""
    content = bytearray(segment.read_bytes())
    for place in range(pq.ParquetFile(segment).metadata.row_group(0).column(1).data_page_offset, len(content)):
        content[place] ^= 1
        segment.write_bytes(content)
        with contextlib.suppress(OSError, ValueError):
            pq.read_table(segment, columns=["at"])
            try:
                pq.read_table(segment, columns=["at"], page_checksum_verification=True)
            except OSError:
                return
        content[place] ^= 1
    raise AssertionError("every bit is told of otherwise")


def test_a_segment_that_cannot_be_read_stays(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = data / "endpoints" / "default" / "late" / "log"
    flipped, cut = log / "segment-000001.parquet", log / "segment-batch-a-00000.parquet"
    corrupt(flipped)
    cut.write_bytes(cut.read_bytes()[:-20])
    assert retain(data, predictions_days=30, apply=True).predictions == []
    assert len(left(data)) == 4
    assert caplog.text.count("cannot be read") == 2


@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
def test_lines_of_executions_that_ended_long_ago_go(app: Ostinato, data: Path) -> None:
    execution, lines = (metadata.tables[name] for name in ("pipeline_execution", "pipeline_log"))
    plain = {"Float": 0.0, "Boolean": False, "Instant": NOW, "Json": {}, "Integer": 0, "BigInteger": 0}

    def put(id: str, ended_days: int | None) -> None:
        ended = None if ended_days is None else NOW - timedelta(days=ended_days)
        row = {c.name: plain.get(type(c.type).__name__, "") for c in execution.columns if not c.nullable}
        line = {"project": "default", "execution": id, "step": "s", "at": NOW - timedelta(days=100)}
        app.rows.write(lambda tx: tx.execute(execution.insert(), row | {"id": id, "key": id, "ended_at": ended}))
        app.rows.write(lambda tx: tx.execute(lines.insert(), [line | {"text": str(number)} for number in range(1500)]))

    put("old", 91)
    put("recent", 89)
    put("running", None)
    assert retain(data, logs_days=90).log_lines == 1500
    assert retain(data, logs_days=90, apply=True).log_lines == 1500
    assert {row[0] for row in app.rows.read(lambda tx: tx.all(lines.select().with_only_columns(lines.c.execution)))} == {
        "recent",
        "running",
    }
    assert retain(data, logs_days=90).log_lines == 0


def test_rules_and_the_command(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for rules in ({}, {"logs_days": -1.0}, {"predictions_days": float("nan")}):
        with pytest.raises(Invalid):
            retain(data, **rules)
    with pytest.raises(NotFound):
        retain(tmp_path / "nowhere", logs_days=1)
    with pytest.raises(SystemExit) as ending:
        main(["retain", "--data", str(data), "--predictions-days", "30", "--logs-days", "90", "--json"])
    assert ending.value.code == 0
    assert json.loads(capsys.readouterr().out)["predictions"][0]["segments"] == 2
    assert len(left(data)) == 4


def test_declared_rules_are_applied_too_and_held_logs_stay(app: Ostinato, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app.runs.start("night", id="a")
    app.runs.put_artifact("a", "model", b"weights")
    app.runs.finish("a", "failed")
    app.runs.retain("failures", "delete", 7, where=["state = failed"])
    planned = retain(data, rules=True)
    assert [(rule.project, rule.found.rule, rule.found.took.runs) for rule in planned.rules] == [("default", "failures", 1)]
    assert app.runs.get("a").deleted_at is None
    with pytest.raises(SystemExit):
        main(["retain", "--data", str(data), "--rules", "--apply"])
    assert "default/failures deleted 1 runs, 0 experiments, 0 points, 1 files; 0 stay" in capsys.readouterr().out
    assert app.runs.get("a").deleted_at is not None


def test_the_log_of_a_held_endpoint_stays(app: Ostinato, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.ledger.called, "endpoint", lambda _, ref: ref)
    hold = app.ledger.hold(Ref("endpoint", "late"), "inquiry")
    before = left(data)
    found = retain(data, predictions_days=30, apply=True)
    assert (found.predictions, found.held) == ([], ["default/late"])
    assert left(data) == before
    app.ledger.release(hold.id, "over")
    assert len(retain(data, predictions_days=30, apply=True).predictions) == 1


def test_a_hold_that_comes_while_old_segments_are_sought_is_heard(app: Ostinato, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.ledger.called, "endpoint", lambda _, ref: ref)
    remove, before = module._remove, left(data)

    def held_meanwhile(*of: Any) -> Any:
        app.ledger.hold(Ref("endpoint", "late"), "inquiry")
        return remove(*of)

    monkeypatch.setattr(module, "_remove", held_meanwhile)
    found = retain(data, predictions_days=30, apply=True)
    assert (found.predictions, found.held) == ([], ["default/late"])
    assert left(data) == before
    assert app.ledger.events(verb="endpoint.predictions_removed").items == []
