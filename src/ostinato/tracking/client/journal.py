"""The journal of one process and one run: a write-ahead log on the local disk.

A record is copied into the map of a file whose blocks were written beforehand. That is no system call and does not let go of the
interpreter lock, so that it takes a microsecond also beside busy threads; and what is in the map is the kernel's: it survives the
death of the process, though not of the machine. A full disk, or the cap, is met by a new segment: then a few go into memory.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import threading
import time
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from blake3 import blake3

from ostinato.kernel.ids import new_id
from ostinato.tracking.client import folders
from ostinato.tracking.client.folders import About
from ostinato.tracking.client.records import BEGIN, FIRST_TAG, MAGIC, Layout, Readable, checked_keys, deed_record

_FIRST_BYTES = 1 << 16
_SEGMENT_BYTES = 1 << 20
_MEMORY_BYTES = 16 << 20
_RESERVE_BYTES = 256 << 20
_RESERVE_SHARE = 0.05
_AGAIN_S = 1.0
_SUFFIX = ".segment"
_NEW = ".new"
_HEAD = struct.Struct("<II")


class Journal:
    """The writer. Callers hold `lock` around `points` and `deed`; without a place, everything stays in memory.

    `full` says why the newest segment is not on the disk, if it is not; `ended` whether all has been said that there is to say.
    """

    def __init__(self, about: About, home: Path | None, cap_bytes: int) -> None:
        self.lock = threading.Lock()
        self.id = new_id()
        self.home = home
        self.full = ""
        self.ended = False
        self.about = about
        self._cap_bytes = cap_bytes
        self._alive = -1
        self._clear()

    def _clear(self) -> None:
        self.folder: Path | None = None
        self.number = -1
        self.at = 0
        self._room = 0
        self._buffer: Any = b""
        self._layouts: dict[tuple[str, ...], Layout] = {}
        self._memory: dict[int, tuple[Any, int]] = {}
        self._sizes: dict[int, int] = {}
        self._again_s = 0.0

    def points(self, keys: tuple[str, ...], step: int, at_us: int, values: Iterable[float]) -> bool:
        """Write one row of points; False if there is no room for it.

        Raises:
            Invalid: a key is not the name of a metric.
            struct.error: a value is no number, or the step no integer of 64 bits; nothing was kept.
        """
        layout = self._layouts.get(keys)
        if layout is None:
            return self._first(keys, step, at_us, values)
        body = layout.pack(layout.tag, step, at_us, *values)
        at = self.at
        end = at + layout.size
        if end > self._room:
            return self._first(keys, step, at_us, values)
        self._buffer[at:end] = _HEAD.pack(len(body), zlib.crc32(body)) + body
        self.at = end
        return True

    def _first(self, keys: tuple[str, ...], step: int, at_us: int, values: Iterable[float]) -> bool:
        """Write the first row of a layout in a segment."""
        known = Layout(FIRST_TAG, checked_keys(keys))
        known.pack(FIRST_TAG, step, at_us, *values)
        if not self._make_room(len(known.record()) + known.size):
            return False
        if keys not in self._layouts:
            self._layouts[keys] = Layout(FIRST_TAG + len(self._layouts), keys)
            self._append(self._layouts[keys].record())
        return self.points(keys, step, at_us, values)

    def deed(self, verb: str, **told: Any) -> None:
        """Write a deed; beyond the cap and on a full disk, keep it in memory."""
        record = deed_record({"verb": verb, "at_us": time.time_ns() // 1000, **told})
        self._make_room(len(record), must=True)
        self._append(record)
        self.ended = self.ended or verb == "close"

    def begin(self) -> None:
        """Make the folder and the first segment."""
        with self.lock:
            self._make_room(1, must=True)

    def keep_file(self, source: Path | bytes) -> tuple[str, str, int]:
        """Store a copy of a file until it is shipped; returns what it is called in the journal, its digest and its size.

        Raises:
            OSError: the file cannot be read, or there is no room.
        """
        self.begin()
        if self.folder is None:
            raise OSError(self.full or "there is no journal on the disk")
        kept = self.folder / f"{new_id()}.file"
        try:
            if isinstance(source, Path):
                shutil.copyfile(source, kept)
            else:
                kept.write_bytes(source)
            kept.chmod(0o600)
            size = kept.stat().st_size
            return kept.name, (blake3().update_mmap(kept) if size else blake3()).hexdigest(), size
        except BaseException:
            kept.unlink(missing_ok=True)
            raise

    def view(self, number: int) -> tuple[Readable, int] | None:
        """A segment, and how far it is written; None if there is none."""
        with self.lock:
            if number == self.number:
                return self._buffer, self.at
            if number in self._memory:
                return self._memory[number]
            filled = self._sizes.get(number)
        if filled is None or self.folder is None:
            return None
        try:
            return mapped(self.folder / f"{number:08}{_SUFFIX}"), filled
        except FileNotFoundError:  # another process has shipped it
            return None

    def after(self, number: int) -> int | None:
        """The next segment beyond one."""
        with self.lock:
            return min((n for n in (*self._sizes, *self._memory, self.number) if n > number), default=None)

    def drop(self, number: int) -> None:
        """Delete a segment that was shipped."""
        with self.lock:
            in_memory = self._memory.pop(number, None) is not None
            self._sizes.pop(number, None)
        if self.folder is not None and not in_memory:
            (self.folder / f"{number:08}{_SUFFIX}").unlink(missing_ok=True)

    def settle(self) -> None:
        """Flush to disk, so that it survives the death of the machine."""
        if self.folder is not None:
            for found in self.folder.glob(f"*{_SUFFIX}"):
                with open(folders.open_file(found), "rb") as file:
                    os.fsync(file.fileno())

    def close(self) -> None:
        """Mark the journal as complete."""
        folders.unlock_file(self._alive)
        self._alive = -1

    def __reduce__(self) -> tuple[type[Journal], tuple[About, Path | None, int]]:
        """In another process: that of a child."""
        return Journal, (replace(self.about, child=True), self.home, self._cap_bytes)

    def forked(self) -> None:
        """In the child of a fork: what follows goes into a journal of its own, opened when something is logged."""
        self.lock = threading.Lock()
        self.close()
        self.id = new_id()
        self.about = replace(self.about, child=True)
        self._clear()

    def _append(self, record: bytes) -> None:
        end = self.at + len(record)
        self._buffer[self.at : end] = record
        self.at = end

    def _make_room(self, size: int, *, must: bool = False) -> bool:
        """Whether so many bytes fit into the present segment, or a new one."""
        if self.at + size <= self._room:
            return True
        if not must and time.monotonic() < self._again_s:
            return False
        length = max(min(_FIRST_BYTES << 2 * (self.number + 1), _SEGMENT_BYTES), size + BEGIN)
        buffer = self._on_disk(length)
        in_memory = buffer is None
        if buffer is None and (must or sum(len(held) for held, _ in self._memory.values()) + length <= _MEMORY_BYTES):
            buffer = bytearray(MAGIC.ljust(length, b"\0"))
        if buffer is None:
            self._again_s = time.monotonic() + _AGAIN_S
            return False
        if self.number in self._memory:
            self._memory[self.number] = (self._buffer, self.at)
        elif self.number >= 0:
            self._sizes[self.number] = self.at
        self.number += 1
        if in_memory:
            self._memory[self.number] = (buffer, BEGIN)
        self._buffer, self.at, self._room, self._layouts = buffer, BEGIN, length, {}
        return True

    def _on_disk(self, length: int) -> Any:
        """A new segment on the disk; None if it has no room, or must not be filled further."""
        if self.home is None:
            return None
        try:
            if self.folder is None:
                folder = folders.folder_of(self.home, self.about.run) / self.id
                self._alive = folders.make(folder, self.about)
                self.folder = folder
            self._check_room(length)
            made = _preallocated(self.folder / f"{self.number + 1:08}{_SUFFIX}", length)
        except OSError as error:
            self.full = error.strerror or str(error)
            return None
        self.full = ""
        return made

    def _check_room(self, length: int) -> None:
        if sum(self._sizes.values()) + length > self._cap_bytes:
            raise OSError(f"the journal has reached its {self._cap_bytes >> 20} MiB (OSTINATO_JOURNAL_MB)")
        room = os.statvfs(self.home or ".")
        free, total = room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
        if free - length < min(_RESERVE_BYTES, _RESERVE_SHARE * total):
            raise OSError("the disk is nearly full, and the rest is left to the training")


class LeftJournal:
    """The journal of another process, to be read and removed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name
        self.about = folders.about(folder)

    def view(self, number: int) -> tuple[Readable, int] | None:
        """A segment, whole; where what is written ends shows when it is read."""
        try:
            held = mapped(self.folder / f"{number:08}{_SUFFIX}")
        except (FileNotFoundError, ValueError):
            return None
        return held, len(held)

    def drop(self, number: int) -> None:
        """Remove a segment that was shipped."""
        (self.folder / f"{number:08}{_SUFFIX}").unlink(missing_ok=True)

    def after(self, number: int) -> int | None:
        """The next segment beyond one; those that were in the memory of a dead process are not there."""
        return min((n for found in self.folder.glob(f"*{_SUFFIX}") if (n := int(found.stem)) > number), default=None)


def mapped(path: Path) -> mmap.mmap:
    """A file as a buffer, read only."""
    with open(folders.open_file(path), "rb") as file:
        return mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)


def _preallocated(path: Path, length: int) -> mmap.mmap:
    """A new file of that length, every block of it written, so that no later write can find the disk full; mapped.

    It has its name once it is whole: who ships the journal sees all of it, or nothing.
    """
    new = path.with_suffix(_NEW)
    fd = folders.open_file(new, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        if os.write(fd, MAGIC.ljust(length, b"\0")) != length:
            raise OSError("the disk is full")
        made = mmap.mmap(fd, length)
        new.rename(path)
        return made
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)
