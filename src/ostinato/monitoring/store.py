"""SQL of monitoring: monitors, their windows, findings, reactions and silences, and alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    BindParameter,
    Column,
    Index,
    Integer,
    Row,
    Select,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    update,
)

from ostinato.monitoring.types import Alert, Finding, Monitor, Reaction, ReactionSpec, Silence, Window
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import BLOB, Instant, Json, Tx, metadata

T = TypeVar("T")

monitors = Table(
    "monitoring_monitor",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("content", Text, nullable=False),
    Column("counted", Text, nullable=False, info=BLOB),
    Column("body", Json, nullable=False),
)

windows = Table(
    "monitoring_window",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("monitor", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("start", Instant, nullable=False),
    Column("body", Json, nullable=False),
    UniqueConstraint("project", "monitor", "key"),
    Index("monitoring_window_start", "project", "monitor", "start"),
)

findings = Table(
    "monitoring_finding",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("monitor", Text, nullable=False),
    Column("endpoint", Text, nullable=False, index=True),
    Column("window", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("start", Instant, nullable=False),
    Column("body", Json, nullable=False),
    Index("monitoring_finding_start", "project", "start"),
    Index("monitoring_finding_state", "project", "state", "start"),
)

reactions = Table(
    "monitoring_reaction",
    metadata,
    Column("project", Text, primary_key=True),
    Column("window", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("reaction", Text, nullable=False),
    Column("spec", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("problem", Text, nullable=False),
)

silences = Table(
    "monitoring_silence",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("monitor", Text, nullable=False),
    Column("body", Json, nullable=False),
)

alerts = Table(
    "monitoring_alert",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("body", Json, nullable=False),
)

_P: BindParameter[str] = bindparam("project")
_IN: BindParameter[str] = bindparam("in_project")


def _where(table: Table, *names: str) -> Select[Any]:
    return select(table).where(table.c.project == _P, *(table.c[name] == bindparam(name) for name in names))


def _filtered(table: Table, filters: Mapping[str, str | None]) -> Select[Any]:
    """Rows where each named column has the value that is given for it, if one is."""
    return _where(table, *(name for name, value in filters.items() if value is not None))


_monitor, _monitors = _where(monitors, "name"), _where(monitors).order_by(monitors.c.name)
_window = _where(windows, "id")
_windows = _where(windows, "monitor").order_by(windows.c.start, windows.c.key)
_finding = _where(findings, "id")
_reactions = _where(reactions, "window").order_by(reactions.c.position)
_silence, _silences = _where(silences, "id"), _where(silences, "monitor").order_by(silences.c.id)
_alert, _add_alert = Prepared(select(alerts.c.body).where(alerts.c.project == _P, alerts.c.id == bindparam("id"))), Prepared(insert(alerts))
_rebase = (
    update(monitors)
    .where(monitors.c.project == _IN, monitors.c.name == bindparam("of"))
    .values(body=bindparam("new_body"), counted=bindparam("new_counted"))
)
_change_finding = (
    update(findings)
    .where(findings.c.project == _IN, findings.c.id == bindparam("of"))
    .values(state=bindparam("new_state"), body=bindparam("new_body"))
)
_change_alert = (
    update(alerts)
    .where(alerts.c.project == _IN, alerts.c.id == bindparam("of"))
    .values(state=bindparam("new_state"), body=bindparam("new_body"))
)
_change_silence = update(silences).where(silences.c.project == _IN, silences.c.id == bindparam("of")).values(body=bindparam("new_body"))
_settle = (
    update(reactions)
    .where(reactions.c.project == _IN, reactions.c.window == bindparam("of"), reactions.c.position == bindparam("at"))
    .values(state=bindparam("new_state"), outcome=bindparam("new_outcome"), problem=bindparam("new_problem"))
)


def _to_json(value: Any) -> Any:
    return msgspec.to_builtins(value)


def add_monitor(tx: Tx, project: str, made: Monitor, content: str, counted: str) -> None:
    """Store a monitor; `content` is the digest of what it was created with, `counted` that of the counted reference."""
    tx.execute(insert(monitors), {"project": project, "name": made.name, "content": content, "counted": counted, "body": _to_json(made)})


def monitor(tx: Tx, project: str, name: str) -> tuple[Monitor, str, str] | None:
    """A monitor, the digest of what it was created with, and that of its counted reference."""
    row = tx.first(_monitor, {"project": project, "name": name})
    return (msgspec.convert(row.body, Monitor), row.content, row.counted) if row else None


def all_monitors(tx: Tx, project: str) -> list[Monitor]:
    """Every monitor, by name."""
    return [msgspec.convert(row.body, Monitor) for row in tx.all(_monitors, {"project": project})]


def rebase(tx: Tx, project: str, changed: Monitor, counted: str) -> None:
    """Replace the reference of a monitor."""
    tx.execute(_rebase, {"in_project": project, "of": changed.name, "new_body": _to_json(changed), "new_counted": counted})


def add_window(tx: Tx, project: str, made: Window) -> None:
    """Store a measured window."""
    row = {"id": made.id, "monitor": made.monitor, "key": made.key, "start": made.start, "body": _to_json(made)}
    tx.execute(insert(windows), row | {"project": project})


def window(tx: Tx, project: str, id_: str) -> Window | None:
    """The window with this id."""
    return _read_one(tx, _window, {"project": project, "id": id_}, Window)


def windows_of(tx: Tx, project: str, name: str) -> list[Window]:
    """All windows of a monitor, oldest first."""
    return [msgspec.convert(row.body, Window) for row in tx.all(_windows, {"project": project, "monitor": name})]


def newest_windows(tx: Tx, project: str, name: str, limit: int) -> list[Window]:
    """The newest windows of a monitor, newest first."""
    query = _where(windows, "monitor").order_by(windows.c.start.desc(), windows.c.key.desc()).limit(limit)
    return [msgspec.convert(row.body, Window) for row in tx.all(query, {"project": project, "monitor": name})]


def add_finding(tx: Tx, project: str, made: Finding) -> None:
    """Store a finding."""
    row = {
        "id": made.id,
        "monitor": made.monitor,
        "endpoint": made.endpoint,
        "window": made.window,
        "state": made.state,
        "start": made.start,
    }
    tx.execute(insert(findings), row | {"project": project, "body": _to_json(made)})


def finding(tx: Tx, project: str, id_: str) -> Finding | None:
    """The finding with this id."""
    return _read_one(tx, _finding, {"project": project, "id": id_}, Finding)


def all_findings(tx: Tx, project: str, filters: Mapping[str, str | None]) -> list[Finding]:
    """Findings by endpoint, monitor, window and state, newest first."""
    query = _filtered(findings, filters).order_by(findings.c.start.desc(), findings.c.id)
    return [msgspec.convert(row.body, Finding) for row in tx.all(query, {"project": project} | dict(filters))]


def newest_findings(tx: Tx, project: str, state: str, since: datetime, limit: int) -> list[Finding]:
    """The findings in a state of windows since then, newest first."""
    query = _where(findings, "state").where(findings.c.start >= since).order_by(findings.c.start.desc(), findings.c.id).limit(limit)
    return [msgspec.convert(row.body, Finding) for row in tx.all(query, {"project": project, "state": state})]


def open_findings(tx: Tx, project: str) -> dict[str, tuple[int, datetime]]:
    """By monitor, how many findings are open, and the start of the oldest window of one."""
    f = findings.c
    counted = select(f.monitor, func.count().label("open"), func.min(f.start, type_=Instant).label("since"))
    rows = tx.all(counted.where(f.project == project, f.state == "open").group_by(f.monitor))
    return {row.monitor: (row.open, row.since) for row in rows}


def change_finding(tx: Tx, project: str, changed: Finding) -> None:
    """Write what was done about a finding."""
    tx.execute(_change_finding, {"in_project": project, "of": changed.id, "new_state": changed.state, "new_body": _to_json(changed)})


def add_reaction(tx: Tx, project: str, window_id: str, position: int, spec: ReactionSpec) -> None:
    """Note that a window has a reaction to come."""
    row = {"window": window_id, "position": position, "reaction": spec.reaction, "spec": _to_json(spec), "state": "pending"}
    tx.execute(insert(reactions), row | {"project": project, "outcome": "", "problem": ""})


def reactions_of(tx: Tx, project: str, window_id: str) -> list[tuple[Reaction, ReactionSpec]]:
    """The reactions of a window in their order, with what they were asked to do."""
    return [(_reaction(r), msgspec.convert(r.spec, ReactionSpec)) for r in tx.all(_reactions, {"project": project, "window": window_id})]


def reactions_of_windows(tx: Tx, project: str, ids: Sequence[str]) -> list[Reaction]:
    """The reactions of some windows."""
    r = reactions.c
    return [_reaction(row) for row in tx.all(select(reactions).where(r.project == project, r.window.in_(ids)))]


def _reaction(row: Row[Any]) -> Reaction:
    return Reaction(
        window=row.window, position=row.position, reaction=row.reaction, state=row.state, outcome=row.outcome, problem=row.problem
    )


def settle(tx: Tx, project: str, done: Reaction) -> None:
    """Write how a reaction went."""
    new = {"new_state": done.state, "new_outcome": done.outcome, "new_problem": done.problem}
    tx.execute(_settle, {"in_project": project, "of": done.window, "at": done.position} | new)


def add_silence(tx: Tx, project: str, made: Silence) -> Silence:
    """Insert a silence, or return the existing one."""
    known = silence(tx, project, made.id)
    if known is None:
        tx.execute(insert(silences), {"project": project, "id": made.id, "monitor": made.monitor, "body": _to_json(made)})
    return known or made


def silence(tx: Tx, project: str, id_: str) -> Silence | None:
    """The silence with this id."""
    return _read_one(tx, _silence, {"project": project, "id": id_}, Silence)


def set_silence(tx: Tx, project: str, changed: Silence) -> None:
    """Write how a silence ended."""
    tx.execute(_change_silence, {"in_project": project, "of": changed.id, "new_body": _to_json(changed)})


def silences_of(tx: Tx, project: str, name: str) -> list[Silence]:
    """The silences of a monitor."""
    return [msgspec.convert(row.body, Silence) for row in tx.all(_silences, {"project": project, "monitor": name})]


def add_alert(tx: Tx, project: str, made: Alert) -> None:
    """Store an alert."""
    row = {"id": made.id, "state": made.state, "raised_at": made.raised_at, "body": _to_json(made)}
    tx.run(_add_alert, row | {"project": project})


def alert(tx: Tx, project: str, id_: str) -> Alert | None:
    """The alert with this id."""
    found = tx.fetch(_alert, {"project": project, "id": id_})
    return msgspec.convert(found[0][0], Alert) if found else None


def all_alerts(tx: Tx, project: str, state: str | None) -> list[Alert]:
    """Alerts, newest first."""
    query = _filtered(alerts, {"state": state}).order_by(alerts.c.raised_at.desc(), alerts.c.id)
    return [msgspec.convert(row.body, Alert) for row in tx.all(query, {"project": project, "state": state})]


def acknowledge_alert(tx: Tx, project: str, known: Alert, by: str, note: str) -> Alert:
    """Write that somebody has taken an alert on."""
    changed = replace(known, state="acknowledged", handled_by=by, note=note)
    tx.execute(_change_alert, {"in_project": project, "of": changed.id, "new_state": changed.state, "new_body": _to_json(changed)})
    return changed


def _read_one(tx: Tx, query: Select[Any], parameters: dict[str, Any], kind: type[T]) -> T | None:
    row = tx.first(query, parameters)
    return msgspec.convert(row.body, kind) if row else None
