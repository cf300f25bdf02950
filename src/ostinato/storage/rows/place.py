"""Place: what lies under a path; a database in a file cannot live on a network file system."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ostinato.kernel.errors import Invalid

_NETWORK = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "ocfs2",
    "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone",
}  # fmt: skip
_MOUNTS = Path("/proc/self/mountinfo")


def refuse_network(folder: Path) -> None:
    """Refuse a folder on a network file system, where neither locks nor flushes can be trusted.

    Raises:
        Invalid: it is on one.
    """
    with contextlib.suppress(OSError):  # elsewhere than on Linux nobody tells
        kind = file_system(folder.resolve(), _MOUNTS.read_text())
        if kind in _NETWORK:
            raise Invalid(
                f"{folder} is on a network file system ({kind}): SQLite would lose writes there",
                hint="put OSTINATO_DATA on a local disk, or keep the rows in PostgreSQL (OSTINATO_DATABASE_URL)",
                field="data",
            )


def file_system(path: Path, mounts: str) -> str:
    r"""The kind of the file system that holds an absolute path, by the mounts as Linux lists them.

    >>> file_system(Path("/data/a"), "1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:5 / /data rw shared:1 - nfs4 host:/x rw\n")
    'nfs4'
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = Path(before.split(" ")[4].replace("\\040", " "))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split(" ")[0]
    return kind
