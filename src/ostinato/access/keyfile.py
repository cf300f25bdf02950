"""Secrets in files of their own, written once and readable by their owner only."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def read_or_create(path: Path, fresh: Callable[[], bytes]) -> bytes:
    """The secret in the file `path` (mode 0600), made by `fresh` if there is none.

    The file appears whole and durable or not at all, also under kill -9; of several processes that make it at once, one wins and
    all get its secret.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: what a full disk refused would be refused again when the file is closed, before it is removed.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", buffering=0) as new:
            new.write(fresh())
            os.fsync(new.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(new.name, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return path.read_bytes()
