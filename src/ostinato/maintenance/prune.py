"""Prune: deletes old backups, and the contents that only they name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ostinato.kernel.errors import Invalid
from ostinato.kernel.frozen import frozen
from ostinato.maintenance import manifest
from ostinato.maintenance.backup_location import BackupLocation
from ostinato.maintenance.contents import PLAIN, SEALED


@frozen
class Pruned:
    """The manifests that stay and those that go; with them go `objects` that no other needs, `size` bytes. Gone if `applied`."""

    applied: bool
    kept: list[str]
    removed: list[str]
    objects: int
    size: int


def prune(place: Path | str, *, keep: int | None = None, keep_days: float | None = None, apply: bool = False) -> Pruned:
    """Find the backups that are neither among the newest `keep` nor younger than `keep_days`, and with `apply` remove them.

    The manifests go first, each at once, then what no manifest names any more; so whatever ends it, each backup is there whole or not
    at all, and the next pruning goes on. What an interrupted backup has left goes too. The newest backup always stays. No key is needed.

    Raises:
        Invalid: there is no rule, or one that would keep nothing.
        NotFound: there is no backup.
        Conflict: a backup, or another pruning, is under way there.
        Corrupt: a manifest that stays is damaged, so what it needs cannot be known; nothing is removed.
    """
    if keep is None and keep_days is None:
        raise Invalid("say how many backups to keep", hint="for instance --keep 7, or --keep-days 30", field="keep")
    if (keep is not None and keep < 1) or (keep_days is not None and not keep_days >= 0):
        raise Invalid("a rule that keeps nothing", hint="keep at least 1 backup", field="keep")
    found = BackupLocation.of(place)
    with found.objects.held(alone=apply):
        newest = manifest.latest(found.objects)
        names = manifest.names(found.objects)
        stay = {newest, *(names[-keep:] if keep else ())}
        if keep_days is not None:
            since = datetime.now(UTC) - timedelta(days=keep_days)
            stay |= {name for name in names if manifest.made_at(name) >= since}
        needed = {name for kept in stay for name in manifest.sheet(found.objects, kept).objects}
        idle = [held for kind in (PLAIN, SEALED) for held in found.objects.all(kind) if held.name not in needed]
        removed = [name for name in names if name not in stay]
        if apply:
            for name in removed + [held.name for held in idle]:
                found.objects.delete(name)
    return Pruned(applied=apply, kept=sorted(stay), removed=removed, objects=len(idle), size=sum(held.size for held in idle))
