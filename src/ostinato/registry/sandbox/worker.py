"""The worker of the sandbox: loads one model and scores frames until there are no more."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from ostinato.kernel.errors import OstinatoError
from ostinato.registry.flavor import loaded
from ostinato.registry.sandbox.frames import Reply, Task, framed, next_frame, unpack


def work(frames: BinaryIO, replies: BinaryIO, problem: Exception | None) -> None:
    """The first frame says what to load; each further one is scored. With a problem, that is the one reply."""
    with suppress(OSError):
        os.nice(5)  # the stable version in the plane comes first
    try:
        if problem is not None:
            raise problem
        first = next_frame(frames)
        if first is None:
            return
        task = msgspec.msgpack.decode(first, type=Task)
        predictor = loaded(task.flavor, Path(task.artifact), task.signature)
    except BaseException as error:
        _answer(replies, _refusal(error))
        return
    _answer(replies, Reply())
    while (frame := next_frame(frames)) is not None:
        try:
            reply = Reply(scores=np.asarray(predictor.predict(unpack(frame)), "<f8").tobytes())
        except BaseException as error:
            reply = _refusal(error)
        _answer(replies, reply)


def _refusal(error: BaseException) -> Reply:
    own = isinstance(error, OstinatoError)
    said = str(error) if own else f"{type(error).__name__}: {error}"
    return Reply(error=said[:2000], hint=getattr(error, "hint", "")[:1000], kind=type(error).__name__ if own else "")


def _answer(replies: BinaryIO, reply: Reply) -> None:
    replies.write(framed(msgspec.msgpack.encode(reply)))
    replies.flush()
