"""Records: what is whole is read, what is damaged is passed over and told, what is being written is left for later."""

from __future__ import annotations

import contextlib
import io

from hypothesis import given
from hypothesis import strategies as st

from ostinato.kernel.protobuf import Malformed
from ostinato.tracking.tensorboard.events import Told, tell
from ostinato.tracking.tensorboard.messages import fields, put
from ostinato.tracking.tensorboard.records import framed, read

MESSAGES = st.lists(st.binary(max_size=300), max_size=8)


def _all(data: bytes, start: int = 0) -> tuple[list[bytes], int, list[int]]:
    file, found, damaged = io.BytesIO(data), [], []
    while (piece := read(file, start)).end > start:
        found += [bytes(record) for record in piece.records]
        damaged += [at for at, _, _ in piece.damaged]
        start = piece.end
    return found, start, damaged


@given(MESSAGES)
def test_what_is_written_is_read(messages: list[bytes]) -> None:
    data = framed(messages)
    assert _all(data) == (messages, len(data), [])


@given(MESSAGES, st.data())
def test_a_file_that_is_being_written_is_read_in_any_pieces(messages: list[bytes], data: st.DataObject) -> None:
    whole = framed(messages)
    found, at = [], 0
    for cut in sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6))):
        more, at, damaged = _all(whole[:cut], at)
        found += more
        assert not damaged
    assert found + _all(whole, at)[0] == messages


@given(st.lists(st.binary(min_size=1, max_size=100), min_size=3, max_size=6), st.data())
def test_a_flipped_bit_costs_one_record_and_is_told(messages: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(framed(messages))
    hit = data.draw(st.integers(0, len(messages) - 2))
    start = len(framed(messages[:hit]))
    place = start + data.draw(st.integers(0, len(messages[hit]) + 15))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    found, end, damaged = _all(bytes(whole))
    assert found == [message for n, message in enumerate(messages) if n != hit]
    assert (end, damaged) == (len(whole), [start])


def test_data_that_looks_like_a_head_and_a_large_record_after_damage_are_no_trouble() -> None:
    head, large = framed([b""])[:12], bytes(1_200_000)
    whole = bytearray(framed([head, large, b"b"]))
    whole[0] ^= 1
    assert _all(bytes(whole)) == ([large, b"b"], len(whole), [0])


def test_a_record_longer_than_a_reading_is_read_whole() -> None:
    large = bytes(3 << 20)
    assert _all(framed([b"a", large, b"b"]))[0] == [b"a", large, b"b"]


def test_a_piece_is_the_same_at_every_reading_however_much_was_added_since() -> None:
    data = framed([bytes([n]) * 50 for n in range(100)])
    first = read(io.BytesIO(data[:3000]), 0)
    again = read(io.BytesIO(data), 0, first.end)
    assert [*map(bytes, again.records)] == [*map(bytes, first.records)]
    assert again.end == first.end


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    _all(data)
    read(io.BytesIO(data), 0, len(data))
    told = Told()
    for _ in range(2):
        with contextlib.suppress(Malformed, OverflowError, ValueError, IndexError):
            tell(told, memoryview(data))


@given(st.binary(max_size=200), st.integers(1, 9), st.integers(1, 9))
def test_no_event_breaks_the_reader_wherever_its_bytes_stand(data: bytes, outer: int, inner: int) -> None:
    event = put(1, 1.5) + put(2, 7) + put(5, put(1, put(1, "tag") + put(outer, put(inner, data) + data)))
    with contextlib.suppress(Malformed, OverflowError, ValueError, IndexError):
        tell(Told(), memoryview(event))


@given(st.lists(st.tuples(st.integers(1, 1000), st.one_of(st.integers(0, 2**63), st.binary(max_size=50)))))
def test_fields_are_read_as_they_were_put(given_fields: list[tuple[int, int | bytes]]) -> None:
    message = b"".join(put(number, value) for number, value in given_fields)
    read_back = [(n, value if isinstance(value, int) else bytes(value)) for n, value in fields(memoryview(message))]
    assert read_back == given_fields
