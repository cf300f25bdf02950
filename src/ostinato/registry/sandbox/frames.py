"""The wire format between a process and its sandbox: a length in four bytes, then msgpack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from ostinato.registry.types import Signature


class Reply(msgspec.Struct, omit_defaults=True):
    """Scores as float64, or what went wrong: a sentence, a hint, and of which type the error is."""

    scores: bytes = b""
    error: str = ""
    hint: str = ""
    kind: str = ""


class Task(msgspec.Struct):
    """The model to load: its flavor, the path of its artifact (a file or a folder), and its signature."""

    flavor: str
    artifact: str
    signature: Signature


def framed(content: bytes) -> bytes:
    """The content behind its length."""
    return len(content).to_bytes(4, "little") + content


def next_frame(stream: BinaryIO) -> bytes | None:
    """The next frame; None at the end."""
    head = stream.read(4)
    return stream.read(int.from_bytes(head, "little")) if len(head) == 4 else None


def pack(columns: Mapping[str, NDArray[Any]], signature: Signature) -> bytes:
    """The inputs of a signature as one frame's content."""
    arrays = {field.name: np.asarray(columns[field.name]) for field in signature.inputs}
    return msgspec.msgpack.encode({n: (c.dtype.str, c.tobytes()) if c.dtype.kind in "biuf" else c.tolist() for n, c in arrays.items()})


def unpack(content: bytes) -> dict[str, NDArray[Any]]:
    """The columns in a frame."""
    columns: dict[str, NDArray[Any]] = {}
    for name, value in msgspec.msgpack.decode(content).items():
        if len(value) == 2 and isinstance(value[1], bytes):
            columns[name] = np.frombuffer(value[1], np.dtype(value[0]))
        else:
            columns[name] = np.empty(len(value), object)
            columns[name][:] = value
    return columns
