"""BackupLocation: a folder or a prefix of a bucket that holds backups."""

from __future__ import annotations

from pathlib import Path

from ostinato.kernel.frozen import frozen
from ostinato.storage.objects.chosen import objects_of
from ostinato.storage.objects.objects import Objects

_CALLED = "the address of the backups"


@frozen
class BackupLocation:
    """The objects of the backups; their folder, if it is one; and `manifest`, if one was named."""

    objects: Objects
    where: str
    folder: Path | None
    manifest: str | None

    @classmethod
    def of(cls, named: Path | str) -> BackupLocation:
        """The place that a path or an address `s3://bucket/prefix` names, or the manifest in it that one names.

        Raises:
            Invalid: the address is malformed.
            MissingExtra: a bucket needs obstore.
        """
        manifest = None
        if "://" in str(named):
            where, mark, options = str(named).partition("?")
            if where.endswith(".json"):
                where, _, manifest = where.rpartition("/")
            where += mark + options
            return cls(objects=objects_of(where, called=_CALLED), where=where, folder=None, manifest=manifest)
        folder = Path(named).absolute().resolve()
        if folder.is_file():
            folder, manifest = folder.parent, folder.name
        return cls(objects=objects_of(str(folder), called=_CALLED), where=str(folder), folder=folder, manifest=manifest)

    def address(self, manifest: str) -> str:
        """The address of a manifest, in the form that `of` reads."""
        where, mark, options = self.where.partition("?")
        return f"{where}/{manifest}{mark}{options}"
