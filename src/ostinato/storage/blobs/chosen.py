"""Which blobs a store has, by its settings."""

from __future__ import annotations

from pathlib import Path

from ostinato.kernel.errors import Invalid
from ostinato.kernel.settings import Settings
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.blobs.keys import KEY_FILE, Keys
from ostinato.storage.blobs.local import Local
from ostinato.storage.blobs.s3 import S3
from ostinato.storage.blobs.sealed import Sealed


def blobs_of(settings: Settings) -> Blobs:
    """Files in `<data>/blobs`, or the bucket that `blobs_url` names; encrypted if `encrypt`, or if the store has keys already.

    Raises:
        Invalid: the settings contradict what they may say.
        MissingExtra: the bucket needs obstore.
    """
    if settings.encrypt not in (0, 1):
        raise Invalid("OSTINATO_ENCRYPT is neither 0 nor 1", field="encrypt")
    keys = settings.data / KEY_FILE
    place = S3(settings.blobs_url, spool=settings.data / "cache") if settings.blobs_url else Local(settings.data / "blobs")
    return Sealed(place, Keys(keys)) if settings.encrypt or keys.exists() else place


def readable(data: Path, files: Local) -> Blobs:
    """The files of the store `data`, or a copy of them, as what was put in: decrypted if the store has keys."""
    keys = data / KEY_FILE
    return Sealed(files, Keys(keys)) if keys.exists() else files


def copy(digest: str, source: Local, target: Local, data: Path) -> None:
    """Copy a blob as it lies, verified with the keys of the store `data`, if it has some: what is encrypted stays so.

    Raises:
        NotFound: there is no such blob in `source`.
        Corrupt: it is damaged there.
    """
    blobs = readable(data, source)
    if isinstance(blobs, Local):
        target.put(blobs.stream(digest))
        return
    for _ in blobs.stream(digest):
        pass
    target.keep(source.raw(digest), lambda: digest)
