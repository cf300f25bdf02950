"""Numbered: large blobs that arrive in numbered parts, in any order, by whoever was given the id; otherwise like `uploads`."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

from ostinato.kernel.errors import Conflict, Invalid
from ostinato.storage.blobs.blobs import Blob
from ostinato.storage.blobs.uploads import Parts

PARTS_MAX = 10_000


class Numbered(Parts):
    """Uploads under an id that is given; a part stands under its number, and who finishes says the order."""

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
        self._keep(upload, number, pieces, anew=True)

    def finish(self, upload: str, numbers: Sequence[int]) -> Blob:
        """Put parts together, in this order. A repeat within a day gives the same again.

        Raises:
            Conflict: one of them has not arrived, or one that has is not named.
        """
        whole, parts = self._found(upload)
        if whole is not None:
            return whole
        known = dict(parts)
        if not numbers or sorted(numbers) != sorted(known):
            odd = sorted({*numbers} ^ {*known}) or list(numbers)
            raise Conflict(f"of the upload the parts {odd[:10]} have not arrived, or are not named once", hint="send what is missing")
        return self._whole(upload, self._joined(known[number] for number in numbers))
