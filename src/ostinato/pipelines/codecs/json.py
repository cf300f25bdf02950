"""Json: plain values that are too large for a row."""

from __future__ import annotations

import json
from typing import Any

from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.tables.tables import Tables


class Json:
    """Plain values (null, booleans, numbers, text, lists, objects) whose text is too large for a row; NaN and infinities are kept."""

    def accepts(self, value: object) -> bool:
        return value is None or isinstance(value, bool | int | float | str | list | tuple | dict)

    def keep(self, value: Any, blobs: Blobs, tables: Tables) -> str:  # noqa: ARG002
        return blobs.put(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).digest

    def fetch(self, digest: str, blobs: Blobs, tables: Tables) -> Any:  # noqa: ARG002
        return json.loads(blobs.open(digest))
