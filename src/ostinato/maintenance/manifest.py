"""Manifest: the object that makes a backup. It names every file and blob by size and digest, and the head of the ledger."""

from __future__ import annotations

import base64
import hmac
import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import msgspec

from ostinato.kernel.digest import canonical, digest_of
from ostinato.kernel.errors import Corrupt, Invalid, NotFound, OstinatoError, Unavailable
from ostinato.kernel.frozen import frozen
from ostinato.ledger.signing_key import SigningKey
from ostinato.maintenance.age import Identities, Recipients
from ostinato.storage.objects.objects import Objects

_FORMAT = 2
_NAME = re.compile(r"backup-\d{8}T\d{6}\.\d{6}Z\.json")
_PURPOSE = "manifests of backups"


@frozen
class File:
    """A file of the store's folder: its `path` below it, the digest and size of its bytes, and its permission bits."""

    path: str
    digest: str
    size: int
    mode: int


@frozen
class Manifest:
    """The content of a backup: `files` of the folder, `blobs` with their sizes in bytes, and the state of the ledger.

    `head` is the note of the last sealed head (None: nothing was sealed), `events` counts all events. `problems` says what the
    store had lost or damaged before the backup was made, and which therefore is not in it. `bucket` is where the blobs of the store
    lay, if not in its folder; those that rows need and that were left there are `elsewhere`. `names` is the key of the names of
    encrypted contents, in hex; empty if they are not encrypted.
    """

    made_at: str
    events: int
    head: str | None
    files: list[File]
    blobs: dict[str, int]
    problems: list[str]
    bucket: str = ""
    elsewhere: list[str]
    names: str = ""


@frozen
class Sheet:
    """A manifest as it lies in the place of backups: what anybody may read there, and the manifest itself, perhaps encrypted.

    `origin` names the store, `objects` are the objects that the backup needs. `signature` is the store's, under the digest: whoever has not
    its key cannot make another.
    """

    format: int
    origin: str
    objects: list[str]
    to: list[str]
    backup: Any
    digest: str
    signature: str


def name_of(made_at: datetime) -> str:
    """The name of the manifest of a backup that was begun at that time."""
    return f"backup-{made_at:%Y%m%dT%H%M%S.%f}Z.json"


def made_at(name: str) -> datetime:
    """When the backup with a manifest of that name was begun."""
    return datetime.strptime(name, "backup-%Y%m%dT%H%M%S.%fZ.json").replace(tzinfo=UTC)


def names(place: Objects) -> list[str]:
    """The manifests in a place of backups, the oldest first."""
    return sorted(found.name for found in place.all() if _NAME.fullmatch(found.name))


def latest(place: Objects) -> str:
    """The newest manifest.

    Raises:
        NotFound: there is none.
    """
    found = names(place)
    if not found:
        raise NotFound("no backup there", hint="name the place that ostinato backup wrote to, or one of its backup-….json")
    return found[-1]


def write(place: Objects, name: str, manifest: Manifest, objects: list[str], seal: SigningKey, recipients: Recipients | None) -> None:
    """Write a manifest, atomically."""
    said = asdict(manifest)
    backup = said if recipients is None else base64.b64encode(b"".join(recipients.seal([canonical(said)]))).decode()
    open_part = {"format": _FORMAT, "origin": seal.public.origin, "objects": objects, "to": list(recipients.keys if recipients else ())}
    digest = digest_of(open_part | {"backup": backup})
    signed = {"digest": digest, "signature": _signature(digest, seal)}
    place.put(name, [json.dumps(open_part | signed | {"backup": backup}, indent=1).encode()])


def sheet(place: Objects, name: str) -> Sheet:
    """The unencrypted part of a manifest.

    Raises:
        NotFound: there is no such manifest.
        Corrupt: it was changed after it was written.
        Unavailable: another Ostinato wrote it.
    """
    try:
        found = json.loads(b"".join(place.get(name)))
        format = found["format"]
        sound = digest_of({key: value for key, value in found.items() if key not in ("digest", "signature")}) == found["digest"]
        read = msgspec.convert(found, Sheet) if sound and format == _FORMAT else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sound, read = False, None
    if not sound:
        raise Corrupt(f"the manifest {name} is damaged", hint="restore from another backup-….json of the same place")
    if read is None:
        raise Unavailable(f"{name} was written by another Ostinato", hint="restore it with that version or a newer one")
    return read


def opened(name: str, sheet: Sheet, identities: Identities | None) -> Manifest:
    """The manifest in a sheet.

    Raises:
        Invalid: it is encrypted, and the identity is missing or another one.
        Corrupt: what is encrypted in it is damaged, or it names a file outside the store.
    """
    said = sheet.backup
    if sheet.to:
        said = _decrypted(name, sheet, identities)
    try:
        made = msgspec.convert(said, Manifest)
    except msgspec.ValidationError as error:
        raise Corrupt(f"the manifest {name} is damaged ({error})") from None
    for file in made.files:
        if PurePosixPath(file.path).is_absolute() or ".." in PurePosixPath(file.path).parts:
            raise Corrupt(f"the manifest {name} names a file outside the store: {file.path}")
    return made


def signed_by(sheet: Sheet, seal: SigningKey) -> bool:
    """Whether the store of that key signed the manifest."""
    return sheet.origin == seal.public.origin and hmac.compare_digest(sheet.signature, _signature(sheet.digest, seal))


def _signature(digest: str, seal: SigningKey) -> str:
    return hmac.new(seal.derive(_PURPOSE), digest.encode(), "sha256").hexdigest()


def _decrypted(name: str, sheet: Sheet, identities: Identities | None) -> Any:
    to = " or ".join(sheet.to)
    if identities is None:
        raise Invalid(f"{name} is encrypted to {to}", hint="give the file of that identity with --identity", field="identity")
    try:
        return json.loads(b"".join(identities.open([base64.b64decode(sheet.backup)])))
    except Invalid:
        hint = f"the identity given is that of {' and '.join(identities.recipients)}"
        raise Invalid(f"{name} is encrypted to {to}, whose identity this is not", hint=hint, field="identity") from None
    except (OstinatoError, ValueError, TypeError):
        raise Corrupt(f"the manifest {name} is damaged", hint="restore from another backup-….json of the same place") from None
