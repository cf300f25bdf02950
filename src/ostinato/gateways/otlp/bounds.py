"""Limits on the content of a request, counted while it is read."""

from __future__ import annotations

from collections.abc import Iterator

from ostinato.gateways.otlp.protobuf import fields
from ostinato.kernel.errors import TooLarge
from ostinato.traces import intake

RESOURCES_MAX = 200
"""How many resources a request tells of: each is kept by a transaction of its own, and may make an experiment."""
PARTS_MAX = 4_000_000
"""How many fields of protocol buffers, or objects of JSON, a request has."""
HEAVY = 40
"""As how many parts something counts that becomes an object."""


class Bounds:
    """The remaining limits of a request, counted while it is read, so that excess is refused before it fills memory."""

    def __init__(self) -> None:
        self._spans, self._parts = intake.SPANS_MAX, PARTS_MAX

    def fields(self, content: bytes) -> Iterator[tuple[int, int | bytes]]:
        """The fields of a message, each of them counted."""
        for found in fields(content):
            self.take(1)
            yield found

    def take(self, parts: int) -> None:
        """Count parts.

        Raises:
            TooLarge: there are too many.
        """
        self._parts -= parts
        if self._parts < 0:
            raise TooLarge("the request has too many parts", hint="send fewer spans at once, with fewer attributes and events")

    def take_spans(self, count: int = 1) -> None:
        """Count spans.

        Raises:
            TooLarge: there are too many.
        """
        self._spans -= count
        if self._spans < 0:
            raise TooLarge(f"more than {intake.SPANS_MAX} spans at once", hint="send fewer; a collector has send_batch_max_size")
        self.take(count * HEAVY)
