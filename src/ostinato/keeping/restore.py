"""Restore: a store from a backup, whole and verified, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ostinato.keeping.files import BLOBS, DATABASE, KEY, SECRETS
from ostinato.keeping.history import verified
from ostinato.keeping.manifest import File, Manifest, flush, latest
from ostinato.kernel.errors import Conflict, Corrupt, NotFound, Unavailable
from ostinato.storage.blobs.chosen import copy
from ostinato.storage.blobs.local import Local
from ostinato.storage.rows import file
from ostinato.storage.rows.sqlite import REVISION

_OTHER = "restore from another backup; what is damaged here is not in one that was made to another folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A store that came back: from which manifest, as of when, and what it holds (`size` in bytes).

    `problems` says what the backed-up store had lost already when the backup was made.
    """

    manifest: str
    made_at: str
    files: int
    blobs: int
    size: int
    events: int
    problems: list[str]


def restore(source: Path, data: Path) -> Restored:
    """Bring back a store into the new or empty folder `data`; `source` is a folder of backups (the newest) or one manifest.

    All digests, the databases and the whole ledger are verified beside `data`, which appears only once all is well.

    Raises:
        NotFound: there is no backup.
        Conflict: `data` is not empty.
        Corrupt: something in the backup is damaged or missing; the message names the file.
        Unavailable: a newer Ostinato made the backup.
    """
    path = latest(source.absolute())
    manifest, data = Manifest.read(path), data.absolute()
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise Conflict(f"{data} is not empty", hint="restore into a new folder, then put it in the place of the old one")
    if manifest.revision > REVISION:
        raise Unavailable(f"the backup has revision {manifest.revision}, this Ostinato knows {REVISION}", hint="upgrade Ostinato")
    data.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=data.parent, prefix=f".{data.name}.restoring-"))
    try:
        _fill(beside, Local(path.parent / BLOBS), manifest)
        _check(beside, path, manifest)
        os.rename(beside, data)
        flush(data.parent)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return Restored(
        manifest=str(path), made_at=manifest.made_at, files=len(manifest.files), blobs=len(manifest.blobs),
        size=sum(f.size for f in manifest.files) + sum(manifest.blobs.values()), events=manifest.events, problems=manifest.problems,
    )  # fmt: skip


def _fill(folder: Path, source: Local, manifest: Manifest) -> None:
    for kept in manifest.files:
        _write(folder / kept.path, source, kept)
    blobs = Local(folder / BLOBS)
    for digest in manifest.blobs:
        try:
            copy(digest, source, blobs, folder)
        except (Corrupt, NotFound) as error:
            raise _broken(f"the blob {digest}", digest, error) from None


def _write(path: Path, source: Local, kept: File) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("wb") as written:
        try:
            for piece in source.stream(kept.digest):
                written.write(piece)
        except (Corrupt, NotFound) as error:
            raise _broken(kept.path, kept.digest, error) from None
        written.flush()
        os.fchmod(written.fileno(), 0o600 if kept.path in SECRETS else kept.mode)
        os.fsync(written.fileno())
    flush(path.parent)


def _broken(what: str, digest: str, error: Exception) -> Corrupt:
    how = "missing from" if isinstance(error, NotFound) else "damaged in"
    return Corrupt(f"{what} is {how} the backup (blobs/{digest[:2]}/{digest})", hint=_OTHER)


def _check(folder: Path, path: Path, manifest: Manifest) -> None:
    """The databases are sound, and the ledger is the one that the manifest names."""
    for kept in manifest.files:
        if file.is_database(folder / kept.path) and (found := file.problems(folder / kept.path)):
            raise Corrupt(f"{kept.path} of {path} is damaged: {found[0]}", hint=_OTHER)
    checked, _ = verified(folder / DATABASE, folder / KEY, manifest.head)
    if not checked.ok:
        raise Corrupt(f"the ledger of {path} was tampered with: {checked.problems[0]}", hint=_OTHER)
    if checked.events != manifest.events:
        raise Corrupt(f"the ledger of {path} has {checked.events} events, the manifest says {manifest.events}", hint=_OTHER)
