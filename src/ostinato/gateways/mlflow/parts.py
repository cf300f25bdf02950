"""Parts: large files that clients send in parts, several at a time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PureWindowsPath
from typing import Any, ClassVar

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import places, wire
from ostinato.gateways.mlflow.files import Files
from ostinato.gateways.mlflow.places import Place
from ostinato.gateways.mlflow.wire import Ask, Origin
from ostinato.kernel.errors import Invalid
from ostinato.kernel.operation import Op
from ostinato.storage.blobs.numbered import PARTS_MAX, Numbered

MPU = "/api/2.0/mlflow-artifacts/mpu"


class PartsAsk(Ask, kw_only=True):
    """A file that is to come in parts: the folder below the root of all files, and its path where it is now."""

    folder: str
    path: str

    @property
    def needs(self) -> str:
        """Files of traces come from those who may write traces."""
        return "trace:write" if self.place.kind == "trace" else ""

    @property
    def place(self) -> Place:
        """Where it is to lie.

        Raises:
            Invalid: nothing of a run or a logged model.
        """
        return places.place(f"{places.safe(self.folder)}/{PureWindowsPath(self.path).name}")


class CreateParts(PartsAsk, kw_only=True):
    """In how many parts."""

    num_parts: int = 1


class Part(Ask, kw_only=True):
    """A part that was sent."""

    part_number: int


class CompleteParts(PartsAsk, kw_only=True):
    """All parts, in order."""

    upload_id: str
    parts: tuple[Part, ...] = ()


class AbortParts(PartsAsk, kw_only=True):
    """An upload that is given up."""

    upload_id: str


class PartAsk(Ask, kw_only=True):
    """Where a part is sent."""

    upload_id: str
    number: int


class Parts:
    """The routes of uploads in parts."""

    def __init__(self, app: Ostinato) -> None:
        self._files = Files(app)
        self._uploads = Numbered(app.blobs, app.rows)

    def create(self, ask: CreateParts, origin: Origin) -> dict[str, Any]:
        """Say where each part is to be sent: here, by who asks, with the same credentials."""
        if not 1 <= ask.num_parts <= PARTS_MAX:
            raise Invalid(f"Invalid value {ask.num_parts} for parameter 'num_parts' supplied: 1 to {PARTS_MAX}", field="num_parts")
        self._files.check(ask.place)
        upload = self._uploads.begin()
        headers = {"Authorization": origin.authorization} if origin.authorization else {}
        credentials = [
            {"url": f"{origin.url}{MPU}/part/{upload}/{number}", "part_number": number, "headers": headers}
            for number in range(1, ask.num_parts + 1)
        ]
        return {"upload_id": upload, "credentials": credentials}

    def sent(self, ask: PartAsk, pieces: Iterable[bytes]) -> None:
        """Keep a part, while it arrives."""
        self._uploads.keep(_checked(ask.upload_id), ask.number, pieces)

    def complete(self, ask: CompleteParts) -> dict[str, Any]:
        """Put the parts together, and keep them as the file."""
        self._files.check(ask.place)
        self._files.keep(ask.place, self._uploads.finish(_checked(ask.upload_id), [part.part_number for part in ask.parts]))
        return {}

    def abort(self, ask: AbortParts) -> dict[str, Any]:
        """Forget what was sent."""
        self._uploads.drop(_checked(ask.upload_id))
        return {}

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{MPU}/create/{{folder:path}}", create, "run:write"),
        Op("PUT", f"{MPU}/part/{{upload_id}}/{{number}}", sent, "run:write"),
        Op("POST", f"{MPU}/complete/{{folder:path}}", complete, "run:write"),
        Op("POST", f"{MPU}/abort/{{folder:path}}", abort, "run:write"),
    ]


def _checked(upload: str) -> str:
    if len(upload) != 64 or not upload.isalnum():
        raise wire.missing("upload_id")
    return upload
