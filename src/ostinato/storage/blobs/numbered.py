"""Numbered: large blobs that arrive in numbered parts, in any order, by whoever was given the id; otherwise like `uploads`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import delete, func, insert, select

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Conflict, Invalid, TooLarge
from ostinato.storage.blobs.blobs import Blob, Blobs
from ostinato.storage.blobs.uploads import part
from ostinato.storage.rows.rows import Rows, Tx

PARTS_MAX = 10_000
_WAITING_MAX = 256 << 30
_KEPT_S = 86_400
_WHOLE = -1
_p = part.c


class Numbered:
    """Uploads of the caller's project. What was begun and not finished is forgotten a day after its last part."""

    def __init__(self, blobs: Blobs, rows: Rows, *, waiting_max: int = _WAITING_MAX, kept_s: int = _KEPT_S) -> None:
        self._blobs = blobs
        self._rows = rows
        self._waiting_max = waiting_max
        self._kept_s = kept_s

    def begin(self) -> str:
        """The id of a new upload, which nobody guesses. Nothing is kept before its first part."""
        return secrets.token_hex(32)

    def keep(self, upload: str, number: int, pieces: Iterable[bytes]) -> None:
        """Keep a part, durably, in the place of an earlier one of that number.

        Raises:
            Invalid: the number is not from 1 to 10,000.
            TooLarge: too much is under way.
        """
        if not 1 <= number <= PARTS_MAX:
            raise Invalid(f"part {number}", hint=f"parts are numbered from 1 to {PARTS_MAX}", field="part_number")
        blob, project, now = self._blobs.put(pieces), caller().project, int(time.time())
        row = {
            "project": project,
            "upload": upload,
            "start": number,
            "size": blob.size,
            "digest": blob.digest,
            "expires": now + self._kept_s,
        }

        def change(tx: Tx) -> None:
            tx.execute(delete(part).where(_p.project == project, _p.expires < now))
            tx.execute(delete(part).where(_p.project == project, _p.upload == upload, _p.start.in_((number, _WHOLE))))
            tx.execute(insert(part), [{"project": project, "upload": upload} | row])
            waiting = tx.all(select(func.coalesce(func.sum(_p.size), 0)).where(_p.project == project, _p.start >= 0))
            if int(waiting[0][0]) > self._waiting_max:
                hint = "finish uploads that are under way; what is not is forgotten after a day"
                raise TooLarge(f"more than {self._waiting_max >> 30} GiB are under way in this project", hint=hint)

        self._rows.write(change)

    def finish(self, upload: str, numbers: Sequence[int]) -> Blob:
        """Put parts together, in this order. A repeat within a day gives the same again.

        Raises:
            Conflict: one of them has not arrived, or one that has is not named.
        """
        project = caller().project
        found = self._rows.read(lambda tx: tx.all(select(_p.start, _p.size, _p.digest).where(_p.project == project, _p.upload == upload)))
        known = {row.start: row for row in found}
        if whole := known.get(_WHOLE):
            return Blob(digest=whole.digest, size=whole.size)
        if not numbers or sorted(numbers) != sorted(known):
            odd = sorted({*numbers} ^ {*known}) or list(numbers)
            raise Conflict(f"of the upload the parts {odd[:10]} have not arrived, or are not named once", hint="send what is missing")
        blob = self._blobs.put(self._joined([known[number].digest for number in numbers]))
        row = {
            "project": project, "upload": upload, "start": _WHOLE, "size": blob.size, "digest": blob.digest,
            "expires": int(time.time()) + self._kept_s,
        }  # fmt: skip

        def change(tx: Tx) -> None:
            tx.execute(delete(part).where(_p.project == project, _p.upload == upload))
            tx.execute(insert(part), [row])

        self._rows.write(change)
        return blob

    def drop(self, upload: str) -> None:
        """Forget what has arrived of an upload."""
        project = caller().project
        self._rows.write(lambda tx: tx.execute(delete(part).where(_p.project == project, _p.upload == upload)))

    def _joined(self, digests: Sequence[str]) -> Iterator[bytes]:
        for digest in digests:
            yield from self._blobs.stream(digest)
