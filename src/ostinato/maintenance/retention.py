"""Retention: deletes prediction logs and execution logs that are older than their limit."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import Clock, ReplayClock, SystemClock
from ostinato.kernel.errors import Invalid
from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref
from ostinato.kernel.settings import Settings
from ostinato.ledger.holds import active_holds
from ostinato.ledger.service import Ledger
from ostinato.maintenance.files import ENDPOINTS, KEY, opened
from ostinato.pipelines import log_retention
from ostinato.storage.rows.chosen import rows_of
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking.removal.types import Retained

_log = logging.getLogger("ostinato.maintenance")
_BATCH = 1000
_ON_BEHALF = "service:ostinato"


@frozen
class Outdated:
    """Segments of the log of an endpoint (`project/name`) whose youngest prediction is too old: how many, and their bytes."""

    endpoint: str
    segments: int
    size: int


@frozen
class Ruled:
    """What a retention rule of a project deletes."""

    project: str
    found: Retained


@frozen
class Retention:
    """What exceeds its retention: prediction logs, logs of finished executions, and runs; deleted if `applied`.

    `held` names the endpoints whose logs a hold protects.
    """

    applied: bool
    predictions: list[Outdated]
    log_lines: int
    rules: list[Ruled]
    held: list[str]


def retain(
    data: Path, *, predictions_days: float | None = None, logs_days: float | None = None, rules: bool = False, apply: bool = False
) -> Retention:
    """Find what is older than the rules allow, and with `apply` remove it; safe beside a server.

    Days count back from the store's clock, for predictions from the time that they were asked for. Predictions go by whole segments, once
    all in one are old; with them go the answers to repeated requests and the windows that a monitor could still look at. What was
    removed is an event in the ledger. Runs, metrics, models and the ledger are records of the practice, and always stay.

    Raises:
        NotFound: there is no store in `data`.
        Invalid: there is no rule, or a negative one.
    """
    given = [days for days in (predictions_days, logs_days) if days is not None]
    if not (given or rules) or not all(days >= 0 for days in given):
        raise Invalid("say how many days to keep", hint="for instance --predictions-days 365 --logs-days 90 --rules", field="days")
    settings, clock = Settings.read(opened(data)), _clock(data)
    with closing(rows_of(settings)) as rows:
        ledger = Ledger(rows=rows, clock=clock, key_path=data / KEY)
        found: list[Outdated] = []
        held: list[str] = []
        if predictions_days is not None:
            before = clock.now() - timedelta(days=predictions_days)
            for old, segments in _outdated_logs(data, before):
                removed = _remove(rows, ledger, old, before, segments) if apply else not _is_held(rows, old.endpoint)
                if removed:
                    found.append(old)
                else:
                    held.append(old.endpoint)
        lines = _log_lines(rows, clock.now() - timedelta(days=logs_days), apply=apply) if logs_days is not None else 0
    ruled = list(_ruled(data, clock, apply=apply)) if rules else []
    return Retention(applied=apply, predictions=found, log_lines=lines, rules=ruled, held=held)


def _ruled(data: Path, clock: Clock, *, apply: bool) -> Iterator[Ruled]:
    """Apply the retention rules of each project, with the whole store open, so that whatever needs a run is asked."""
    with Ostinato.open(data, clock=clock) as app:
        for project in [found.name for found in app.access.projects()]:
            with calling(Caller(actor=_ON_BEHALF, project=project)):
                yield from (Ruled(project=project, found=found) for found in app.runs.apply_retention(apply=apply))


def _outdated_logs(data: Path, before: datetime) -> Iterator[tuple[Outdated, list[Path]]]:
    """The endpoints with segments that only hold predictions from before then, and these segments."""
    for folder in sorted((data / ENDPOINTS).glob("*/*/log")):
        if segments := list(_outdated(folder, before)):
            name, size = "/".join(folder.parts[-3:-1]), sum(path.stat().st_size for path in segments)
            yield Outdated(endpoint=name, segments=len(segments), size=size), segments


def _is_held(rows: Rows, endpoint: str) -> bool:
    project, _, name = endpoint.partition("/")
    with calling(Caller(actor=_ON_BEHALF, project=project)):
        return rows.read(lambda tx: bool(active_holds(tx, "endpoint", [name])))


def _outdated(folder: Path, before: datetime) -> Iterator[Path]:
    """The segments of which every prediction was asked for earlier. The newest one stays: the next is numbered after it.

    One that is damaged stays, whatever it says: `ostinato doctor` names it.
    """
    rolled = sorted(folder.glob("segment-[0-9]*.parquet"))
    for path in [*rolled[:-1], *sorted(folder.glob("segment-batch-*.parquet"))]:
        try:
            youngest = pc.max(pq.read_table(path, columns=["at"], page_checksum_verification=True)["at"]).as_py()
        except (ValueError, OSError) as error:
            _log.warning("%s stays, for it cannot be read: %s", path, str(error).partition("\n")[0])
            continue
        if youngest is not None and youngest.astimezone(UTC) < before:
            yield path


def _remove(rows: Rows, ledger: Ledger, found: Outdated, before: datetime, segments: list[Path]) -> bool:
    """Record the deletion, then delete; a crash in between is completed the next time. False if a hold exists by then."""
    project, _, name = found.endpoint.partition("/")
    said = {"segments": found.segments, "size": found.size, "before": before.isoformat()}

    def change(tx: Tx) -> bool:
        if active_holds(tx, "endpoint", [name]):
            return False
        ledger.append(tx, "endpoint.predictions_removed", Ref("endpoint", name), data=said)
        return True

    with calling(Caller(actor=_ON_BEHALF, project=project)):
        free = rows.write(change)
    for path in segments if free else []:
        path.unlink(missing_ok=True)
    return free


def _log_lines(rows: Rows, before: datetime, *, apply: bool) -> int:
    """The number of log lines of executions that ended earlier; deleted if `apply`."""
    if not apply:
        return rows.read(lambda tx: log_retention.count(tx, before))
    return sum(iter(lambda: rows.write(lambda tx: log_retention.drop(tx, before, _BATCH)), 0))


def _clock(data: Path) -> Clock:
    """The clock of the store: of a replay, where it stands."""
    replay = data / "clock"
    return ReplayClock(datetime.fromisoformat(replay.read_text())) if replay.exists() else SystemClock()
