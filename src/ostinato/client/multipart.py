"""Uploads and downloads in parts, so that a broken connection costs one part and no side holds the whole body."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from blake3 import blake3

from ostinato.kernel.errors import Conflict, NotFound
from ostinato.storage.blobs.sending import LARGE_BYTES, PART_BYTES
from ostinato.storage.blobs.sending import sent as sent_parts


def upload_in_parts(whole: Callable[..., Any], raw: str, sent: Callable[..., Any], face: Any) -> Callable[..., Any]:
    """The verb `whole` for any content, its parameter `raw`: a large one goes in parts, of which those that arrived are not sent again."""
    shape = inspect.signature(whole)

    @functools.wraps(whole)
    def ask(*given: Any, **named: Any) -> Any:
        values = shape.bind(*given, **named).arguments
        content = memoryview(values[raw]).cast("B")
        if (size := len(content)) <= LARGE_BYTES:
            return whole(**values)
        upload = blake3(content).hexdigest()
        sent_parts(face, upload, size, lambda start, end: content[start:end])  # type: ignore[arg-type, return-value]
        del values[raw]
        return sent(**values, upload=upload, size=size)

    return ask


def download_in_parts(whole: Callable[..., bytes], face: Any) -> Callable[..., bytes]:
    """The verb `artifact`: a large one comes in parts, unless a part is asked for."""
    shape = inspect.signature(whole)

    @functools.wraps(whole)
    def ask(*given: Any, **named: Any) -> bytes:
        values = shape.bind(*given, **named).arguments
        before = _artifact(face, values)
        if values.keys() & {"start", "size"} or before is None or before.size <= LARGE_BYTES:
            return whole(**values)
        content = bytearray()
        for start in range(0, before.size, PART_BYTES):
            content += whole(**values, start=start, size=PART_BYTES)
        after = _artifact(face, values)
        if after is None or after.digest != before.digest:
            raise Conflict(f"{values['path']} changed while it was read", hint="read it again")
        return bytes(content)

    return ask


def _artifact(face: Any, values: dict[str, Any]) -> Any:
    try:
        return next((found for found in face.artifacts(values["run"]) if found.path == values["path"]), None)
    except NotFound:
        return None
