"""Reserve: disk space that is released when the disk is full, because even deleting needs some."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from ostinato.maintenance.files import RESERVE

SIZE = 16 << 20
_ENOUGH = 1 << 30


def hold(data: Path) -> None:
    """Create the reserve, unless it exists or the disk has less than 1 GiB left."""
    path = data / RESERVE
    if path.exists() or shutil.disk_usage(data).free < _ENOUGH:
        return
    with contextlib.suppress(OSError), path.open("xb") as file:
        os.posix_fallocate(file.fileno(), 0, SIZE)


def free(data: Path) -> int:
    """Release the reserve; returns how many bytes that freed."""
    path = data / RESERVE
    size = path.stat().st_size if path.exists() else 0
    path.unlink(missing_ok=True)
    return size
