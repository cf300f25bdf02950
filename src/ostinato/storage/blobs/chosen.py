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

AnyShelf = Local | S3


def blobs_of(settings: Settings) -> Blobs:
    """Files in `<data>/blobs`, or the bucket that `blobs_url` names; encrypted if `encrypt`, or if the store has keys already.

    Raises:
        Invalid: the settings contradict what they may say.
        MissingExtra: the bucket needs obstore.
    """
    if settings.encrypt not in (0, 1):
        raise Invalid("OSTINATO_ENCRYPT is neither 0 nor 1", field="encrypt")
    keys = settings.data / KEY_FILE
    place = shelf_of(settings)
    return Sealed(place, Keys(keys)) if settings.encrypt or keys.exists() else place


def shelf_of(settings: Settings) -> AnyShelf:
    """Where the bytes lie as they are, encrypted or not.

    Raises:
        MissingExtra: the bucket needs obstore.
    """
    return S3(settings.blobs_url, spool=settings.data / "cache") if settings.blobs_url else Local(settings.data / "blobs")


def readable(data: Path, shelf: AnyShelf) -> Blobs:
    """What lies on the shelf of the store `data`, or on a copy of it, as what was put in: decrypted if the store has keys."""
    keys = data / KEY_FILE
    return Sealed(shelf, Keys(keys)) if keys.exists() else shelf
