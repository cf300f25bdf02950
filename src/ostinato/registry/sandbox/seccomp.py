"""The seccomp filter: the exact list of system calls that scoring needs. None starts a process or opens a socket."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterable

_ALLOWED = """
    read 0 63, write 1 64, futex 202 98, mmap 9 222, munmap 11 215, mprotect 10 226, madvise 28 233, brk 12 214, pread64 17 67,
    lseek 8 62, close 3 57, fstat 5 80, newfstatat 262 79, statx 332 291, getdents64 217 61, readlinkat 267 78, readlink 89 -,
    access 21 -, faccessat 269 48, faccessat2 439 439, stat 4 -, lstat 6 -, clock_gettime 228 113, clock_getres 229 114,
    clock_nanosleep 230 115, nanosleep 35 101, gettimeofday 96 169, time 201 -, sched_yield 24 124, sched_getaffinity 204 123,
    sched_getparam 143 121, sched_getscheduler 145 120, getcpu 309 168, getrandom 318 278, getpid 39 172, gettid 186 178,
    getppid 110 173, getuid 102 174, geteuid 107 175, getgid 104 176, getegid 108 177, getresuid 118 148, getresgid 120 150,
    getgroups 115 158, getpgrp 111 -, getpgid 121 155, getsid 124 156, rt_sigaction 13 134, rt_sigprocmask 14 135,
    rt_sigreturn 15 139, rt_sigpending 127 136, rt_sigtimedwait 128 137, sigaltstack 131 132, restart_syscall 219 128,
    set_robust_list 273 99, get_robust_list 274 100, set_tid_address 218 96, rseq 334 293, membarrier 324 283, arch_prctl 158 -,
    exit 60 93, exit_group 231 94, mremap 25 216, msync 26 227, mincore 27 232, mbind 237 235, get_mempolicy 239 236,
    set_mempolicy 238 237, readv 19 65, writev 20 66, preadv 295 69, dup 32 23, dup2 33 -, dup3 292 24, pipe 22 -, pipe2 293 59,
    poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72, epoll_create1 291 20, epoll_ctl 233 21, epoll_wait 232 -,
    epoll_pwait 281 22, eventfd2 290 19, timerfd_create 283 85, timerfd_settime 286 86, timerfd_gettime 287 87, getrusage 98 165,
    times 100 153, sysinfo 99 179, uname 63 160, getcwd 79 17, getpriority 140 141, getrlimit 97 163, fadvise64 221 223,
    readahead 187 213, fstatfs 138 44, statfs 137 43, close_range 436 436, setitimer 38 103, getitimer 36 102
"""
"""Name, and number on x86_64 and on aarch64."""
_CHECKED = {
    "clone": (56, 220), "openat": (257, 56), "kill": (62, 129), "tgkill": (234, 131), "prlimit64": (302, 261), "ioctl": (16, 29),
    "fcntl": (72, 25), "prctl": (157, 167),
}  # fmt: skip
"""What is allowed with some arguments only."""
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""The kernel's word for a machine, and which of the numbers are of it."""
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # is it a terminal, how wide, how much is there, blocking or not, close on exec
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 1030)  # not F_SETOWN and F_SETSIG: by these a process sends signals to another
_PRCTL = (15, 16, 0x53564D41)  # the name of a thread, and of memory
_CLONE_THREAD, _UNKNOWN_FROM = 0x10000, 450

_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x54, 0x06
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_NO, _ABSENT = _FAIL | 1, _FAIL | 38  # EPERM; ENOSYS, on which a library tries an older call
_SET_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2

Code = list[tuple[int, int, int, int]]


class _Program(ctypes.Structure):
    _fields_ = (("size", ctypes.c_ushort), ("code", ctypes.c_char_p))


def allow_only_scoring() -> bool:
    """Restrict this thread, and threads that it starts, to these system calls; False if the kernel does not support that."""
    if platform.machine() not in _MACHINES:
        return False
    code = b"".join(struct.pack("<HBBI", *one) for one in _program(*_MACHINES[platform.machine()], os.getpid()))
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(code) // 8, code)
    return bool(libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 and libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0)


def _program(machine: int, column: int, pid: int) -> Code:
    code: Code = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, machine), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    for numbers in (line.split()[1:] for line in _ALLOWED.replace("\n", " ").split(",")):
        if numbers[column] != "-":
            code += [(_EQUAL, 0, 1, int(numbers[column])), (_RETURN, 0, 0, _ALLOW)]
    for name, body in _checks(pid).items():
        code += [(_EQUAL, 0, len(body), _CHECKED[name][column]), *body]
    # what is newer than this list, and clone3, whose arguments a filter cannot see, are as if the kernel did not know them
    return [*code, (_AT_LEAST, 1, 0, _UNKNOWN_FROM), (_EQUAL, 0, 1, 435), (_RETURN, 0, 0, _ABSENT), (_RETURN, 0, 0, _NO)]


def _checks(pid: int) -> dict[str, Code]:
    truncating = [(_AND, 0, 0, os.O_TRUNC | os.O_ACCMODE), (_EQUAL, 0, 1, os.O_TRUNC), (_RETURN, 0, 0, _NO), (_RETURN, 0, 0, _ALLOW)]
    return {
        "clone": [_argument(0), (_ANY_BIT, 0, 1, _CLONE_THREAD), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _NO)],
        "openat": [_argument(2), *truncating],  # Landlock saw it only later
        "kill": _one_of(0, (pid,)),
        "tgkill": _one_of(0, (pid,)),
        "prlimit64": [
            _argument(2), (_EQUAL, 0, 3, 0), _argument(2, 4), (_EQUAL, 0, 1, 0), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _NO),
        ],
        "ioctl": _one_of(1, _IOCTL),
        "fcntl": _one_of(1, _FCNTL),
        "prctl": _one_of(0, _PRCTL),
    }  # fmt: skip


def _argument(place: int, half: int = 0) -> tuple[int, int, int, int]:
    return _LOAD, 0, 0, 16 + 8 * place + half


def _one_of(place: int, values: Iterable[int]) -> Code:
    code: Code = [_argument(place)]
    for value in values:
        code += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
    return [*code, (_RETURN, 0, 0, _NO)]
