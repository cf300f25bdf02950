"""Restore: a store from a backup, complete and verified, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from blake3 import blake3

from ostinato.kernel.errors import Conflict, Corrupt, Invalid, NotFound, Unavailable
from ostinato.kernel.frozen import frozen
from ostinato.kernel.settings import Settings
from ostinato.ledger.signing_key import SigningKey
from ostinato.maintenance import manifest
from ostinato.maintenance.age import Identities
from ostinato.maintenance.backup_location import BackupLocation
from ostinato.maintenance.contents import Contents, Plain, Sealed
from ostinato.maintenance.database import restore_rows
from ostinato.maintenance.files import DATABASE, KEY, SECRETS
from ostinato.maintenance.ledger_check import verified
from ostinato.maintenance.manifest import File, Manifest, Sheet
from ostinato.storage import disk
from ostinato.storage.blobs.chosen import AnyShelf, readable, shelf_of
from ostinato.storage.rows import file
from ostinato.storage.rows.sqlite import REVISION

_OTHER = "restore from another backup; what is damaged here is not in one that was made to another place"
_PIECE = 1 << 20


@frozen
class Restored:
    """A store that came back: from which manifest, as of when, and what it holds (`size` in bytes).

    `problems` says what the backed-up store had lost already when the backup was made. `missing_events` is how many events the head
    that was given counts beyond those that came back: above 0, history was rolled back, and `ok` is false.
    """

    ok: bool
    manifest: str
    made_at: str
    files: int
    blobs: int
    elsewhere: int
    size: int
    events: int
    missing_events: int
    problems: list[str]


def restore(
    source: Path | str, data: Path, *, identity: Path | None = None, head: str | None = None, database_url: str | None = None
) -> Restored:
    """Bring back a store into the new or empty folder `data`; `source` is a place of backups (the newest is taken) or one manifest.

    The rows go into the empty database of `database_url` (default: what the settings say), else into a file, whatever they were in; the
    blobs into the bucket of the settings, else into files. All digests, the databases and the whole ledger are verified beside `data`,
    which appears only once all is well. `identity` is the file of the key to an encrypted backup; `head` the note of a head of the
    ledger that was kept elsewhere: a backup that is older is restored, and said to be.

    Raises:
        NotFound: there is no backup.
        Conflict: `data` or the database is not empty.
        Invalid: the identity is missing or another one; `head` is not of this store.
        Corrupt: something in the backup is damaged or missing; the message names the file.
        Exhausted: the disk is full.
        Unavailable: a newer Ostinato made the backup; or a bucket or database is out of reach.
    """
    data = data.absolute()
    settings = Settings.read(data)
    if database_url is not None:
        settings = replace(settings, database_url=database_url)
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise Conflict(f"{data} is not empty", hint="restore into a new folder, then put it in the place of the old one")
    try:
        return _Restoring(BackupLocation.of(source), settings, identity).run(data, head)
    except OSError as error:
        if (told := disk.told(error, data.parent)) is error:
            raise
        raise told from error


class _Restoring:
    """One backup on its way back."""

    def __init__(self, place: BackupLocation, settings: Settings, identity: Path | None) -> None:
        self._name = place.manifest or manifest.latest(place.objects)
        self._manifest_at = place.address(self._name)
        self._settings = settings
        identities = Identities(identity) if identity else None
        self._sheet: Sheet = manifest.sheet(place.objects, self._name)
        self._manifest: Manifest = manifest.opened(self._name, self._sheet, identities)
        self._contents: Contents = Plain(place.objects)
        if self._manifest.names:
            self._contents = Sealed(place.objects, bytes.fromhex(self._manifest.names), identities=identities)

    def run(self, data: Path, head: str | None) -> Restored:
        made = self._manifest
        data.parent.mkdir(parents=True, exist_ok=True)
        with _under_way(data) as beside:
            for kept in made.files:
                self._write(beside / kept.path, kept)
            missing_events = self._check(beside, head)
            shelf = shelf_of(replace(self._settings, data=beside))
            self._fill(beside, shelf)
            problems = made.problems + self._elsewhere(shelf)
            if self._settings.database_url:
                restore_rows(beside / DATABASE, self._settings)
                (beside / DATABASE).unlink()
            os.rename(beside, data)
            disk.flush(data.parent)
        return Restored(
            ok=not missing_events, manifest=self._manifest_at, made_at=made.made_at, files=len(made.files), blobs=len(made.blobs),
            elsewhere=len(made.elsewhere), size=sum(f.size for f in made.files) + sum(made.blobs.values()), events=made.events,
            missing_events=missing_events, problems=problems,
        )  # fmt: skip

    def _write(self, path: Path, kept: File) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("wb") as written:
            for piece in self._read(kept.path, kept.digest, plain=True):
                written.write(piece)
            written.flush()
            os.fchmod(written.fileno(), 0o600 if kept.path in SECRETS else kept.mode)
            os.fsync(written.fileno())
        disk.flush(path.parent)

    def _read(self, what: str, digest: str, *, plain: bool) -> Iterator[bytes]:
        """The bytes that were stored under a digest; `plain` ones are compared with it."""
        where, hasher = self._contents.name(digest), blake3()
        try:
            for piece in self._contents.get(digest):
                hasher.update(piece)
                yield piece
        except NotFound:
            raise Corrupt(f"{what} is missing from the backup ({where})", hint=_OTHER) from None
        except (Corrupt, Invalid) as error:
            raise Corrupt(f"{what} is damaged in the backup ({where}): {error.message}", hint=_OTHER) from None
        if plain and hasher.hexdigest() != digest:
            raise Corrupt(f"{what} is damaged in the backup ({where})", hint=_OTHER)

    def _fill(self, folder: Path, shelf: AnyShelf) -> None:
        blobs = readable(folder, shelf)
        for digest in self._manifest.blobs:
            what = f"the blob {digest}"
            shelf.keep(self._read(what, digest, plain=blobs is shelf), lambda digest=digest: digest)  # type: ignore[misc]
            if blobs is not shelf:
                try:
                    for _ in blobs.stream(digest):
                        pass
                except Corrupt:
                    raise Corrupt(f"{what} is damaged in the backup ({self._contents.name(digest)})", hint=_OTHER) from None

    def _elsewhere(self, shelf: AnyShelf) -> list[str]:
        """The problems of the blobs that were left in a bucket."""
        left = self._manifest.elsewhere
        if left and not self._settings.blobs_url:
            return [f"{len(left)} blobs are not in the backup: set OSTINATO_BLOBS_URL to {self._manifest.bucket}, where they were left"]
        return [f"the blob {digest} is not in the bucket" for digest in left if not shelf.exists(digest)]

    def _check(self, folder: Path, head: str | None) -> int:
        """The databases are sound, and the ledger is the one that the manifest names; returns how many events the head is ahead."""
        name, made = self._name, self._manifest
        found = file.revision(folder / DATABASE)
        if found is None or found > REVISION:
            raise Unavailable(f"the backup has revision {found}, this Ostinato knows {REVISION}", hint="upgrade Ostinato")
        for kept in made.files:
            if file.is_database(folder / kept.path) and (wrong := file.problems(folder / kept.path)):
                raise Corrupt(f"{kept.path} of {name} is damaged: {wrong[0]}", hint=_OTHER)
        seal = SigningKey.at(folder / KEY)
        if not manifest.signed_by(self._sheet, seal):
            raise Corrupt(f"the manifest {name} was not signed by the store whose ledger it holds", hint=_OTHER)
        claimed = seal.public.check(head).size if head is not None else 0
        exported = head if claimed <= made.events else None
        for note in {made.head, exported or made.head}:
            checked, _ = verified(folder / DATABASE, folder / KEY, note)
            if not checked.ok:
                raise Corrupt(f"the ledger of {name} was tampered with: {checked.problems[0]}", hint=_OTHER)
            if checked.events != made.events:
                raise Corrupt(f"the ledger of {name} has {checked.events} events, the manifest says {made.events}", hint=_OTHER)
        return max(0, claimed - made.events)


@contextmanager
def _under_way(data: Path) -> Iterator[Path]:
    """A folder beside `data`, held against others who restore to the same place; what one who was killed left in it goes."""
    beside = data.with_name(f".{data.name}.restoring")
    beside.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(beside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not _mine(beside, handle):
            raise Conflict(f"somebody restores to {data} just now", hint="try again when that is done")
        try:
            for left in beside.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            yield beside
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    finally:
        os.close(handle)


def _mine(folder: Path, handle: int) -> bool:
    """Whether the folder is held now by this process, and has not got another name meanwhile."""
    try:
        return disk.take(handle) and os.path.samestat(os.fstat(handle), os.stat(folder))
    except FileNotFoundError:
        return False
