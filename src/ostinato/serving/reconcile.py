"""Reconciliation of the data planes with the rows."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from ostinato.kernel.caller import caller
from ostinato.registry.service import Models
from ostinato.serving import store
from ostinato.serving.lookup import find_endpoint
from ostinato.serving.plane.plan import PLAN, Plan, PlaneState
from ostinato.serving.plane.plan import Served as PlaneVersion
from ostinato.serving.supervise import Planes
from ostinato.serving.types import Share
from ostinato.storage.rows.rows import Rows, Tx


class PlaneReconciler:
    """The folders of the endpoints below `home`, one per project and name. What a folder holds follows from the rows."""

    def __init__(self, *, rows: Rows, models: Models, home: Path) -> None:
        self._rows = rows
        self._models = models
        self._home = home
        self._planes = Planes()
        self._lock = threading.Lock()
        self._shown: dict[Path, tuple[tuple[Any, Any], str]] = {}
        models.in_use = _serving  # what a plan names has to be there

    def folder(self, endpoint: str) -> Path:
        """The folder of an endpoint of the caller's project."""
        return self._home / caller().project / endpoint

    def log(self, endpoint: str) -> Path:
        """The folder of the log of predictions."""
        return self.folder(endpoint) / "log"

    def show(self, endpoint: str) -> str:
        """Bring the plan file up to the rows and see that a plane is alive; returns the digest of the plan."""
        folder = self.folder(endpoint)
        with self._lock:  # a plan made from older rows must not be put over a newer one
            row = self._rows.read(lambda tx: find_endpoint(tx, endpoint))
            stamp = (tuple(map(str, row)), _stamp(folder / PLAN))
            known = self._shown.get(folder)
            digest = known[1] if known is not None and known[0] == stamp else self._planes.tell(folder, self._plan(folder, row))
            self._shown[folder] = ((stamp[0], _stamp(folder / PLAN)), digest)
        self._planes.keep(folder)
        return digest

    def shown(self, endpoint: str) -> PlaneState:
        """The state of the plane once it follows the rows.

        Raises:
            Unavailable: it does not in good time.
        """
        return self._planes.follows(self.folder(endpoint), self.show(endpoint))

    def adopt(self) -> None:
        """Look after planes that others have started as well, as a server does."""
        self._planes.adopting = True

    def leave(self) -> None:
        """Let the planes live on without this process."""
        self._planes.leave()

    def close(self) -> None:
        """End the planes that this process started or adopted."""
        self._planes.close()

    def _plan(self, folder: Path, row: Row[Any]) -> Plan:
        versions = [self._plane_version(folder, share) for share in store.read_endpoint(row).shares]
        return Plan(endpoint=row.name, salt=row.salt, keys=sorted(row.keys.values()), versions=versions, rollout=row.rollout)

    def _plane_version(self, folder: Path, share: Share) -> PlaneVersion:
        version = self._models.get(str(share.version))
        path = self._models.unpacked(version, folder / "artifacts")
        return PlaneVersion(
            version=version.version, ref=str(version.ref), artifact=str(path), flavor=version.flavor, signature=version.signature,
            role=share.role, weight=share.weight, limits=self._models.sandbox(version.model, version.flavor),
            proof=self._models.proved(str(version.ref)),
        )  # fmt: skip


def _serving(tx: Tx, model: str, version: int | None) -> list[str]:
    """The endpoints of the caller's project that answer with a version of a model, or with any, alone or in a rollout, paused or not."""
    found = []
    for row in store.endpoints(tx, caller().project):
        refs = [share.version for share in store.read_endpoint(row).shares]
        if any(ref.name == model and version in (None, int(ref.version or 0)) for ref in refs):
            found.append(row.name)
    return found


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino
