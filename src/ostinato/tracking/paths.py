"""Rules for the paths of a run's files."""

from __future__ import annotations

from pathlib import PurePosixPath

from ostinato.kernel.errors import Invalid


def checked_path(path: str) -> str:
    """A path within a run.

    Raises:
        Invalid: it is not relative, leaves the run, or is not written the one way.
    """
    pure = PurePosixPath(path)
    if not path or len(path) > 500 or pure.is_absolute() or ".." in pure.parts or str(pure) != path or not path.isprintable():
        raise Invalid(f"not a path within a run: {path!r}", hint="relative, with single slashes and without '..'", field="path")
    return path
