"""CRC-32C (Castagnoli) as in TensorBoard's event files, vectorized over many short records."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

_POLYNOMIAL = 0x82F63B78
_ALL = 0xFFFFFFFF
_LONG = 512


def _table() -> Any:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


_TABLE = _table()


def crc32c(data: bytes | memoryview) -> int:
    """The checksum of bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    flat = np.frombuffer(data, np.uint8)
    return int(each(flat, np.array([0]), np.array([len(flat)]))[0])


def masked(crc: Any) -> Any:
    """A checksum, or an array of them, as it stands in a file."""
    wide = np.asarray(crc, np.uint64)
    return ((((wide >> np.uint64(15)) | (wide << np.uint64(17))) + np.uint64(0xA282EAD8)) & np.uint64(_ALL)).astype(np.uint32)


def each(flat: Any, starts: Any, lengths: Any) -> Any:
    """The checksums of stretches of an array of bytes: the short ones side by side, byte by byte."""
    register = np.full(len(starts), _ALL, np.uint32)
    short = np.flatnonzero(lengths <= _LONG)
    order = short[np.argsort(-lengths[short], kind="stable")]
    sizes = -lengths[order]
    going, places = register[order], starts[order]
    for at in range(int(-sizes[0]) if len(sizes) else 0):
        n = int(np.searchsorted(sizes, -at, side="left"))
        going[:n] = _TABLE[(going[:n] ^ flat[places[:n] + at]) & 0xFF] ^ (going[:n] >> np.uint32(8))
    register[order] = going
    for one in np.flatnonzero(lengths > _LONG):
        register[one] = _long(flat[starts[one] : starts[one] + lengths[one]])
    return register ^ np.uint32(_ALL)


def _long(flat: Any) -> int:
    """The register after many bytes: as many lanes as each has bytes go side by side, and are joined in the end."""
    width = int(np.sqrt(len(flat)))
    lanes = flat[: len(flat) // width * width].reshape(-1, width)
    registers = np.zeros(len(lanes), np.uint32)
    for at in range(width):
        registers = _TABLE[(registers ^ lanes[:, at]) & 0xFF] ^ (registers >> np.uint32(8))
    tables, register = _shifting(width), _ALL
    for lane in registers.tolist():
        register = (
            lane ^ tables[0][register & 255] ^ tables[1][register >> 8 & 255] ^ tables[2][register >> 16 & 255] ^ tables[3][register >> 24]
        )
    for byte in flat[lanes.size :].tolist():
        register = int(_TABLE[(register ^ byte) & 0xFF]) ^ (register >> 8)
    return register


@lru_cache(64)
def _shifting(width: int) -> list[list[int]]:
    """By each byte of a register, what so many zero bytes make of it."""
    columns = np.left_shift(np.uint32(1), np.arange(32, dtype=np.uint32))
    for _ in range(width):
        columns = _TABLE[columns & 0xFF] ^ (columns >> np.uint32(8))
    tables = []
    for place in range(0, 32, 8):
        made = np.zeros(256, np.uint32)
        for bit in range(8):
            made[np.arange(256) >> bit & 1 == 1] ^= columns[place + bit]
        tables.append(made.tolist())
    return tables
