"""Which objects a place names: a folder, or a bucket."""

from __future__ import annotations

from pathlib import Path

from ostinato.storage.objects.bucket import Bucket
from ostinato.storage.objects.folder import Folder
from ostinato.storage.objects.objects import Objects


def objects_of(place: str, *, called: str) -> Objects:
    """The bucket of an address `s3://…`, else a folder; `called` is what errors call the place where the address was given.

    Raises:
        Invalid: the address of the bucket is malformed.
        MissingExtra: the bucket needs obstore.
    """
    return Bucket(place, setting=called) if "://" in place else Folder(Path(place))
