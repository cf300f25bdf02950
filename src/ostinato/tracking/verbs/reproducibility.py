"""The verb of Runs that tells whether a run reached its goal, and how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace

import msgspec
from sqlalchemy import func, select

from ostinato.kernel.caller import caller
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.rows.lease import LeaseClock, at
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking import store
from ostinato.tracking.lookup import find_run
from ostinato.tracking.planner.where import seen_state
from ostinato.tracking.store import run_table
from ostinato.tracking.types import Artifact, Environment, Run
from ostinato.tracking.view_types import Repeat, Story

_LEASES = LeaseClock()
_PATCH = "code.patch"
_r = run_table.c


class Stories:
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _rows: Rows
    _blobs: Blobs
    _ledger: Ledger

    def story(self, run: str) -> Story:
        """A run with its machine, its outputs, its child runs, and whether it can be repeated.

        Raises:
            NotFound: there is no such run.
        """
        project = caller().project

        def query(tx: Tx) -> Story:
            known = find_run(tx, run)
            given = {"project": project, **at(_LEASES.now(tx))}
            parts = select(seen_state.label("seen"), func.count().label("n")).where(_r.project == project, _r.parent == run)
            artifacts = store.artifacts(tx, project, run)
            return Story(
                run=known,
                parent=None if known.parent is None else store.one(tx, project, known.parent),
                parts={row.seen: row.n for row in tx.all(parts.group_by("seen"), given)},
                artifacts=artifacts,
                environment=None,
                repeat=repeat(known, artifacts),
            )

        told = self._rows.read(query)
        digest = told.run.environment
        environment = msgspec.json.decode(self._blobs.open(digest), type=Environment) if digest else None
        return replace(told, environment=environment, repeat=replace(told.repeat, execution=self._execution(told.run)))

    def _execution(self, run: Run) -> Ref | None:
        """The execution of a pipeline that started the run, as the ledger knows."""
        started = self._ledger.events(subject=run.ref, verb="run.started", limit=1).items
        within = started[0].data.get("within") if started else None
        return Ref("execution", within) if isinstance(within, str) else None


def repeat(run: Run, artifacts: Iterable[Artifact]) -> Repeat:
    """The commands that do a run again as far as it was recorded, and what was not."""
    code, patched = run.code, any(file.path == _PATCH for file in artifacts)
    named = bool(code.entry) and code.entry != "interactive"
    hidden = any(argument.endswith("***") for argument in code.arguments)
    loose = [str(ref) for ref in run.inputs if ref.version is None and ref.kind == "dataset"]
    lacks = {
        "no program was recorded": not code.entry,
        "it was typed into a shell or a notebook": code.entry == "interactive",
        "the program is in no git repository": named and code.commit is None,
        "the files differed from the commit, and the patch was not kept": code.dirty and not patched,
        "the installed packages were not recorded": run.environment is None,
        "secrets among the arguments were left out": hidden,
        f"of {', '.join(loose)} no version was named": bool(loose),
    }
    commands = [
        *([f"git checkout {code.commit}"] if named and code.commit else []),
        *([f"git apply {_PATCH}"] if named and code.commit and patched else []),
        *([shlex.join(["python", code.entry, *code.arguments])] if named else []),
    ]
    return Repeat(commands=commands, lacks=[text for text, holds in lacks.items() if holds])
