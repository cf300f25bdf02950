"""CRC-32C: against the definition, bit by bit, and the values of RFC 3720."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ostinato.tracking.tensorboard.crc import crc32c, each, masked


def _by_bits(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize(("data", "crc"), [(b"", 0), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E)])
def test_the_values_of_the_standard(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc


@given(st.binary(max_size=2000))
@example(bytes(512))
@example(bytes(513))
@example(b"\x01" * 1999)
def test_short_and_long_ones_are_as_the_definition_says(data: bytes) -> None:
    assert crc32c(data) == _by_bits(data)


@given(st.lists(st.binary(max_size=700), max_size=12))
def test_many_at_once_are_as_one_by_one(parts: list[bytes]) -> None:
    lengths = np.array([len(part) for part in parts], np.int64)
    flat = np.frombuffer(b"".join(parts), np.uint8)
    assert each(flat, np.cumsum(lengths) - lengths, lengths).tolist() == [_by_bits(part) for part in parts]


def test_masked_as_the_format_of_records_says() -> None:
    assert int(masked(0)) == 0xA282EAD8
    assert int(masked(crc32c(b"123456789"))) == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) % (1 << 32)
