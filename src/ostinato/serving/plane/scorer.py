"""The process of one candidate: frames of columns on stdin, frames of scores on stdout, ends when the plane does."""

from __future__ import annotations

import os
import sys
from typing import Any, BinaryIO

import msgspec
import numpy as np

from ostinato.serving.plane.plan import Served
from ostinato.serving.plane.scoring import load, lower_priority, unpack


def main() -> None:
    """The first frame names the version; each further one is scored."""
    lower_priority()
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a model prints must not end up between the frames
    frames = sys.stdin.buffer
    first = _next(frames)
    if first is None:
        return
    try:
        served = msgspec.msgpack.decode(first, type=Served)
        predictor = load(served)
    except Exception as error:
        _answer(replies, {"error": f"{type(error).__name__}: {error}"})
        return
    _answer(replies, {"scores": b""})
    while (frame := _next(frames)) is not None:
        try:
            scores = np.asarray(predictor.predict(unpack(frame, served.signature)), "<f8")
            _answer(replies, {"scores": scores.tobytes()})
        except Exception as error:
            _answer(replies, {"error": f"{type(error).__name__}: {error}"})


def _next(frames: BinaryIO) -> bytes | None:
    head = frames.read(4)
    return frames.read(int.from_bytes(head, "little")) if len(head) == 4 else None


def _answer(replies: BinaryIO, value: dict[str, Any]) -> None:
    content = msgspec.msgpack.encode(value)
    replies.write(len(content).to_bytes(4, "little") + content)
    replies.flush()


if __name__ == "__main__":
    main()
