"""Paging: all points of a run as they were measured, if they are not too many; those of one metric come in pages, by `Series.stretch`."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from ostinato.kernel.errors import TooLarge
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.series.chunks import chunk
from ostinato.storage.series.points import Points, joined, unsqueezed
from ostinato.storage.series.removal import points_of
from ostinato.storage.series.series import tail

_c, _t = chunk.c, tail.c
_all = Prepared(select(_c.key, _c.n, _c.data).where(_c.project == bindparam("project"), _c.run == bindparam("run")).order_by(_c.key, _c.id))
_waiting = Prepared(select(_t.data).where(_t.project == bindparam("project"), _t.run == bindparam("run")).order_by(_t.id))


def whole(rows: Rows, project: str, run: str, most: int) -> Points:
    """All points of a run, series by series as they arrived.

    Raises:
        TooLarge: there are more than `most`.
    """

    def query(tx: Tx) -> Points:
        of = {"project": project, "run": run}
        if (n := points_of(tx, project, [run]).get(run, 0)) > most:
            raise TooLarge(f"run {run} has {n:,} points", hint=f"ask for one key at a time, or for at most {most:,} points")
        late = [Points.decode(unsqueezed(data)) for (data,) in tx.fetch(_waiting, of)]
        return joined([*(Points.unpack(key, n, data) for key, n, data in tx.fetch(_all, of)), *late])

    return rows.read(query)
