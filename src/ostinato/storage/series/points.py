"""Points: measured values in columns, and their two encodings, both exact to the bit."""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ostinato.kernel.errors import Corrupt, Invalid
from ostinato.kernel.frozen import frozen

Axis = Literal["step", "time"]
_WIDTHS = (4, 8, 8, 8)


@frozen
class Points:
    """Point i is `value[i]` of the series `keys[key[i]]` at `step[i]`, measured `at[i]` microseconds after 1970.

    Values may be NaN or infinite; steps may repeat and come in any order; points stand in the order of their arrival.
    """

    keys: list[str]
    key: NDArray[np.uint32]
    step: NDArray[np.int64]
    at: NDArray[np.int64]
    value: NDArray[np.float64]

    def __post_init__(self) -> None:
        sizes = {len(self.key), len(self.step), len(self.at), len(self.value)}
        if len(sizes) != 1:
            raise Invalid("the columns of a frame differ in length", hint=f"lengths: {sorted(sizes)}", field="frame")
        if len(self.key) and int(self.key.max()) >= len(self.keys):
            raise Invalid("a frame names a key that it does not list", field="frame.key")
        if len(set(self.keys)) != len(self.keys):
            raise Invalid("a frame lists a key twice", field="frame.keys")

    def __len__(self) -> int:
        return len(self.key)

    def only(self, key: str) -> Points:
        """The points of one series."""
        chosen = self.key == (self.keys.index(key) if key in self.keys else len(self.keys))
        return _series(key, self.step[chosen], self.at[chosen], self.value[chosen])

    def where(self, chosen: NDArray[np.bool_]) -> Points:
        """The points of a mask."""
        return Points(keys=self.keys, key=self.key[chosen], step=self.step[chosen], at=self.at[chosen], value=self.value[chosen])

    def along(self, axis: Axis) -> NDArray[np.int64]:
        """The steps, or the times."""
        return self.step if axis == "step" else self.at

    def parted(self) -> dict[str, Points]:
        """The points series by series, each in the order of their arrival; series without any are left out."""
        order = np.argsort(self.key, kind="stable")
        edges = np.searchsorted(self.key[order], np.arange(len(self.keys) + 1)).tolist()
        step, at, value = self.step[order], self.at[order], self.value[order]
        spans = [(key, slice(start, end)) for key, (start, end) in zip(self.keys, pairwise(edges), strict=True) if start < end]
        return {key: _series(key, step[of], at[of], value[of]) for key, of in spans}

    def cut(self, size: int) -> list[Points]:
        """The points of one series in parts of at most `size`."""
        spans = [slice(start, start + size) for start in range(0, len(self), size)]
        return [_series(self.keys[0], self.step[of], self.at[of], self.value[of]) for of in spans]

    def encode(self) -> bytes:
        """As it arrives: the length of the head, the keys as JSON, then the columns, little-endian."""
        head = json.dumps(self.keys).encode()
        columns = (self.key.astype("<u4"), self.step.astype("<i8"), self.at.astype("<i8"), self.value.astype("<f8"))
        return struct.pack("<I", len(head)) + head + b"".join(column.tobytes() for column in columns)

    @classmethod
    def decode(cls, data: bytes) -> Points:
        """The inverse of `encode`."""
        (head,) = struct.unpack_from("<I", data)
        keys: list[str] = json.loads(data[4 : 4 + head])
        n, odd = divmod(len(data) - 4 - head, sum(_WIDTHS))
        if odd:
            raise Corrupt("a batch of points has an odd length", hint="restore a backup")
        starts = 4 + head + n * np.cumsum((0, *_WIDTHS[:-1]))
        return cls(
            keys=keys,
            key=np.frombuffer(data, "<u4", n, starts[0]).astype(np.uint32, copy=False),
            step=np.frombuffer(data, "<i8", n, starts[1]).astype(np.int64, copy=False),
            at=np.frombuffer(data, "<i8", n, starts[2]).astype(np.int64, copy=False),
            value=np.frombuffer(data, "<f8", n, starts[3]).astype(np.float64, copy=False),
        )

    def pack(self) -> bytes:
        """For keeping, points of one series only: differences of steps and times, bytes transposed, zstd."""
        columns = (_differences(self.step), _differences(self.at), self.value.astype("<f8"))
        plain = b"".join(column.view(np.uint8).reshape(-1, 8).T.tobytes() for column in columns)
        packed: bytes = pa.compress(plain, codec="zstd", asbytes=True)
        return packed

    @classmethod
    def unpack(cls, key: str, n: int, data: bytes) -> Points:
        """The inverse of `pack`."""
        plain = np.frombuffer(pa.decompress(data, 24 * n, codec="zstd", asbytes=True), np.uint8).reshape(3, 8, n)
        step, at, value = (np.ascontiguousarray(part.T).reshape(-1) for part in plain)
        steps, times = (np.cumsum(column.view("<i8"), dtype=np.int64) for column in (step, at))
        return _series(key, steps, times, value.view("<f8").astype(np.float64, copy=False))


def squeezed(data: bytes) -> bytes:
    """Bytes for keeping a while: a third of an encoded batch, at hardly any cost."""
    packed: bytes = pa.compress(data, codec="lz4_raw", asbytes=True)
    return struct.pack("<I", len(data)) + packed


def unsqueezed(data: bytes) -> bytes:
    """The inverse of `squeezed`."""
    plain: bytes = pa.decompress(memoryview(data)[4:], struct.unpack_from("<I", data)[0], codec="lz4_raw", asbytes=True)
    return plain


def joined(parts: list[Points]) -> Points:
    """The points of several batches, in their order."""
    places: dict[str, int] = {}
    index = [np.array([places.setdefault(key, len(places)) for key in part.keys], np.uint32)[part.key] for part in parts]
    return Points(
        keys=list(places),
        key=np.concatenate(index or [np.empty(0, np.uint32)]),
        step=np.concatenate([part.step for part in parts] or [np.empty(0, np.int64)]),
        at=np.concatenate([part.at for part in parts] or [np.empty(0, np.int64)]),
        value=np.concatenate([part.value for part in parts] or [np.empty(0, np.float64)]),
    )


def _series(key: str, step: NDArray[np.int64], at: NDArray[np.int64], value: NDArray[np.float64]) -> Points:
    return Points(keys=[key], key=np.zeros(len(step), np.uint32), step=step, at=at, value=value)


def _differences(column: NDArray[np.int64]) -> NDArray[np.int64]:
    """First differences; a difference beyond 64 bits wraps, and the cumulative sum wraps back."""
    return np.diff(column, prepend=np.int64(0)).astype("<i8")
