"""The bytes of an artifact: given as they are, or written from a figure, an image, a table, an array or a structure as its name ends."""

from __future__ import annotations

import io
import json
from pathlib import Path, PurePosixPath
from typing import Any

from ostinato.kernel.errors import Invalid

_FIGURES = ("png", "svg", "pdf", "jpg", "jpeg")
_IMAGES = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "gif": "GIF", "webp": "WEBP"}


def content_of(path: str, content: Any) -> bytes | Path:
    """What is to lie under a path: bytes, or the file that holds them.

    A figure of matplotlib goes into `.png`, `.svg` or `.pdf`, an image of Pillow into `.png` or `.jpg`, a table of pandas, Polars or
    Arrow into `.parquet`, one of pandas also into `.csv`, an array of NumPy into `.npy`, a dict or list into `.json`.

    Raises:
        Invalid: nothing of that kind is written into a file of that name, or it is a folder.
    """
    match content:
        case str():
            return content.encode()
        case bytes() | bytearray() | memoryview():
            return bytes(content)
        case Path() if content.is_dir():
            raise Invalid(f"{content} is a folder", hint="run.artifacts(folder) stores the files below it", field="content")
        case Path():
            return content
    written = io.BytesIO()
    if not _write(content, PurePosixPath(path).suffix[1:].lower(), written):
        raise Invalid(
            f"{path[:200]!r} cannot be written from a {type(content).__name__}",
            hint="bytes, text and a Path go under any name; figures as .png, tables as .parquet, arrays as .npy, a dict as .json",
            field="content",
        )
    return written.getvalue()


def _write(content: Any, ending: str, file: io.BytesIO) -> bool:
    """Write something in the format of a file's ending; False if it has none such."""
    if isinstance(content, dict | list) and ending == "json":
        file.write(json.dumps(content, ensure_ascii=False, indent=1).encode())
    elif hasattr(content, "savefig") and ending in _FIGURES:
        content.savefig(file, format=ending)
    elif hasattr(content, "getbands") and ending in _IMAGES:
        content.save(file, format=_IMAGES[ending])
    elif hasattr(content, "to_parquet") and ending == "parquet":
        content.to_parquet(file)
    elif hasattr(content, "to_csv") and ending == "csv":
        file.write(content.to_csv(index=False).encode())
    elif hasattr(content, "write_parquet") and ending == "parquet":
        content.write_parquet(file)
    elif hasattr(content, "to_batches") and ending == "parquet":
        from pyarrow import parquet

        parquet.write_table(content, file)
    elif type(content).__module__ == "numpy" and ending == "npy":
        import numpy as np

        np.save(file, content, allow_pickle=False)
    else:
        return False
    return True
