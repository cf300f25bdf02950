"""A small process that passes on what a training prints and keeps a bounded copy of it.

    python tee.py FILE MOST_BYTES < the training's output

A process of its own, so that it needs no interpreter lock of the training, and what was printed last is passed on also when the training
was killed or crashed. It ends with the last process that prints into it. Standard library only: it starts in 10 ms.
"""

import os
import signal
import sys

_PART = 1 << 16


class Fold:
    """Lines as a terminal would show them at last: what a carriage return goes over again is left out.

    >>> fold = Fold()
    >>> fold.fed(b"10%\\r20%\\r") + fold.fed(b"30%\\ndone\\r\\n")
    b'30%\\ndone\\n'
    """

    def __init__(self) -> None:
        self._open = b""

    def fed(self, part: bytes) -> bytes:
        """The lines that are whole now."""
        *lines, last = (self._open + part).split(b"\n")
        self._open = b"\r".join(last.split(b"\r")[-2:])[-_PART:]
        return b"".join([visible_text(line) + b"\n" for line in lines])

    def rest(self) -> bytes:
        """The incomplete last line."""
        return visible_text(self._open)


def visible_text(line: bytes) -> bytes:
    """The visible text of a line on a terminal.

    >>> visible_text(b"a\\rb"), visible_text(b"dos\\r"), visible_text(b"plain")
    (b'b', b'dos', b'plain')
    """
    parts = [part for part in line.split(b"\r") if part]
    return parts[-1] if parts else b""


class BoundedCopy:
    """A bounded, folded copy of what is printed, in a file."""

    def __init__(self, path: str, most: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        self._fold, self._most = Fold(), most

    def add(self, part: bytes) -> None:
        """Add output."""
        self._write(self._fold.fed(part))

    def close(self) -> None:
        """Store the rest, and no more."""
        self._write(self._fold.rest())
        os.close(self._file)

    def _write(self, told: bytes) -> None:
        if len(told) > self._most:
            told, self._most = told[: self._most] + (b"\n(the rest was not kept)\n" if self._most else b""), 0
        try:
            os.write(self._file, told)
            self._most -= min(self._most, len(told))
        except OSError:  # a full disk; what is printed is passed on all the same
            self._most = 0


def main(path: str, most: int) -> None:
    """Pass on standard input to standard output, and keep it folded in a file."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends when nobody prints any more
    kept, passing = BoundedCopy(path, most), True
    while True:
        try:
            part = os.read(0, _PART)
        except OSError:  # a pseudo-terminal ends so
            part = b""
        if not part:
            kept.close()
            return
        passing = passing and write_all(part)
        kept.add(part)


def write_all(part: bytes) -> bool:
    """Write all of it to standard output; False if nobody reads it any more."""
    try:
        while part:
            part = part[os.write(1, part) :]
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
