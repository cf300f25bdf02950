"""The verb of Runs that records where a run came from, which its process learns after the start."""

from __future__ import annotations

from dataclasses import asdict, replace

from ostinato.kernel.caller import caller
from ostinato.kernel.digest import canonical
from ostinato.kernel.errors import Conflict
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking import store
from ostinato.tracking.lookup import find_run, require_active
from ostinato.tracking.types import Code, Environment, Run


class Origins:
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _rows: Rows
    _blobs: Blobs
    _ledger: Ledger

    def origin(self, run: str, code: Code | None = None, environment: Environment | None = None) -> Run:
        """Add missing facts about the origin of a run (code, environment); what was recorded stays. Idempotent.

        Raises:
            Conflict: another commit, program or environment was recorded, or the run has ended.
        """
        project = caller().project
        digest = self._blobs.put(canonical(asdict(environment))).digest if environment else None

        def change(tx: Tx) -> Run:
            known = find_run(tx, run)
            told = replace(known, code=_completed(known, code or known.code), environment=digest or known.environment)
            if told == known:
                return known
            if known.environment not in (None, told.environment):
                raise Conflict(f"run {run} ran in another environment", hint="start another run")
            require_active(tx, run)
            store.change(tx, project, known, told)
            data = {"commit": told.code.commit, "dirty": told.code.dirty, "environment": told.environment}
            self._ledger.append(tx, "run.traced", known.ref, data=data)
            return told

        return self._rows.write(change)


def _completed(run: Run, code: Code) -> Code:
    known = run.code
    for field in ("commit", "entry", "host"):
        if getattr(known, field) not in ("", None, getattr(code, field)):
            raise Conflict(f"the {field} of run {run.id} is {getattr(known, field)}", hint="start another run for other code")
    return code
