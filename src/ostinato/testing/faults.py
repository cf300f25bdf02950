"""Disk faults: the n-th system call fails, or all calls are recorded and every crash state that they allow is replayed.

The calls are caught in a preloaded library (`faults.c`), because SQLite and Arrow do not write through Python. `preloaded` says
how a process is started so; inside it, `arm` and `record` begin, for the files below one folder.
"""

from __future__ import annotations

import ctypes
import errno
import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ostinato.kernel.frozen import frozen

Call = Literal["write", "sync", "rename"]
Manner = Literal["EIO", "ENOSPC", "short"]
_SOURCE = Path(__file__).with_suffix(".c")
_CALLS: dict[Call, int] = {"write": 1, "sync": 2, "rename": 4}
_MANNERS: dict[Manner, tuple[int, int]] = {"EIO": (0, errno.EIO), "ENOSPC": (1, errno.ENOSPC), "short": (2, errno.ENOSPC)}
_HEAD = struct.Struct("<c3xIIq")


@frozen
class Fault:
    """The `nth` call (from 1) fails: with EIO, once; with ENOSPC, as do all later ones; or it writes half, and the disk is full."""

    call: Call
    nth: int
    manner: Manner


def compiler() -> str | None:
    """A C compiler, or None: without one there are no faults to be had."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def preloaded(folder: Path) -> dict[str, str]:
    """The environment of a process in which faults can be injected; the library is compiled into `folder` on first use.

    Raises:
        subprocess.CalledProcessError: the compiler refuses; what it says is in `stderr`.
    """
    library = folder / "faults.so"
    if not library.exists():
        beside = folder / f"faults.{os.getpid()}.so"
        line = [compiler() or "cc", "-shared", "-fPIC", "-O1", "-o", str(beside), str(_SOURCE), "-ldl", "-lpthread"]
        subprocess.run(line, check=True, capture_output=True, text=True)
        beside.rename(library)
    return os.environ | {"LD_PRELOAD": str(library)}


def arm(root: Path, fault: Fault) -> None:
    """From now on, the calls of this process on files below `root` are counted, and the fault happens."""
    manner, code = _MANNERS[fault.manner]
    _library().fault_arm(_bytes(root), _CALLS[fault.call], ctypes.c_long(fault.nth), manner, code)


def heal(root: Path) -> int:
    """The disk is well again; how many calls there were since `arm`."""
    seen = int(_library().fault_seen())
    _library().fault_arm(_bytes(root), 0, ctypes.c_long(0), 0, 0)
    return seen


def record(root: Path, to: Path) -> None:
    """From now on, all changes by this process below `root` are appended to the file `to`, which lies elsewhere."""
    _library().fault_record(_bytes(root), _bytes(to))


def mark(text: str) -> None:
    """Put down, in its place among the changes, that something was promised: a crash later than this must not break it."""
    _library().fault_mark(text.encode())


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None)
    if not hasattr(library, "fault_arm"):
        raise RuntimeError("start this process with the environment `preloaded`")
    return library


def _bytes(path: Path) -> bytes:
    return os.fsencode(path.absolute())


@dataclass(frozen=True, slots=True)
class Change:
    """One recorded call: `c`reate, `w`rite, `t`runcate, `s`ync or one that failed (`x`), `r`ename, `l`ink, `u`nlink, make `d`irectory,
    or a mark `!`."""

    act: str
    path: str
    number: int
    more: bytes


def recorded(file: Path) -> list[Change]:
    """What `record` put down."""
    content, found, at = file.read_bytes(), [], 0
    while at < len(content):
        act, path, more, number = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        found.append(Change(act.decode(), os.fsdecode(content[at : at + path]), number, content[at + path : at + path + more]))
        at += path + more
    return found


@dataclass(slots=True)
class _File:
    """The bytes of a file that surely are on the disk, and the writes since, each of which may be or not.

    What a flush that failed should have written no later one writes (Rebello et al., ATC 2020): `after` is such writes, which
    may be on the disk, with those flushed since, which are.
    """

    sure: bytearray = field(default_factory=bytearray)
    after: list[tuple[int, bytes | None, bool]] = field(default_factory=list)
    loose: list[tuple[int, bytes | None]] = field(default_factory=list)

    def apply(self, offset: int, content: bytes | None) -> None:
        """A write, or with None a truncation to `offset`."""
        if content is None:
            del self.sure[offset:]
            self.sure.extend(bytes(offset - len(self.sure)))
            return
        self.sure.extend(bytes(max(0, offset - len(self.sure))))
        self.sure[offset : offset + len(content)] = content

    def sync(self, *, failed: bool) -> None:
        for offset, content in self.loose:
            if failed or self.after:
                self.after.append((offset, content, not failed))
            else:
                self.apply(offset, content)
        self.loose.clear()

    def crashed(self, chance: random.Random) -> bytes:
        """What may be left: of what was not synced any part, in any order, a write perhaps cut at a sector."""
        left = _File(bytearray(self.sure))
        for offset, content, sure in self.after:
            if sure:
                left.apply(offset, content)
            elif chance.random() < 0.5:
                left.apply(offset, _cut(content, chance))
        kept = [one for one in self.loose if chance.random() < 0.5]
        chance.shuffle(kept)
        for offset, content in kept:
            left.apply(offset, _cut(content, chance))
        return bytes(left.sure)


def _cut(content: bytes | None, chance: random.Random) -> bytes | None:
    if content is not None and len(content) > 512 and chance.random() < 0.3:
        return content[: 512 * chance.randrange(1, len(content) // 512 + 1)]
    return content


_FOLDER = 0


class Disk:
    """A disk that keeps what it must and no more: bytes once their file is synced, names once their folder is.

    Of the names in one folder a crash keeps a beginning of what happened to them, as a journal does; folders do not wait for each other.
    """

    def __init__(self, root: Path, start: Path) -> None:
        """`start` is a copy of the folder `root` from before the first change: it is on the disk."""
        self._root = str(root.absolute())
        self._files: dict[int, _File] = {}
        self._names: dict[str, int] = {}
        self._loose: dict[str, list[tuple[str, int | None]]] = {}
        for path in start.rglob("*"):
            number = _FOLDER if path.is_dir() else self._fresh(path.read_bytes())
            self._names[os.path.join(self._root, path.relative_to(start))] = number
        self._sure = dict(self._names)

    def change(self, one: Change) -> None:
        """Let it happen."""
        if one.act == "c":
            self._name(one.path, self._fresh())
        elif one.act in "wt" and one.path in self._names:
            self._files[self._names[one.path]].loose.append((one.number, one.more if one.act == "w" else None))
        elif one.act in "rl":
            self._name(os.fsdecode(one.more), self._names[one.path])
            if one.act == "r":
                self._name(one.path, None)
        elif one.act == "u":
            self._name(one.path, None)
        elif one.act == "d":
            self._name(one.path, _FOLDER)
        elif one.act == "s":
            self._sync(one.path)
        elif one.act == "x" and self._names.get(one.path):
            self._files[self._names[one.path]].sync(failed=True)

    def image(self, target: Path, chance: random.Random) -> None:
        """Write to the new folder `target` what a crash at this moment may leave."""
        names = dict(self._sure)
        for _, changes in sorted(self._loose.items()):
            for path, number in changes[: chance.randrange(len(changes) + 1)]:
                _set(names, path, number)
        target.mkdir(parents=True)
        for path, number in sorted(names.items()):
            place = target / os.path.relpath(path, self._root)
            if not place.parent.is_dir():  # a folder that was lost took its files with it
                continue
            if number == _FOLDER:
                place.mkdir()
            else:
                place.write_bytes(self._files[number].crashed(chance))

    def _fresh(self, content: bytes = b"") -> int:
        self._files[len(self._files) + 1] = _File(bytearray(content))
        return len(self._files)

    def _name(self, path: str, number: int | None) -> None:
        _set(self._names, path, number)
        self._loose.setdefault(os.path.dirname(path), []).append((path, number))

    def _sync(self, path: str) -> None:
        if self._names.get(path):
            self._files[self._names[path]].sync(failed=False)
        for name, number in self._loose.pop(path, []):
            _set(self._sure, name, number)


def _set(names: dict[str, int], path: str, number: int | None) -> None:
    if number is None:
        names.pop(path, None)
    else:
        names[path] = number


def crashes(
    changes: list[Change], root: Path, start: Path, folder: Path, count: int, chance: random.Random
) -> Iterator[tuple[Path, list[str]]]:
    """`count` images of what crashes at random moments may leave, each a folder that is removed after its turn, with the marks before."""
    disk, done, marks = Disk(root, start), 0, list[str]()
    for number, moment in enumerate(sorted(chance.randrange(len(changes) + 1) for _ in range(count))):
        for one in changes[done:moment]:
            disk.change(one)
            marks += [one.path] if one.act == "!" else []
        done = moment
        image = folder / f"crash-{number}"
        disk.image(image, chance)
        yield image, list(marks)
        shutil.rmtree(image)
