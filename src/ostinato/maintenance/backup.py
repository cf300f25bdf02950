"""Backup: a consistent copy of a store that is in use. What an earlier backup holds is not copied again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from blake3 import blake3

from ostinato.kernel.errors import Conflict, Corrupt, Invalid, NotFound
from ostinato.kernel.frozen import frozen
from ostinato.kernel.settings import Settings
from ostinato.ledger.signing_key import SigningKey
from ostinato.maintenance import manifest
from ostinato.maintenance.age import Recipients
from ostinato.maintenance.backup_location import BackupLocation
from ostinato.maintenance.contents import Contents, Plain, Sealed
from ostinato.maintenance.database import snapshot
from ostinato.maintenance.files import DATABASE, KEY, held, kept, opened
from ostinato.maintenance.ledger_check import verified
from ostinato.maintenance.manifest import File, Manifest
from ostinato.maintenance.references import lost
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.blobs.chosen import AnyShelf, readable, shelf_of
from ostinato.storage.rows import file

_PIECE = 1 << 20
_AT_ONCE = 4


@frozen
class Backup:
    """A backup that was made: its manifest, what it holds (`size` in bytes), and how many bytes had to be copied.

    `ok` is false if the store had lost or damaged blobs; `problems` names them. The rest is in the backup. `elsewhere` counts the
    blobs that were left in the bucket in which they lie.
    """

    ok: bool
    manifest: str
    files: int
    blobs: int
    elsewhere: int
    size: int
    copied: int
    events: int
    problems: list[str]


def backup(data: Path, target: Path | str, *, to: Sequence[str] = (), with_bucket: bool = False) -> Backup:
    """Back up the store in `data` to `target`, a folder or an address `s3://…`, beside earlier backups of it.

    First the rows, as of one instant; then the other databases, the logs of predictions, the keys and all blobs. A row names
    only what was durable before it, so all that the rows name is there; blobs in a bucket stay where they are, unless `with_bucket`.
    The manifest comes last: without it there is no backup. With `to`, public keys of age, everything is encrypted to their owners.

    Raises:
        NotFound: there is no store in `data`.
        Invalid: the folders lie within one another, `to` names no keys, or `target` holds the backups of another store.
        Corrupt: the database is damaged or the ledger was tampered with; a backup of it could not be restored, and is not made.
        Conflict: a collection of blobs, or a pruning of the backups, is under way; or the clock went back.
        Exhausted: the disk of the target is full.
        Unavailable: the bucket, or the database server, is out of reach.
    """
    data = opened(data).resolve()
    place = BackupLocation.of(target)
    if place.folder and (data.is_relative_to(place.folder) or place.folder.is_relative_to(data)):
        raise Invalid(f"{place.folder} and {data} lie within one another", hint="back up to a folder elsewhere, best on another disk")
    recipients = Recipients(to) if to else None
    with place.objects.held(alone=False), held(data, alone=False), _beside(place, data) as beside:
        return _Copying(data, place, recipients, Path(beside)).run(with_bucket=with_bucket)


def _beside(place: BackupLocation, data: Path) -> tempfile.TemporaryDirectory[str]:
    """The folder of temporary database copies, on the disk that must have room for them anyway."""
    home = place.folder or data / "cache"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return tempfile.TemporaryDirectory(dir=home, prefix=".under-way-")


class _Copying:
    """One backup under way. `beside` holds the copies of databases until they are kept."""

    def __init__(self, data: Path, place: BackupLocation, recipients: Recipients | None, beside: Path) -> None:
        self._data = data
        self._settings = Settings.read(data)
        self._place = place
        self._recipients = recipients
        self._beside = beside
        self._seal = _seal_of(data)
        self._names = self._seal.derive("names of contents in backups")
        self._contents: Contents = Plain(place.objects)
        if recipients:
            self._contents = Sealed(place.objects, self._names, recipients=recipients)
        self._files: dict[str, File] = {}
        self._blobs: dict[str, int] = {}
        self._there = {found.name: found.size for found in place.objects.all()}
        self._copied = 0
        self._problems: list[str] = []

    def run(self, *, with_bucket: bool) -> Backup:
        now = datetime.now(UTC)
        name = self._next(now)
        rows = self._rows()
        self._keep_files()
        events, head = self._ledger(rows)
        bucket = self._settings.blobs_url
        if not bucket or with_bucket:
            self._keep_blobs(shelf_of(self._settings))
        elsewhere = self._elsewhere(rows, left=bool(bucket) and not with_bucket)
        made = Manifest(
            made_at=now.isoformat(timespec="microseconds"), events=events, head=head, problems=self._problems, blobs=self._blobs,
            files=sorted(self._files.values(), key=lambda f: f.path), bucket=bucket, elsewhere=elsewhere,
            names=self._names.hex() if self._recipients else "",
        )  # fmt: skip
        manifest.write(self._place.objects, name, made, self._objects(), self._seal, self._recipients)
        return Backup(
            ok=not self._problems, manifest=self._place.address(name), files=len(self._files), blobs=len(self._blobs),
            elsewhere=len(elsewhere), size=sum(f.size for f in made.files) + sum(made.blobs.values()), copied=self._copied,
            events=events, problems=self._problems,
        )  # fmt: skip

    def _next(self, now: datetime) -> str:
        """The name of the manifest, after those that are there."""
        name, earlier = manifest.name_of(now), manifest.names(self._place.objects)
        if earlier and earlier[-1] >= name:
            raise Conflict(
                f"the newest backup there is of {manifest.made_at(earlier[-1])}, the clock says {now}", hint="set the clock right"
            )
        if earlier and (origin := manifest.sheet(self._place.objects, earlier[-1]).origin) != self._seal.public.origin:
            raise Invalid(f"the backups there are of another store ({origin})", hint="take a place of its own for each store")
        return name

    def _rows(self) -> Path:
        """Copy the rows; returns the path of the copy."""
        copied = self._beside / DATABASE
        snapshot(self._settings, copied)
        self._keep_database(self._data / DATABASE, copied)
        return copied

    def _keep_database(self, path: Path, copied: Path) -> None:
        if found := file.problems(copied):
            raise Corrupt(f"{path} is damaged: {found[0]}", hint="ostinato doctor says what can be done; older backups are untouched")
        self._copy_file(path, lambda: _pieces(copied))

    def _keep_files(self) -> None:
        """Copy every other file, in two passes.

        Lines of a log may become a segment while we look, and be seen as neither or be gone before they are copied. Their segment stays,
        so the second look finds it; a file that vanishes from under the second look is younger than the rows.
        """
        for _ in range(2):
            for path in list(kept(self._data)):
                if path.relative_to(self._data).as_posix() in self._files:
                    continue
                with suppress(FileNotFoundError):
                    if file.is_database(path):
                        copied = self._beside / f"{len(self._files)}.db"
                        file.copy(path, copied)
                        self._keep_database(path, copied)
                        copied.unlink()
                    else:
                        end = _end(path)
                        self._copy_file(path, lambda path=path, end=end: _pieces(path, end))  # type: ignore[misc]

    def _copy_file(self, path: Path, content: Callable[[], Iterator[bytes]]) -> None:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        hasher, size = blake3(), 0
        for piece in content():
            hasher.update(piece)
            size += len(piece)
        digest = hasher.hexdigest()
        self._copied += self._put_content(digest, size, _checked(content(), digest))
        name = path.relative_to(self._data).as_posix()
        self._files[name] = File(path=name, digest=digest, size=size, mode=mode)

    def _put_content(self, digest: str, size: int, content: Iterable[bytes]) -> int:
        """Store a content unless it is there; returns how many bytes were copied."""
        stored = self._there.get(self._contents.name(digest))
        if stored is not None and self._contents.fits(size, stored):
            return 0
        self._contents.put(digest, content)
        return size

    def _ledger(self, rows: Path) -> tuple[int, str | None]:
        """The number of events in the copy, and its last head, once the whole of it is verified."""
        shutil.copy(self._data / KEY, self._beside / KEY)
        checked, head = verified(rows, self._beside / KEY)
        if not checked.ok:
            hint = f"ostinato ledger verify --data {self._data} names all of it"
            raise Corrupt(f"the ledger was tampered with: {checked.problems[0]}", hint=hint)
        return checked.events, head

    def _keep_blobs(self, shelf: AnyShelf) -> None:
        blobs = readable(self._data, shelf)

        def keep(digest: str, size: int) -> int | None:
            try:
                return self._put_content(digest, size, _as_it_lies(digest, shelf, blobs))
            except (Corrupt, NotFound):
                return None

        stored = [(blob.digest, blob.size) for blob in shelf.all()]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for (digest, size), copied in zip(stored, pool.map(lambda blob: keep(*blob), stored), strict=True):
                if copied is None:
                    self._problems.append(f"the blob {digest} is damaged and not in the backup")
                else:
                    self._blobs[digest] = size
                    self._copied += copied

    def _elsewhere(self, rows: Path, *, left: bool) -> list[str]:
        """The blobs that rows need and that are not in the backup: `left` in a bucket, or lost."""
        gone = lost(rows, self._blobs)
        if left:
            return sorted(gone)
        damaged = {problem.split(" ")[2] for problem in self._problems}
        self._problems += [f"the blob {digest} is missing ({places} names it)" for digest, places in gone.items() if digest not in damaged]
        return []

    def _objects(self) -> list[str]:
        """The objects that hold it all, once it is sure that they are there."""
        wanted = {self._contents.name(digest) for digest in (*self._blobs, *(f.digest for f in self._files.values()))}
        if gone := wanted - {found.name for found in self._place.objects.all()}:
            raise Conflict(f"{len(gone)} objects vanished from the place of the backups meanwhile", hint="see who deletes there; try again")
        return sorted(wanted)


def _seal_of(data: Path) -> SigningKey:
    if not (data / KEY).exists():
        raise Corrupt(f"{data / KEY} is missing", hint="put it back from a backup: without it the seals of the ledger prove nothing")
    return SigningKey.at(data / KEY)


def _as_it_lies(digest: str, shelf: AnyShelf, blobs: Blobs) -> Iterator[bytes]:
    """The bytes of a blob as they are stored; raises at the end if they are damaged. What is encrypted stays so."""
    if blobs is shelf:
        yield from blobs.stream(digest)
        return
    for _ in blobs.stream(digest):
        pass
    yield from shelf.raw(digest)


def _checked(content: Iterator[bytes], digest: str) -> Iterator[bytes]:
    """The content; raises at the end if it is another one by now."""
    hasher = blake3()
    for piece in content:
        hasher.update(piece)
        yield piece
    if hasher.hexdigest() != digest:
        raise Conflict("a file of the store changed while it was read", hint="something else writes into its folder; try again")


def _pieces(path: Path, end: int | None = None) -> Iterator[bytes]:
    """The bytes of a file, up to `end`."""
    with path.open("rb") as found:
        while piece := found.read(_PIECE if end is None else min(_PIECE, end - found.tell())):
            yield piece


def _end(path: Path) -> int | None:
    """The end of the complete lines of a file that is being appended to; None for other files."""
    if path.suffix != ".jsonl":
        return None
    end = at = 0
    for piece in _pieces(path):
        newline = piece.rfind(b"\n")
        end = at + newline + 1 if newline >= 0 else end
        at += len(piece)
    return end
