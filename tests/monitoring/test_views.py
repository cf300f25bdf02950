"""What the pages of a monitor read: features against windows, then and now, performance, findings by the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from tests.monitoring.conftest import Answers, table

from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.monitoring.service import Monitors
from ostinato.monitoring.types import ReactionSpec

pytestmark = pytest.mark.usefixtures("database_url")
FEBRUARY, MARCH, APRIL, MAY = (datetime(2013, month, 1, tzinfo=UTC) for month in (2, 3, 4, 5))


@pytest.fixture
def watched(monitors: Monitors, answers: Answers, reference: str) -> Monitors:
    """A quiet February, a March in which the delay has shifted, an April without any answer."""
    monitors.create("late", "late", reference, ["delay", "carrier"])
    answers.given = pa.concat_tables([table(2, month=2), table(3, month=3, shift=0.6)])
    for start, end in ((FEBRUARY, MARCH), (MARCH, APRIL), (APRIL, MAY)):
        monitors.assess("late", start, end)
    return monitors


def test_the_heat_map_lays_features_against_windows(watched: Monitors) -> None:
    heat = watched.heat("late")
    assert [(w.start, w.rows, w.alarms) for w in heat.windows] == [(FEBRUARY, 3000, 0), (MARCH, 3000, 1), (APRIL, 0, 0)]
    assert (heat.lines[0].feature, heat.lines[0].test, heat.lines[0].tolerance) == ("delay", "ks", 0.1)
    assert {line.feature for line in heat.lines} == {"delay", "carrier", "score"}
    assert all(len(line.cells) == 3 for line in heat.lines)
    quiet, loud, none = heat.lines[0].cells
    assert (quiet.state, quiet.alarm, loud.state, loud.significant, loud.alarm) == ("measured", False, "measured", True, True)
    assert (none.state, none.effect, none.sentence) == ("none", None, "no predictions in this window")
    assert loud.low is not None
    assert loud.low > 0.1
    assert {line.test for line in watched.heat("late", kind="performance").lines} == {"auc", "brier"}
    assert [w.start for w in watched.heat("late", since=MARCH, until=APRIL).windows] == [MARCH]
    assert [w.start for w in watched.heat("late", limit=2).windows] == [MARCH, APRIL]
    with pytest.raises(Invalid):
        watched.heat("late", limit=0)
    with pytest.raises(NotFound, match="monitor"):
        watched.heat("lat")


def test_of_windows_of_the_same_instants_the_last_measured_counts(watched: Monitors, answers: Answers, store: Any) -> None:
    store.clock.set(MAY + timedelta(days=1))
    answers.given = table(2, month=2, rows=2000)
    again = watched.assess("late", FEBRUARY, MARCH, "more labels")
    assert watched.heat("late").windows[0].id == again.id
    assert len(watched.heat("late").windows) == 3
    before = watched.heat("late", at=MAY)
    assert again.id not in {w.id for w in before.windows}
    assert [w.start for w in before.windows] == [FEBRUARY, MARCH, APRIL]
    assert [p.window.id for p in watched.performance("late", at=MAY)[0].points] == [w.id for w in before.windows]
    assert watched.story("late", at=MARCH).state.last == before.windows[0]


def test_a_window_of_few_rows_says_so(watched: Monitors, answers: Answers) -> None:
    answers.given = table(9, month=5, rows=20)
    watched.assess("late", MAY, MAY + timedelta(days=28))
    cells = [line.cells[-1] for line in watched.heat("late").lines]
    assert {cell.state for cell in cells} == {"few"}
    (auc, _) = watched.performance("late")
    assert auc.points[-1].value is None
    assert "too few" in auc.points[-1].reason


def test_a_distribution_then_and_now(watched: Monitors) -> None:
    march = watched.heat("late").windows[1]
    delay = watched.distribution(march.id, "delay")
    assert (delay.kind, delay.rows_reference, delay.rows_window, delay.window) == ("numeric", 3000, 3000, march)
    assert sum(b.reference for b in delay.bins) == pytest.approx(1)
    assert sum(b.window for b in delay.bins) == pytest.approx(1)
    inner = [b for b in delay.bins if b.low is not None and b.high is not None]
    assert len(inner) <= 33
    assert all(one.high == two.low for one, two in pairwise(inner))
    mean = [sum(share * (b.low + b.high) / 2 for b, share in ((b, getattr(b, side)) for b in inner)) for side in ("reference", "window")]
    assert mean[1] - mean[0] == pytest.approx(0.6, abs=0.1)
    assert [m.test for m in delay.measurements if m.kind == "drift"] == ["ks"]

    carrier = watched.distribution(march.id, "carrier")
    assert carrier.kind == "category"
    assert sorted(b.label for b in carrier.bins) == ["AA", "DL", "UA"]
    assert all(b.reference == pytest.approx(1 / 3, abs=0.05) for b in carrier.bins)
    with pytest.raises(NotFound, match="feature"):
        watched.distribution(march.id, "label")
    with pytest.raises(NotFound, match="window"):
        watched.distribution("none", "delay")


def test_what_is_new_and_what_is_missing(watched: Monitors, answers: Answers) -> None:
    given = table(5, month=3, nulls=0.2)
    carrier = ["??" if i % 10 == 0 else c for i, c in enumerate(given["carrier"].to_pylist())]
    answers.given = given.set_column(given.column_names.index("carrier"), "carrier", [carrier])
    march = watched.heat("late").windows[1]
    assert watched.distribution(march.id, "delay").missing_window == pytest.approx(0.2, abs=0.03)
    new = watched.distribution(march.id, "carrier")
    assert (new.new_window, new.missing_reference) == (0.1, 0.0)
    assert {b.label: b.window for b in new.bins}["others"] == 0.1
    answers.given = given.drop_columns(["carrier"])
    with pytest.raises(Conflict, match="hold no carrier"):
        watched.distribution(march.id, "carrier")


def test_a_rebased_monitor_shows_old_windows_against_their_own_reference(watched: Monitors, store: Any) -> None:
    march = watched.heat("late").windows[1]
    before = watched.distribution(march.id, "delay")
    other = store.tables.write(table(7, month=1, shift=5.0).drop_columns(["request_id", "version"])).digest
    watched.rebase("late", other, "another model")
    assert watched.distribution(march.id, "delay") == before


def test_performance_stands_beside_its_reference_with_an_interval(monitors: Monitors, answers: Answers, reference: str) -> None:
    monitors.create("late", "late", reference, ["delay"])
    answers.given = pa.concat_tables([table(2, month=2), table(4, month=3, slope=0.3)])
    for start, end in ((FEBRUARY, MARCH), (MARCH, APRIL)):
        monitors.assess("late", start, end)
    auc, brier = monitors.performance("late")
    assert (auc.test, auc.higher_is_better, brier.test, brier.higher_is_better) == ("auc", True, "brier", False)
    for line, sign in ((auc, -1), (brier, 1)):
        good, bad = line.points
        assert (good.alarm, bad.alarm) == (False, True)
        for point in line.points:
            assert point.low is not None
            assert point.high is not None
            assert point.value is not None
            assert point.low <= point.value <= point.high
        assert sign * (bad.value - bad.reference) > bad.tolerance  # type: ignore[operator]
        assert good.low < good.reference < good.high  # type: ignore[operator]


def test_findings_come_by_the_page_and_are_counted(monitors: Monitors, answers: Answers, reference: str) -> None:
    monitors.create("late", "late", reference, ["delay", "carrier"])
    answers.given = pa.concat_tables([table(3, month=2, shift=0.6), table(3, month=3, shift=0.4, slope=0.3)])
    for start, end in ((FEBRUARY, MARCH), (MARCH, APRIL)):
        monitors.assess("late", start, end)
    every = monitors.findings()
    monitors.acknowledge(every[0].id, "known")
    seen, after = [], None
    for _ in range(len(every)):
        page = monitors.finding_page(limit=1, after=after)
        seen += page.items
        assert page.counts == {"open": len(every) - 1, "acknowledged": 1, "silenced": 0}
        after = page.next
    assert after is None
    assert {f.id for f in seen} == {f.id for f in every}
    assert [(f.start, f.severity, f.id) for f in seen] == sorted(
        ((f.start, f.severity, f.id) for f in every), key=lambda f: (-f[0].timestamp(), f[1] != "critical", f[2])
    )
    assert {f.severity for f in every} == {"critical", "warning"}
    for severity in ("critical", "warning"):
        page = monitors.finding_page(severity=severity)
        assert [f.id for f in page.items] == [f.id for f in seen if f.severity == severity]
        assert sum(page.counts.values()) == len(page.items)
    assert {f.measurement.kind for f in monitors.finding_page(kind="performance").items} == {"performance"}
    assert monitors.finding(every[0].id).note == "known"
    with pytest.raises(NotFound, match="finding"):
        monitors.finding("none")
    assert [f.id for f in monitors.finding_page(state="acknowledged").items] == [every[0].id]
    assert monitors.finding_page(state="acknowledged").counts["open"] == len(every) - 1
    assert monitors.finding_page(monitor="other").items == []
    for cursor in ("x", "[1]", '["a",0,"b"]', "[1e400, 0, 3]"):
        with pytest.raises(Invalid, match="cursor"):
            monitors.finding_page(after=cursor)
    with pytest.raises(Invalid):
        monitors.finding_page(limit=0)


def test_how_monitors_stand_and_what_followed(watched: Monitors, reference: str) -> None:
    watched.create("idle", "late", reference, ["delay"])
    watched.silence("late", MAY, "a known shift", feature="delay")
    idle, late = watched.states()
    assert (idle.monitor.name, idle.last, idle.kinds, idle.open_findings) == ("idle", None, [], 0)
    assert [w.alarms for w in late.recent] == [0, 1, 0]
    assert (late.last, late.open_findings, late.open_since) == (late.recent[-1], 1, MARCH)
    assert late.kinds == []
    story = watched.story("late", at=APRIL)
    drift = next(k for k in story.state.kinds if k.kind == "drift")
    assert (drift.tests, drift.alarms, drift.worst.feature) == (3, 1, "delay")
    assert drift.any_false_alarm is not None
    assert [s.feature for s in story.silences] == ["delay"]
    assert story.reactions == []


def test_what_a_window_set_off_is_told_with_the_window(monitors: Monitors, answers: Answers, reference: str) -> None:
    monitors.create("late", "late", reference, ["delay"], reactions=[ReactionSpec(reaction="alert")])
    answers.given = pa.concat_tables([table(3, month=2, shift=0.6), table(4, month=3, shift=0.6)])
    for start, end in ((FEBRUARY, MARCH), (MARCH, APRIL)):
        monitors.assess("late", start, end)
    told = monitors.story("late").reactions
    assert [(r.window.start, r.reaction.reaction, r.reaction.state) for r in told] == [
        (MARCH, "alert", "done"),
        (FEBRUARY, "alert", "done"),
    ]
    assert {r.reaction.outcome for r in told} == {f"alert:{a.id}" for a in monitors.alerts()}
