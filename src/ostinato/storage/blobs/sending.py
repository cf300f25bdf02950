"""Sending: a large content travels in parts, and who sends it asks first which have arrived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ostinato.kernel.frozen import frozen

PART_BYTES = 8 << 20
"""In parts of this size clients send; a part may have up to 64 MiB."""
LARGE_BYTES = 16 << 20
"""What is larger travels in parts."""


@frozen
class Span:
    """`size` bytes from `start` on."""

    start: int
    size: int


@frozen
class Received:
    """What has arrived of an upload, in order; each part is durable."""

    upload: str
    parts: list[Span]


class Taking(Protocol):
    """Who takes a large content in parts: a service, or one on a server."""

    def received(self, upload: str) -> Received: ...
    def send_part(self, upload: str, start: int, content: bytes) -> Received: ...


def sent(taking: Taking, upload: str, size: int, part: Callable[[int, int], bytes]) -> None:
    """Send what has not arrived of an upload; `part` gives the bytes from one place to another."""
    arrived = taking.received(upload).parts
    for start in range(0, size, PART_BYTES):
        end = min(start + PART_BYTES, size)
        if not any(span.start <= start and end <= span.start + span.size for span in arrived):
            taking.send_part(upload, start, part(start, end))
