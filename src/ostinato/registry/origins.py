"""The versions that were made from a run or a candidate, which must therefore stay."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from ostinato.kernel.caller import caller
from ostinato.kernel.ref import Ref
from ostinato.registry.labels import label
from ostinato.registry.tables import version
from ostinato.storage.rows.rows import Tx
from ostinato.tracking.removal.unshared import parts

_v = version.c


def versions_made_from(tx: Tx, kind: str, names: Collection[str]) -> dict[str, list[str]]:
    """The versions, as references, that came of each of these things of a kind; removed ones do not count."""
    there = (_v.project == caller().project, _v.removed_at.is_(None))
    if kind == "run":
        named = {str(Ref("run", name)): name for name in names}
        asked, by = select(_v.run, _v.model, _v.version).where(*there), _v.run
    elif kind == "candidate":
        named = {name: name for name in names}
        labelled = (_v.project == label.c.project) & (_v.model == label.c.model) & (_v.version == label.c.version)
        asked, by = select(label.c.candidate, _v.model, _v.version).join(version, labelled).where(*there), label.c.candidate
        asked = asked.where(label.c.project == caller().project)
    else:
        return {}
    rows = [row for some in parts(list(named)) for row in tx.all(asked.where(by.in_(some)))]
    found: dict[str, list[str]] = {}
    for of, model, number in sorted(map(tuple, rows), key=lambda row: row[1:]):  # for an order SQLite would walk all versions
        found.setdefault(named[of], []).append(str(Ref("model", model, str(number))))
    return found
