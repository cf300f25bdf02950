"""The verbs of Traces on files that come with spans, such as images."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Conflict
from ostinato.kernel.frozen import frozen
from ostinato.storage.blobs.blobs import Blob
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.traces import store
from ostinato.tracking.paths import checked_path

_f = store.file_table.c
_FILES_MAX = 1_000


@frozen
class TraceFile:
    """A file that came with a trace."""

    path: str
    digest: str
    size: int


class TraceFiles:
    """A mixin of Traces, which sets the attributes that are annotated here."""

    _rows: Rows

    def keep_file(self, trace: str, path: str, blob: Blob) -> TraceFile:
        """Keep as a file of a trace what is in the store of blobs already, in the place of an earlier one.

        Raises:
            NotFound: there is no such trace.
            Conflict: it has 1,000 files.
        """
        kept = TraceFile(path=checked_path(path), digest=blob.digest, size=blob.size)

        def change(tx: Tx) -> TraceFile:
            project, there = caller().project, self._files(tx, trace)
            if len(there) >= _FILES_MAX and kept.path not in {file.path for file in there}:
                raise Conflict(f"trace {trace} has {_FILES_MAX} files", hint="keep more as artifacts of a run")
            tx.execute(delete(store.file_table).where(_f.project == project, _f.trace == trace, _f.path == kept.path))
            row = {"path": kept.path, "digest": kept.digest, "size": kept.size}
            tx.execute(insert(store.file_table), {"project": project, "trace": trace, **row})
            return kept

        return self._rows.write(change)

    def files(self, trace: str) -> list[TraceFile]:
        """The files of a trace, by their paths.

        Raises:
            NotFound: there is no such trace.
        """
        return self._rows.read(lambda tx: self._files(tx, trace))

    def _files(self, tx: Tx, trace: str) -> list[TraceFile]:
        project = caller().project
        if store.one(tx, project, trace) is None:
            raise store.unknown(trace)
        rows = tx.all(select(store.file_table).where(_f.project == project, _f.trace == trace).order_by(_f.path))
        return [TraceFile(path=row.path, digest=row.digest, size=row.size) for row in rows]
