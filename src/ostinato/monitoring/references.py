"""The verb of Monitors that lists the tables which can serve as a monitor's reference."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.monitoring import store
from ostinato.monitoring.alerts import found_or_raise
from ostinato.monitoring.types import Monitor, ReferenceTable
from ostinato.pipelines.service import Pipelines
from ostinato.storage.rows.rows import Rows
from ostinato.storage.tables.tables import Tables

_DIGEST = re.compile(r'"([0-9a-f]{64})"')
_VERSION = re.compile(r'"(model:[\w.-]+@\d+)"')
_EXECUTIONS = 100
_LOOKED_AT = 60
"""So many digests are opened, the newest ones."""


@frozen
class _Named:
    """A digest, and where it is named."""

    digest: str
    source: Ref
    version: Ref | None
    at: datetime


class References:
    """A mixin of Monitors, which sets the attributes that are annotated here."""

    _rows: Rows
    _tables: Tables
    _ledger: Ledger
    _pipelines: Pipelines

    def references(self, monitor: str) -> list[ReferenceTable]:
        """The tables that hold all that the monitor compares, newest first: of what the newest executions returned, and what it was
        compared with before.

        Raises:
            NotFound: there is no such monitor.
        """
        known = found_or_raise(self._rows.read(lambda tx: store.monitor(tx, caller().project, monitor)), "monitor", monitor)[0]
        named: dict[str, _Named] = {}
        for found in (*self._returned(), *self._used(known)):
            named.setdefault(found.digest, found)
        newest = sorted(named.values(), key=lambda found: found.at, reverse=True)[:_LOOKED_AT]
        return [
            ReferenceTable(
                digest=found.digest, rows=rows, source=found.source, version=found.version, made_at=found.at,
                current=found.digest == known.reference,
            )
            for found in newest
            if (rows := self._rows_of(found.digest, known)) is not None
        ]  # fmt: skip

    def _returned(self) -> Iterator[_Named]:
        """Tables returned by the newest executions; one that was returned beside a model version belongs to that version."""
        for execution in self._pipelines.search(state="finished", limit=_EXECUTIONS).items:
            output = json.dumps(self._pipelines.output(execution.id))
            version = _VERSION.search(output)
            for digest in _DIGEST.findall(output):
                yield _Named(
                    digest=digest,
                    source=Ref("execution", execution.id),
                    version=Ref.parse(version[1]) if version else None,
                    at=execution.ended_at or execution.created_at,
                )

    def _used(self, known: Monitor) -> Iterator[_Named]:
        ref = Ref("monitor", known.name)
        for event in self._ledger.events(subject=ref, verb="monitor.*", limit=1000).items:
            if event.verb in ("monitor.created", "monitor.rebased"):
                yield _Named(digest=str(event.data["reference"]), source=ref, version=None, at=event.at)

    def _rows_of(self, digest: str, monitor: Monitor) -> int | None:
        """The number of rows of the table; None if it is no table, or lacks a column."""
        wanted = {*monitor.features, "score", "label", *([monitor.block] if monitor.block else [])}
        try:
            held = self._tables.outline(digest)
        except (NotFound, Invalid):
            return None
        return held.rows if wanted <= set(held.columns) else None
