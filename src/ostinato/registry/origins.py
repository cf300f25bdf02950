"""Origins: which versions came of a run or a candidate, so that it stays as long as they are there."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from ostinato.kernel.caller import caller
from ostinato.kernel.ref import Ref
from ostinato.registry.labels import label
from ostinato.registry.tables import version
from ostinato.storage.rows.rows import Tx

_v = version.c


def came_of(tx: Tx, kind: str, names: Collection[str]) -> dict[str, list[str]]:
    """The versions, as references, that came of each of these things of a kind; removed ones do not count."""
    found: dict[str, list[str]] = {}
    there = [_v.project == caller().project, _v.removed_at.is_(None)]
    if kind == "run" and names:
        refs = {str(Ref("run", name)): name for name in names}
        for row in tx.all(select(_v.run, _v.model, _v.version).where(*there, _v.run.in_(refs)).order_by(_v.model, _v.version)):
            found.setdefault(refs[row.run], []).append(str(Ref("model", row.model, str(row.version))))
    if kind == "candidate" and names:
        asked = select(label.c.origin, _v.model, _v.version).join(
            version, (_v.project == label.c.project) & (_v.model == label.c.model) & (_v.version == label.c.version)
        )
        for row in tx.all(asked.where(*there).order_by(_v.model, _v.version)):
            if (name := row.origin.get("model_id")) in names:
                found.setdefault(name, []).append(str(Ref("model", row.model, str(row.version))))
    return found
