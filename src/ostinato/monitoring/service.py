"""Monitors: watch endpoints window by window, keep what was found, and set off what was agreed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Literal

import msgspec

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Conflict, Invalid, OstinatoError
from ostinato.kernel.name import checked_name
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.monitoring import store
from ostinato.monitoring.alerts import Alerts, found_or_raise
from ostinato.monitoring.compare import compare, resolve
from ostinato.monitoring.history import Histories
from ostinato.monitoring.reaction import REACTIONS, Situation
from ostinato.monitoring.references import References
from ostinato.monitoring.silences import Silences, hushes
from ostinato.monitoring.types import (
    Finding,
    Measurement,
    Monitor,
    Reaction,
    ReactionSpec,
    Silence,
    TestSpec,
    Window,
)
from ostinato.monitoring.views import Views
from ostinato.monitoring.windows import Reference
from ostinato.pipelines.service import Pipelines
from ostinato.pipelines.types import Execution
from ostinato.serving.service import Endpoints
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.tables.tables import Tables


class Monitors(Alerts, Views, Silences, Histories, References):
    """The monitors of a project, what they measured and found, and all alerts."""

    def __init__(
        self,
        *,
        rows: Rows,
        tables: Tables,
        ledger: Ledger,
        clock: Clock,
        endpoints: Endpoints,
        pipelines: Pipelines,
    ) -> None:
        self._rows = rows
        self._tables = tables
        self._ledger = ledger
        self._clock = clock
        self._endpoints = endpoints
        self._pipelines = pipelines
        self._counted_reference = lru_cache(maxsize=8)(lambda digest: Reference.from_table(tables.read(digest)))

    # ---- monitors

    def create(
        self,
        name: str,
        endpoint: str,
        reference: str,
        features: list[str],
        block: str = "at",
        tests: list[TestSpec] | None = None,
        reactions: list[ReactionSpec] | None = None,
        alpha: float = 0.05,
    ) -> Monitor:
        """Create a monitor of an endpoint; `reference` is the digest of a table with the features, `score`, `label` and `block`.

        Rows of one `block` (a day, where it is a time) have things in common and are never taken apart; empty means that rows
        are independent. `tests` add to the standard ones or change their tolerance; `alpha` is the rate of false discoveries.

        Raises:
            Invalid: a name, a feature, the reference or a parameter does not fit.
            NotFound: there is no such endpoint, table, test or reaction.
            Conflict: there is a monitor of that name that was created otherwise.
        """
        checked_name(name, "a monitor")
        if not 0 < alpha < 1:
            raise Invalid(f"alpha lies between 0 and 1, got {alpha}", field="alpha")
        for spec in reactions or []:
            REACTIONS.make(spec.reaction, spec.parameters)
        self._endpoints.get(endpoint)
        made = Monitor(
            name=name,
            endpoint=endpoint,
            reference=reference,
            features=list(dict.fromkeys(features)),
            block=block,
            tests=resolve(tests or []),
            reactions=list(reactions or []),
            alpha=alpha,
            created_at=self._clock.now(),
            created_by=caller().actor,
        )
        counted = self._count(reference, made)
        return self._rows.write(lambda tx: self._add(tx, made, counted))

    def _add(self, tx: Tx, made: Monitor, counted: str) -> Monitor:
        content = digest_of({k: v for k, v in msgspec.to_builtins(made).items() if not k.startswith("created")})
        project, inputs = caller().project, (Ref("endpoint", made.endpoint),)
        known = store.monitor(tx, project, made.name)
        if known is None:
            store.add_monitor(tx, project, made, content, counted)
            data = {"reference": made.reference, "features": made.features}
            self._ledger.append(tx, "monitor.created", Ref("monitor", made.name), inputs=inputs, data=data)
        elif known[1] != content:
            raise Conflict(f"the monitor {made.name!r} exists and was created otherwise", hint="monitors.rebase changes its reference")
        return known[0] if known else made

    def rebase(self, monitor: str, reference: str, reason: str) -> Monitor:
        """Replace the reference of a monitor, such as after a promotion. Windows measured before stay as they are.

        Raises:
            Invalid: the table does not fit the monitor.
        """
        project, counted = caller().project, self._count(reference, self.get(monitor))

        def change(tx: Tx) -> Monitor:
            known = found_or_raise(store.monitor(tx, project, monitor), "monitor", monitor)[0]
            if known.reference == reference:
                return known
            changed = replace(known, reference=reference)
            store.rebase(tx, project, changed, counted)
            data = {"reference": reference, "before": known.reference, "reason": reason}
            self._ledger.append(tx, "monitor.rebased", Ref("monitor", monitor), data=data)
            return changed

        return self._rows.write(change)

    def get(self, monitor: str) -> Monitor:
        """A monitor by name."""
        return self._monitor(monitor)[0]

    def all(self) -> list[Monitor]:
        """Every monitor of the project, by name."""
        return self._rows.read(lambda tx: store.all_monitors(tx, caller().project))

    # ---- windows

    def measure(self, monitor: str, start: datetime, end: datetime, key: str = "") -> Execution:
        """Let a worker `assess` a window. The same key is the same execution."""
        known, key = self.get(monitor), _window_key(start, end, key)
        parameters = {"monitor": known.name, "start": start.isoformat(), "end": end.isoformat(), "key": key}
        return self._pipelines.start_own("ostinato.monitoring.measure:measure", parameters, key=f"measure-{known.name}-{key}")

    def assess(self, monitor: str, start: datetime, end: datetime, key: str = "") -> Window:
        """Measure the predictions from `start` up to `end` in this process, record the findings, and run the reactions.

        `key` (default: the two instants) names the window: repeated, the kept one is the answer, and only reactions that have
        not been carried out yet are. Measure again under another key when more labels have come.

        Raises:
            Invalid: the instants are not in order.
            Conflict: the key names a window of other instants.
        """
        if start.tzinfo is None or end.tzinfo is None:
            raise Invalid("the instants of a window have a time zone", hint="datetime(…, tzinfo=UTC)", field="start")
        if not start < end:
            raise Invalid(f"a window ends after it begins, not at {end:%Y-%m-%d %H:%M}", field="end")
        key, project = _window_key(start, end, key), caller().project
        known, counted = self._monitor(monitor)
        id_ = digest_of([monitor, key])[:26]
        window = self._rows.read(lambda tx: store.window(tx, project, id_))
        if window is None:
            window = self._store_window(known, self._measured(known, counted, id_, key, start, end))
        if (window.start, window.end) != (start, end):
            raise Conflict(
                f"the key {key!r} names the window from {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC",
                hint="use another key, or those instants",
            )
        self._react(known, window)
        return window

    def windows(self, monitor: str) -> list[Window]:
        """All measured windows of a monitor, oldest first."""
        name = self.get(monitor).name
        return self._rows.read(lambda tx: store.windows_of(tx, caller().project, name))

    def window(self, window: str) -> Window:
        """A measured window with everything that was measured on it."""
        return found_or_raise(self._rows.read(lambda tx: store.window(tx, caller().project, window)), "window", window)

    def reactions(self, window: str) -> list[Reaction]:
        """The reactions to a window."""
        return [r for r, _ in self._rows.read(lambda tx: store.reactions_of(tx, caller().project, window))]

    # ---- findings

    def findings(
        self,
        endpoint: str | None = None,
        monitor: str | None = None,
        window: str | None = None,
        state: Literal["open", "acknowledged", "silenced"] | None = None,
    ) -> list[Finding]:
        """Findings, newest first."""
        filters = {"endpoint": endpoint, "monitor": monitor, "window": window, "state": state}
        return self._rows.read(lambda tx: store.all_findings(tx, caller().project, filters))

    def acknowledge(self, finding: str, note: str) -> Finding:
        """Acknowledge a finding, with a note about what was done.

        Raises:
            Conflict: somebody has said something else about it.
        """
        who = caller()

        def change(tx: Tx) -> Finding:
            known = found_or_raise(store.finding(tx, who.project, finding), "finding", finding)
            if known.state == "acknowledged":
                if known.note != note:
                    raise Conflict(f"{known.handled_by} has acknowledged it: {known.note}", hint="ledger.comment adds to it")
                return known
            changed = replace(known, state="acknowledged", note=note, handled_by=who.actor)
            store.change_finding(tx, who.project, changed)
            self._ledger.append(tx, "finding.acknowledged", Ref("finding", finding), data={"note": note})
            return changed

        return self._rows.write(change)

    # ---- how a window is measured and reacted to

    def _count(self, reference: str, monitor: Monitor) -> str:
        wanted = list(dict.fromkeys([*monitor.features, "score", "label", *([monitor.block] if monitor.block else [])]))
        table = self._tables.read(reference, wanted)
        return self._tables.write(Reference.of(table, monitor.features, monitor.block).to_table()).digest

    def _measured(self, monitor: Monitor, counted: str, id_: str, key: str, start: datetime, end: datetime) -> Window:
        frame = self._endpoints.frame(monitor.endpoint, start, end)
        compared = compare(monitor, self._counted_reference(counted), frame)
        versions = {str(v["values"]): int(v["counts"]) for v in frame["version"].value_counts().to_pylist()}
        return Window(
            id=id_,
            monitor=monitor.name,
            key=key,
            start=start,
            end=end,
            reference=monitor.reference,
            rows=frame.num_rows,
            labelled=compared.labelled,
            versions=versions,
            measurements=compared.measurements,
            undecided=compared.undecided,
            any_false_alarm=compared.any_false_alarm,
            measured_at=self._clock.now(),
        )

    def _store_window(self, monitor: Monitor, window: Window) -> Window:
        project, ref = caller().project, Ref("window", window.id)

        def change(tx: Tx) -> Window:
            known = store.window(tx, project, window.id)
            if known is not None:
                return known
            store.add_window(tx, project, window)
            silences = store.silences_of(tx, project, monitor.name)
            found = [_finding(monitor, window, m, silences) for m in window.measurements if m.alarm]
            endpoint = Ref("endpoint", monitor.endpoint)
            gist = {"rows": window.rows, "labelled": window.labelled, "findings": len(found)}
            self._ledger.append(tx, "monitor.measured", Ref("monitor", monitor.name), inputs=(endpoint,), outputs=(ref,), data=gist)
            for finding in found:
                store.add_finding(tx, project, finding)
                out, told = Ref("finding", finding.id), {"severity": finding.severity, "sentence": finding.measurement.sentence}
                self._ledger.append(tx, "finding.raised", out, inputs=(ref,), outputs=(out,), data=told | {"state": finding.state})
            loud = {f.measurement.kind for f in found if f.state == "open"}
            for position, spec in enumerate(monitor.reactions):
                if loud & set(spec.on):
                    store.add_reaction(tx, project, window.id, position, spec)
            return window

        return self._rows.write(change)

    def _react(self, monitor: Monitor, window: Window) -> None:
        """Carry out what is still to be done about a window. A reaction that fails is kept as failed and tried the next time."""
        project = caller().project
        for reaction, spec in self._rows.read(lambda tx: store.reactions_of(tx, project, window.id)):
            if reaction.state == "done":
                continue
            of_kind = [f for f in self.findings(window=window.id) if f.measurement.kind in spec.on and f.state != "silenced"]
            situation = Situation(
                monitor=monitor,
                window=window,
                findings=of_kind,
                alert=self.raise_alert,
                pipelines=self._pipelines,
                endpoints=self._endpoints,
            )
            try:
                outcome = REACTIONS.make(spec.reaction, spec.parameters).react(situation)
                done = replace(reaction, state="done", outcome=outcome, problem="")
            except Exception as error:  # one from outside may raise anything; the other reactions must have their turn
                said = f"{error.message}; {error.hint}" if isinstance(error, OstinatoError) else f"{type(error).__name__}: {error}"
                done = replace(reaction, state="failed", problem=said.strip("; "))
            self._settle(monitor, window, done)

    def _settle(self, monitor: Monitor, window: Window, done: Reaction) -> None:
        project, ref = caller().project, Ref("window", window.id)

        def change(tx: Tx) -> None:
            store.settle(tx, project, done)
            made = (Ref.parse(done.outcome),) if done.state == "done" else ()
            data = {"reaction": done.reaction, "state": done.state, "problem": done.problem}
            self._ledger.append(tx, "monitor.reacted", Ref("monitor", monitor.name), inputs=(ref,), outputs=made, data=data)

        self._rows.write(change)


def _window_key(start: datetime, end: datetime, key: str) -> str:
    return key or f"{start.isoformat()}/{end.isoformat()}"


def _finding(monitor: Monitor, window: Window, measurement: Measurement, silences: list[Silence]) -> Finding:
    silent = any(hushes(s, measurement.feature, window.start) for s in silences)
    far = measurement.low > 2 * measurement.tolerance
    return Finding(
        id=digest_of([window.id, measurement.kind, measurement.test, measurement.feature])[:26],
        monitor=monitor.name,
        endpoint=monitor.endpoint,
        window=window.id,
        start=window.start,
        end=window.end,
        severity="critical" if far or measurement.kind == "performance" else "warning",
        state="silenced" if silent else "open",
        measurement=measurement,
        note="",
        handled_by=None,
    )
