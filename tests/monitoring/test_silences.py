"""Silences that end, the history of a finding, and the tables that a monitor could be compared with."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from tests.monitoring.conftest import Answers, table

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.monitoring.service import Monitors
from ostinato.monitoring.types import ReactionSpec

pytestmark = pytest.mark.usefixtures("database_url")
MARCH, APRIL, MAY, JUNE = (datetime(2013, month, 1, tzinfo=UTC) for month in (3, 4, 5, 6))
PIPELINE = """
from ostinato.pipelines.definition import pipeline, step

@step
def train(reference: str) -> dict[str, str]:
    return {"version": "model:late@2", "reference": reference, "evaluation": "0" * 64}

@pipeline
def training(reference: str) -> dict[str, str]:
    return train(reference)
"""


@pytest.fixture
def shifted(monitors: Monitors, answers: Answers, reference: str) -> Monitors:
    """A delay that has shifted in March, April and May."""
    monitors.create("late", "late", reference, ["delay"], reactions=[ReactionSpec(reaction="alert")])
    answers.given = pa.concat_tables([table(month, month=month, shift=1.0) for month in (3, 4, 5)])
    return monitors


def test_a_silence_that_was_ended_hushes_nothing_that_is_measured_later(store: Ostinato, shifted: Monitors) -> None:
    silence = shifted.silence("late", JUNE, "the timetable has changed", "delay")
    shifted.assess("late", MARCH, APRIL)
    assert {f.state for f in shifted.findings()} == {"silenced"}
    store.clock.set(APRIL)  # type: ignore[attr-defined]
    with pytest.raises(Invalid, match="says why"):
        shifted.end_silence(silence.id, "  ")
    with pytest.raises(NotFound, match="silence"):
        shifted.end_silence("none", "why")
    with calling(Caller(actor="person:rita")):
        ended = shifted.end_silence(silence.id, "it is the old one again")
        assert (ended.ended_at, ended.ended_by, ended.end_reason) == (APRIL, "person:rita", "it is the old one again")
    assert shifted.end_silence(silence.id, "me too") == ended  # the first who ends it is kept
    assert shifted.story("late").silences == [ended]
    loud = shifted.assess("late", APRIL, MAY)
    assert {f.state for f in shifted.findings(window=loud.id)} == {"open"}
    assert shifted.reactions(loud.id)[0].state == "done"
    with pytest.raises(Conflict, match="person:rita has ended this silence"):
        shifted.silence("late", JUNE, "the timetable has changed", "delay")
    verbs = [e.verb for e in store.ledger.history(Ref("monitor", "late")) if "silence" in e.verb]
    assert verbs == ["monitor.silenced", "monitor.silence_ended"]


def test_a_finding_tells_who_did_what_and_where_the_same_was_found_before(store: Ostinato, shifted: Monitors) -> None:
    shifted.silence("late", MARCH, "over before it began", "delay")
    shifted.silence("late", MAY, "of something else", "score")
    silence = shifted.silence("late", MAY, "holidays", "delay")
    hushed = shifted.assess("late", MARCH, APRIL)
    store.clock.set(APRIL)  # type: ignore[attr-defined]
    shifted.end_silence(silence.id, "they are over")
    store.clock.set(APRIL + timedelta(minutes=1))  # type: ignore[attr-defined]
    loud = shifted.assess("late", APRIL, MAY)
    drift = next(f for f in shifted.findings(window=loud.id) if f.measurement.feature == "delay" and f.measurement.kind == "drift")
    store.clock.set(APRIL + timedelta(hours=1))  # type: ignore[attr-defined]
    store.ledger.comment(Ref("finding", drift.id), "asked the airline")
    store.clock.set(APRIL + timedelta(hours=2))  # type: ignore[attr-defined]
    with calling(Caller(actor="person:rita")):
        shifted.acknowledge(drift.id, "they fly later now")
    told = shifted.finding_history(drift.id)
    assert [(h.what, h.by, h.text) for h in told.happenings] == [
        ("silenced", "person:admin", "holidays"),
        ("silence_ended", "person:admin", "they are over"),
        ("raised", "person:admin", ""),
        ("reacted", "person:admin", "alert"),
        ("commented", "person:admin", "asked the airline"),
        ("acknowledged", "person:rita", "they fly later now"),
    ]
    assert [h.at for h in told.happenings] == sorted(h.at for h in told.happenings)
    reacted = next(h for h in told.happenings if h.what == "reacted")
    assert reacted.ref is not None
    assert reacted.ref.kind == "alert"
    assert [(f.window, f.state) for f in told.others] == [(hushed.id, "silenced")]
    with pytest.raises(NotFound, match="finding"):
        shifted.finding_history("none")


def test_the_tables_that_fit_are_offered_the_newest_first(store: Ostinato, shifted: Monitors, reference: str, tmp_path: Path) -> None:
    (found,) = shifted.references("late")
    assert (found.digest, found.rows, found.current, found.version, found.source) == (reference, 3000, True, None, Ref("monitor", "late"))
    (tmp_path / "training_of_references.py").write_text(PIPELINE)
    store.clock.set(MARCH)  # type: ignore[attr-defined]
    module = importlib.import_module("training_of_references")
    better = store.tables.write(table(5, month=2).drop_columns(["request_id", "version"])).digest
    unfit = store.tables.write(pa.table({"delay": [1.0]})).digest
    for digest in (better, unfit, "not a digest"):
        store.pipelines.run(module.training, reference=digest)
    newest, oldest = shifted.references("late")
    assert (newest.digest, newest.current, str(newest.version), newest.source.kind) == (better, False, "model:late@2", "execution")
    assert oldest.digest == reference
    shifted.rebase("late", better, "a new model")
    assert [(t.digest, t.current) for t in shifted.references("late")] == [(better, True), (reference, False)]
