"""The Landlock rules: the files that may be read. Nothing may be written, and nothing else opened."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}
"""Everything that can be done to a file, by the version of Landlock."""
_ALL_NET, _ALL_SCOPES = 3, 3
_SYSTEM = (
    "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime", "/dev/null",
    "/dev/zero", "/dev/random", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu", "/sys/devices/system/node",
    "/proc/self/maps",
)  # fmt: skip


def code_places() -> list[Path]:
    """The folders of Python, its packages and the system libraries."""
    named = {*sys.path, sys.prefix, sys.base_prefix, *_SYSTEM} - {""}
    return sorted(path for path in map(Path, named) if path.is_absolute() and path != Path("/") and os.access(path, os.R_OK))


def read_only(places: Iterable[Path]) -> bool:
    """Restrict this thread, and threads that it starts, to reading these paths; False if the kernel does not support that."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rules = struct.pack("<Q", _RIGHTS[min(version, 5)])
    rules += struct.pack("<Q", _ALL_NET) if version >= 4 else b""
    rules += struct.pack("<Q", _ALL_SCOPES) if version >= 6 else b""
    ruleset = libc.syscall(_CREATE, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return False
    try:
        return all(_allow(libc, ruleset, place) for place in places) and libc.syscall(_RESTRICT, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, place: Path) -> bool:
    opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = _READ_FILE | (_READ_DIR if place.is_dir() else 0)
        return bool(libc.syscall(_ADD, ruleset, 1, struct.pack("<Qi", rights, opened), 0) == 0)
    finally:
        os.close(opened)
